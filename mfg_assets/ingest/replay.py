"""Refused records once more: as they were, after a mapping was mended, or with a value that a person corrected.

Belongs here: reading dead letters through the present mapping and landing what now holds, as a batch of its own.
Doesn't belong here: first landings (`landing`), who replays and how often (`letters`).

A replayed batch takes its place right behind the one that its records came from: same system, extract, time and
occurrence. Being unproven, it adds and updates only (rule 31). Its id is made of the records and the mapping, so the
same replay twice is the same batch, and a killed one has left nothing that anybody reads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import cast, zones
from mfg_assets.ingest.connectors import ROW, first_line
from mfg_assets.ingest.judge import Judgement, Stamp
from mfg_assets.ingest.landing import batch_folder
from mfg_assets.ingest.manifest import ASIDE_PREFIX, ROWS_FILE, BatchManifest, read_manifests, write_manifest
from mfg_assets.ingest.mapping import FILE, SOURCE, Compiled, ExtractMapping, Relations, mapping_of
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal, path_literal

REPLAY_FILE = "replay.json"
# A record that could not be taken apart has no columns to map.
UNREADABLE = "malformed_row"


@dataclass(frozen=True)
class Replay:
    """What came of one batch's letters.

    Attributes:
        batch: the batch that landed, None where nothing held.
        landed: ids of letters whose records landed.
        filtered: ids of letters that the mapping now leaves out.
        failed: id → why it still doesn't hold.
    """

    batch: BatchManifest | None
    landed: tuple[str, ...]
    filtered: tuple[str, ...]
    failed: Mapping[str, str]


def replay_letters(
    estate: Estate, settings: Settings, letters: Sequence[Mapping[str, Any]], *, run_id: str | None, now: datetime
) -> list[Replay]:
    """Land what now holds of some refused records, one batch per batch that they came from.

    Args:
        estate: the validated estate, whose mappings are used as they are now.
        settings: home and limits.
        letters: as `list_dead_letters` gives them; their payload may have been edited.
        run_id: on whose behalf.
        now: the time of landing.

    Raises:
        SourceError: the mapping can't be applied to these records at all.
    """
    manifests = {m.batch_id: m for m in read_manifests(settings.landing_dir)}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for letter in letters:
        groups.setdefault(str(letter["batch_id"]), []).append(letter)
    return [_replay(estate, settings, manifests[batch], group, run_id, now) for batch, group in sorted(groups.items())]


def replayed_ids(settings: Settings) -> dict[str, str]:
    """Letters whose records have landed by a replay: id → batch. Read from the batches themselves."""
    found: dict[str, str] = {}
    for path in settings.landing_dir.glob(f"*/*/*/{REPLAY_FILE}"):
        if not path.parent.name.startswith("."):
            content = json.loads(path.read_text(encoding="utf-8"))
            found |= dict.fromkeys([*content["landed"], *content["filtered"]], path.parent.name)
    return found


def _replay(
    estate: Estate,
    settings: Settings,
    origin: BatchManifest,
    letters: Sequence[Mapping[str, Any]],
    run_id: str | None,
    now: datetime,
) -> Replay:
    broken = [str(letter["dead_letter_id"]) for letter in letters if UNREADABLE in letter["reasons"]]
    unreadable = dict.fromkeys(broken, "it could not be taken apart: ask for the file again")
    readable = [m for m in letters if m["dead_letter_id"] not in unreadable]
    if not readable:
        return Replay(None, (), (), unreadable)
    mapping = mapping_of(estate, origin.source_system, origin.extract_name)
    batch_id = _batch_id(mapping, readable)
    workdir = settings.home_path / "tmp" / f"landing-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    workdir.mkdir(parents=True)
    try:
        try:
            with connect(settings, keep_order=True, allowed_directories=(workdir,)) as connection:
                reading = _Reading(connection, mapping, origin, readable, workdir)
                landed, filtered, failed = reading.read()
        except duckdb.Error as error:
            raise SourceError(
                Problem(f"the mapping of {mapping.system.system}.{mapping.name} fails: {first_line(error)}")
            ) from error
        failed = {**unreadable, **failed}
        if not landed and not filtered:
            return Replay(None, (), (), failed)
        content = _content_hash(readable)
        manifest = replace(
            origin,
            batch_id=batch_id,
            state="landed",
            reason=None,
            completeness="unproven",
            completeness_evidence=f"replayed records of batch {origin.batch_id}",
            rows_read=len(landed) + len(filtered),
            rows_filtered=len(filtered),
            rows_received=len(landed),
            rows_landed=len(landed),
            rows_rejected=0,
            reject_counts={},
            content_hash=content,
            data_hash=content,
            mapping_hash=mapping.hash,
            supersedes=None,
            landed_at=now,
            run_id=run_id,
            landed_bytes=(workdir / ROWS_FILE).stat().st_size,
            warnings=(),
        )
        note = {"origin": origin.batch_id, "landed": landed, "filtered": filtered}
        _commit(settings, mapping, manifest, workdir, note)
        return Replay(manifest, tuple(landed), tuple(filtered), failed)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


class _Reading:
    """The letters of one batch through the mapping."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        mapping: ExtractMapping,
        origin: BatchManifest,
        letters: Sequence[Mapping[str, Any]],
        workdir: Path,
    ) -> None:
        self.connection, self.mapping, self.origin = connection, mapping, origin
        self.letters, self.path = letters, workdir / ROWS_FILE

    def read(self) -> tuple[list[str], list[str], dict[str, str]]:
        """Write the rows that land; return ids of those, of the filtered ones, and why the others fail."""
        self.connection.execute(
            "create temp table letter (dead_letter_id varchar, source_file varchar, source_row bigint, payload json, "
            "correlation_id varchar)"
        )
        names = ("dead_letter_id", "source_file", "source_row", "payload", "correlation_id")
        self.connection.executemany(
            "insert into letter values (?, ?, ?, ?, ?)", [[letter[name] for name in names] for letter in self.letters]
        )
        self._create_macros()
        compiled = self._compile(typed=False)
        if compiled.errors:
            # Expressions that count on numbers or times instead of texts: the payload still knows its numbers.
            compiled = self._compile(typed=True)
        if compiled.errors:
            raise SourceError(*(Problem(f"{where}: {message}") for where, message in compiled.errors))
        try:
            return self._judge(Judgement(compiled))
        except duckdb.ConversionException:
            return self._judge(Judgement(compiled, is_careful=True))

    def _create_macros(self) -> None:
        cast.create_macros(self.connection, self.mapping.reading)
        if self.mapping.reading.zone not in (None, "UTC"):
            zones.create_zone_table(self.connection, self.mapping.reading.zone or "")
        coded = {c.name: self.mapping.codes(c) for c in self.mapping.columns}
        for name, found in coded.items():
            if found is None:
                continue
            table = identifier(f"__codes_{name}")
            self.connection.execute(f"create or replace temp table {table} (native varchar, code varchar)")
            lists = [list(found[0]), list(found[0].values())]
            self.connection.execute(f"insert into {table} select unnest(?::varchar[]), unnest(?::varchar[])", lists)

    def _compile(self, *, typed: bool) -> Compiled:
        row = self.connection.execute("select json_group_structure(payload)::varchar from letter").fetchone()
        structure: dict[str, Any] = json.loads(row[0]) if row else {}
        joins = {join.as_ for join in self.mapping.extract.joins}
        # A joined record whose alias is also a column of the extract's own stands under a name that says so.
        joined = {
            alias: name for alias in joins for name in (alias, f"{alias} (joined)") if _is_record(structure, name)
        }
        own = {name: kind for name, kind in structure.items() if name not in joined.values()}
        columns = {"src": self._columns(own, typed=typed)}
        place = f"source_file as {FILE}, 0 as __ordinal, source_row as {ROW}"
        chosen = "".join(
            f"{self._value((name,), kind)} as {identifier(name)}, " for name, kind in columns["src"].items()
        )
        self.connection.execute(
            f"create or replace temp view {identifier(SOURCE)} as select {chosen}{place} from letter"
        )
        for alias in sorted(joins):
            name = joined.get(alias, alias)
            found = self._columns(structure[name] if alias in joined else {}, typed=typed)
            columns[alias] = found
            values = ", ".join(f"{self._value((name, n), k)} as {identifier(n)}" for n, k in found.items())
            view = identifier(f"__join_{alias}")
            present = f"json_extract(payload, {literal(_pointer((name,)))}) is not null"
            self.connection.execute(
                f"create or replace temp view {view} as "
                f"select distinct {values or 'null as nothing'} from letter where {present}"
            )
        return Compiled(self.connection, self.mapping, Relations(columns))

    def _columns(self, structure: Mapping[str, Any], *, typed: bool) -> dict[str, str]:
        numbers = ("BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN", "HUGEINT")
        return {name: kind if typed and kind in numbers else "VARCHAR" for name, kind in structure.items()}

    def _value(self, path: tuple[str, ...], kind: str) -> str:
        text = f"json_extract_string(payload, {literal(_pointer(path))})"
        return text if kind == "VARCHAR" else f"try_cast({text} as {kind})"

    def _judge(self, judgement: Judgement) -> tuple[list[str], list[str], dict[str, str]]:
        origin = self.origin
        # Judged as part of its first batch, so that whatever follows from that batch's time and id stays.
        stamp = Stamp(
            origin.source_system,
            origin.extract_name,
            origin.batch_id,
            origin.extracted_at.isoformat(),
            has_several_files=True,
        )
        written = {column.name for column in self.mapping.columns}
        key = ", ".join(identifier(c) for c in self.mapping.contract.key if c in written)
        self.connection.execute(
            f"""
            create or replace temp table replayed as
            select
                r.* replace (letter.correlation_id as correlation_id),
                letter.dead_letter_id as __letter,
                count(*) over (partition by {key}) as __same
            from ({judgement.rows(stamp)}) as r
            inner join letter on r.source_file = letter.source_file and r.source_row = letter.source_row
            """
        )
        landed = self._ids("select __letter from replayed where __same = 1 order by 1")
        failed = dict(
            self.connection.execute(
                f"""
                select letter.dead_letter_id, array_to_string(t.details, '; ')
                from ({judgement.rejects(stamp, None)}) as t(f, o, r, reasons, details, payload, correlation_id)
                inner join letter on t.f = letter.source_file and t.r = letter.source_row
                """
            ).fetchall()
        )
        doubled = self._ids("select __letter from replayed where __same > 1")
        failed |= dict.fromkeys(doubled, "another record of this replay has the same key: replay one of them")
        known = {*landed, *failed}
        filtered = [str(m["dead_letter_id"]) for m in self.letters if m["dead_letter_id"] not in known]
        self.connection.execute(
            "copy (select * exclude (__letter, __same) from replayed where __same = 1 "
            f"order by source_file, source_row) to {path_literal(self.path)} (format parquet)"
        )
        return landed, sorted(filtered), failed

    def _ids(self, sql: str) -> list[str]:
        return [row[0] for row in self.connection.execute(sql).fetchall()]


