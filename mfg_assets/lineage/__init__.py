"""Lineage of values: from what readers see back to the bytes that it came from.

Belongs here: walking a published value back. Doesn't belong here: lineage between columns (warehouse.column_lineage).
"""

from mfg_assets.lineage.model import Origin, Step, Trace
from mfg_assets.lineage.trace import trace

__all__ = ["Origin", "Step", "Trace", "trace"]
