"""The audit log: who did what, when, in an order that can't be changed afterwards without being noticed.

Belongs here: appending, reading and verifying entries. Doesn't belong here: the acts themselves.
"""

from mfg_assets.audit.log import AuditEntry, append, canonical, entries, record, verify

__all__ = ["AuditEntry", "append", "canonical", "entries", "record", "verify"]
