"""The published state in PostgreSQL, for readers that want SQL, roles and rows of their plant only.

Belongs here: bringing the schema `mfg` to the version in force, in one transaction.
Doesn't belong here: making versions (`publish`), when this happens (defs, cli).
"""

from mfg_assets.serving.connection import ServingError, serving_url
from mfg_assets.serving.sync import ServingResult, sync

__all__ = ["ServingError", "ServingResult", "serving_url", "sync"]
