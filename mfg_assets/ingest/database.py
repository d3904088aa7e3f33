"""What a database has to land: the whole table, or what its cursor says is new; as files that landing then reads.

Belongs here: windows, high-water marks, what makes two reads the same. Doesn't belong here: SQL towards the database
(`connectors.database`), judging and committing (`reading`, `landing`).

The high-water mark stands in the manifest of the batch that it belongs to, so that rows and mark are committed by one
rename. What is remembered beside the batches only spares a read that would find nothing; lost, it costs that read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, SourceError, TransientSourceError
from mfg_assets.estate.systems import SqlConnector
from mfg_assets.ingest.completeness import Verdict
from mfg_assets.ingest.connectors.database import Mark, Session, State, Window, label, open_database, sqlite_path
from mfg_assets.ingest.identity import Identity, identify
from mfg_assets.ingest.manifest import BatchFile, BatchManifest, current_batches, read_extract_manifests
from mfg_assets.ingest.mapping import ExtractMapping
from mfg_assets.ingest.sources import Delivery
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, path_literal

STATE_FILE = "source.json"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:([T ])(\d{2}:\d{2}(?::\d{2})?)(\.\d+)?( ?(?:[zZ]|[+-]\d{2}(?::?\d{2}){0,2}))?)?"
)


@dataclass(frozen=True)
class Extraction:
    """Rows of a database in a file of the work folder, and what landing needs to know about them.

    `source` goes into the manifest; `said` is what the transaction proves, None where it proves nothing.
    """

    delivery: Delivery
    identity: Identity
    digests: dict[Path, str]
    folder: Path
    source: dict[str, Any]
    said: Verdict | None


@dataclass(frozen=True)
class _Step:
    """One window to read; `replaces` is the batch that another mapping made of it."""

    window: Window
    replaces: BatchManifest | None = None


def is_database(mapping: ExtractMapping) -> bool:
    """Whether the extract comes from a database."""
    return isinstance(mapping.system.connector, SqlConnector)


def extractions(
    mapping: ExtractMapping, place: Path, workdir: Path, settings: Settings, extracted_at: datetime
) -> Iterator[Extraction | None]:
    """Read what there is, oldest first; None stands for rows that have landed already.

    Whoever iterates lands each extraction before asking for the next.

    Raises:
        TransientSourceError: the database can't be reached, or the connection was lost.
        SourceError: the table, a column, the query, the user or the password is wrong.
    """
    state: str | None = None
    after: dict[str, str] = {}
    for number, step in enumerate(_steps(mapping, read_extract_manifests(place))):
        folder = workdir / f"read-{number}"
        folder.mkdir()
        target = folder / _file_name(mapping)
        is_open = step.replaces is None
        with open_database(mapping.estate, mapping.system) as session:
            if is_open:
                state = _state(mapping, session, step.window).exact
            is_known = is_open and _is_known(mapping, read_extract_manifests(place), state)
            source, said = ({}, None) if is_known else _read(mapping, session, step, target)
        if is_known:
            yield None
            continue
        if is_open and source["rows"] == 0 and mapping.extract.delivery != "snapshot":
            continue
        found = _extraction(mapping, step, target, source, said, place, settings, extracted_at)
        if found.identity.is_new:
            yield found
            if is_open:
                after = {found.identity.batch_id: _joined(source["tail_rows"], source["mark"])}
        else:
            yield None
    history = read_extract_manifests(place)
    landed = {m.batch_id for m in history if m.state == "landed"}
    if mapping.extract.cursor is not None:
        # Once the mark has moved, the next look counts from there.
        state = next((text for batch, text in after.items() if batch in landed), state)
    _remember(mapping, place, history, state)


def pending_facts(mapping: ExtractMapping, place: Path) -> list[tuple[str, int, int]]:
    """What landing has not seen yet, as a name that changes with it; empty when a read would find nothing.

    A database that can't be asked counts as pending, so that its extract runs and fails where people see it.
    """
    name = label(mapping.name, mapping.extract)
    history = read_extract_manifests(place)
    try:
        with open_database(mapping.estate, mapping.system) as session:
            step = _steps(mapping, history)[-1]
            state = _state(mapping, session, step.window)
    except SourceError:
        return [(f"{name} (not to be read)", 0, 0)]
    if state.exact is not None and _remembered(place) == _memory(mapping, history, state.exact):
        return []
    return [(name if state.hint is None else f"{name}@{hashlib.sha256(state.hint.encode()).hexdigest()[:8]}", 0, 0)]


def sample(mapping: ExtractMapping, workdir: Path) -> Delivery:
    """A delivery without rows, with the columns that the extract has now. Raises SourceError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from mfg_assets.ingest.connectors.table import unique_names

    with open_database(mapping.estate, mapping.system) as session:
        names, _ = unique_names(session.columns(mapping.extract))
        if mapping.extract.cursor is not None:
            session.extent(mapping.extract, Window(mapping.extract.cursor.column))
    target = workdir / _file_name(mapping)
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in names}), target)
    return Delivery((target,), {}, {}, datetime.fromtimestamp(0).astimezone())


