"""The ledger's tables, as SQLAlchemy Core knows them.

Belongs here: tables and column types that SQLite and PostgreSQL share. Doesn't belong here: how a database gets to
this shape (`migrations`), what is written and when (`observe`, `acts`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_ISO = "%Y-%m-%dT%H:%M:%S.%fZ"


class Instant(TypeDecorator[datetime]):
    """An instant in UTC. SQLite has no type for it, so it is kept there as text of one width, which sorts by time."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """PostgreSQL's own type where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse local times: they would be stored as another instant without a word."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.strftime(_ISO)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Back to an aware datetime in UTC."""
        if value is None or isinstance(value, datetime):
            return None if value is None else value.astimezone(UTC)
        return datetime.fromisoformat(value)


# SQLite numbers rows by itself only where the key is called INTEGER.
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

exception = Table(
    "exception",
    metadata,
    Column("exception_id", String(20), primary_key=True),
    Column("domain", Text, nullable=False),
    Column("class", Text, nullable=False, key="finding_class"),
    Column("business_key", Text, nullable=False),
    Column("plant_id", Text),
    Column("severity", String(8), nullable=False),
    Column("owner_role", Text),
    Column("escalate_to", Text),
    Column("assignee", Text),
    Column("state", String(12), nullable=False),
    Column("version", Integer, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("service_seconds", Integer),
    Column("due_at", Instant),
    Column("escalated_at", Instant),
    Column("snoozed_until", Instant),
    Column("accepted_until", Instant),
    Column("resolved_at", Instant),
    Column("resolved_by", Text),
    Column("resolution", Text),
    Column("is_observed", Boolean, nullable=False),
    Column("seen_inputs", String(64)),
    Column("finding_count", Integer, nullable=False),
    Column("value_at_stake", Double),
    Column("currency", String(3)),
    Column("suggested_action", Text),
    Column("evidence", Text),
    Column("correlation_ids", Text, nullable=False),
    # One row per class and key for ever: what returns reopens, so a second open one can't be written at all.
    UniqueConstraint("domain", "finding_class", "business_key", name="exception_key"),
    Index("exception_queue", "state", "owner_role", "plant_id", "finding_class"),
)

exception_event = Table(
    "exception_event",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=True),
    Column("exception_id", String(20), ForeignKey("exception.exception_id"), nullable=False),
    # An exception's version counts its events, so no event can be written twice and none left out.
    Column("version", Integer, nullable=False),
    Column("act", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("details", Text),
    Column("audit_sequence", BigInteger, nullable=False),
    UniqueConstraint("exception_id", "version", name="exception_event_version"),
    Index("exception_event_audit", "audit_sequence"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    # The same request or fact a second time is refused by the database, whoever repeats it after a crash.
    Column("request_id", Text, unique=True),
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
    Index("audit_log_kind", "kind", "subject"),
)

dead_letter_act = Table(
    "dead_letter_act",
    metadata,
    Column("act_id", Serial, primary_key=True, autoincrement=True),
    Column("dead_letter_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("act", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("batch_id", Text),
    Column("details", Text),
    Column("audit_sequence", BigInteger, nullable=False),
    UniqueConstraint("dead_letter_id", "attempt", name="dead_letter_act_attempt"),
)

release_message = Table(
    "release_message",
    metadata,
    # Made of the message's content and number: the same message has the same key, whoever makes it anew.
    Column("idempotency_key", String(64), primary_key=True),
    Column("target", Text, nullable=False),
    Column("target_system", Text, nullable=False),
    Column("plant_id", Text),
    Column("object_type", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("published_version", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("is_settled", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("prepared_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("acknowledged_at", Instant),
    Column("compensated_by", String(64)),
    UniqueConstraint("target", "object_type", "object_key", "sequence", name="release_message_sequence"),
    Index("release_message_due", "state", "target", "next_attempt_at"),
)

release_event = Table(
    "release_event",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=True),
    Column("idempotency_key", String(64), ForeignKey("release_message.idempotency_key"), nullable=False),
    Column("act", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", Text),
    Index("release_event_message", "idempotency_key"),
)

release_target = Table(
    "release_target",
    metadata,
    Column("target", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("open_until", Instant),
)
