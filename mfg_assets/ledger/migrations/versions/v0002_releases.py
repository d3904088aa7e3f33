"""The outbox of released changes: messages, what happened to each, and which receivers are left alone for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.String(27).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables; what happened to a message can't be changed afterwards."""
    op.create_table(
        "release_message",
        sa.Column("idempotency_key", sa.String(64), primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("target_system", sa.Text, nullable=False),
        sa.Column("plant_id", sa.Text),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
        sa.Column("published_version", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("is_settled", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", _INSTANT, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("prepared_at", _INSTANT, nullable=False),
        sa.Column("delivered_at", _INSTANT),
        sa.Column("acknowledged_at", _INSTANT),
        sa.Column("compensated_by", sa.String(64)),
        sa.UniqueConstraint("target", "object_type", "object_key", "sequence", name="release_message_sequence"),
    )
    op.create_index("release_message_due", "release_message", ["state", "target", "next_attempt_at"])
    op.create_table(
        "release_event",
        sa.Column("event_id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("idempotency_key", sa.String(64), sa.ForeignKey("release_message.idempotency_key"), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
    )
    op.create_index("release_event_message", "release_event", ["idempotency_key"])
    op.create_table(
        "release_target",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("open_until", _INSTANT),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "create trigger release_event_append_only before update or delete or truncate on release_event "
            "for each statement execute function mfg_append_only()"
        )
        return
    for change in ("update", "delete"):
        op.execute(
            f"create trigger release_event_no_{change} before {change} on release_event "
            "begin select raise(abort, 'release_event is append-only'); end"
        )


def downgrade() -> None:
    """Refused: what was sent to plants would be forgotten, and sent again."""
    raise NotImplementedError("the outbox can't be taken back: what was sent to plants would be sent again")
