"""Extracts against contracts: what is mapped, to what, and with which code maps and file options.

Belongs here: everything that can be known without opening a source file.
Doesn't belong here: expressions, which only the file's real header can judge (`check`).
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from mfg_assets.contracts import PLATFORM_COLUMNS, Column, Contract, contracts
from mfg_assets.estate.codes import CodeFile
from mfg_assets.estate.connectors import check_connector, check_records, check_source
from mfg_assets.estate.document import Part
from mfg_assets.estate.read import EstateSource, SystemSource
from mfg_assets.estate.references import check_schedule
from mfg_assets.estate.standards import CURRENCIES
from mfg_assets.estate.validate import suggestion

# Platform columns that a source may know better than landing does.
MAPPABLE_PLATFORM_COLUMNS = ("recorded_at", "correlation_id", "is_deleted")
# The map that normalises a code type, where it has one.
CODE_TYPE_MAPS = {"unit": "units", "plant": "plants", "currency": "currencies"}

# Patterns are tried on a folder that doesn't exist: only whether they are patterns at all is asked.
_NO_FOLDER = "\x1f"
_CONSTANT = re.compile(r"\s*'((?:[^']|'')*)'\s*")
_BARE_DATE = re.compile(r"\s*\d{4}-\d{1,2}-\d{1,2}\s*")


def entity_of(extract: Part, name: str) -> str | None:
    """The entity under which an extract lands; None when it names none that can be used."""
    entity = extract["entity"]
    chosen = entity.text if entity.exists else name
    return chosen if chosen in contracts() else None


def check_mappings(source: EstateSource) -> None:
    """Report what is wrong with each extract of each system."""
    for system in source.systems:
        root = system.document.root
        check_format(root["connector"], root["connector"])
        check_connector(root["connector"])
        for name, extract in root["extracts"].members():
            _extract(extract, name, system, source)


def _extract(extract: Part, name: str, system: SystemSource, source: EstateSource) -> None:
    connector = system.document.root["connector"]
    check_format(extract["options"], connector)
    check_source(extract, connector)
    check_records(extract, connector)
    check_schedule(extract["schedule"])
    if connector["type"].value != "sql":
        _pattern_inside(extract["from"])
    _batching(extract)
    _complete_when(extract, connector)
    _joins(extract["joins"], connector)
    entity = extract["entity"]
    if entity_of(extract, name) is None:
        if not entity.is_reported and (entity.text is not None or not entity.exists):
            wrong = entity.text or name
            fix = suggestion(wrong, contracts(), f"use one of: {', '.join(contracts())}")
            if not entity.exists:
                fix = f"add entity: to the extract; {fix}"
            (entity if entity.exists else extract).report(f"there is no entity {wrong!r}", fix)
        system.document.tainted.add(extract.location)
        return
    contract = contracts()[entity_of(extract, name) or name]
    columns = extract["columns"]
    if not isinstance(columns.value, dict):
        return
    for column_name, column in columns.members():
        _column(column, column_name, contract, system, source)
    for required in contract.required:
        if required not in columns.value:
            what = contract.column(required)
            columns.report(
                f"the required column {required!r} of {contract.entity} is not mapped",
                f"add {required}: with an SQL expression ({what.description.split('.')[0]})",
            )


def _column(part: Part, name: str, contract: Contract, system: SystemSource, source: EstateSource) -> None:
    names = [c.name for c in contract.columns]
    if name not in names:
        if name in MAPPABLE_PLATFORM_COLUMNS:
            return
        if name in PLATFORM_COLUMNS:
            part.report(f"{name!r} is set by landing itself", "remove it", unusable=True)
        else:
            choices = [*names, *MAPPABLE_PLATFORM_COLUMNS]
            fix = suggestion(name, choices, f"use one of: {', '.join(choices)}")
            part.report(f"{contract.entity} has no column {name!r}", fix, unusable=True)
        return
    column = contract.column(name)
    codes = part["codes"]
    expression = part["sql"] if isinstance(part.value, dict) else part
    maps = {file.name: file for file in source.codes}
    if codes.text is not None:
        file = maps.get(codes.text)
        if file is None:
            fix = suggestion(codes.text, maps, f"add codes/{codes.text}.csv with the header system,native,code")
            codes.report(f"there is no code map {codes.text!r}", fix, unusable=True)
        else:
            _code_map(codes, file, column, system)
    elif column.code_type == "unit" and expression.exists:
        _unit_map(expression, maps.get("units"), column, system)
    if expression.text is not None:
        _expression(
            expression, column, maps.get(codes.text or CODE_TYPE_MAPS.get(column.code_type or "", "")), system, source
        )


def _code_map(codes: Part, file: CodeFile, column: Column, system: SystemSource) -> None:
    if not file.serves(system.id):
        codes.report(
            f"the code map {file.name!r} has no row for {system.id}, so every value of {column.name} would be rejected",
            f"add rows with the system {system.id} or * to codes/{file.path.name}",
        )
    if column.enumeration:
        for row in file.rows:
            if row.system in (system.id, "*") and row.code not in column.enumeration:
                fix = suggestion(row.code, column.enumeration)
                codes.report(
                    f"{file.path.name}:{row.line} translates {row.native!r} to {row.code!r}, which {column.name} can't "
                    "hold",
                    fix,
                )


def _unit_map(expression: Part, file: CodeFile | None, column: Column, system: SystemSource) -> None:
    if file is None or not file.serves(system.id):
        expression.report(
            f"codes/units.csv has no row for {system.id}, so every {column.name} would be rejected",
            f"list the units of {system.id} there: system,native,code",
        )


def _expression(
    expression: Part, column: Column, file: CodeFile | None, system: SystemSource, source: EstateSource
) -> None:
    text = expression.text or ""
    if _BARE_DATE.fullmatch(text):
        expression.report(f"{column.name}: {text} is a subtraction in SQL", f"write date '{text.strip()}'")
    constant = _CONSTANT.fullmatch(text)
    if constant is None:
        return
    native = constant[1].replace("''", "'")
    code = native
    translated = {row.native: row.code for row in file.rows if row.system == "*"} if file else {}
    translated |= {row.native: row.code for row in file.rows if row.system == system.id} if file else {}
    if native.strip() in translated:
        code = translated[native.strip()]
    elif column.code_type == "unit" and file is not None and file.is_whole and file.serves(system.id):
        expression.report(
            f"{column.name}: {file.path.name} has no unit {native!r} for {system.id}",
            f"add the line {system.id},{native},<UNECE code>",
        )
        return
    served = [p.value for p in system.document.root["plants"].items()]
    plants = source.plant_ids
    if column.code_type == "plant" and plants is not None and code not in plants:
        expression.report(f"{column.name}: there is no plant {code!r}", suggestion(code, plants))
    elif column.code_type == "plant" and served and code not in served:
        expression.report(f"{column.name}: {system.id} doesn't serve the plant {code!r}", "add it to plants: above")
    elif column.code_type == "currency" and code not in CURRENCIES:
        expression.report(f"{column.name}: {code!r} is no currency of ISO 4217", "use a code such as EUR")
    elif column.enumeration and code not in column.enumeration:
        expression.report(
            f"{column.name}: {code!r} is not one of {', '.join(column.enumeration)}",
            suggestion(code, column.enumeration),
        )


def check_format(part: Part, connector: Part) -> None:
    """Report file options that can't be used or contradict each other; unset ones come from the connector."""

    def effective(key: str) -> object:
        own = part[key]
        return own.value if own.exists else connector[key].value

    encoding = part["encoding"]
    if encoding.text is not None:
        try:
            codecs.lookup(encoding.text)
        except LookupError:
            encoding.report(
                f"there is no encoding {encoding.shown!r}", "use a name such as utf-8, utf-16, latin-1, cp1252"
            )
    if part["header"].value is False and effective("column_names") is None and part.location != connector.location:
        part["header"].report("a file without header needs names for its columns", "add column_names: [first, …]")
    for key, item_key in (("column_names", None), ("fields", "name")):
        seen: set[str] = set()
        for item in part[key].items():
            named = item[item_key] if item_key else item
            if isinstance(named.value, str):
                if named.value.lower() in seen:
                    named.report(f"the column {named.shown!r} stands twice", "give each column its own name")
                seen.add(named.value.lower())
    if part["format"].value == "fixed_width" and effective("fields") is None and part.location != connector.location:
        part["format"].report("a fixed-width file needs its layout", "add fields: with name, start and width of each")
    marks = part["thousands"]
    if marks.text is not None and marks.value == (effective("decimal") or "."):
        marks.report("thousands and decimal mark are the same", "set decimal: or thousands: differently")
    quote = part["quote"]
    if quote.text is not None and len(quote.text) > 1:
        quote.report(f"quote {quote.shown!r} is longer than one character", 'give one character, or "" for none')


