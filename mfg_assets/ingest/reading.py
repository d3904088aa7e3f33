"""One delivery read, mapped, cast and judged: its rows and dead letters as files, and what was counted.

Belongs here: running the SQL of a batch, first the quick way and where that fails the careful one.
Doesn't belong here: whether the batch lands and how it is committed (`landing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest import cast, zones
from mfg_assets.ingest.completeness import Counted, Verdict, verdict
from mfg_assets.ingest.connectors import ROW, Table, first_line, open_file
from mfg_assets.ingest.doubles import find_doubles
from mfg_assets.ingest.expressions import parse
from mfg_assets.ingest.judge import Judgement, Stamp
from mfg_assets.ingest.mapping import (
    FILE,
    ORDINAL,
    SOURCE,
    Compiled,
    ExtractMapping,
    Relations,
    all_columns,
    check_headers,
    union_sql,
    with_absent,
)
from mfg_assets.ingest.sources import Delivery, relative_name
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal, path_literal

# The disk or the memory fails: not the delivery's fault, so nothing is refused and the next run tries again.
_OWN_FAULTS = (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.FatalException, duckdb.InternalException)


@dataclass(frozen=True)
class Read:
    """What was found in a delivery; `rows` and `letters` are files in the work folder."""

    rows: Path
    letters: Path | None
    rows_read: int
    rows_received: int
    rows_landed: int
    reject_counts: dict[str, int]
    said: Verdict
    warnings: tuple[str, ...]


def open_tables(
    connection: duckdb.DuckDBPyConnection, mapping: ExtractMapping, delivery: Delivery, folder: Path, workdir: Path
) -> dict[str, list[Table]]:
    """Open all files of a delivery: the extract's own under `src`, those of each join under its alias.

    Raises:
        SourceError: a file can't be what its options say, or a join has none.
    """
    when = mapping.extract.complete_when
    trailer = when.trailer.starts_with if when and when.trailer else None
    tables: dict[str, list[Table]] = {"src": []}
    for number, path in enumerate(delivery.data):
        own = _own(workdir, f"src-{number}")
        tables["src"] += open_file(connection, path, relative_name(path, folder), mapping.options, own, trailer)
    for index, join in enumerate(mapping.extract.joins):
        if not delivery.joins[join.as_]:
            message = f"no file matches {join.from_!r}, which joins[{index}] needs"
            raise SourceError(Problem(message, folder, fix="ask for it, or correct the pattern"))
        tables[join.as_] = []
        for number, path in enumerate(delivery.joins[join.as_]):
            own = _own(workdir, f"{join.as_}-{number}")
            name = relative_name(path, folder)
            tables[join.as_] += open_file(connection, path, name, mapping.join_options(index), own)
    return tables


def _own(workdir: Path, name: str) -> Path:
    folder = workdir / name
    folder.mkdir()
    return folder


def create_relations(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, list[Table]]) -> Relations:
    """Put opened files into the session as views."""
    columns = {alias: all_columns(group) for alias, group in tables.items()}
    for alias, group in tables.items():
        sql = union_sql(group, columns[alias])
        if alias == "src":
            connection.execute(f"create or replace temp view {identifier(SOURCE)} as {sql}")
        else:
            chosen = ", ".join(identifier(c) for c in columns[alias]) or "null as nothing"
            view = identifier(f"__join_{alias}")
            connection.execute(f"create or replace temp view {view} as select {chosen} from ({sql})")
    return Relations(columns)


def read_delivery(
    mapping: ExtractMapping,
    delivery: Delivery,
    stamp: Stamp,
    hashes: Mapping[Path, str],
    folder: Path,
    workdir: Path,
    received_at: str,
    settings: Settings,
) -> Read:
    """Read a delivery.

    Raises:
        SourceError: it can't be read as its system declares: the batch is refused whole.
    """
    directories = (folder, workdir)
    try:
        # Minima and maxima in Parquet files from elsewhere may be wrong, and rows be lost by them; and DuckDB would
        # cast a column once more for each condition that it moves.
        with connect(settings, keep_order=True, allowed_directories=directories, trust_statistics=False) as connection:
            tables = with_absent(mapping, open_tables(connection, mapping, delivery, folder, workdir))
            return _Reader(connection, mapping, delivery, tables, stamp, hashes, workdir, received_at).read()
    except duckdb.Error as error:
        raise OwnFaultError(Problem(f"reading it failed: {first_line(error)}", delivery.data[0])) from error


class _Reader:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        mapping: ExtractMapping,
        delivery: Delivery,
        tables: dict[str, list[Table]],
        stamp: Stamp,
        hashes: Mapping[Path, str],
        workdir: Path,
        received_at: str,
    ) -> None:
        self.connection, self.mapping, self.delivery, self.tables = connection, mapping, delivery, tables
        self.stamp = replace(stamp, has_several_files=len(tables["src"]) > 1)
        self.hashes, self.received_at = hashes, received_at
        self.rows_path, self.letters_path = workdir / "rows.parquet", workdir / "dead_letters.parquet"
        extract = mapping.extract
        self.is_narrowed = bool(extract.where or extract.distinct or extract.joins)
        self.is_careful = False

    def read(self) -> Read:
        self._prepare()
        dense = self._copy_dense()
        while True:
            try:
                landed = self._copy_rows() if dense is None else dense
                read = self._rows_read(landed)
            except duckdb.Error as error:
                self._more_careful(error)
                continue
            if read is not None:
                break
            self._scan_carefully()
        malformed = {t.name: self._count(t.malformed) for t in self.tables["src"] if t.malformed}
        received = self._count(self.judgement.received()) if self.is_narrowed else sum(read.values())
        self._check_fan_out(received, sum(read.values()))
        rejected = received - landed
        names = [t.name for t in self.tables["src"]]
        doubled = find_doubles(self.connection, self.mapping, self.rows_path, names, is_dense=dense is not None)
        if doubled is not None:
            landed -= doubled.count
            rejected += doubled.count
        counts: dict[str, int] = {}
        if rejected or malformed:
            letters = self._write_letters(doubled.sql if doubled else None)
            if letters != rejected + sum(malformed.values()):
                message = "the mapping gave other results when it was tried again"
                raise SourceError(Problem(message, self.tables["src"][0].path, fix="use no function of time or chance"))
            counts = self._reason_counts()
        return Read(
            rows=self.rows_path,
            letters=self.letters_path if rejected or malformed else None,
            rows_read=sum(read.values()) + sum(malformed.values()),
            rows_received=received + sum(malformed.values()),
            rows_landed=landed,
            reject_counts=counts,
            said=self._verdict({name: count + malformed.get(name, 0) for name, count in read.items()}),
            warnings=tuple(w for table in self.tables["src"] for w in table.warnings),
        )

    def _prepare(self) -> None:
        cast.create_macros(self.connection, self.mapping.reading)
        if self.mapping.reading.zone not in (None, "UTC"):
            zones.create_zone_table(self.connection, self.mapping.reading.zone or "")
        self._compile()
        check_headers(self.compiled, self.tables)
        for table, codes in self.judgement_of_codes().items():
            name = identifier(table)
            self.connection.execute(f"create or replace temp table {name} (native varchar, code varchar)")
            lists = [list(codes), list(codes.values())]
            self.connection.execute(f"insert into {name} select unnest(?::varchar[]), unnest(?::varchar[])", lists)
        self.judgement = Judgement(self.compiled)

    def judgement_of_codes(self) -> Mapping[str, dict[str, str]]:
        """The code tables that the mapping needs, whatever the expressions are like."""
        coded = {c.name: self.mapping.codes(c) for c in self.mapping.columns}
        return {f"__codes_{name}": found[0] for name, found in coded.items() if found is not None}

    def _compile(self) -> None:
        relations = create_relations(self.connection, self.tables)
        self.compiled = Compiled(self.connection, self.mapping, relations)

    def _copy_dense(self) -> int | None:
        """Copy all records in their order, without numbering them; None where that isn't how this delivery lands.

        It is wherever one file has no record to refuse or to leave out: its rows are numbered by their places.
        """
        table, *others = self.tables["src"]
        has_window = any(parse(self.mapping.extract.columns[c.name].sql).has_window for c in self.mapping.columns)
        if others or self.is_narrowed or has_window or table.unnumbered is None or not table.expected_rows:
            return None
        numbered, self.tables = self.tables, {**self.tables, "src": [replace(table, sql=table.unnumbered)]}
        stamp, self.stamp = self.stamp, replace(self.stamp, is_dense=True)
        judgement, self.judgement = self.judgement, Judgement(self.compiled, padding=table.padding)
        create_relations(self.connection, self.tables)
        try:
            copied = self._copy_rows()
        except duckdb.Error:
            copied = None
        self.stamp, self.tables, self.judgement = stamp, numbered, judgement
        create_relations(self.connection, self.tables)
        return copied if copied == table.expected_rows else None

    def _copy_rows(self) -> int:
        sql = self.judgement.rows(self.stamp)
        row = self.connection.execute(f"copy ({sql}) to {path_literal(self.rows_path)} (format parquet)").fetchone()
        return row[0] if row else 0

    def _rows_read(self, landed: int) -> dict[str, int] | None:
        """Records in each file; None where the quick reading can't have been right."""
        tables = self.tables["src"]
        expected = [t.expected_rows for t in tables]
        if not self.is_narrowed and None not in expected and sum(n or 0 for n in expected) == landed:
            return {t.name: t.expected_rows or 0 for t in tables}
        rows = self.connection.execute(f"select {ORDINAL}, count(*) from {identifier(SOURCE)} group by all").fetchall()
        counts = dict(rows)
        for number, table in enumerate(tables):
            if table.careful is not None and table.expected_rows != counts.get(number, 0):
                return None
        return {t.name: counts.get(number, 0) for number, t in enumerate(tables)}

    def _more_careful(self, error: duckdb.Error) -> None:
        """Choose a slower reading that copes with what failed. Raises SourceError when there is none."""
        at = self.tables["src"][0].path
        if isinstance(error, _OWN_FAULTS):
            raise OwnFaultError(Problem(f"reading it failed: {first_line(error)}", at)) from error
        is_text = "CSV" in str(error) or "unicode" in str(error).lower()
        if is_text and any(t.careful for group in self.tables.values() for t in group):
            self._scan_carefully()
        elif not self.is_careful and not is_text:
            self.is_careful = True
            self.judgement = Judgement(self.compiled, is_careful=True)
        else:
            fix = "use try_cast(), or mend the file"
            raise SourceError(
                Problem(f"an expression of the mapping fails: {first_line(error)}", at, fix=fix)
            ) from error

    def _scan_carefully(self) -> None:
        self.tables = {
            alias: [t.careful() if t.careful is not None else t for t in group] for alias, group in self.tables.items()
        }
        create_relations(self.connection, self.tables)

    def _check_fan_out(self, received: int, read: int) -> None:
        if not self.mapping.extract.joins:
            return
        again = self._count(f"select 1 from ({self.judgement.received()}) group by {FILE}, {ROW} having count(*) > 1")
        if again:
            message = (
                f"{again:,} of {read:,} records have more than one partner in a joined file, so that one record would "
                f"become several ({received:,} in all)"
            )
            raise SourceError(Problem(message, self.tables["src"][0].path, fix="make the joins' conditions unique"))

    def _write_letters(self, doubles: str | None) -> int:
        stamp = self.stamp
        refused = self.judgement.rejects(stamp, doubles)
        malformed = [
            f"select {literal(t.name)} as f, {number} as o, {ROW} as r, ['malformed_row'] as reasons, "
            f"['the record can''t be taken apart: ' || why] as details, "
            f"cast(to_json(struct_pack(record := record)) as varchar) as payload, "
            f"{literal(stamp.batch_id + ':')} || {f'{number}.' if number else ''!r} || {ROW} as correlation_id "
            f"from ({t.malformed})"
            for number, t in enumerate(self.tables["src"])
            if t.malformed
        ]
        everything = " union all ".join(
            [f"select * from ({refused}) as t(f, o, r, reasons, details, payload, correlation_id)", *malformed]
        )
        # One file is the rule; the place of a further one keeps ids apart.
        place = "case when o > 0 then o || '.' else '' end"
        letters = (
            f"select {literal(stamp.batch_id + '-')} || {place} || r as dead_letter_id, "
            f"{literal(stamp.system)} as source_system, {literal(stamp.extract)} as extract_name, "
            f"{literal(self.mapping.contract.entity)} as entity, {literal(stamp.batch_id)} as batch_id, "
            f"f as source_file, cast(r as bigint) as source_row, reasons, details, payload, "
            f"timestamptz {literal(self.received_at)} as received_at, correlation_id, 'open' as state "
            f"from ({everything}) order by o, r"
        )
        target = path_literal(self.letters_path)
        row = self.connection.execute(f"copy ({letters}) to {target} (format parquet)").fetchone()
        return row[0] if row else 0

    def _reason_counts(self) -> dict[str, int]:
        rows = self.connection.execute(
            f"select reason, count(*) from (select unnest(list_distinct(reasons)) as reason "
            f"from read_parquet({path_literal(self.letters_path)})) group by reason order by 2 desc, 1"
        ).fetchall()
        return dict(rows)

    def _verdict(self, read: dict[str, int]) -> Verdict:
        when = self.mapping.extract.complete_when
        totals = self._totals()
        files = []
        for number, table in enumerate(self.tables["src"]):
            path = table.path if table.path in self.hashes else self._delivered(table)
            files.append(
                Counted(
                    path=path,
                    name=table.name,
                    rows=read[table.name],
                    sha256=self.hashes[path],
                    trailer=table.trailer,
                    footer_rows=table.footer_rows,
                    control=self.delivery.controls.get(path),
                    total=totals.get(number),
                )
            )
        return verdict(when, files)

    def _delivered(self, table: Table) -> Path:
        """The delivered file that a table was unpacked from."""
        names = sorted(self.delivery.data, key=lambda p: len(p.name), reverse=True)
        return next(p for p in names if p.name in table.name)

    def _totals(self) -> dict[int, Decimal]:
        if "total_of" not in self.compiled.sql:
            return {}
        sql = f"({self.compiled.sql['total_of']}\n)"
        number = cast.number(sql, self.compiled.types["total_of"], self.mapping.reading.layout)
        rows = self.connection.execute(
            f"select src.{ORDINAL}, sum(try_cast({number} as decimal(38, 6))) "
            f"from {identifier(SOURCE)} as src group by 1"
        ).fetchall()
        return {ordinal: total for ordinal, total in rows if total is not None}

    def _count(self, relation: str | None) -> int:
        row = self.connection.execute(f"select count(*) from ({relation})").fetchone()
        return row[0] if row else 0


class OwnFaultError(SourceError):
    """The machine failed, not the delivery: nothing is put on record, the next run tries again."""
