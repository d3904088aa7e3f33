"""Alembic's entry: runs migrations in the transaction that the store opened.

Belongs here: handing the connection over. Doesn't belong here: migrations themselves (`versions`).
"""

from alembic import context

from mfg_assets.ledger.store import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
