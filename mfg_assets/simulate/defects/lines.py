"""What defects of bills are made of: lines that agree, lines that don't belong, and phantoms opened in place.

Belongs here: SQL that entries of the catalogue share. Doesn't belong here: the entries (`bom`, `change`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Edit, add_rows, hide

ANY_REQUIREMENT = Consequence("bom", "'{}'", "net_requirement")
"""A wrong line changes what everything above it needs."""

OF_LINE = Consequence("bom", "line_key")
OF_PARENT = Consequence("bom", "json_object('parent_item_number', parent_item_number)::varchar")


def brought_in(component: str) -> str:
    """Keys of all changes that bring a component in, at any plant; a consequence's key over `chosen`."""
    return (
        "unnest((select list(json_object('change_number', change_at.change_number)::varchar) from change_at "
        f"where change_at.new_component = chosen.{component}))"
    )


def changes_of(assembly: str) -> str:
    """Keys of all changes of an assembly; a consequence's key over `chosen`."""
    return (
        "unnest((select list(distinct json_object('change_number', said.change_number)::varchar) "
        "from held.engineering_change_item as said "
        f"where coalesce(said.parent_item_number, said.item_number) = chosen.{assembly}))"
    )


LINE = (
    "select claim, known_at, until_at, plant_id, [line_key] as keys, cast(null as decimal(18, 6)) as quantity, system, "
    "row_id, line_key, parent_item_number, component_item_number"
)
UNCHANGED = "plm_change_in is null and plm_change_out is null and alternate_group is null"

STRANGER = f"""
with drawn as (
    select erp_line.*, leaves[1 + chance_int('stranger', erp_line.claim, len(leaves))] as stranger, components
    from erp_line
    inner join plant_leaf on erp_line.plant_id = plant_leaf.plant_id
    inner join erp_parent on erp_line.plant_id = erp_parent.plant_id
        and erp_line.parent_item_number = erp_parent.parent_item_number
    where {UNCHANGED} and unit = 'EA' and reference_designators is null and effective_from is null
)
select
    claim, known_at, until_at, plant_id, system, row_id, parent_item_number, stranger,
    [json_object('parent_item_number', parent_item_number, 'component_item_number', stranger)::varchar] as keys,
    cast(null as decimal(18, 6)) as quantity,
    (
        select min(change_number)
        from held.engineering_change
        where status = 'released' and visible_from <= $first and (visible_to is null or $first < visible_to)
    ) as change_number
from drawn
where not list_contains(components, stranger) and stranger <> parent_item_number
"""


def add_stranger(change_number: str) -> tuple[Edit, ...]:
    """A line with the candidate's `stranger`, made of the candidate's own row."""
    return (
        add_rows(
            "bom_line",
            f"""
            select
                held_row.* replace (
                    chosen.stranger as component_item_number, held_row.line_id || 'X' as line_id, '985' as position,
                    cast(1 as decimal(18, 6)) as quantity, null as component_revision,
                    {change_number} as engineering_change_in, held_row.row_id || 'X' as row_id,
                    chosen.planted_at as visible_from, chosen.mended_at as visible_to
                )
            from chosen
            inner join held.bom_line as held_row
                on chosen.system = held_row.source_system and chosen.row_id = held_row.row_id
                and held_row.visible_from <= chosen.planted_at
                and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
            """,
        ),
    )


