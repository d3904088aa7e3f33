"""Released changes: what plants' ERP and MES should adopt, as messages in an outbox, delivered at least once.

Belongs here: the outbox and its deliverers. Doesn't belong here: what is asked of a plant and whether the gate lets it
go (dbt's `reconciliation/release`), wiring (`defs`), commands (`cli`).
"""

from mfg_assets.release.model import ReleaseError
from mfg_assets.release.run import Outcome, release, send, take_back_rollbacks

__all__ = ["Outcome", "ReleaseError", "release", "send", "take_back_rollbacks"]
