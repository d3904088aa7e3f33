"""Changes that hold from a serial or lot on, and one that lies ahead of an order that has begun.

Belongs here: changes with which nothing is wrong but their units, and what an open order has taken of what will go out.
Doesn't belong here: changes that follow one another (`supersede`), what else goes wrong with a change (`change`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import ANY_REQUIREMENT
from mfg_assets.simulate.defects.model import Consequence, Defect, add_rows, hide, replace_values

# Assemblies that are counted by serial or lot, whose change brings something in that was no part before, and what the
# plant has built of them by orders that should start after the change's day, or before.
_COUNTED = """
    with units as (
        select
            movement.to_plant_id as plant_id, movement.item_number, movement.serial_number is not null as is_serial,
            coalesce(movement.serial_number, movement.to_lot) as unit_number,
            any_value(orders.scheduled_start_at) as started_at
        from held.inventory_movement as movement
        inner join held.production_order as orders on movement.to_plant_id = orders.plant_id
            and movement.reference_number = orders.production_order_number and movement.item_number = orders.item_number
        where movement.reference_type = 'production_order' and movement.movement_class = 'receipt'
            and coalesce(movement.serial_number, movement.to_lot) is not null and movement.visible_from <= $first
        group by all
    ),
    built as (
        select
            change_at.claim, any_value(change_at.mes_known_at) as known_at, change_at.plant_id,
            cast(null as decimal(18, 6)) as quantity, change_at.change_number,
            any_value(change_at.parent_item_number) as parent_item_number,
            any_value(change_at.effective_at) as effective_at,
            [json_object('change_number', change_at.change_number)::varchar] as keys,
            told.source_system as system, told.row_id, any_value(units.is_serial) as is_serial,
            min(units.unit_number) filter (units.started_at >= change_at.effective_at) as first_new,
            max(units.unit_number) filter (units.started_at >= change_at.effective_at) as last_new,
            max(units.unit_number) filter (units.started_at < change_at.effective_at) as last_old
        from change_at
        inner join units on change_at.plant_id = units.plant_id and change_at.parent_item_number = units.item_number
        inner join held.engineering_change_plant as told on change_at.change_number = told.change_number
            and change_at.plant_id = told.plant_id and told.release_gate = 'released'
            and told.visible_from <= $first and (told.visible_to is null or $first < told.visible_to)
        where change_at.effective_at <= $first and change_at.new_component is not null
            and change_at.new_component is distinct from change_at.old_component
        group by change_at.claim, change_at.plant_id, change_at.change_number, told.source_system, told.row_id
    )
    select *, $unit as unit_number
    from built
"""

_OWN_FOLLOWS = (
    Consequence("change", "json_object('change_number', change_number)::varchar"),
    Consequence("bom", "json_object('parent_item_number', parent_item_number)::varchar"),
    ANY_REQUIREMENT,
)


def _from_unit(name: str, does: str, unit: str, where: str, *, finding_class: str, is_near_miss: bool) -> Defect:
    """PLM gives a first serial or lot instead of a day."""
    return Defect(
        "change",
        finding_class,
        does,
        "plm engineering_change_plant",
        _COUNTED.replace("$unit", unit) + where,
        (
            replace_values(
                "engineering_change_plant",
                {
                    "planned_effective_from": "null",
                    "effective_serial_from": "case when held_row.is_serial then held_row.unit_number end",
                    "effective_lot_from": "case when not held_row.is_serial then held_row.unit_number end",
                },
                "select system as source_system, row_id, planted_at, mended_at, is_serial, unit_number from chosen",
            ),
        ),
        share=2,
        is_near_miss=is_near_miss,
        name=name,
        consequences=() if is_near_miss else _OWN_FOLLOWS,
    )


# Orders in progress at the first delivery, and a line of their assembly of which they have taken, in force without an
# end in PLM, ERP and on the shop floor.
_BEGUN = """
    with begun as (
        select orders.*
        from held.production_order as orders
        inner join world.plant as plant on orders.plant_id = plant.plant_id and orders.source_system = plant.erp
        where orders.status = 'in_progress' and orders.visible_from <= $first
            and (orders.visible_to is null or $first < orders.visible_to)
    ),
    takers as (
        select plant_id, parent_item_number, list(distinct plant_id) over (partition by parent_item_number) as plants
        from (select distinct plant_id, parent_item_number from held.bom_line where left(source_system, 3) = 'erp')
    ),
    line as (
        select *
        from held.bom_line
        where visible_from <= $first and (visible_to is null or $first < visible_to)
            and effective_from is null and effective_to is null
            and engineering_change_in is null and engineering_change_out is null and alternate_group is null
            and coalesce(line_type, 'component') = 'component' and not coalesce(is_manufacturing_only, false)
            and applicable_plants is null
    ),
    sided as (
        select
            begun.plant_id, begun.item_number as parent_item_number, line.component_item_number,
            any_value(begun.production_order_number) as production_order_number,
            max(line.visible_from) as known_at,
            any_value(line.row_id) filter (left(line.source_system, 3) = 'plm') as plm_row,
            any_value(line.quantity) filter (left(line.source_system, 3) = 'plm') as plm_quantity,
            any_value(line.unit) filter (left(line.source_system, 3) = 'plm') as plm_unit,
            list(distinct line.source_system || '/' || line.row_id order by line.source_system || '/' || line.row_id)
                filter (left(line.source_system, 3) <> 'plm') as plant_rows
        from begun
        inner join line on begun.item_number = line.parent_item_number
            and (line.plant_id is null or line.plant_id = begun.plant_id)
        group by begun.plant_id, begun.item_number, line.component_item_number
        having count(*) filter (left(line.source_system, 3) = 'plm') = 1
            and len(plant_rows) = 2 and count(distinct line.source_system) = 3
    )
    select
        'bom|' || sided.plant_id || '|' || sided.parent_item_number as claim, sided.*,
        cast(null as decimal(18, 6)) as quantity, plant_zone.zone, 'EC7' || sided.parent_item_number as change_number,
        [json_object('change_number', 'EC7' || sided.parent_item_number)::varchar] as keys,
        array_to_string(list_sort(list_filter(takers.plants, lambda one: one <> sided.plant_id)), ',') as other_plants,
        timezone(plant_zone.zone, cast(cast(timezone(plant_zone.zone, $first) as date) as timestamp) + interval 300 day)
            as ends_at
    from sided
    inner join plant_zone on sided.plant_id = plant_zone.plant_id
    inner join takers on sided.plant_id = takers.plant_id and sided.parent_item_number = takers.parent_item_number
    semi join held.material_consumption as taken on sided.plant_id = taken.plant_id
        and sided.production_order_number = taken.production_order_number
        and sided.component_item_number = taken.item_number and taken.visible_from <= $first
    where not exists (
        select 1 from held.engineering_change_item as said
        where sided.parent_item_number in (said.parent_item_number, said.item_number) and said.visible_from <= $first
    )
    -- one line of an assembly, and one plant
    qualify row_number() over (
        partition by sided.parent_item_number order by sided.plant_id, sided.component_item_number
    ) = 1
