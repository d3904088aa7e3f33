"""Bytes in, a committed batch out.

Belongs here: the steps of landing one extract, in order. Doesn't belong here: SQL of casts (`cast`, `mapping`),
formats (`readers`), what proves completeness (`completeness`).

A batch is a folder that is written aside and renamed: the rename is the commit.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from mfg_assets.contracts import PLATFORM_COLUMNS
from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import cast, completeness, readers, sources
from mfg_assets.ingest.manifest import (
    MANIFEST_FILE,
    ROWS_FILE,
    BatchFile,
    BatchManifest,
    current_batches,
    read_manifests,
)
from mfg_assets.ingest.mapping import FILE, ORDINAL, Mapping, judged_select, mapped_select, mapping_of, raw_types
from mfg_assets.ingest.plain import Plain, prepare
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal, path_literal

_WORKING = ("_reasons", "_details", "_payload")
_SAMPLE = 3


@dataclass(frozen=True)
class LandingResult:
    """What one call landed. `batches` are new, landed or refused."""

    system: str
    extract: str
    entity: str
    batches: tuple[BatchManifest, ...]
    already_landed: int
    files_seen: int


def land_extract(
    estate: Estate,
    system_id: str,
    extract_name: str,
    settings: Settings,
    *,
    run_id: str | None = None,
    now: datetime | None = None,
) -> LandingResult:
    """Land every delivery of an extract that has not landed yet.

    Raises:
        SourceError: the folder is missing or no file matches.
    """
    mapping = mapping_of(estate, system_id, extract_name)
    folder = sources.source_folder(estate, mapping.system)
    files = sources.match(folder, mapping.extract.from_)
    if not files:
        raise SourceError(
            Problem(
                f"{system_id}.{extract_name}: no file matches {mapping.extract.from_!r} in {folder}",
                estate.path / "systems" / f"{system_id}.yaml",
                fix="correct `from`, or ask the system for its delivery",
            )
        )
    moment = now or datetime.now(UTC)
    landed, known = [], 0
    groups = sources.deliveries(files, mapping.extract)
    dated = sorted(((sources.extracted_at(g, mapping.extract, mapping.system.timezone), g) for g in groups))
    for extracted, group in dated:
        manifest = _Delivery(mapping, settings, group, extracted, moment, run_id, folder).land()
        if manifest is None:
            known += 1
        else:
            landed.append(manifest)
    return LandingResult(system_id, extract_name, mapping.contract.entity, tuple(landed), known, len(files))


class _Delivery:
    """One delivery on its way from files to a committed batch."""

    def __init__(
        self,
        mapping: Mapping,
        settings: Settings,
        files: list[Path],
        extracted_at: datetime,
        now: datetime,
        run_id: str | None,
        folder: Path,
    ) -> None:
        self.mapping, self.settings, self.files, self.folder = mapping, settings, files, folder
        self.extracted_at, self.now, self.run_id = extracted_at, now, run_id
        self.form = readers.layered(mapping.system.connector, mapping.extract.options)
        self.workdir = settings.home_path / "tmp" / f"landing-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.place = settings.landing_dir / mapping.contract.entity / f"{mapping.system.system}.{mapping.name}"

    def land(self) -> BatchManifest | None:
        """The committed manifest, or None when these bytes have landed already under the same mapping."""
        self.workdir.mkdir(parents=True)
        try:
            before = _state(self.files)
            draft = self._draft([], "unread")
            try:
                plains = [prepare(f, self.form, self.workdir, i) for i, f in enumerate(self.files)]
                joined = self._prepare_joins(len(plains))
            except SourceError as error:
                # Even unreadable bytes are a delivery: what came and why it was refused stays on record.
                plains, joined = [], {}
                draft, refusal = self._draft(_raw_files(self.files), "unread"), str(error)
            else:
                batch_files = [_batch_file(p) for p in [*plains, *(p for ps in joined.values() for p in ps)]]
                draft, refusal = self._draft(batch_files, "unread"), None
            draft = self._identify(draft)
            if draft is None:
                return None
            if refusal is not None:
                return self._commit(replace(draft, state="refused", reason=refusal), None, None)
            try:
                outcome = self._read(draft, plains, joined)
            except SourceError as error:
                outcome = replace(draft, state="refused", reason=str(error)), None, None
            if _state(self.files) != before:
                raise SourceError(
                    Problem("the file changed while it was read", self.files[0], fix="it lands next time")
                )
            return self._commit(*outcome)
        finally:
            shutil.rmtree(self.workdir, ignore_errors=True)

    def _prepare_joins(self, start: int) -> dict[str, list[Plain]]:
        result = {}
        for join in self.mapping.extract.joins:
            found = sources.match(self.folder, join.from_)
            if not found:
                raise SourceError(Problem(f"no file matches the joined {join.from_!r} in {self.folder}"))
            form = readers.layered(self.form, join.options)
            result[join.as_] = [prepare(f, form, self.workdir, start + i) for i, f in enumerate(found)]
            start += len(found)
        return result

    def _draft(self, files: list[BatchFile], evidence: str) -> BatchManifest:
        mapping = self.mapping
        hashes = sorted((f.name, f.sha256) for f in files)
        # One file keeps its identity under another name; several are told apart by the order of their names.
        content = (
            hashlib.sha256("".join(h for _, h in hashes).encode()).hexdigest() if len(files) != 1 else files[0].sha256
        )
        return BatchManifest(
            batch_id="",
            source_system=mapping.system.system,
            extract_name=mapping.name,
            entity=mapping.contract.entity,
            delivery=mapping.extract.delivery,
            state="landed",
            reason=None,
            completeness="unproven",
            completeness_evidence=evidence,
            rows_read=0,
            rows_filtered=0,
            rows_received=0,
            rows_landed=0,
            rows_rejected=0,
            reject_counts={},
            content_hash=content,
            mapping_hash=mapping.hash,
            supersedes=None,
            occurrence=0,
            files=tuple(files),
            extracted_at=self.extracted_at,
            landed_at=self.now,
            run_id=self.run_id,
        )

    def _identify(self, draft: BatchManifest) -> BatchManifest | None:
        """Give the batch its id, or None when it is a redelivery (rule 32)."""
        own = (draft.source_system, draft.extract_name)
        history = [m for m in read_manifests(self.settings.landing_dir) if (m.source_system, m.extract_name) == own]
        superseded = {m.supersedes for m in history if m.supersedes}
        live = [m for m in history if m.batch_id not in superseded]
        same = [m for m in live if m.content_hash == draft.content_hash]
        occurrence, supersedes = 0, None
        if same:
            newest = max(same, key=lambda m: (m.occurrence, m.extracted_at))
            if newest.mapping_hash != draft.mapping_hash:
                occurrence, supersedes = newest.occurrence, newest.batch_id
                draft = replace(draft, extracted_at=newest.extracted_at)
            elif self._returns(draft, newest, live):
                occurrence = newest.occurrence + 1
            else:
                return None
        identity = "|".join((*own, draft.content_hash, draft.mapping_hash, str(occurrence)))
        batch_id = hashlib.sha256(identity.encode()).hexdigest()[:20]
        return replace(draft, batch_id=batch_id, occurrence=occurrence, supersedes=supersedes)

    @staticmethod
    def _returns(draft: BatchManifest, newest: BatchManifest, live: list[BatchManifest]) -> bool:
        """A snapshot that comes again after a different newer one says what holds now (A, B, A)."""
        if draft.delivery != "snapshot" or draft.extracted_at <= newest.extracted_at:
            return False
        landed = [b.manifest for b in current_batches(live)]
        between = [m for m in landed if newest.extracted_at < m.extracted_at < draft.extracted_at]
        return any(m.content_hash != draft.content_hash for m in between)

    def _read(
        self, draft: BatchManifest, plains: list[Plain], joined: dict[str, list[Plain]]
    ) -> tuple[BatchManifest, Path | None, Path | None]:
        """Read, map, cast and judge; the rows and the dead letters as files in the work folder."""
        folders = (self.folder, self.workdir)
        with connect(self.settings, keep_order=True, allowed_directories=folders, trust_statistics=False) as connection:
            trailer = self.mapping.extract.complete_when and self.mapping.extract.complete_when.trailer
            try:
                return self._read_with(connection, draft, plains, joined, trailer.starts_with if trailer else None)
            except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
                raise SourceError(
                    Problem(
                        f"{draft.source_system}.{draft.extract_name}: {self.files[0].name} doesn't fit the mapping: "
                        f"{_first_lines(error)}",
                        self.mapping.estate.path / "systems" / f"{draft.source_system}.yaml",
                        fix="the file's columns or an expression changed; `mfg check` shows which",
                    )
                ) from error
            except duckdb.Error as error:
                raise SourceError(Problem(f"can't be read: {_first_lines(error)}", self.files[0])) from error

    def _read_with(
        self,
        connection: duckdb.DuckDBPyConnection,
        draft: BatchManifest,
        plains: list[Plain],
        joined: dict[str, list[Plain]],
        trailer: str | None,
    ) -> tuple[BatchManifest, Path | None, Path | None]:
        for plain in plains:
            if plain.unterminated_quote:
                raise SourceError(
                    Problem("a quote is never closed: what follows it would be read as one value", plain.source)
                )
        relations = [readers.open_file(connection, p, self.form, trailer) for p in plains]
        _same_columns(relations, plains)
        union = " union all by name ".join(
            f"select *, {literal(p.source.name)} as {FILE}, {i} as {ORDINAL} from ({r.sql})"
            for i, (p, r) in enumerate(zip(plains, relations, strict=True))
        )
        joins = {}
        for join in self.mapping.extract.joins:
            form = readers.layered(self.form, join.options)
            parts = [readers.open_file(connection, p, form, None) for p in joined[join.as_]]
            joins[join.as_] = " union all by name ".join(
                f"select * exclude ({readers.ROW}) from ({r.sql})" for r in parts
            )
        connection.execute(f"create temp view records as {union}")
        types = raw_types(connection, self.mapping, joins)
        stage = self.workdir / "stage.parquet"
        connection.execute(
            f"copy ({self._stage_select(draft, joins, types)}) to {path_literal(stage)} (format parquet)"
        )
        malformed = self._malformed(connection, plains, trailer) if any(r.counts_malformed for r in relations) else []
        staged = _count(connection, f"read_parquet({path_literal(stage)})")
        read = self._rows_by_file(connection, draft, plains, stage, malformed)
        totals = self._totals(connection, plains)
        footers = {
            p.source.name: r.footer_rows for p, r in zip(plains, relations, strict=True) if r.footer_rows is not None
        }
        said = completeness.verdict(self.mapping.extract.complete_when, plains, read, footers, totals)
        rejected = self._reject_doubles(connection, draft, stage)
        letters = self.workdir / "dead_letters.parquet"
        self._write_dead_letters(connection, draft, stage, malformed, letters)
        counts = self._reason_counts(connection, letters)
        rejected = _count(connection, f"read_parquet({path_literal(letters)})")
        received, total_read = staged + len(malformed), sum(read.values())
        draft = replace(
            draft,
            completeness=said.completeness,
            completeness_evidence=said.evidence,
            rows_read=total_read,
            rows_filtered=total_read - received,
            rows_received=received,
            rows_rejected=rejected,
            rows_landed=received - rejected,
            reject_counts=counts,
        )
        refusal = self._refusal(draft)
        if refusal:
            # Yesterday's state stands (rules 31, 33): nothing of a refused batch lands, all of it counts as rejected
            # only where a record itself was refused.
            return replace(draft, state="refused", reason=refusal, rows_landed=0), None, letters
        rows = self.workdir / ROWS_FILE
        names = ", ".join(identifier(n) for n in self._row_names())
        connection.execute(
            f"copy (select {names} from read_parquet({path_literal(stage)}) where _reasons is null) "
            f"to {path_literal(rows)} (format parquet)"
        )
        return draft, rows, letters if rejected else None

    def _refusal(self, draft: BatchManifest) -> str | None:
        if draft.completeness == "short":
            return f"the delivery is short: {draft.completeness_evidence}"
        limit = self.mapping.estate.reject_limit(draft.source_system, draft.extract_name)
        share = draft.rows_rejected / draft.rows_received if draft.rows_received else 0
        if share > limit:
            reasons = ", ".join(f"{n} × {r}" for r, n in Counter(draft.reject_counts).most_common(_SAMPLE))
            return (
                f"{draft.rows_rejected:,} of {draft.rows_received:,} records were refused ({share:.1%}, "
                f"the limit is {limit:.1%}): {reasons}"
            )
        return None

    def _row_names(self) -> list[str]:
        return [c.name for c in self.mapping.contract.columns] + list(PLATFORM_COLUMNS)

    def _stage_select(self, draft: BatchManifest, joins: dict[str, str], types: dict[str, str]) -> str:
        mapped = self.mapping.extract.columns
        own = [f"{cast.value(c.name)} as {identifier(c.name)}" for c in self.mapping.contract.columns]
        extracted = f"timestamptz {literal(draft.extracted_at.isoformat())}"
        correlation = f"{literal(draft.batch_id + ':')} || {ORDINAL} || ':' || {readers.ROW}"
        platform = [
            f"{literal(draft.source_system)} as source_system",
            f"{literal(draft.extract_name)} as extract_name",
            f"{literal(draft.batch_id)} as batch_id",
            f"{FILE} as source_file",
            f"{readers.ROW}::bigint as source_row",
            f"coalesce({cast.value('recorded_at')}, {extracted}) as recorded_at"
            if "recorded_at" in mapped
            else f"{extracted} as recorded_at",
            f"coalesce({cast.value('correlation_id')}, {correlation}) as correlation_id"
            if "correlation_id" in mapped
            else f"{correlation} as correlation_id",
            f"coalesce({cast.value('is_deleted')}, false) as is_deleted"
            if "is_deleted" in mapped
            else "false as is_deleted",
        ]
        working = [
            "_reasons",
            "_details",
            "case when _reasons is not null then to_json(_payload)::varchar end as _payload",
            ORDINAL,
        ]
        return f"select {', '.join([*own, *platform, *working])} from ({judged_select(self.mapping, joins, types)})"

    def _malformed(
        self, connection: duckdb.DuckDBPyConnection, plains: list[Plain], trailer: str | None
    ) -> list[tuple[str, int, int, str, str]]:
        """Lines that are no record: file, ordinal, line, text, DuckDB's reason."""
        rows = connection.execute(
            f"select s.file_path, e.line, any_value(e.csv_line), string_agg(distinct e.error_message, '; ') "
            f"from {readers.REJECTS} as e inner join {readers.REJECTS}_scan as s using (scan_id, file_id) "
            "group by all order by all"
        ).fetchall()
        by_path = {str(p.path): (i, p.source.name) for i, p in enumerate(plains)}
        result = {}
        for path, line, text, message in rows:
            if path not in by_path or (trailer is not None and (text or "").startswith(trailer)):
                continue
            ordinal, name = by_path[path]
            result[ordinal, line] = (name, ordinal, line, (text or "").rstrip("\r\n"), message)
        return list(result.values())

    def _rows_by_file(
        self,
        connection: duckdb.DuckDBPyConnection,
        draft: BatchManifest,
        plains: list[Plain],
        stage: Path,
        malformed: list[tuple[str, int, int, str, str]],
    ) -> dict[str, int]:
        """Records in each file, whatever became of them."""
        extract = self.mapping.extract
        narrowed = bool(extract.where or extract.distinct or extract.joins)
        relation = "records" if narrowed else f"(select source_file as {FILE} from read_parquet({path_literal(stage)}))"
        counted = dict(connection.execute(f"select {FILE}, count(*) from {relation} group by 1").fetchall())
        lost = Counter(m[0] for m in malformed)
        return {p.source.name: counted.get(p.source.name, 0) + lost[p.source.name] for p in plains}

    def _totals(self, connection: duckdb.DuckDBPyConnection, plains: list[Plain]) -> dict[str, Decimal]:
        control = self.mapping.extract.complete_when and self.mapping.extract.complete_when.control_file
        if not control or not control.total_of:
            return {}
        rows = connection.execute(
            f"select {FILE}, sum(try_cast(({control.total_of}) as decimal(38,6))) from records as src group by 1"
        ).fetchall()
        return dict(rows)

    def _reject_doubles(self, connection: duckdb.DuckDBPyConnection, draft: BatchManifest, stage: Path) -> int:
        """In a snapshot a key stands once, among events a key has one content: the first record stays, others go.

        A delta may carry several versions of a key, and an event that comes twice alike changes nothing (rule 32).
        """
        if draft.delivery == "delta":
            return 0
        contract = self.mapping.contract
        key = ", ".join(identifier(k) for k in contract.key)
        doubled = connection.execute(
            f"select count(*) from (select {key} from read_parquet({path_literal(stage)}) where _reasons is null "
            "group by all having count(*) > 1)"
        ).fetchone()
        if not doubled or not doubled[0]:
            return 0
        content = f"row({', '.join(identifier(c.name) for c in contract.columns)})"
        first = f"partition by {key}, _reasons is null order by {ORDINAL}, source_row"
        if draft.delivery == "events":
            reason, expected = "conflicting_event", "expected one content per event"
            is_double = f"{content} is distinct from first_value({content}) over ({first})"
        else:
            reason, expected = "duplicate_key", "expected once in a snapshot"
            is_double = f"row_number() over ({first}) > 1"
        marked = stage.with_name("marked.parquet")
        names = " || ', ' || ".join(f"coalesce({identifier(k)}::varchar, '–')" for k in contract.key)
        detail = f"'key (' || {names} || {literal('): ' + expected)}"
        payload = ", ".join(f"{literal(c.name)}, {identifier(c.name)}" for c in contract.columns)
        connection.execute(
            f"copy (select * exclude (_reasons, _details, _payload, _double), "
            f"case when _double then [{literal(reason)}] else _reasons end as _reasons, "
            f"case when _double then [{detail}] else _details end as _details, "
            f"case when _double then json_object({payload})::varchar else _payload end as _payload "
            f"from (select *, _reasons is null and {is_double} as _double "
            f"from read_parquet({path_literal(stage)}))) to {path_literal(marked)} (format parquet)"
        )
        marked.replace(stage)
        return doubled[0]

    def _write_dead_letters(
        self,
        connection: duckdb.DuckDBPyConnection,
        draft: BatchManifest,
        stage: Path,
        malformed: list[tuple[str, int, int, str, str]],
        target: Path,
    ) -> None:
        connection.execute(
            "create temp table malformed (source_file varchar, ordinal integer, source_row bigint, line varchar, message varchar)"
        )
        if malformed:
            connection.executemany("insert into malformed values (?, ?, ?, ?, ?)", [list(m) for m in malformed])
        constants = (
            f"{literal(draft.source_system)} as source_system, {literal(draft.extract_name)} as extract_name, "
            f"{literal(draft.entity)} as entity, {literal(draft.batch_id)} as batch_id"
        )
        received = f"timestamptz {literal(draft.landed_at.isoformat())} as received_at"
        mark = literal(draft.batch_id)
        connection.execute(
            f"copy (select {mark} || '-' || {ORDINAL} || '-' || source_row as dead_letter_id, {constants}, source_file, "
            f"source_row, _reasons as reasons, _details as details, _payload as payload, {received}, correlation_id, "
            f"'open' as state from read_parquet({path_literal(stage)}) where _reasons is not null "
            f"union all select {mark} || '-' || ordinal || '-line' || source_row, {constants}, source_file, source_row, "
            f"['malformed_row'], ['line ' || source_row || ': ' || message], json_object('line', line)::varchar, {received}, "
            f"{mark} || ':' || ordinal || ':line' || source_row, 'open' from malformed) "
            f"to {path_literal(target)} (format parquet)"
        )

    @staticmethod
    def _reason_counts(connection: duckdb.DuckDBPyConnection, letters: Path) -> dict[str, int]:
        return dict(
            connection.execute(
                f"select reason, count(*) from (select unnest(reasons) as reason from read_parquet({path_literal(letters)})) "
                "group by 1 order by 2 desc, 1"
            ).fetchall()
        )

    def _commit(self, manifest: BatchManifest, rows: Path | None, letters: Path | None) -> BatchManifest:
        """Dead letters first, then the folder: without the folder nobody reads them."""
        if letters is not None and manifest.rows_rejected:
            target = self.settings.dead_letters_dir / manifest.entity / f"{manifest.batch_id}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(letters)
            letters.replace(target)
        aside = self.place / f".tmp-{manifest.batch_id}-{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        if rows is not None:
            _sync(rows)
            rows.replace(aside / ROWS_FILE)
        (aside / MANIFEST_FILE).write_text(manifest.to_json())
        _sync(aside / MANIFEST_FILE)
        final = self.place / manifest.batch_id
        aside.replace(final)
        _sync(self.place)
        return manifest


def _batch_file(plain: Plain) -> BatchFile:
    return BatchFile(plain.source.name, plain.size, plain.sha256, plain.source.stat().st_mtime_ns)


def _state(files: list[Path]) -> list[tuple[int, int, int]]:
    """What tells whether a file was written to; its access time doesn't, reading renews that."""
    return [(s.st_ino, s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files)]


def _raw_files(files: list[Path]) -> list[BatchFile]:
    from mfg_assets.ingest.plain import digest

    return [BatchFile(f.name, f.stat().st_size, digest(f), f.stat().st_mtime_ns) for f in files]


def _same_columns(relations: list[readers.Relation], plains: list[Plain]) -> None:
    """Pages of one batch have the same columns; a missing one would otherwise become silent nulls."""
    first = set(relations[0].columns)
    for relation, plain in zip(relations[1:], plains[1:], strict=True):
        if set(relation.columns) != first:
            differing = ", ".join(sorted(first ^ set(relation.columns)))
            raise SourceError(Problem(f"its columns differ from the batch's first file in {differing}", plain.source))


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return row[0] if row else 0


def _first_lines(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines()[:3] if line.strip())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
