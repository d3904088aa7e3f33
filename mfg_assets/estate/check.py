"""`mfg check`: every problem of an estate at once, with file, line and fix.

Belongs here: running all checks, and those that open source files: folders, patterns, expressions against real headers.
Doesn't belong here: printing (cli), reading source files (ingest).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.coverage import check_ownership
from mfg_assets.estate.document import Document, Location
from mfg_assets.estate.mappings import check_mappings
from mfg_assets.estate.models import Estate, EstateFile, OwnershipFile
from mfg_assets.estate.read import EstateSource, read_estate
from mfg_assets.estate.references import check_references
from mfg_assets.estate.systems import Extract, SqlConnector, SystemFile
from mfg_assets.estate.validate import nearest
from mfg_assets.settings import Settings, environment

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN_COLUMN = re.compile(r'Referenced column "([^"]+)" (?:was )?not found|does not have a column named "([^"]+)"')


def collect_problems(
    path: Path, settings: Settings, *, sources: bool = True, environ: Mapping[str, str] | None = None
) -> list[Problem]:
    """Everything wrong with an estate.

    Args:
        path: the estate folder.
        settings: limits for reading source files.
        sources: also look at source files: folders, patterns, and expressions against each file's real header.
        environ: values for `${VAR}`; the process's environment when None.

    Returns:
        Problems in the order estate.yaml, ownership.yaml, systems, code maps, each by line; empty when all is well.
    """
    if not path.is_dir():
        return [Problem("the estate folder does not exist", path, fix="correct MFG_ESTATE or --estate")]
    source = read_estate(path, environment() if environ is None else environ)
    check_references(source)
    check_mappings(source)
    check_ownership(source)
    if sources:
        _check_sources(source, settings)
    return source.all_problems()


def _check_sources(source: EstateSource, settings: Settings) -> None:
    estate = _saved_estate(source)
    for system_id, system in estate.systems.items():
        document = next(s.document for s in source.systems if s.id == system_id)
        if any(place[:1] == ("connector",) or place == () for place in document.tainted):
            continue
        if isinstance(system.connector, SqlConnector):
            _check_database(estate, document, system, settings)
            continue
        folder = estate.path / system.connector.path
        if not folder.is_dir():
            where = document.variables.get(("connector", "path"))
            _report(
                document,
                ("connector", "path"),
                f"the folder {folder} does not exist",
                f"set the variable in {where}, or correct the path" if where else "correct the path",
            )
            continue
        for name, extract in system.extracts.items():
            if _is_usable(document, name):
                _check_extract(estate, document, system_id, name, extract, settings)


def _check_database(estate: Estate, document: Document, system: SystemFile, settings: Settings) -> None:
    from mfg_assets.ingest.connectors.database import open_database

    try:
        with open_database(estate, system):
            pass
    except SourceError as error:
        for problem in error.problems:
            _report(document, ("connector", "url"), problem.message, problem.fix)
        return
    for name, extract in system.extracts.items():
        if _is_usable(document, name):
            source = "query" if extract.query else "from"
            _check_expressions(estate, document, system.system, name, source, settings)


def _check_extract(
    estate: Estate, document: Document, system: str, name: str, extract: Extract, settings: Settings
) -> None:
    from mfg_assets.ingest.sources import match, source_folder

    at: Location = ("extracts", name)
    folder = source_folder(estate, estate.systems[system])
    files = match(folder, extract.from_)
    missing: list[tuple[Location, str]] = [] if files else [((*at, "from"), extract.from_)]
    for number, join in enumerate(extract.joins):
        if not match(folder, join.from_):
            missing.append(((*at, "joins", number, "from"), join.from_))
    for place, pattern in missing:
        _report(document, place, f"no file in {folder} matches {pattern!r}", _pattern_fix(folder, pattern))
    if missing:
        return
    misnamed = list(_misnamed(files, extract, estate.systems[system].timezone))
    for key, message in misnamed:
        _report(document, (*at, key), message, "correct the expression, or have the system name its files so")
    # A file that its name puts into no delivery can't be opened either, and has been reported.
    _check_expressions(estate, document, system, name, None if misnamed else "from", settings)


def _check_expressions(
    estate: Estate, document: Document, system: str, name: str, source: str | None, settings: Settings
) -> None:
    """Try the expressions on the real columns.

    `source` is the key that says what is read; None where its faults are known already.
    """
    from mfg_assets.ingest import compile_errors

    at: Location = ("extracts", name)
    try:
        errors = compile_errors(estate, system, name, settings)
    except SourceError as error:
        for problem in error.problems if source is not None else ():
            _report(document, (*at, source or ""), f"{name}: {problem.message}", problem.fix)
        return
    for where, message in errors:
        _report(
            document,
            (*at, *_location(where)),
            f"{where}: {message}",
            _expression_fix(message, estate, system, name, settings),
        )


def _misnamed(files: list[Path], extract: Extract, zone: str | None) -> Iterator[tuple[str, str]]:
    """The key that reads something from file names, and what is wrong, for the first file that doesn't fit it."""
    from mfg_assets.ingest.sources import deliveries, extracted_at

    for key, read in (
        ("batch_by", lambda: deliveries(files, extract)),
        ("extracted_at", lambda: [extracted_at([file], extract, zone) for file in files]),
    ):
        try:
            read()
        except SourceError as error:
            problem = error.problems[0]
            yield key, f"{problem.path.name}: {problem.message}" if problem.path else problem.message


