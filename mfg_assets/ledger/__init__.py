"""The one database of the platform that is not computed: what people did, and what must not be lost.

Belongs here: its tables, migrations, opening it, transactions. Doesn't belong here: the meaning of what it holds
(`exceptions`, `audit`, `ingest.replay`).
"""

from mfg_assets.ledger.errors import ConflictError, LedgerError
from mfg_assets.ledger.store import Ledger, open_ledger

__all__ = ["ConflictError", "Ledger", "LedgerError", "open_ledger"]
