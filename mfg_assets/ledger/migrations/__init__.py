"""Steps from one shape of the ledger to the next, in Alembic's layout."""
