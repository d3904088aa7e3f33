"""Which published lines hold for a question, and everything that can be reached through them.

Belongs here: the question, and running what it takes. Doesn't belong here: the SQL (`statements`), walking (`walk`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from mfg_assets.bom import statements
from mfg_assets.bom.model import Edge, Structure

if TYPE_CHECKING:
    import duckdb

LineIdentity = Literal["component", "position", "reference_designator"]
OverlapWinner = Literal["latest_valid_from", "latest_recorded"]


@dataclass(frozen=True)
class Question:
    """What somebody wants to know.

    Attributes:
        item: the item asked about.
        plant_id: at which plant.
        as_of: at which instant.
        system: the lines of this system; the reconciled ones when None.
        revision: downwards the bill of this revision of the item, whether in force or not; upwards only lines that
            take this revision of the item, or say nothing about its revision.
        is_at_instant: with a revision, whether its lines must hold at `as_of` all the same.
        lot_size: how many are ordered, which may choose between alternative bills of the item.
        usage: only the item's bill of this usage; by default the order of rule 13 chooses.
        alternative: only this alternative of the item's bill.
        held_at: with a system, the lines as it held them at this instant of recorded time; now when None.
        line_rules: per system, what identifies a line (rule 7) and which of two overlapping ones counts (rule 2).
    """

    item: str
    plant_id: str
    as_of: datetime
    system: str | None = None
    revision: str | None = None
    is_at_instant: bool = True
    lot_size: Decimal | None = None
    usage: str | None = None
    alternative: str | None = None
    held_at: datetime | None = None
    line_rules: Mapping[str, tuple[LineIdentity, OverlapWinner]] = field(default_factory=dict)


def read_structure(connection: duckdb.DuckDBPyConnection, question: Question, *, is_down: bool) -> Structure:
    """The lines that hold and can be reached from the item, downwards or upwards.

    Args:
        connection: the published snapshot.
        question: item, plant, instant and the rest.
        is_down: towards components, else towards parents.
    """
    tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if question.held_at is not None:
        lines, refused = statements.HELD_BY_SYSTEM, ""
    elif question.system is not None:
        lines, refused = statements.OF_SYSTEM, statements.REFUSED_OF_SYSTEM
    else:
        lines, refused = statements.RECONCILED, statements.REFUSED_RECONCILED
    sql = statements.STRUCTURE.format(
        raw=lines + (refused if "bom_line_refused" in tables else ""),
        revisions=statements.REVISIONS if "item_revision" in tables else statements.NO_REVISIONS,
        item_plants=statements.ITEM_PLANTS if "item_plant" in tables else statements.NO_ITEM_PLANTS,
        near="structure.parent" if is_down else "structure.component",
        further="structure.component" if is_down else "structure.parent",
    )
    parameters: dict[str, Any] = {
        "item": question.item,
        "plant_id": question.plant_id,
        "as_of": question.as_of,
        "system": question.system,
        "revision": question.revision,
        "is_at_instant": question.is_at_instant,
        "is_down": is_down,
        "lot_size": question.lot_size,
        "usage": question.usage,
        "alternative": question.alternative,
        "held_at": question.held_at,
        "systems": list(question.line_rules),
        "identities": [identity for identity, _ in question.line_rules.values()],
        "winners": [winner for _, winner in question.line_rules.values()],
    }
    # DuckDB refuses parameters that the statement doesn't name.
    named = set(re.findall(r"\$(\w+)", sql))
    result = connection.execute(sql, {k: v for k, v in parameters.items() if k in named})
    columns = [column[0] for column in result.description or ()]
    edges = tuple(Edge(**dict(zip(columns, row, strict=True))) for row in result.fetchall())
    return Structure(edges, _descriptions(connection, edges, question.item))


def _descriptions(connection: duckdb.DuckDBPyConnection, edges: tuple[Edge, ...], item: str) -> dict[str, str]:
    items = sorted({item, *(e.parent for e in edges), *(e.component for e in edges)})
    rows = connection.execute(
        "select item_number, any_value(description) from item "
        "where item_number in (select unnest($items::varchar[])) and description is not null group by item_number",
        {"items": items},
    ).fetchall()
    return dict(rows)
