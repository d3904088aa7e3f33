"""Defects of what the shop floor holds of bills and routings, and what looks like them.

Belongs here: entries that came after those of `bom` and `routing`, so that these choose what they have always chosen.
Doesn't belong here: what the shop floor did (`production`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import ANY_REQUIREMENT, LINE, UNCHANGED
from mfg_assets.simulate.defects.model import OWN_ROW, Defect, Edit, copy_row, hide, replace_values
from mfg_assets.simulate.defects.routing import operations

# Lines that PLM, ERP and shop floor agree about, as the shop floor's row of them.
_LINES = f"""
select
    line.* replace (
        greatest(line.known_at, shop.visible_from) as known_at, least(line.until_at, shop.visible_to) as until_at,
        shop.source_system as system, shop.row_id as row_id
    )
from ({LINE} from erp_line where {UNCHANGED}) as line
inner join held.bom_line as shop on line.row_id = shop.row_id and left(shop.source_system, 3) = 'mes'
    and shop.visible_from <= $first and (shop.visible_to is null or $first < shop.visible_to)
"""

_ZONED = (
    "select system as source_system, row_id, planted_at, mended_at, zone "
    "from chosen inner join plant_zone on chosen.plant_id = plant_zone.plant_id"
)
# An operation has the same row in ERP and MES.
_BOTH = (
    "select holder.source_system, holder.row_id, planted_at, mended_at from chosen "
    "inner join (select distinct source_system, row_id from held.routing_operation) as holder "
    "on chosen.row_id = holder.row_id"
)


def _midnight(days: int) -> str:
    return f"timezone(zone, cast(cast(timezone(zone, planted_at) as date) + {days} as timestamp))"


def _operation(
    finding_class: str,
    does: str,
    values: dict[str, str],
    targets: str = OWN_ROW,
    *,
    shows: str = "mes routing_operation",
    look_alike: str = "",
) -> Defect:
    """An entry about one operation; with a name it is a look-alike."""
    return Defect(
        "routing",
        finding_class,
        does,
        shows,
        operations("mes"),
        (replace_values("routing_operation", values, targets),),
        is_near_miss=bool(look_alike),
        name=look_alike,
    )


def _renumbered(entity: str) -> tuple[Edit, ...]:
    return (
        copy_row(entity, {"line_id": "held_row.line_id || 'N'", "row_id": "held_row.row_id || 'N'"}, OWN_ROW),
        hide(entity),
    )


SHOP_FLOOR: tuple[Defect, ...] = (
    Defect(
        "bom",
        "missing_in_mes",
        "The shop floor lacks a released line.",
        "mes bom_line",
        _LINES,
        (hide("bom_line"),),
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "missing_in_mes",
        "The shop floor has deleted a line and entered it anew under another number.",
        "mes bom_line",
        _LINES,
        _renumbered("bom_line"),
        is_near_miss=True,
        name="renumbered",
    ),
    _operation(
        "effectivity",
        "The shop floor ends an operation next year, and the ERP knows of no end.",
        {"effective_to": _midnight(400)},
        _ZONED,
    ),
    _operation(
        "effectivity",
        "The shop floor says since when an operation has held, and the ERP says nothing of it.",
        {"effective_from": _midnight(-200)},
        _ZONED,
        look_alike="silent",
    ),
    _operation(
        "revision",
        "The ERP has another revision of a routing than the shop floor.",
        {"revision": "case left(held_row.source_system, 3) when 'erp' then 'B' else 'A' end"},
        _BOTH,
        shows="erp and mes routing_operation",
    ),
    _operation(
        "revision",
        "The ERP names a routing's revision by a letter, and the shop floor the same one by a number.",
        {"revision": "'B'"},
        _BOTH,
        shows="erp and mes routing_operation",
        look_alike="other_notation",
    ),
    _operation("unit", "The shop floor gives an operation's times in pieces.", {"time_unit": "'EA'"}),
    _operation(
        "unit",
        "The shop floor gives an operation's times in seconds; they are the same.",
        {
            "time_unit": "'SEC'",
            "setup_time": "cast(held_row.setup_time * 60 as decimal(18, 6))",
            "run_time": "cast(held_row.run_time * 60 as decimal(18, 6))",
        },
        look_alike="seconds",
    ),
    _operation(
        "setup_time",
        "The shop floor reckons with half a second more to set up, which is within tolerance.",
        {"setup_time": "cast(held_row.setup_time + 0.008 as decimal(18, 6))"},
        look_alike="within_tolerance",
    ),
    _operation(
        "yield",
        "The shop floor says nothing of how many pieces an operation spoils.",
        {"yield_fraction": "null"},
        look_alike="silent",
    ),
)
