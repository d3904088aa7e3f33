"""Dagster wiring, one folder per concern. Only here is Dagster imported; logic lives in the other packages."""
