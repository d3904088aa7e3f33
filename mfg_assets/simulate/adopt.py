"""Simulated systems take released changes over: what a message says is what its system holds from then on.

Belongs here: reading messages that a folder deliverer wrote, and the edits of `held` that they amount to.
Doesn't belong here: making messages (`release`), what is wrong (`defects`).

A system takes a message by the rule that docs/releases.md gives to receivers: newer numbers win, `after` is all that is
held of a part. What was taken is kept beside the truth, since each delivery makes its world anew. An ERP answers with
its next extract, a MES also with an acknowledgement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from mfg_assets.errors import Problem, UsageError
from mfg_assets.simulate import truth
from mfg_assets.warehouse.sql import identifier

FILE = "adopted.jsonl"
# Work on what came since the last delivery begins an hour after it.
_AFTER = timedelta(hours=1)
# A bill's line in a message → the column of `held` that is written as it is said.
_LINE = {
    "is_fixed_quantity": "is_fixed_quantity",
    "scrap_fraction": "component_scrap",
    "scrap_method": "scrap_method",
    "is_phantom": "is_phantom",
    "alternate_group": "alternate_group",
    "alternate_priority": "alternate_priority",
    "reference_designators": "reference_designators",
    "component_revision": "component_revision",
    "effective_from": "effective_from",
    "effective_to": "effective_to",
}


@dataclass(frozen=True)
class Adopted:
    """A message and when its system took it over."""

    at: datetime
    message: Mapping[str, Any]


Stated = tuple[datetime, Any]
"""When a message last spoke of a part, and what is held of it since, in words of messages."""


class _RefusedError(Exception):
    """The system has no place for it."""


def read(estate: Path, folder: Path | None, previous_cut: datetime) -> tuple[Adopted, ...]:
    """What was taken over before, and what waits in a folder; messages known by their key are taken once.

    Raises:
        UsageError: the folder isn't there, or holds a file that is no message.
    """
    kept = estate / truth.FOLDER / FILE
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
    before = [Adopted(datetime.fromisoformat(one["at"]), one["message"]) for one in map(json.loads, lines)]
    known = {one.message["idempotency_key"] for one in before}
    new = {m["idempotency_key"]: m for m in _messages(folder)} if folder is not None else {}
    ordered = sorted(
        (m for key, m in new.items() if key not in known), key=lambda m: (m["sequence"], m["idempotency_key"])
    )
    start = previous_cut + _AFTER
    return (*before, *(Adopted(start + timedelta(seconds=n), message) for n, message in enumerate(ordered)))


def write(out: Path, adopted: Sequence[Adopted]) -> None:
    """Keep what was taken over; nothing where there is nothing."""
    if adopted:
        lines = (json.dumps({"at": one.at.isoformat(), "message": one.message}, sort_keys=True) for one in adopted)
        (out / truth.FOLDER).mkdir(parents=True, exist_ok=True)
        (out / truth.FOLDER / FILE).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def apply(con: DuckDBPyConnection, adopted: Iterable[Adopted]) -> None:
    """Change `held` as the systems did, one message at a time and each as a whole."""
    newest: dict[tuple[str, ...], int] = {}
    stated: dict[tuple[str, ...], Stated] = {}
    for one in adopted:
        message = one.message
        con.execute("begin")
        try:
            for change in message["changes"]:
                part = (message["target"], message["object_type"], message["object_key"], change["key"])
                if message["sequence"] > newest.get(part, 0):
                    _change(con, message, change, one.at, stated.get(part))
        except _RefusedError as refusal:
            con.execute("rollback")
            _answer(con, one, "rejected", str(refusal))
            continue
        con.execute("commit")
        for change in message["changes"]:
            part = (message["target"], message["object_type"], message["object_key"], change["key"])
            if message["sequence"] > newest.get(part, 0):
                newest[part], stated[part] = message["sequence"], (one.at, change["after"])
        _answer(con, one, "processed", None)


def _messages(folder: Path) -> Iterable[Mapping[str, Any]]:
    # Those who only simulate don't pay for reading a schema.
    from mfg_assets.release.message import validator

    if not folder.is_dir():
        raise UsageError(Problem("there is no such folder", folder, fix="name the folder that releases are put in"))
    for file in sorted(folder.rglob("[!.]*.json")):
        try:
            message = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(Problem(f"this is no message: {error}", file, fix="take it out of the folder")) from None
        problem = next(iter(validator().iter_errors(message)), None)
        if problem is not None:
            raise UsageError(
                Problem(f"this is no message: {problem.message}", file, fix="`mfg release schema` says what one is")
            )
        yield message


def _change(
    con: DuckDBPyConnection,
    message: Mapping[str, Any],
    change: Mapping[str, Any],
    at: datetime,
    stated: Stated | None,
) -> None:
    system, key = message["target_system"], message["object_key"]
    match message["object_type"]:
        case "bom_header":
            plant, parent = key.split("|")
            _lines(con, system, plant, parent, change, at, stated)
        case "routing_operation":
            plant, item, alternative, operation = key.split("|")
            own = {"plant_id": plant, "item_number": item, "alternative": alternative, "operation_sequence": operation}
            _attribute(con, "routing_operation", system, own, change, at, stated)
        case "item":
            _attribute(con, "item", system, {"item_number": key}, change, at, stated)
        case other:
            raise _RefusedError(f"{other} is entered by people here")


def _attribute(
    con: DuckDBPyConnection,
    entity: str,
    system: str,
    key: Mapping[str, str],
    change: Mapping[str, Any],
    at: datetime,
    stated: Stated | None,
) -> None:
    rows = _held(con, entity, system, key, at)
    then = _held(con, entity, system, key, stated[0]) if stated is not None else []
    before = _before(change, rows, stated, then)
    if not rows or change["key"] not in rows[0]:
        raise _RefusedError(f"there is nothing here that has {change['key']}")
    for row in rows:
        value = change["after"]
        if change["key"] in ("setup_time", "run_time") and value is not None and Decimal(before or 0):
            # Messages say minutes, systems have units of their own.
            value = Decimal(value) * Decimal(row[change["key"]]) / Decimal(before)
        _again(con, entity, row, {change["key"]: value}, at)


def _lines(
    con: DuckDBPyConnection,
    system: str,
    plant: str,
    parent: str,
    change: Mapping[str, Any],
    at: datetime,
    stated: Stated | None,
) -> None:
    """A component's lines in a bill become those of the message: changed where there is one, else made or ended."""
    bill = {"parent_item_number": parent, "plant_id": plant}
    headers = {row["alternative"]: row for row in _held(con, "bom_header", system, bill, at)}
    rows = _held(con, "bom_line", system, {**bill, "component_item_number": change["key"]}, at)
    rows.sort(key=_order)
    part = {**bill, "component_item_number": change["key"]}
    then = _held(con, "bom_line", system, part, stated[0]) if stated is not None else []
    seen = sorted(_before(change, rows, stated, then) or (), key=_order)
    for after in sorted(change["after"] or (), key=_order):
        header = headers.get(after["alternative"])
        if header is None:
            raise _RefusedError(f"there is no bill {parent} here with the alternative {after['alternative']}")
        before = _take(seen, after["alternative"])
        row = _take(rows, after["alternative"])
        if row is None:
            _insert_line(con, system, header, change, after, at)
            continue
        values = {
            column: after[name]
            for name, column in _LINE.items()
            if before is None or before.get(name) != after.get(name)
        }
        if before is None or any(before[n] != after[n] for n in ("quantity_per", "unit", "is_fixed_quantity")):
            values |= _quantity(row, header, before, after)
        _again(con, "bom_line", row, values, at)
    for row in rows:
        _end(con, "bom_line", row, at)