def _pattern_inside(part: Part) -> None:
    pattern = part.text
    if pattern is None:
        return
    if pattern.startswith("/") or ".." in pattern.replace("\\", "/").split("/"):
        part.report(
            f"the pattern {part.shown!r} leads out of the connector's folder",
            "write it relative to the connector's path, without ..",
            unusable=True,
        )
        return
    try:
        next(Path(_NO_FOLDER).glob(pattern), None)
    except (ValueError, NotImplementedError) as error:
        part.report(f"{part.shown!r} is no file pattern: {error}", "use * and ? within names", unusable=True)


def _batching(extract: Part) -> None:
    if extract["batch_by"].text not in (None, "file", "all"):
        _regex(extract["batch_by"], 'use "file", "all", or a regular expression such as "^(.*)_page")')
    _regex(extract["extracted_at"], 'mark the time with a group, such as "_(\\d{8})\\."')


def _complete_when(extract: Part, connector: Part) -> None:
    part = extract["complete_when"]
    if not part.exists:
        return
    delivery = extract["delivery"]
    if delivery.text in ("delta", "events"):
        part.report(
            f"complete_when has a meaning only for snapshots, this is {delivery.shown}",
            "remove it, or set delivery: snapshot if each file holds everything",
        )
    markers = ("control_file", "trailer", "row_count", "footer")
    if isinstance(part.value, dict) and not any(part[m].exists for m in markers):
        part.report("complete_when names no marker", f"add one of {', '.join(markers)}, or remove it")
    control = part["control_file"]
    for key in ("row_count", "sha256", "total"):
        _regex(control[key], 'mark the value with a group, such as "(\\d+)"')
    if isinstance(control.value, dict) and not any(control[k].exists for k in ("row_count", "sha256", "total")):
        control.report("the control file proves nothing", "add row_count, sha256 or total")
    if control["total"].exists != control["total_of"].exists:
        control.report("total and total_of need each other", "give both: where the sum stands, and what it sums")
    if control.exists:
        _pattern_inside(control["pattern"])
    _regex(part["trailer"]["row_count"], 'mark the count with a group, such as "^END;(\\d+)"')
    options = extract["options"]["format"]
    file_format = options.value if options.exists else connector["format"].value
    if part["footer"].exists and file_format not in (None, "parquet"):
        part["footer"].report(f"a {file_format} file has no footer", "use control_file, trailer or row_count")


def _regex(part: Part, fix: str) -> None:
    if part.text is None:
        return
    try:
        compiled = re.compile(part.text)
    except re.error as error:
        part.report(f"{part.location[-1]}: not a regular expression: {error}", fix)
        return
    if compiled.groups == 0:
        part.report(f"{part.location[-1]}: {part.shown!r} has no group", fix)


def _joins(joins: Part, connector: Part) -> None:
    seen = {"src"}
    for join in joins.items():
        alias = join["as"]
        if alias.text in seen:
            what = "means the extract's own rows" if alias.text == "src" else "is taken by an earlier join"
            alias.report(f"the alias {alias.shown!r} {what}", "choose another", unusable=True)
        elif alias.text is not None:
            seen.add(alias.text)
        _pattern_inside(join["from"])
        check_format(join["options"], connector)
