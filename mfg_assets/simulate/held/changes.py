"""Engineering changes as PLM tells them, and what plants' systems say of them.

Belongs here: engineering_change and its lines, acknowledgements, change logs. Doesn't belong here: what changes do to
bills (`structure`).
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_events, add_states


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the tables with what was known up to the cut; `structure` has run."""
    add_states(con, "engineering_change", cut, _CHANGES)
    add_states(con, "engineering_change_item", cut, _ITEMS)
    add_states(con, "engineering_change_plant", cut, _PLANTS)
    add_events(con, "sync_acknowledgement", cut, _ACKNOWLEDGEMENTS)
    add_events(con, "change_log", cut, _LOG)


_CHANGES = """
    with states as (
        select
            change.*, states.rank,
            case states.rank
                when 1 then raised_at when 2 then coalesce(approved_at, cancelled_at) when 3 then released_at
                else withdrawn_at
            end as happened_at
        from world.engineering_change as change
        cross join (select unnest([1, 2, 3, 4]) as rank) as states
        where case states.rank when 3 then change.released_at is not null when 4 then change.withdrawn_at is not null
            else true end
    )
    select
        change_number, title, reason,
        case rank when 1 then 'in_review'
            when 2 then case when cancelled_at is not null then 'cancelled' else 'approved' end
            when 3 then 'released' else 'withdrawn' end as status,
        raised_at,
        case when rank > 1 then approved_at end as approved_at,
        case when rank > 2 then released_at end as released_at,
        requester, priority, urgency, change_class,
        'plm_main' as source_system,
        change_number as row_id,
        happened_at,
        rank,
        false as ends
    from states
"""

# quantities are per base quantity of PLM's own bill
_ITEMS = """
    with bases as (
        select parent_item_number, any_value(base_quantity) as base_quantity
        from held.bom_header where source_system = 'plm_main'
        group by parent_item_number
    )
    select
        line.* replace (
            cast(line.old_quantity * coalesce(cast(bases.base_quantity as integer), 1) as decimal(18, 6))
                as old_quantity,
            cast(line.new_quantity * coalesce(cast(bases.base_quantity as integer), 1) as decimal(18, 6))
                as new_quantity
        ),
        'plm_main' as source_system, line.change_number || '|' || line.line_id as row_id,
        change.raised_at as happened_at, 1 as rank, false as ends
    from world.engineering_change_item as line
    inner join world.engineering_change as change using (change_number)
    left join bases on line.parent_item_number = bases.parent_item_number
"""

_PLANTS = """
    select
        plant.* exclude (effective_at), 'plm_main' as source_system,
        plant.change_number || '|' || plant.plant_id as row_id,
        change.approved_at as happened_at, 1 as rank, false as ends
    from world.engineering_change_plant as plant
    inner join world.engineering_change as change using (change_number)
    where change.approved_at is not null
"""

# the shop floor says that it got a change and that it works to it
_ACKNOWLEDGEMENTS = """
    select
        'ACK-' || reached.change_number || '-' || reached.plant_id || '-' || answer.n as event_id,
        plant.mes as target_system,
        reached.plant_id,
        'engineering_change' as object_type,
        reached.change_number as object_key,
        answer.acknowledgement_state,
        reached.mes_at + to_seconds(30 * answer.n) as event_at,
        plant.mes as source_system,
        'ACK-' || reached.change_number || '-' || reached.plant_id || '-' || answer.n as row_id,
        reached.mes_at + to_seconds(30 * answer.n) as happened_at
    from change_reached as reached
    inner join world.plant as plant using (plant_id)
    inner join world.engineering_change_plant as meant using (change_number, plant_id)
    cross join (values (1, 'received'), (2, 'processed')) as answer (n, acknowledgement_state)
    where meant.effective_at is not null
"""

_LOG = """
    with touched as (
        select
            line.parent_item_number || '|' || line.plant_id || '|' || line.usage || '|' || line.alternative || '||'
                || line.line_id as object_key,
            line.plant_id,
            coalesce(line.change_in, line.change_out) as change_number,
            case when line.change_out is not null then 'effective_to' end as attribute,
            case when line.change_out is not null then strftime(line.effective_to, '%Y-%m-%dT%H:%M:%SZ')
                else line.component_item_number end as new_value,
            reached.erp_at,
            plant.erp
        from world.bom_line as line
        inner join world.plant as plant using (plant_id)
        inner join change_reached as reached
            on coalesce(line.change_in, line.change_out) = reached.change_number and line.plant_id = reached.plant_id
    )
    select
        'CL-' || change_number || '-' || object_key as event_id,
        plant_id,
        'bom_line' as object_type,
        object_key,
        attribute,
        new_value,
        sha256('planner ' || plant_id || chance_int('planner', change_number || plant_id, 4)) as changed_by_hash,
        erp_at as changed_at,
        change_number,
        erp as source_system,
        'CL-' || change_number || '-' || object_key as row_id,
        erp_at as happened_at
    from touched
"""
