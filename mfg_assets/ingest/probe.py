"""Looking at sources without landing them: real headers, whether expressions compile, what is pending.

Belongs here: what `mfg check` and the sensors ask. Doesn't belong here: landing.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import readers, sources
from mfg_assets.ingest.manifest import read_manifests
from mfg_assets.ingest.mapping import FILE, ORDINAL, Mapping, mapping_of
from mfg_assets.ingest.plain import prepare
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal


@dataclass(frozen=True)
class _Opened:
    connection: duckdb.DuckDBPyConnection
    mapping: Mapping
    joins: dict[str, str]
    columns: dict[str, list[str]]


@contextmanager
def _opened(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> Iterator[_Opened]:
    """The newest file of an extract as relation `records`, its joins beside it; nothing is read but the header."""
    mapping = mapping_of(estate, system_id, extract_name)
    folder = sources.source_folder(estate, mapping.system)
    form = readers.layered(mapping.system.connector, mapping.extract.options)
    workdir = settings.home_path / "tmp" / f"probe-{uuid.uuid4().hex[:8]}"
    workdir.mkdir(parents=True)
    try:
        with connect(settings, allowed_directories=(folder, workdir)) as connection:
            relation = _relation(connection, folder, mapping.extract.from_, form, workdir, 0)
            connection.execute(
                f"create temp view records as select *, {literal('')} as {FILE}, 0 as {ORDINAL} from ({relation.sql})"
            )
            joins, columns = {}, {"src": relation.columns}
            for index, join in enumerate(mapping.extract.joins, start=1):
                joined = _relation(connection, folder, join.from_, readers.layered(form, join.options), workdir, index)
                joins[join.as_] = f"select * exclude ({readers.ROW}) from ({joined.sql})"
                columns[join.as_] = joined.columns
            yield _Opened(connection, mapping, joins, columns)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def _relation(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    pattern: str,
    form: readers.Format,
    workdir: Path,
    index: int,
) -> readers.Relation:
    files = sources.match(folder, pattern)
    if not files:
        raise SourceError(Problem(f"no file matches {pattern!r} in {folder}", fix="correct the pattern or the folder"))
    return readers.open_file(connection, prepare(files[-1], form, workdir, index), form, None)


def source_columns(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> dict[str, list[str]]:
    """Real column names by alias: `src` for the extract's own file, each join's alias for the joined one.

    Raises:
        SourceError: the folder or a file is missing, or a header can't be read.
    """
    with _opened(estate, system_id, extract_name, settings) as opened:
        return opened.columns


def compile_errors(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> list[tuple[str, str]]:
    """Expressions that don't compile against the real header: where (`columns.quantity`, `where`, …) and why.

    Raises:
        SourceError: as `source_columns`.
    """
    with _opened(estate, system_id, extract_name, settings) as opened:
        extract = opened.mapping.extract
        problems: list[tuple[str, str]] = []
        relation = "records as src"
        for index, join in enumerate(extract.joins):
            joined = f"{relation} {join.how} join ({opened.joins[join.as_]}) as {identifier(join.as_)} on "
            failure = _compile(opened.connection, f"select 1 from {joined}({join.on})")
            if failure:
                problems.append((f"joins[{index}].on", failure))
            # The other expressions may use its columns all the same.
            relation = f"{joined}{'true' if failure else f'({join.on})'}"
        # In brackets as in the landing's own statement, so that it can be one expression only; beside another column,
        # so that it can't be an aggregate.
        row = f"select src.{ORDINAL}, ({{}}) as value from {{}}"
        tried = [(f"columns.{name}", row.format(column.sql, relation)) for name, column in extract.columns.items()]
        control = extract.complete_when.control_file if extract.complete_when else None
        if control is not None and control.total_of is not None:
            tried.append(("complete_when.control_file.total_of", row.format(control.total_of, "records as src")))
        if extract.where is not None:
            tried.append(("where", f"select 1 from {relation} where ({extract.where})"))
        problems += [(where, failure) for where, sql in tried if (failure := _compile(opened.connection, sql))]
        return problems


def _compile(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    try:
        connection.execute(f"describe {sql}")
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None


def pending_files(estate: Estate, system_id: str, settings: Settings) -> dict[str, list[tuple[str, int, int]]]:
    """Files that no batch holds yet, by extract: name, size, modification time in nanoseconds.

    Only names and file system facts are looked at, so that sensors may ask often. An extract whose mapping changed
    since it landed has all its files pending.
    """
    manifests = read_manifests(settings.landing_dir)
    result = {}
    for extract_name in estate.systems[system_id].extracts:
        wanted = mapping_of(estate, system_id, extract_name).hash
        own = [m for m in manifests if (m.source_system, m.extract_name) == (system_id, extract_name)]
        superseded = {m.supersedes for m in own if m.supersedes}
        known = {
            (f.name, f.size, f.modified_at)
            for m in own
            if m.batch_id not in superseded and m.mapping_hash == wanted
            for f in m.files
        }
        pending = [
            fact
            for path in _all_files(estate, system_id, extract_name)
            if (fact := (path.name, path.stat().st_size, path.stat().st_mtime_ns)) not in known
        ]
        if pending:
            result[extract_name] = pending
    return result


def _all_files(estate: Estate, system_id: str, extract_name: str) -> list[Path]:
    """The extract's own files and those it joins: a change of either is news."""
    files = sources.list_source_files(estate, system_id, extract_name)
    if files:
        folder = sources.source_folder(estate, estate.systems[system_id])
        for join in estate.extract(system_id, extract_name).joins:
            files += sources.match(folder, join.from_)
    return files
