"""A change that takes another one back on a later day, or is withdrawn when plants follow it already.

Belongs here: changes that follow one another on the same line, with which nothing is wrong, and what is left of a
change that is none any more. Doesn't belong here: what else goes wrong with a change (`change`).

Where a change takes another's place, no order is there that would have to follow: its assembly isn't made then.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import ANY_REQUIREMENT
from mfg_assets.simulate.defects.model import Consequence, Defect, add_rows, change_event, hide, replace_values

# A change of one plant only is one line in PLM, in the ERP and on the shop floor, and one that ends with it in each.
_CANDIDATES = """
    with sides as (
        select
            change_number, count(*) as plants, any_value(plant_id) as plant_id
        from held.engineering_change_plant
        where visible_from <= $first
        group by change_number
        having count(*) = 1
    ),
    lines as (
        select
            coalesce(engineering_change_in, engineering_change_out) as change_number,
            list(distinct source_system || '/' || row_id order by source_system || '/' || row_id)
                filter (engineering_change_in is not null) as new_rows,
            list(distinct source_system || '/' || row_id order by source_system || '/' || row_id)
                filter (engineering_change_out is not null) as old_rows
        from held.bom_line
        where coalesce(engineering_change_in, engineering_change_out) is not null and visible_from <= $first
        group by all
    )
    select
        change.claim, greatest(change.erp_known_at, change.mes_known_at) as known_at, change.plant_id,
        cast(null as decimal(18, 6)) as quantity, change.change_number,
        left(change.change_number, 2) || '9' || substr(change.change_number, 4) as next_number,
        change.zone, change.effective_at, change.parent_item_number,
        (
            select list(distinct orders.production_order_number) from held.production_order as orders
            where orders.plant_id = change.plant_id and orders.item_number = change.parent_item_number
        ) as orders,
        change.new_component, change.old_component, lines.new_rows, lines.old_rows,
        [$keys] as keys
    from change_at as change
    inner join sides on change.change_number = sides.change_number and change.plant_id = sides.plant_id
    inner join lines on change.change_number = lines.change_number
    where change.effective_at <= $first
"""

# What a change takes out at a plant, in lines that are said of that plant alone.
_TAKES_OUT = """
    with sides as (
        select change_number, count(*) as plants
        from held.engineering_change_plant
        where visible_from <= $first and (visible_to is null or $first < visible_to)
        group by all
    ),
    lines as (
        select
            line.engineering_change_out as change_number, plant_zone.plant_id,
            list(distinct source_system || '/' || row_id order by source_system || '/' || row_id) as old_rows
        from held.bom_line as line
        inner join sides on line.engineering_change_out = sides.change_number
        inner join plant_zone on coalesce(line.plant_id, line.applicable_plants) = plant_zone.plant_id
            or (line.plant_id is null and line.applicable_plants is null and sides.plants = 1)
        where line.visible_from <= $first and (line.visible_to is null or $first < line.visible_to)
            and line.effective_from is null
        group by all
        having len(old_rows) = 3 and count(distinct left(source_system, 3)) = 3
    )
    select
        change.claim, greatest(change.erp_known_at, change.mes_known_at) as known_at, change.plant_id,
        cast(null as decimal(18, 6)) as quantity, change.change_number, lines.old_rows,
        left(change.change_number, 2) || '8' || substr(change.change_number, 4) as earlier_number,
        change.zone, change.effective_at, change.parent_item_number, [$keys] as keys
    from change_at as change
    inner join lines on change.change_number = lines.change_number and change.plant_id = lines.plant_id
    where change.effective_at <= $first and change.old_component is distinct from change.new_component
    -- its number stands for one plant
    qualify row_number() over (partition by change.change_number order by change.plant_id) = 1
"""

_REPLACED = """
        and len(lines.new_rows) = 3 and len(lines.old_rows) = 3 and change.old_component <> change.new_component
"""

_NOT_MADE = """
        and not exists (
            select 1 from held.production_order as orders
            where orders.plant_id = change.plant_id and orders.item_number = change.parent_item_number
                and (orders.scheduled_start_at >= $first - interval 22 day or orders.status = 'in_progress')
        )
