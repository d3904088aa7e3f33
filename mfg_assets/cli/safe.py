"""The old place of `mfg_assets.safe`, for whoever still looks here."""

from mfg_assets.safe import csv_cell, json_text, plain, printable

__all__ = ["csv_cell", "json_text", "plain", "printable"]
