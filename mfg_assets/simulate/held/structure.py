"""Bills and routings as PLM, each plant's ERP and each plant's MES hold them.

Belongs here: how each words the same bill, and from when on. Doesn't belong here: the bills (`world.bills`).

PLM has one line for all plants that agree, without what only manufacturing knows. ERP has a bill for each plant, with
its
own base quantity; the American one counts positions anew, feet and pounds. MES has recipes for one piece.
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_states


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill bom_header, bom_line and routing_operation with what systems knew up to the cut."""
    _changed_at(con)
    add_states(con, "bom_header", cut, _HEADERS)
    _plm_lines(con)
    add_states(con, "bom_line", cut, _PLM_LINES)
    add_states(con, "bom_line", cut, _PLANT_LINES)
    add_states(con, "routing_operation", cut, _ROUTINGS)


def _changed_at(con: DuckDBPyConnection) -> None:
    """When a released change reaches whose bills: everybody has it before the night."""
    con.execute(
        """
        create or replace temp table change_reached as
        select
            change.change_number,
            plant.plant_id,
            change.released_at,
            change.released_at + to_seconds(
                1800 + chance_int('into erp', change.change_number || plant.plant_id, 10800)
            ) as erp_at,
            change.released_at + to_seconds(
                1800 + chance_int('into erp', change.change_number || plant.plant_id, 10800)
                + 1800 + chance_int('into mes', change.change_number || plant.plant_id, 5400)
            ) as mes_at
        from world.engineering_change as change
        inner join world.engineering_change_plant as plant using (change_number)
        where change.released_at is not null
        """
    )


_PLM_BASE = """
    case when unit <> 'KGM' and chance('plm base quantity', parent_item_number) < 0.05 then 10 else 1 end
"""

_HEADERS = f"""
    with held as (
        select
            parent_item_number, null as plant_id, 'engineering' as usage,
            case when is_by_lot_size then alternative end as alternative,
            {_PLM_BASE} as base_quantity, unit, status, lot_size_from, lot_size_to, 'plm_main' as source_system
        from world.bom_header
        qualify row_number() over (partition by parent_item_number, alternative order by plant_id) = 1
        union all
        select
            parent_item_number, plant_id, usage, alternative, base_quantity, header.unit, status,
            lot_size_from, lot_size_to, plant.erp
        from world.bom_header as header
        inner join world.plant as plant using (plant_id)
        union all
        select
            parent_item_number, plant_id, usage, alternative, 1, header.unit, status, lot_size_from, lot_size_to,
                plant.mes
        from world.bom_header as header
        inner join world.plant as plant using (plant_id)
    )
    select
        *,
        parent_item_number || '|' || coalesce(plant_id, '') || '|' || usage || '|' || coalesce(alternative, '') || '|'
            as row_id,
        founded_at('bill ' || parent_item_number) as happened_at,
        1 as rank,
        false as ends
    from held
"""


def _plm_lines(con: DuckDBPyConnection) -> None:
    # before a change is released lines have no end; plants that agree are one line, named after the first of them
    con.execute(
        f"""
        create or replace temp table plm_line as
        with engineered as (
            select
                line.* exclude (usage, alternative, operation_sequence, is_manufacturing_only, quantity, base_quantity),
                case when header.is_by_lot_size then line.alternative end as alternative,
                header.base_quantity
            from world.bom_line as line
            inner join (
                select parent_item_number, plant_id, alternative, is_by_lot_size, {_PLM_BASE} as base_quantity
                from world.bom_header
            ) as header using (parent_item_number, plant_id, alternative)
            where not line.is_manufacturing_only
        ),
        moved as (
            select distinct
                parent_item_number, line_id, max(coalesce(change_in, change_out)) as change_number
            from engineered
            where change_in is not null or change_out is not null
            group by parent_item_number, line_id
        ),
        told as (
            select engineered.*, change.change_number, change.released_at, phase.phase
            from engineered
            left join moved using (parent_item_number, line_id)
            left join world.engineering_change as change on moved.change_number = change.change_number
            cross join (select unnest([1, 2]) as phase) as phase
            where case phase.phase when 1 then engineered.change_in is null else change.change_number is not null end
        ),
        worded as (
            select
                * replace (
                    case when phase = 2 then effective_to end as effective_to,
                    case when phase = 2 then change_out end as change_out
                ),
                min(plant_id) over (partition by parent_item_number) as first_plant_id
            from told
        )
        select
            parent_item_number, alternative, line_id, position, component_item_number, base_quantity,
                quantity_for_one, unit,
            is_fixed_quantity, component_scrap, scrap_method, alternate_group, alternate_priority, usage_probability,
            is_phantom, line_type, reference_designators, effective_from, effective_to, change_in, change_out, phase,
            released_at, first_plant_id,
            min(plant_id) as named_plant_id,
            string_agg(plant_id, ',' order by plant_id) as plants,
            count(*) as agreeing
        from worded
        group by all
        """
    )