"""

_OWN_KEY = "json_object('change_number', change.change_number)::varchar"
_NEXT_KEY = "json_object('change_number', next_number)::varchar"

# the local midnight so many days after an instant
_FAR_AHEAD = "timezone(chosen.zone, timezone(chosen.zone, chosen.effective_at) + interval 300 day)"
_NEXT_DAY = (
    "timezone(chosen.zone, cast(cast(timezone(chosen.zone, chosen.planted_at) as date) as timestamp) + interval 1 day)"
)


def _told(entity: str, values: str) -> str:
    return f"""
        select held_row.* replace ({values}, chosen.planted_at as visible_from, null as visible_to)
        from chosen
        inner join held.{entity} as held_row on chosen.change_number = held_row.change_number
            and held_row.visible_from <= chosen.planted_at
            and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
    """


# the local midnight of a day on which it was brought in, and when plants had heard of it
_LONG_AGO = "timezone(chosen.zone, timezone(chosen.zone, chosen.effective_at) - interval 200 day)"
_HEARD_LONG_AGO = "chosen.effective_at - interval 230 day"
_EARLIER_KEY = "json_object('change_number', earlier_number)::varchar"


def _told_before(entity: str, values: str) -> str:
    # the item's and the plant's rows as the change has them, under the number of the one before it
    return _told(
        entity,
        "chosen.earlier_number as change_number, chosen.earlier_number || substr(held_row.row_id, 9) as row_id, "
        + values,
    ).replace("chosen.planted_at as visible_from", f"{_HEARD_LONG_AGO} as visible_from")


_NEXT = "chosen.next_number as change_number, chosen.next_number || substr(held_row.row_id, 9) as row_id"


def _superseded(name: str, does: str, day: str, where: str) -> Defect:
    return Defect(
        "change",
        "effectivity_conflict",
        does,
        "all bom_line",
        _CANDIDATES.replace("$keys", f"{_OWN_KEY}, {_NEXT_KEY}") + _REPLACED + where,
        (
            add_rows(
                "engineering_change",
                _told(
                    "engineering_change",
                    f"{_NEXT}, 'Back to what was before' as title, chosen.planted_at - interval 9 day as raised_at, "
                    "chosen.planted_at - interval 2 day as approved_at, chosen.planted_at as released_at",
                ),
            ),
            add_rows(
                "engineering_change_item",
                _told(
                    "engineering_change_item",
                    f"{_NEXT}, held_row.new_component_item_number as item_number, "
                    "held_row.new_component_item_number as old_component_item_number, "
                    "held_row.old_component_item_number as new_component_item_number, "
                    "held_row.new_quantity as old_quantity, held_row.old_quantity as new_quantity",
                )
                + "where held_row.action = 'replace'",
            ),
            add_rows(
                "engineering_change_plant",
                _told("engineering_change_plant", f"{_NEXT}, {day} as planned_effective_from"),
            ),
            add_rows(
                "bom_line",
                f"""
                select held_row.* replace (
                    {day} as effective_from, null as effective_to,
                    chosen.next_number as engineering_change_in, null as engineering_change_out,
                    held_row.line_id || '-2' as line_id, held_row.row_id || '-2' as row_id,
                    chosen.planted_at as visible_from, null as visible_to
                )
                from chosen
                inner join held.bom_line as held_row
                    on list_contains(chosen.old_rows, held_row.source_system || '/' || held_row.row_id)
                    and held_row.visible_from <= chosen.planted_at
                    and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
                """,
            ),
            replace_values(
                "bom_line",
                {"effective_to": "held_row.next_at", "engineering_change_out": "held_row.next_number"},
                f"""
                select
                    split_part(row_key, '/', 1) as source_system,
                    substr(row_key, strpos(row_key, '/') + 1) as row_id,
                    planted_at, cast(null as timestamptz) as mended_at, {day} as next_at, next_number
                from (select *, unnest(new_rows) as row_key from chosen) as chosen
                """,
            ),
        ),
        share=5,
        is_near_miss=True,
        name=name,
    )


def _plm_lines(rows: str) -> str:
    return f"""
        select
            split_part(row_key, '/', 1) as source_system, substr(row_key, strpos(row_key, '/') + 1) as row_id,
            planted_at, mended_at
        from (select *, unnest(coalesce({rows}, [])) as row_key from chosen)
        where left(row_key, 3) = 'plm'
    """


SUPERSEDE: tuple[Defect, ...] = (
    Defect(
        "change",
        "effectivity_conflict",
        "What the change takes out had come in by an earlier one, which it has superseded.",
        "all bom_line",
        _TAKES_OUT.replace("$keys", f"{_OWN_KEY}, {_EARLIER_KEY}"),
        (
            add_rows(
                "engineering_change",
                _told_before(
                    "engineering_change",
                    f"'Add a part' as title, {_HEARD_LONG_AGO} - interval 20 day as raised_at, "
                    f"{_HEARD_LONG_AGO} - interval 9 day as approved_at, {_HEARD_LONG_AGO} as released_at",
                ),
            ),
            add_rows(
                "engineering_change_item",
                _told_before(
                    "engineering_change_item",
                    "'add' as action, held_row.old_component_item_number as item_number, "
                    "cast(null as varchar) as old_component_item_number, "
                    "held_row.old_component_item_number as new_component_item_number, "
                    "cast(null as decimal(18, 6)) as old_quantity, held_row.old_quantity as new_quantity",
                )
                + "where held_row.action in ('replace', 'remove')",
            ),
            add_rows(
                "engineering_change_plant",
                _told_before("engineering_change_plant", f"{_LONG_AGO} as planned_effective_from")
                + "where held_row.plant_id = chosen.plant_id",
            ),
            change_event(
                "bom_line",
                {
                    "effective_from": "target.begins_at",
                    "engineering_change_in": "target.earlier_number",
                    "visible_from": "greatest(held_row.visible_from, target.entered_at)",
                },
                f"""
                select
                    split_part(row_key, '/', 1) as source_system,
                    substr(row_key, strpos(row_key, '/') + 1) as row_id, earlier_number, {_LONG_AGO} as begins_at,
                    -- engineering first, then the ERP and the shop floor
                    {_HEARD_LONG_AGO} + to_hours(9 * list_position(['plm', 'erp', 'mes'], left(row_key, 3)))
                        as entered_at
                from (select *, unnest(old_rows) as row_key from chosen) as chosen
                """,
            ),
        ),
        share=5,
        kind="event",
        is_near_miss=True,
        is_lasting=True,
        name="superseded_before",
    ),
    _superseded(
        "superseded_now",
        "A later change has taken the change back on a day of its own, in all systems.",
        _NEXT_DAY,
        _NOT_MADE,
    ),
    _superseded(
        "superseded",
        "A later change takes the change back on a day of its own, in all systems.",
        _FAR_AHEAD,
        "",
    ),
    Defect(
        "change",
        "unauthorised_change",
        "Engineering has withdrawn the change, and the plant goes on following it.",
        "plm engineering_change, bom_line",
        _CANDIDATES.replace("$keys", _OWN_KEY) + "and len(lines.new_rows) > 0",
        (
            replace_values(
                "engineering_change",
                {"status": "'withdrawn'"},
                "select 'plm_main' as source_system, change_number as row_id, planted_at, mended_at from chosen",
            ),
            hide("bom_line", _plm_lines("new_rows")),
            replace_values(
                "bom_line", {"effective_to": "null", "engineering_change_out": "null"}, _plm_lines("old_rows")
            ),
        ),
        share=2,
        name="withdrawn",
        consequences=(
            Consequence("bom", "json_object('parent_item_number', parent_item_number)::varchar"),
            Consequence("change", "json_object('change_number', change_number)::varchar"),
            ANY_REQUIREMENT,
            Consequence("production", "json_object('object_key', unnest(orders))::varchar"),
        ),
    ),
)