def _before(
    change: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    stated: Stated | None,
    then: Sequence[Mapping[str, Any]],
) -> Any:
    """What rows hold, in words of messages: what the last message said, if they are as they were `then`.

    A message says what the platform saw, which may be of before another message.
    """
    return stated[1] if stated is not None and _contents(rows) == _contents(then) else change["before"]


def _contents(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    own = ({name: value for name, value in row.items() if name not in ("visible_from", "visible_to")} for row in rows)
    return sorted(own, key=lambda row: row["row_id"])


def _quantity(
    row: Mapping[str, Any], header: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> dict[str, Any]:
    wanted = Decimal(after["quantity_per"])
    is_same_kind = before is not None and all(before[n] == after[n] for n in ("unit", "is_fixed_quantity"))
    if is_same_kind and before is not None and Decimal(before["quantity_per"]):
        # Whatever unit and base quantity the system words it in.
        return {"quantity": row["quantity"] * wanted / Decimal(before["quantity_per"])}
    base = 1 if after["is_fixed_quantity"] else header["base_quantity"]
    return {"quantity": wanted * base, "unit": after["unit"]}


def _insert_line(
    con: DuckDBPyConnection,
    system: str,
    header: Mapping[str, Any],
    change: Mapping[str, Any],
    after: Mapping[str, Any],
    at: datetime,
) -> None:
    names = ("parent_item_number", "plant_id", "usage", "alternative")
    known = _once_held(
        con, system, {**{name: header[name] for name in names}, "component_item_number": change["key"]}, at
    )
    line_id = f"R{after['position'] or ''}{change['key']}"
    row = {
        **{name: header[name] for name in names},
        "line_id": line_id,
        "position": after["position"],
        "component_item_number": change["key"],
        "engineering_change_in": next(iter(change["change_numbers"]), None),
        "source_system": system,
        "row_id": "|".join(str(header[name]) for name in names) + f"||{line_id}|{at.isoformat()}",
        **_quantity({}, header, None, after),
    }
    if known is not None:
        own_unit = known["unit"] != after["unit"]
        row = {**known, **({} if own_unit else _quantity({}, header, None, after))}
    _insert(con, "bom_line", {**row, **{column: after.get(n) for n, column in _LINE.items()}, "visible_from": at})


def _once_held(con: DuckDBPyConnection, system: str, key: Mapping[str, str], at: datetime) -> dict[str, Any] | None:
    """The same line as the system held it before, or is going to: nobody enters it beside itself.

    It has the system's own words; `visible_to` is when the system would hold it anyway.
    """
    conditions = " and ".join(f"{identifier(column)} = ${column}" for column in key)
    found = con.execute(
        f"""
        with same as (select * from held.bom_line where source_system = $system and {conditions})
        select
            * replace ((
                select min(later.visible_from) from same as later
                where later.row_id = same.row_id and later.visible_from > $moment
            ) as visible_to)
        from same
        where row_id not in (
            select row_id from same where visible_from <= $moment and (visible_to is null or $moment < visible_to)
        )
        order by visible_from > $moment, abs(epoch(visible_from) - epoch($moment)), row_id
        limit 1
        """,
        {"system": system, "moment": at, **key},
    )
    names = [column[0] for column in found.description or ()]
    row = found.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def _held(
    con: DuckDBPyConnection, entity: str, system: str, key: Mapping[str, str], at: datetime
) -> list[dict[str, Any]]:
    """What the system holds at an instant."""
    conditions = " and ".join(f"{identifier(column)}::varchar = ${column}" for column in key)
    found = con.execute(
        f"select * from held.{identifier(entity)} where source_system = $system and {conditions} "
        "and visible_from <= $moment and (visible_to is null or $moment < visible_to) order by row_id",
        {"system": system, "moment": at, **key},
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _again(
    con: DuckDBPyConnection, entity: str, row: Mapping[str, Any], values: Mapping[str, Any], at: datetime
) -> None:
    """Another version of a row, from an instant on as long as the one that it follows would have been held."""
    _end(con, entity, row, at)
    _insert(con, entity, {**row, **values, "visible_from": at})


def _end(con: DuckDBPyConnection, entity: str, row: Mapping[str, Any], at: datetime) -> None:
    con.execute(
        f"update held.{identifier(entity)} set visible_to = $moment "
        "where source_system = $system and row_id = $row_id and visible_from = $since",
        {"moment": at, "system": row["source_system"], "row_id": row["row_id"], "since": row["visible_from"]},
    )


def _insert(con: DuckDBPyConnection, entity: str, row: Mapping[str, Any]) -> None:
    columns = ", ".join(identifier(name) for name in row)
    con.execute(
        f"insert into held.{identifier(entity)} ({columns}) values ({', '.join('?' * len(row))})", list(row.values())
    )


def _answer(con: DuckDBPyConnection, one: Adopted, state: str, detail: str | None) -> None:
    """Only shop floors send acknowledgements; of an ERP, its extracts are the answer."""
    message = one.message
    if message["target_kind"] != "mes":
        return
    event_id = f"ACK-{message['idempotency_key'][:32]}"
    _insert(
        con,
        "sync_acknowledgement",
        {
            "event_id": event_id,
            "target_system": message["target_system"],
            "plant_id": message["plant_id"],
            "object_type": message["object_type"],
            "object_key": message["object_key"],
            "version": str(message["sequence"]),
            "acknowledgement_state": state,
            "detail": detail,
            "event_at": one.at,
            "source_system": message["target_system"],
            "row_id": event_id,
            "visible_from": one.at + timedelta(seconds=30),
        },
    )


def _order(line: Mapping[str, Any]) -> tuple[str, str]:
    return str(line["alternative"]), str(line["effective_from"] or "")


def _take(lines: list[Any], alternative: str) -> Any | None:
    """The first of the lines of an alternative; it is taken out."""
    for place, line in enumerate(lines):
        if line["alternative"] == alternative:
            return lines.pop(place)
    return None