_PLM_LINES = """
    with named as (
        select
            * exclude (line_id),
            line_id || case when named_plant_id = first_plant_id then '' else '.' || named_plant_id end as line_id
        from plm_line
    )
    select
        parent_item_number,
        cast(null as varchar) as plant_id,
        'engineering' as usage,
        alternative,
        line_id,
        position,
        component_item_number,
        cast(quantity_for_one * case when is_fixed_quantity then 1 else base_quantity end as decimal(18, 6))
            as quantity,
        unit,
        is_fixed_quantity,
        component_scrap,
        scrap_method,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        line_type,
        reference_designators,
        case when agreeing < (select count(*) from world.plant) then plants end as applicable_plants,
        effective_from,
        effective_to,
        change_in as engineering_change_in,
        change_out as engineering_change_out,
        'plm_main' as source_system,
        parent_item_number || '||engineering|' || coalesce(alternative, '') || '||' || line_id as row_id,
        case when phase = 1 then founded_at('bill ' || parent_item_number) else released_at end as happened_at,
        phase as rank,
        false as ends
    from named
"""

# Half feet and tenths of pounds are what quantities are made of; the paint's own factor leads from litres to kilograms.
_PLANT_LINES = """
    with told as (
        select
            line.*,
            plant.erp,
            plant.mes,
            density.numerator as litres_per_kilogram,
            reached.erp_at,
            reached.mes_at,
            phase.phase
        from world.bom_line as line
        inner join world.plant as plant using (plant_id)
        left join change_reached as reached
            on coalesce(line.change_in, line.change_out) = reached.change_number and line.plant_id = reached.plant_id
        left join world.item_unit as density
            on line.component_item_number = density.item_number and density.unit = 'KGM' and line.unit = 'MLT'
        cross join (select unnest([1, 2]) as phase) as phase
        where case phase.phase when 1 then line.change_in is null else reached.change_number is not null end
    ),
    erp as (
        select
            * replace (
                case when erp = 'erp_legacy' then cast(cast(position as integer) // 10 as varchar) else position end
                    as position,
                cast(case
                    when erp = 'erp_legacy' and wording = 'metre' then quantity / 0.3048
                    when erp = 'erp_legacy' and wording = 'mass' and unit = 'GRM' and is_in_pounds(quantity_for_one)
                        then quantity / 453.59237
                    when erp = 'erp_legacy' and litres_per_kilogram is not null
                        then quantity / 1000 / litres_per_kilogram
                    else quantity
                end as decimal(18, 6)) as quantity,
                case
                    when erp = 'erp_legacy' and wording = 'metre' then 'FOT'
                    when erp = 'erp_legacy' and wording = 'mass' and unit = 'GRM' and is_in_pounds(quantity_for_one)
                        then 'LBR'
                    when erp = 'erp_legacy' and litres_per_kilogram is not null then 'KGM'
                    else unit
                end as unit
            ),
            erp as source_system,
            erp_at as reached_at
        from told
    ),
    mes as (
        select * replace (quantity_for_one as quantity), mes as source_system, mes_at as reached_at from told
    ),
    plants as (
        select * from erp union all select * from mes
    )
    select
        parent_item_number,
        plant_id,
        usage,
        alternative,
        line_id,
        position,
        component_item_number,
        quantity,
        unit,
        is_fixed_quantity,
        component_scrap,
        scrap_method,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        line_type,
        reference_designators,
        effective_from,
        case when phase = 2 then effective_to end as effective_to,
        change_in as engineering_change_in,
        case when phase = 2 then change_out end as engineering_change_out,
        is_manufacturing_only,
        source_system,
        parent_item_number || '|' || plant_id || '|' || usage || '|' || alternative || '||' || line_id as row_id,
        case when phase = 1 then founded_at('bill ' || parent_item_number) else reached_at end as happened_at,
        phase as rank,
        false as ends
    from plants
"""

_ROUTINGS = """
    select
        routing.*, system.source_system,
        item_number || '|' || plant_id || '|' || alternative || '|' || operation_sequence as row_id,
        founded_at('routing ' || item_number) as happened_at,
        1 as rank,
        false as ends
    from world.routing_operation as routing
    inner join (select plant_id, unnest([erp, mes]) as source_system from world.plant) as system using (plant_id)
"""