def _file_name(mapping: ExtractMapping) -> str:
    return re.sub(r"[^\w.-]", "_", label(mapping.name, mapping.extract)).lstrip(".") or mapping.name


def _steps(mapping: ExtractMapping, history: list[BatchManifest]) -> list[_Step]:
    """Windows to read, the open one last.

    Rows that landed under another mapping are read again window by window, each in place of its batch.
    """
    cursor = mapping.extract.cursor
    if cursor is None:
        return [_Step(Window())]
    marked = [
        b.manifest
        for b in current_batches(history)
        if b.manifest.source is not None and b.manifest.source["column"] == cursor.column
    ]
    steps = [
        _Step(Window(cursor.column, _decoded(m.source["low"]), _decoded(m.source["mark"])), m)
        for m in marked
        if m.source is not None and m.mapping_hash != mapping.hash
    ]
    mark = _decoded(marked[-1].source["mark"]) if marked and marked[-1].source else None
    low = None if mark is None else _back(mark, cursor.overlap, mapping)
    return [*steps, _Step(Window(cursor.column, low))]


def _state(mapping: ExtractMapping, session: Session, window: Window) -> State:
    """What changes whenever a read may find something new."""
    if window.column is not None:
        extent = session.extent(mapping.extract, window)
        found = _joined(extent.rows, _encoded(extent.mark))
        return State(found, found)
    return session.state(mapping.extract, sqlite_path(mapping.estate, mapping.system))


def _joined(rows: int, mark: object) -> str:
    return f"{rows} rows up to {json.dumps(mark)}"


def _is_known(mapping: ExtractMapping, history: list[BatchManifest], state: str | None) -> bool:
    """Whether the newest batch already holds all that the cursor's window has."""
    if mapping.extract.cursor is None:
        return False
    live = [b.manifest for b in current_batches(history)]
    source = live[-1].source if live else None
    return (
        source is not None
        and source["column"] == mapping.extract.cursor.column
        and state == _joined(source["tail_rows"], source["mark"])
    )


def _read(
    mapping: ExtractMapping, session: Session, step: _Step, target: Path
) -> tuple[dict[str, Any], Verdict | None]:
    """Stream one window into a file. Returns the manifest's `source`, and what the transaction proves."""
    extract, window = mapping.extract, step.window
    extent = session.extent(extract, window)
    if extent.nulls:
        message = f"{extent.nulls:,} of {extent.rows:,} rows have no {window.column}, so that they would never be new"
        fix = "choose a cursor that is always filled, or fill it by query: with coalesce()"
        raise SourceError(Problem(message, fix=fix))
    nulls = frozenset(("", *(mapping.options.null_words or ())))
    rows = session.stream(extract, window, target, nulls)
    name = label(mapping.name, extract)
    if rows != extent.rows:
        message = f"{name} changed while it was read: {extent.rows:,} rows were counted, {rows:,} came"
        raise TransientSourceError(Problem(message, fix="it is read again"))
    # A window that was read before keeps its end, so that the next one still joins it.
    mark = window.high if step.replaces is not None else extent.mark
    tail_rows = 0
    if extract.cursor is not None and mark is not None:
        low = _back(mark, extract.cursor.overlap, mapping)
        tail_rows = session.extent(extract, Window(window.column, low)).rows
    source = {
        "column": window.column,
        "low": _encoded(window.low),
        "mark": _encoded(mark),
        "rows": rows,
        "tail_rows": tail_rows,
    }
    return source, _proof(mapping, session, name, rows)


def _proof(mapping: ExtractMapping, session: Session, name: str, rows: int) -> Verdict | None:
    if mapping.extract.delivery != "snapshot":
        return None
    if not session.is_consistent:
        return Verdict("unproven", f"{name} was read in a transaction that others may have written into")
    if rows == 0:
        return Verdict("unproven", f"{name} is empty, as it also is between being emptied and being filled")
    return Verdict("proven", f"{name}: {rows:,} rows counted and read in one transaction")