def _is_record(structure: Mapping[str, Any], name: str) -> bool:
    return isinstance(structure.get(name), dict)


def _pointer(path: tuple[str, ...]) -> str:
    """A JSON pointer: unlike a JSON path it takes any name."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _batch_id(mapping: ExtractMapping, letters: Sequence[Mapping[str, Any]]) -> str:
    own = (mapping.system.system, mapping.name, "replay", _content_hash(letters), mapping.hash)
    return hashlib.sha256("|".join(own).encode()).hexdigest()[:20]


def _content_hash(letters: Sequence[Mapping[str, Any]]) -> str:
    records = sorted((str(letter["dead_letter_id"]), str(letter["payload"])) for letter in letters)
    return hashlib.sha256(json.dumps(records).encode()).hexdigest()


def _commit(
    settings: Settings, mapping: ExtractMapping, manifest: BatchManifest, workdir: Path, note: Mapping[str, Any]
) -> None:
    """Aside, down to the disk, renamed: as every batch."""
    place = batch_folder(settings, mapping)
    place.mkdir(parents=True, exist_ok=True)
    aside = place / f"{ASIDE_PREFIX}{os.getpid()}-{manifest.batch_id}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    (workdir / ROWS_FILE).replace(aside / ROWS_FILE)
    (aside / REPLAY_FILE).write_text(json.dumps(note), encoding="utf-8")
    for path in (aside / ROWS_FILE, aside / REPLAY_FILE):
        _sync(path)
    write_manifest(aside, manifest)
    _sync(aside)
    try:
        aside.rename(place / manifest.batch_id)
    except OSError:
        # The same replay was committed before, perhaps by a process that was killed right after.
        shutil.rmtree(aside, ignore_errors=True)
        if not (place / manifest.batch_id).is_dir():
            raise
    _sync(place)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