def _pattern_fix(folder: Path, pattern: str) -> str:
    present = sorted(p.name for p in folder.iterdir() if p.is_file())
    meant = nearest(pattern, present)
    if meant is not None:
        return f"did you mean {meant}?"
    if not present:
        return "the folder holds no file; deliver the extracts, or correct the connector's path"
    shown = ", ".join(present[:5]) + (", …" if len(present) > 5 else "")
    return f"correct the pattern; the folder holds {shown}"


def _expression_fix(message: str, estate: Estate, system: str, name: str, settings: Settings) -> str:
    from mfg_assets.ingest import source_columns

    columns = [c for names in source_columns(estate, system, name, settings).values() for c in names]
    unknown = _UNKNOWN_COLUMN.search(message)
    if unknown is not None:
        meant = nearest(unknown[1] or unknown[2], columns)
        if meant is not None:
            return f"did you mean {meant}?"
        shown = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
        what = "table" if estate.systems[system].source_kind(name) == "sql" else "file"
        return f"the {what} has the columns {shown}"
    return "correct the SQL expression; names with blanks or dots stand in double quotes"


def _location(where: str) -> Location:
    """`joins[0].on` → ("joins", 0, "on")."""
    return tuple(int(m[2]) if m[2] else m[1] for m in _STEP.finditer(where))


def _is_usable(document: Document, name: str) -> bool:
    """Whether an extract's files can be read and its expressions tried in spite of the problems it has."""
    at = ("extracts", name)
    return not any(
        place[:1] == at[:1] and (len(place) == 1 or place[1] == name) and place[2:3] != ("columns",)
        for place in document.tainted
    )


def _report(document: Document, place: Location, message: str, fix: str | None) -> None:
    document.problems.append(Problem(message, document.path, document.line(place), fix))


def _saved_estate(source: EstateSource) -> Estate:
    """An estate of everything that can be used, however much of it is wrong; only for looking at source files."""
    systems = {}
    for system in source.systems:
        if system.saved is not None:
            systems[system.id] = _usable_columns(system.saved, system.document)
    file = source.saved_estate or EstateFile.model_construct(name="", plants=[])
    return Estate.model_construct(
        path=source.path,
        file=file,
        ownership=OwnershipFile(),
        systems=systems,
        code_maps={c.name: c.code_map() for c in source.codes},
    )


def _usable_columns(system: SystemFile, document: Document) -> SystemFile:
    """The system without mapped columns that have a problem: they would only be reported again."""
    extracts = {}
    for name, extract in system.extracts.items():
        columns = {
            column: mapping
            for column, mapping in extract.columns.items()
            if not any(place[:4] == ("extracts", name, "columns", column) for place in document.tainted)
        }
        extracts[name] = extract.model_copy(update={"columns": columns})
    return system.model_copy(update={"extracts": extracts})