def _extraction(
    mapping: ExtractMapping,
    step: _Step,
    target: Path,
    source: dict[str, Any],
    said: Verdict | None,
    place: Path,
    settings: Settings,
    extracted_at: datetime,
) -> Extraction:
    digest = _content_hash(target, settings)
    if source["rows"] == 0 and step.replaces is not None:
        # Nothing is left of that window: an empty batch of its own has to stand in its place.
        digest = hashlib.sha256(f"nothing in place of {step.replaces.batch_id}".encode()).hexdigest()
    file = BatchFile(target.name, target.stat().st_size, digest, 0)
    own = (mapping.system.system, mapping.name)
    history = read_extract_manifests(place)
    identity = identify(own, mapping.extract.delivery, mapping.hash, (file,), extracted_at, history)
    old = step.replaces
    if old is not None and identity.is_new:
        identity = replace(identity, supersedes=old.batch_id, extracted_at=old.extracted_at)
    delivery = Delivery((target,), {}, {}, identity.extracted_at)
    return Extraction(delivery, identity, {target: digest}, target.parent, source, said)


def _content_hash(file: Path, settings: Settings) -> str:
    """The same for the same rows in whatever order: databases promise none."""
    with connect(settings, allowed_directories=(file.parent,)) as connection:
        rows = f"read_parquet({path_literal(file)})"
        names = sorted(row[0] for row in connection.execute(f"describe select * from {rows}").fetchall())
        packed = ", ".join(f"{identifier(name)} := {identifier(name)}" for name in names)
        counted = connection.execute(
            "select count(*), coalesce(sum(md5_number_lower(record)), 0)::varchar, "
            "coalesce(sum(md5_number_upper(record)), 0)::varchar "
            f"from (select cast(to_json(struct_pack({packed})) as varchar) as record from {rows})"
        ).fetchone()
    return hashlib.sha256(json.dumps([names, counted]).encode()).hexdigest()


def _back(mark: Mark, overlap: timedelta | int, mapping: ExtractMapping) -> Mark:
    """The mark less the overlap, in the way the mark is written."""
    if not overlap:
        return mark
    column = mapping.extract.cursor.column if mapping.extract.cursor else ""
    is_number = _NUMBER.fullmatch(mark) is not None if isinstance(mark, str) else not isinstance(mark, date)
    if is_number != isinstance(overlap, int):
        kind, fix = ("numbers", "such as 100") if is_number else ("times", "such as 15m")
        message = f"the cursor {column!r} holds {kind} ({mark}); its overlap can't be {overlap}"
        raise SourceError(Problem(message, fix=f"write cursor.overlap as one of {kind}, {fix}"))
    if isinstance(mark, str):
        return str(Decimal(mark) - Decimal(overlap)) if isinstance(overlap, int) else _earlier(mark, overlap, column)
    return mark - overlap  # pyright: ignore[reportOperatorIssue]


def _earlier(mark: str, overlap: timedelta, column: str) -> str:
    found = _TIME.fullmatch(mark.strip())
    if found is None:
        message = f"the cursor {column!r} holds {mark!r}, which is neither a number nor a time in ISO 8601"
        raise SourceError(Problem(message, fix="choose another cursor, or make one by query:"))
    day, separator, clock, fraction, zone = found.groups()
    if clock is None:
        return (datetime.fromisoformat(day) - overlap).date().isoformat()
    moment = datetime.fromisoformat(f"{day}T{clock}") - overlap
    text = moment.isoformat(separator, "seconds" if clock.count(":") == 2 else "minutes")
    return text + (fraction or "") + (zone or "")


def _encoded(mark: Mark | None) -> Any:
    """The mark in JSON; what JSON doesn't have goes with the name of its type."""
    if isinstance(mark, datetime | date):
        return ["datetime" if isinstance(mark, datetime) else "date", mark.isoformat()]
    return ["decimal", str(mark)] if isinstance(mark, Decimal) else mark


def _decoded(value: Any) -> Mark | None:
    if not isinstance(value, list):
        return value
    kind, text = value
    return {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "decimal": Decimal}[kind](text)


def _memory(mapping: ExtractMapping, history: Iterable[BatchManifest], state: str) -> dict[str, str]:
    batches = hashlib.sha256("".join(sorted(m.batch_id for m in history)).encode()).hexdigest()
    return {"state": state, "mapping": mapping.hash, "batches": batches}


def _remember(mapping: ExtractMapping, place: Path, history: Iterable[BatchManifest], state: str | None) -> None:
    if state is None:
        return
    place.mkdir(parents=True, exist_ok=True)
    aside = place / f".{STATE_FILE}.{os.getpid()}"
    aside.write_text(json.dumps(_memory(mapping, history, state)), encoding="utf-8")
    aside.replace(place / STATE_FILE)


def _remembered(place: Path) -> object:
    try:
        return json.loads((place / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