# A phantom's parts stand in the parent's own bill: the same pieces are needed.
FLAT = f"""
with part as (
    select
        source_system, plant_id, parent_item_number, list(row_id order by line_id, row_id) as inner_rows,
        list(distinct component_item_number order by component_item_number) as inner_components,
        min(component_item_number) filter (unit = 'EA' and effective_from is null and effective_to is null
            and reference_designators is null and component_item_number not in (
                select parent_item_number from held.bom_header where plant_id is not null
            )) as first_component,
        count(distinct alternative) as alternatives
    from held.bom_line
    where left(source_system, 3) = 'erp' and visible_from <= $first and (visible_to is null or $first < visible_to)
    group by source_system, plant_id, parent_item_number
    having not bool_or(coalesce(is_fixed_quantity, false)) and count(alternate_group) = 0
        and not bool_or(coalesce(line_type, 'component') <> 'component')
),
header as (
    select source_system, plant_id, parent_item_number, any_value(base_quantity) as base_quantity
    from held.bom_header
    where visible_from <= $first and (visible_to is null or $first < visible_to)
    group by source_system, plant_id, parent_item_number
    having count(*) = 1
)
select
    erp_line.claim, erp_line.known_at, erp_line.until_at, erp_line.plant_id, erp_line.system, erp_line.row_id,
    erp_line.parent_item_number, erp_line.component_item_number, part.inner_rows, part.first_component,
    cast(erp_line.quantity * case header.base_quantity when 100 then 0.01 when 10 then 0.1 else 1 end as decimal(18, 6))
        as times,
    cast(null as decimal(18, 6)) as quantity,
    [json_object(
        'parent_item_number', erp_line.parent_item_number, 'component_item_number', $component
    )::varchar] as keys,
    list_transform(
        list_prepend(erp_line.component_item_number, part.inner_components),
        lambda one: json_object(
            'parent_item_number', erp_line.parent_item_number, 'component_item_number', one
        )::varchar
    ) as look_alikes
from erp_line
inner join part on erp_line.system = part.source_system and erp_line.plant_id = part.plant_id
    and erp_line.component_item_number = part.parent_item_number
inner join header on erp_line.system = header.source_system and erp_line.plant_id = header.plant_id
    and erp_line.component_item_number = header.parent_item_number
inner join erp_parent on erp_line.plant_id = erp_parent.plant_id
    and erp_line.parent_item_number = erp_parent.parent_item_number
-- a change of the bill would be held in another form, and what its line says then is the phantom's too
anti join change_at on erp_line.plant_id = change_at.plant_id
    and erp_line.parent_item_number = change_at.parent_item_number
where erp_line.is_phantom and {UNCHANGED} and erp_line.effective_from is null and part.alternatives = 1
    and not coalesce(erp_line.is_fixed_quantity, false) and coalesce(erp_line.component_scrap, 0) = 0
    and not list_has_any(part.inner_components, erp_parent.components)
    and part.first_component is not null and header.base_quantity in (1, 10, 100)
"""


def flatten(first_times: str) -> tuple[Edit, ...]:
    """The phantom's components in the parent's bill, the first of them so many times as often."""
    return (
        add_rows(
            "bom_line",
            f"""
            select
                part.* replace (
                    chosen.parent_item_number as parent_item_number,
                    'F' || part.line_id as line_id,
                    cast(500 + row_number() over (partition by chosen.claim order by part.line_id) as varchar)
                        as position,
                    cast(part.quantity * chosen.times
                        * case when part.component_item_number = chosen.first_component then {first_times} else 1 end
                        as decimal(18, 6)) as quantity,
                    outer_line.usage as usage, outer_line.alternative as alternative, outer_line.revision as revision,
                    chosen.row_id || '|F' || part.line_id as row_id,
                    chosen.planted_at as visible_from, chosen.mended_at as visible_to
                )
            from chosen
            inner join held.bom_line as part
                on chosen.system = part.source_system and list_contains(chosen.inner_rows, part.row_id)
                and part.visible_from <= chosen.planted_at
                and (part.visible_to is null or chosen.planted_at < part.visible_to)
            inner join held.bom_line as outer_line
                on chosen.system = outer_line.source_system and chosen.row_id = outer_line.row_id
                and outer_line.visible_from <= chosen.planted_at
                and (outer_line.visible_to is null or chosen.planted_at < outer_line.visible_to)
            """,
        ),
        hide("bom_line"),
    )
