"""Fixed-width text.

Belongs here: lines cut into fields. Doesn't belong here: delimited text.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.lines import line_table
from mfg_assets.ingest.connectors.table import ROW, Table
from mfg_assets.ingest.connectors.text import open_text
from mfg_assets.ingest.formats import Layout
from mfg_assets.warehouse.sql import identifier, literal


def open_fixed(path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """A text whose fields stand at fixed positions; every column is text, without blanks around it.

    A line may end early where its last fields are empty. One that stops within a field, in a file whose last line has
    no end, was cut off: it is malformed.

    Raises:
        SourceError: no layout is given, or the file isn't in its encoding.
    """
    if not layout.fields:
        fix = "add fields: with name, start and width of each"
        raise SourceError(Problem("a fixed-width file needs its layout", path, fix=fix))
    text = open_text(path, layout, folder)
    skip = layout.skip_rows + (1 if layout.has_header else 0)
    nulls = ", ".join(literal(word) for word in layout.null_words)
    fields = []
    for field in layout.fields:
        value = f"trim(substring(line, {field.start}, {field.width}))"
        fields.append(f"case when {value} in ({nulls}) then null else {value} end as {identifier(field.name)}")
    cut = "false"
    if not text.ends_in_line_end:
        last = max(f.start + f.width - 1 for f in layout.fields)
        starts = ", ".join(str(f.start) for f in layout.fields)
        # Between fields a line may end; within one only if it is the last of the file that was cut off.
        cut = f"{ROW} = {{last}} and length(line) < {last} and length(line) + 1 not in ({starts})"

    def of(lines: Table) -> Table:
        damaged = cut.replace("{last}", f"(select max({ROW}) from ({lines.sql}))")
        malformed = [lines.malformed] if lines.malformed else []
        if damaged != "false":
            why = literal("the file ends within one of its fields")
            malformed.append(f"select {ROW}, line as record, {why} as why from ({lines.sql}) where {damaged}")
        slow = lines.careful
        return replace(
            lines,
            columns={f.name: "VARCHAR" for f in layout.fields},
            sql=f"select {', '.join(fields)}, {ROW} from ({lines.sql}) where not ({damaged})",
            malformed=" union all ".join(malformed) or None,
            expected_rows=None if malformed else lines.expected_rows,
            careful=(lambda: of(slow())) if slow is not None else None,
        )

    return of(line_table(text, path, name, skip, folder))
