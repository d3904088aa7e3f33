"""Landing contracts: one Open Data Contract Standard YAML per entity in `entities/`, and their loader.

Belongs here: what each entity's records must look like when they land, and what is derived from that.
Doesn't belong here: how a system's columns map to a contract (estate) or how rows are cast (ingest).
"""

from mfg_assets.contracts.model import CODE_TYPES, PLATFORM_COLUMNS, Column, Contract, Reference
from mfg_assets.contracts.registry import contract, contracts

__all__ = ["CODE_TYPES", "PLATFORM_COLUMNS", "Column", "Contract", "Reference", "contract", "contracts"]
