"""What can go wrong with the ledger, in words for people.

Belongs here: exception types. Doesn't belong here: when they are raised.
"""

from mfg_assets.errors import MfgError


class LedgerError(MfgError):
    """The ledger can't be opened or used, or an act can't be done to what it holds."""


class ConflictError(LedgerError):
    """Somebody else acted first: what the caller has seen is no longer how it stands."""
