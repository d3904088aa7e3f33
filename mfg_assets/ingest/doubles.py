"""Records of one delivery that contradict each other: the same key with other content.

Belongs here: finding them, and leaving all but the first out of the rows. Doesn't belong here: the same key in another
delivery, which is a new version or staging's to report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.ingest.mapping import ExtractMapping
from mfg_assets.warehouse.sql import identifier, literal, path_literal

_TABLE = "__doubles"


@dataclass(frozen=True)
class Doubles:
    """How many records contradict an earlier one, and the relation that names them with reason and detail."""

    count: int
    sql: str


def find_doubles(
    connection: duckdb.DuckDBPyConnection, mapping: ExtractMapping, rows: Path, files: list[str], *, is_dense: bool
) -> Doubles | None:
    """Take records that contradict an earlier one out of the rows. None where there are none.

    Args:
        connection: to read with.
        mapping: what the rows are.
        rows: their file; it is replaced where some are taken out.
        files: the delivery's files in their order.
        is_dense: the file leaves out the rows' numbers, which are their places.

    An event that comes twice alike changes nothing (rule 32), and a delta may carry several versions of a key.
    """
    contract = mapping.contract
    if contract.kind == "event":
        reason, expected = "conflicting_event", "an event has one content"
    elif mapping.extract.delivery == "snapshot":
        reason, expected = "duplicate_key", "a key stands once in a snapshot"
    else:
        return None
    source = f"read_parquet({path_literal(rows)})"
    if is_dense:
        numbered = f"read_parquet({path_literal(rows)}, file_row_number = true)"
        source = f"(select * exclude (file_row_number), file_row_number + 1 as source_row from {numbered})"
    if len(files) == 1:
        source = f"(select *, {literal(files[0])} as source_file from {source})"
    # A part of the key that isn't mapped is null in all rows.
    mapped = {c.name for c in mapping.columns}
    keys = ", ".join(identifier(k) for k in contract.key if k in mapped) or "1"
    counted = connection.execute(f"select count(*), count(distinct hash({keys})) from {source}").fetchone()
    if counted is None or counted[0] == counted[1]:
        return None
    content = f"row({', '.join(identifier(c.name) for c in mapping.columns if c in contract.columns)})"
    order = f"list_position([{', '.join(literal(f) for f in files)}], source_file), source_row"
    shown = " || ', ' || ".join(
        f"{literal(k + ' = ')} || coalesce(cast({identifier(k) if k in mapped else 'null'} as varchar), 'none')"
        for k in contract.key
    )
    connection.execute(
        f"create or replace temp table {_TABLE} as "
        f"with suspects as (select *, hash({keys}) as h from {source} where hash({keys}) in "
        f"(select hash({keys}) from {source} group by 1 having count(*) > 1)), "
        f"compared as (select source_file, source_row, {shown} as key, {content} as content, "
        f"first_value({content}) over same as first_content, first_value(source_row) over same as first_row, "
        f"first_value(source_file) over same as first_file "
        f"from suspects window same as (partition by {keys} order by {order})) "
        f"select source_file as double_file, source_row as double_row, {literal(reason)} as reason, key || ': ' || "
        f"{literal(expected + ', and record ')} || first_row || ' of ' || first_file || ' says otherwise' as detail "
        f"from compared where content is distinct from first_content"
    )
    found = connection.execute(f"select count(*) from {_TABLE}").fetchone()
    if found is None or not found[0]:
        return None
    kept = rows.with_name("kept.parquet")
    connection.execute(
        f"copy (select r.* from {source} as r anti join {_TABLE} as d "
        f"on r.source_file = d.double_file and r.source_row = d.double_row) to {path_literal(kept)} (format parquet)"
    )
    kept.replace(rows)
    return Doubles(found[0], f"select * from {_TABLE}")