"""


def _split_line(plants: str, values: str, where: str) -> str:
    """A line of PLM's that holds for all plants, said of some of them."""
    return f"""
        select held_row.* replace (
            {plants} as applicable_plants, held_row.line_id || '.' || {plants} as line_id,
            held_row.row_id || '.' || {plants} as row_id, {values}
            chosen.planted_at as visible_from, null as visible_to
        )
        from chosen
        inner join held.bom_line as held_row on held_row.source_system = 'plm_main' and chosen.plm_row = held_row.row_id
            and held_row.visible_from <= chosen.planted_at
            and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
        where {where}
    """


_PLM_ROW = "'plm_main' as source_system, planted_at as visible_from"

EFFECTIVITY: tuple[Defect, ...] = (
    _from_unit(
        "from_unit",
        "The change holds from a serial or lot on, and every one of them is built to it.",
        "first_new",
        "where first_new is not null and coalesce(last_old < first_new, true)",
        finding_class="effectivity_conflict",
        is_near_miss=True,
    ),
    _from_unit(
        "unit_too_early",
        "A serial or lot before the first one that the change holds for was built to it.",
        "last_new",
        "where first_new < last_new",
        finding_class="effectivity_conflict",
        is_near_miss=False,
    ),
    _from_unit(
        "unit_too_late",
        "A serial or lot that the change holds for was built to what was before.",
        "last_old",
        "where last_old < first_new",
        finding_class="overdue",
        is_near_miss=False,
    ),
    Defect(
        "change",
        "open_orders_on_old_revision",
        "A change that lies far ahead takes out what an order in progress has taken.",
        "plm, erp and mes bom_line",
        _BEGUN,
        (
            add_rows(
                "engineering_change",
                f"""
                select
                    change_number, 'Leave out a part' as title, 'cost' as reason, 'released' as status,
                    planted_at - interval 9 day as raised_at, planted_at - interval 2 day as approved_at,
                    planted_at as released_at, 'engineering' as requester, '3' as priority, 'normal' as urgency,
                    'minor' as change_class, change_number as row_id, {_PLM_ROW}
                from chosen
                """,
            ),
            add_rows(
                "engineering_change_item",
                f"""
                select
                    change_number, '1' as line_id, component_item_number as item_number, 'remove' as action,
                    parent_item_number, component_item_number as old_component_item_number,
                    plm_quantity as old_quantity, plm_unit as unit, change_number || '|1' as row_id, {_PLM_ROW}
                from chosen
                """,
            ),
            add_rows(
                "engineering_change_plant",
                f"""
                select
                    change_number, plant_id, true as is_applicable, ends_at as planned_effective_from,
                    'use_up' as disposition, 'released' as release_gate, change_number || '|' || plant_id as row_id,
                    {_PLM_ROW}
                from chosen
                """,
            ),
            add_rows(
                "bom_line",
                _split_line(
                    "chosen.plant_id",
                    "chosen.ends_at as effective_to, chosen.change_number as engineering_change_out,",
                    "true",
                ),
            ),
            add_rows("bom_line", _split_line("chosen.other_plants", "", "chosen.other_plants <> ''")),
            hide(
                "bom_line",
                "select 'plm_main' as source_system, plm_row as row_id, planted_at, "
                "cast(null as timestamptz) as mended_at from chosen",
            ),
            replace_values(
                "bom_line",
                {"effective_to": "held_row.ends_at", "engineering_change_out": "held_row.change_number"},
                "select split_part(row_key, '/', 1) as source_system, "
                "substr(row_key, strpos(row_key, '/') + 1) as row_id, planted_at, "
                "cast(null as timestamptz) as mended_at, ends_at, change_number "
                "from (select *, unnest(plant_rows) as row_key from chosen)",
            ),
        ),
        share=20,
        is_near_miss=True,
        is_lasting=True,
        name="ahead_of_orders",
    ),
)
