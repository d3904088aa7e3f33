"""The published table `exception`: the ledger as it stands, copied into the warehouse for the publisher.

Belongs here: the table's columns and the copy. Doesn't belong here: publishing (publish).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, case, func, or_, select

from mfg_assets.exceptions.model import SILENT
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import dead_letter_act, exception, exception_event
from mfg_assets.publish.model import PublishedTable
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

SCHEMA = "exceptions"

EXCEPTION = PublishedTable(
    name="exception",
    relation=f"{SCHEMA}.exception",
    key=("exception_id",),
    description="Every disagreement, refused batch, late feed and failed check: one row per class and business key.",
    columns={
        "exception_id": "Made of domain, class and business key: the same trouble keeps it for ever.",
        "domain": "bom, inventory, production, procurement …, and record, check, feed, publication.",
        "class": "The finding's class.",
        "business_key": "JSON object of what it is about.",
        "plant_id": "Plant; null where it concerns none.",
        "severity": "critical, high, medium, low or info, from the finding or the estate's exception rules.",
        "owner_role": "Role that has to mend it, from the estate.",
        "escalate_to": "Role that hears of it when it is overdue.",
        "assignee": "Person to whom it was assigned.",
        "state": "open, acknowledged, assigned, snoozed, accepted, resolved or reopened.",
        "version": "Number of entries in its history.",
        "first_seen_at": "As-of of the first run that saw it.",
        "last_seen_at": "As-of of the last run with new inputs that saw it.",
        "opened_at": "When it was last opened or reopened.",
        "due_at": "When its service level ends.",
        "escalated_at": "When it was passed on because it was overdue.",
        "snoozed_until": "Until when it is put aside.",
        "accepted_until": "Until when it is accepted.",
        "resolved_at": "When it was resolved.",
        "resolved_by": "Who resolved it; platform when it was no longer observed.",
        "resolution": "Why it counts as resolved.",
        "finding_count": "Findings of this class and key.",
        "value_at_stake": "Sum of the findings' values, in the currency.",
        "currency": "ISO 4217.",
        "suggested_action": "What to do about it, in a sentence.",
        "evidence": "JSON: the finding's evidence, or a list of the first ones.",
        "correlation_ids": "Ids that lead to landed records, batches and runs; the newest ten.",
    },
    is_ledger=True,
)
_TYPES = {
    "version": "integer",
    "finding_count": "integer",
    "value_at_stake": "decimal(28, 4)",
    "correlation_ids": "varchar[]",
}


def ensure_table(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The copy as a table, empty until a run has observed: KPIs are views over it, which dbt makes before that."""
    columns = ", ".join(f'"{name}" {_sql(name)}' for name in EXCEPTION.columns)
    warehouse.execute(f"create schema if not exists {SCHEMA}")
    warehouse.execute(f"create table if not exists {EXCEPTION.sql} ({columns})")


@dataclass(frozen=True)
class LedgerState:
    """What a copy of the ledger stands for; a ledger with the same marks before `next_change_at` needs no new copy."""

    last_event: int
    last_dead_letter_act: int
    next_change_at: datetime | None


def write_table(settings: Settings, ledger: Ledger) -> LedgerState:
    """Replace the warehouse's copy. Returns the state that it was copied in."""
    columns = [name for name in EXCEPTION.columns if name != "class"]
    with ledger.read() as connection:
        state = state_of(connection)
        rows = connection.execute(
            select(exception.c.finding_class.label("class"), *(exception.c[name] for name in columns))
        ).all()
    names = ["class", *columns]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    data = {name: list(value) for name, value in zip(names, values, strict=True)}
    data["correlation_ids"] = [json.loads(text) for text in data["correlation_ids"]]
    copied = pa.table({name: pa.array(data[name], type=_arrow(name)) for name in names})
    with connect(settings, settings.warehouse_path) as warehouse:
        _replace(warehouse, copied, state)
    return state


def _replace(warehouse: duckdb.DuckDBPyConnection, copied: pa.Table, state: LedgerState) -> None:
    selected = ", ".join(f'"{name}"::{_sql(name)} as "{name}"' for name in EXCEPTION.columns)
    warehouse.register("copied_exception", copied)
    warehouse.begin()
    warehouse.execute(f"create schema if not exists {SCHEMA}")
    warehouse.execute(f"create or replace table {EXCEPTION.sql} as select {selected} from copied_exception")
    warehouse.execute(f"create or replace table {SCHEMA}.ledger_state (state_json varchar)")
    warehouse.execute(f"insert into {SCHEMA}.ledger_state values (?)", [json.dumps(asdict(state), default=str)])
    warehouse.commit()
    warehouse.unregister("copied_exception")


def note_published(settings: Settings) -> None:
    """Keep which state of the ledger readers now see. Called after publication only."""
    with connect(settings, settings.warehouse_path, read_only=True) as warehouse:
        row = warehouse.execute(f"select state_json from {SCHEMA}.ledger_state").fetchone()
    path = _note(settings)
    aside = path.with_suffix(".tmp")
    aside.write_text(row[0] if row else "{}")
    aside.replace(path)


def is_current(settings: Settings, ledger: Ledger, at: datetime) -> bool:
    """Whether readers see the ledger as it stands, and nothing in it changes by time before an instant."""
    try:
        noted = json.loads(_note(settings).read_text())
        until = noted["next_change_at"]
        marks = (noted["last_event"], noted["last_dead_letter_act"])
    except (FileNotFoundError, ValueError, KeyError):
        return False
    with ledger.read() as connection:
        state = state_of(connection)
    due = until is not None and datetime.fromisoformat(until) <= at
    return marks == (state.last_event, state.last_dead_letter_act) and not due


def state_of(connection: Connection) -> LedgerState:
    """How the ledger stands now."""
    waiting = case(
        (exception.c.state == "snoozed", exception.c.snoozed_until),
        (exception.c.state == "accepted", exception.c.accepted_until),
        else_=exception.c.due_at,
    )
    following = select(func.min(waiting)).where(
        exception.c.state != "resolved",
        or_(exception.c.state.in_(SILENT), exception.c.escalated_at.is_(None)),
    )
    return LedgerState(
        connection.execute(select(func.coalesce(func.max(exception_event.c.event_id), 0))).scalar_one(),
        connection.execute(select(func.coalesce(func.max(dead_letter_act.c.act_id), 0))).scalar_one(),
        connection.execute(following).scalar(),
    )


def _note(settings: Settings) -> Path:
    return settings.warehouse_dir / "exceptions.json"


def _sql(name: str) -> str:
    return _TYPES.get(name, "timestamptz" if name.endswith(("_at", "_until")) else "varchar")


def _arrow(name: str) -> pa.DataType:
    if name.endswith(("_at", "_until")):
        return pa.timestamp("us", tz="UTC")
    return {
        "version": pa.int32(),
        "finding_count": pa.int32(),
        "value_at_stake": pa.float64(),
        "correlation_ids": pa.list_(pa.string()),
    }.get(name, pa.string())
