"""The first shape: exceptions with their history, the audit log, acts on dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSTANT = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_APPEND_ONLY = ("exception_event", "audit_log", "dead_letter_act")


def upgrade() -> None:
    """Make the tables, and let the database itself refuse to change or delete history."""
    op.create_table(
        "exception",
        sa.Column("exception_id", sa.String(20), primary_key=True),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("class", sa.Text, nullable=False),
        sa.Column("business_key", sa.Text, nullable=False),
        sa.Column("plant_id", sa.Text),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("owner_role", sa.Text),
        sa.Column("escalate_to", sa.Text),
        sa.Column("assignee", sa.Text),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("service_seconds", sa.Integer),
        sa.Column("due_at", _INSTANT),
        sa.Column("escalated_at", _INSTANT),
        sa.Column("snoozed_until", _INSTANT),
        sa.Column("accepted_until", _INSTANT),
        sa.Column("resolved_at", _INSTANT),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolution", sa.Text),
        sa.Column("is_observed", sa.Boolean, nullable=False),
        sa.Column("seen_inputs", sa.String(64)),
        sa.Column("finding_count", sa.Integer, nullable=False),
        sa.Column("value_at_stake", sa.Double),
        sa.Column("currency", sa.String(3)),
        sa.Column("suggested_action", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("correlation_ids", sa.Text, nullable=False),
        sa.UniqueConstraint("domain", "class", "business_key", name="exception_key"),
    )
    op.create_index("exception_queue", "exception", ["state", "owner_role", "plant_id", "class"])
    op.create_table(
        "exception_event",
        sa.Column("event_id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("exception_id", sa.String(20), sa.ForeignKey("exception.exception_id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("details", sa.Text),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("exception_id", "version", name="exception_event_version"),
    )
    op.create_index("exception_event_audit", "exception_event", ["audit_sequence"])
    op.create_table(
        "audit_log",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, unique=True),
        sa.Column("previous_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("audit_log_kind", "audit_log", ["kind", "subject"])
    op.create_table(
        "dead_letter_act",
        sa.Column("act_id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("dead_letter_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("batch_id", sa.Text),
        sa.Column("details", sa.Text),
        sa.Column("audit_sequence", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("dead_letter_id", "attempt", name="dead_letter_act_attempt"),
    )
    _refuse_changes()


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "create function mfg_append_only() returns trigger language plpgsql as "
            "$$ begin raise exception '% is append-only', tg_table_name; end $$"
        )
        for table in _APPEND_ONLY:
            op.execute(
                f"create trigger {table}_append_only before update or delete or truncate on {table} "
                "for each statement execute function mfg_append_only()"
            )
        return
    for table in _APPEND_ONLY:
        for change in ("update", "delete"):
            op.execute(
                f"create trigger {table}_no_{change} before {change} on {table} "
                f"begin select raise(abort, '{table} is append-only'); end"
            )


def downgrade() -> None:
    """Refused: history that people wrote would be gone."""
    raise NotImplementedError("the ledger's first shape can't be taken back: it would drop what people wrote")
