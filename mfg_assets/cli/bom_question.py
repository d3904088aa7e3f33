"""The question that a command about bills asks, checked against what is published.

Belongs here: which item, plant, system and instant are meant, and what to answer where there is no such thing.
Doesn't belong here: the commands (`bom`, `bom_compare`), reading bills (mfg_assets.bom).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mfg_assets.cli import context, instants
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    import duckdb

    from mfg_assets.bom import Question
    from mfg_assets.estate.models import Estate


def ask(
    connection: duckdb.DuckDBPyConnection,
    item: str,
    plant: str | None,
    as_of: str | None,
    system: str | None,
    revision: str | None,
    quantity: Decimal | None,
    *,
    is_down: bool,
) -> Question:
    """The question, checked: everything in it exists. Raises UsageError with the nearest that does."""
    from mfg_assets.bom import Question, lookup

    if not lookup.is_known(connection, item):
        near = lookup.items_like(connection, item)
        fix = f"did you mean {', '.join(near)}?" if near else "`mfg query 'select item_number from item'` lists them"
        raise UsageError(Problem(f"there is no item {item!r} in the published state", fix=fix))
    plants = lookup.plants_of(connection)
    if plant is not None and plant not in plants:
        raise UsageError(Problem(f"no bills are published for plant {plant!r}", fix=f"one of: {', '.join(plants)}"))
    known_systems = lookup.systems(connection)
    if system is not None and system not in known_systems:
        raise UsageError(
            Problem(f"no bills are published from system {system!r}", fix=f"one of: {', '.join(known_systems)}")
        )
    with_item = lookup.plants_of(connection, item, is_parent=is_down)
    if plant is None and len(with_item) > 1:
        what = "has bills at" if is_down else "is used at"
        fix = f"choose one with --plant: {', '.join(with_item)}"
        raise UsageError(Problem(f"{item} {what} several plants", fix=fix))
    plant_id = plant or next(iter(with_item or plants), "")
    estate = context.estate_if_chosen()
    return Question(
        item=item,
        plant_id=plant_id,
        as_of=instant_of(connection, as_of, plant_id, estate),
        system=system,
        revision=revision,
        is_at_instant=revision is None or as_of is not None,
        lot_size=quantity,
        line_rules={s.system: (s.line_identity, s.overlap_winner) for s in estate.systems.values()} if estate else {},
    )


def instant_of(connection: Any, text: str | None, plant_id: str, estate: Estate | None) -> datetime:
    """What is meant by an instant as typed, in the plant's zone; without one, that of the published state."""
    if text is not None:
        zones = [p.timezone for p in estate.file.plants if p.id == plant_id] if estate else []
        return instants.parse(text, zones)
    row = connection.execute("select as_of from publication order by version desc limit 1").fetchone()
    if row:
        return row[0]
    return estate.now() if estate else instants.parse("now", ())
