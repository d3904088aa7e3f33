"""Which component goes into which assembly, how much of it and where: bills before plants and dates come in.

Belongs here: world.blueprint, one row for each component of a parent. Doesn't belong here: changes (`changes`), plants'
own bills (`bills`).

Every assembly holds one of the level below it, so that products are as deep as their levels; components are always of a
lower level, so that there are no cycles.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def create(con: DuckDBPyConnection) -> None:
    """Make world.blueprint, with quantities for one parent, in a unit of the component's."""
    _chosen(con)
    _worded(con)


def _chosen(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace temp table pool_member as
        select
            pool, site_group, item_number, category as kind, base_unit,
            row_number() over (partition by pool order by pool_rank) - 1 as any_rank,
            row_number() over (partition by pool, site_group order by pool_rank) - 1 as group_rank,
            count(*) over (partition by pool) as any_count,
            count(*) over (partition by pool, site_group) as group_count
        from world.item
        """
    )
    con.execute(
        """
        create or replace temp table asked as
        with groups as (select distinct pool, site_group, group_count from pool_member),
        parents as (
            select
                item.item_number, item.category, item.site_group, item.level,
                -- variants of a product share what the family shares
                case when item.level = 7 then item.product_family else item.item_number end as family,
                member.group_rank
            from world.item as item
            inner join pool_member as member using (item_number)
            where item.level > 0
        ),
        slots as (
            select
                *,
                row_number() over (partition by parent_kind, pool, choice order by slot) - 1 as turn,
                count(*) over (partition by parent_kind, pool, choice) as turns
            from world.slot
        )
        select
            parents.item_number as parent_item_number,
            parents.site_group,
            slots.*,
            case when slots.pool in ('seal', 'paint', 'motor', 'screw') then parents.family else parents.item_number end
                || '/' || slots.slot as choice_key,
            slots.choice <> 'far' and slots.choice <> 'pick' and coalesce(groups.group_count, 0) > 0 as is_in_group,
            parents.group_rank * slots.turns + slots.turn as spine_rank,
            groups.group_count
        from parents
        inner join slots on parents.category = slots.parent_kind
        left join groups on slots.pool = groups.pool and parents.site_group = groups.site_group
        where chance('slot', parents.item_number || '/' || slots.slot) * 1000 < slots.share
        """
    )
    # A component stands once in a bill.
    con.execute(
        """
        create or replace temp table taken as
        with ranked as (
            select
                asked.*,
                counts.any_count,
                case
                    when is_in_group and choice = 'spine' then spine_rank % group_count
                    when is_in_group then chance_int('component', choice_key, group_count)
                    when choice = 'spine' then spine_rank % counts.any_count
                    else chance_int('component', choice_key, counts.any_count)
                end as component_rank
            from asked
            inner join (select distinct pool, any_count from pool_member) as counts using (pool)
        ),
        grouped as (
            select ranked.*, member.item_number as component_item_number, member.kind as component_kind,
                member.base_unit
            from ranked
            inner join pool_member as member
                on ranked.pool = member.pool and ranked.site_group = member.site_group
                and ranked.component_rank = member.group_rank
            where ranked.is_in_group
            union all
            select ranked.*, member.item_number, member.kind, member.base_unit
            from ranked
            inner join pool_member as member on ranked.pool = member.pool and ranked.component_rank = member.any_rank
            where not ranked.is_in_group
        ),
        alternates as (
            -- neighbours in the pool that may stand in for a bought part
            select
                grouped.*, step.step,
                member.item_number as member_item_number, member.kind as member_kind, member.base_unit as member_unit
            from grouped
            cross join (select unnest([1, 2]) as step) as step
            inner join pool_member as member
                on grouped.pool = member.pool
                and (grouped.component_rank + step.step) % grouped.any_count = member.any_rank
            where grouped.choice = 'pick' and grouped.role = 'component' and grouped.wording = 'each'
                and grouped.letter = ''
                and grouped.any_count > 2
                and chance('alternates', parent_item_number || '/' || slot) < case step.step when 1 then 0.07
                    else 0.02 end
        ),
        everything as (
            select * exclude (any_count), 0 as step from grouped
            union all by name
            select
                * exclude (any_count, component_item_number, component_kind, base_unit, member_item_number,
                    member_kind, member_unit),
                member_item_number as component_item_number, member_kind as component_kind, member_unit as base_unit
            from alternates
        ),
        single as (
            select *
            from everything
            qualify row_number() over (
                partition by parent_item_number, component_item_number order by step = 0 desc, slot, step
            ) = 1
        )
        -- an alternate to what is not there is none
        select *
        from single
        qualify min(step) over (partition by parent_item_number, slot) = 0
        """
    )


def _worded(con: DuckDBPyConnection) -> None:
    # Metres are half feet and masses tenths of a pound wherever an American plant may build the parent, so that each
    # system's own unit gives the very same quantity.
    con.execute(
        """
        create or replace table world.blueprint as
        with drawn as (
            select
                *,
                quantity_from + chance_int('quantity', choice_key, quantity_to - quantity_from + 1) as k,
                count(*) over (partition by parent_item_number, slot) > 1 as is_group,
                row_number() over (partition by parent_item_number, slot order by step) as priority
            from taken
        ),
        numbered as (
            select
                *,
                case wording
                    when 'metre' then 0.1524
                    when 'mass' then case when site_group = 1 then 25 else 45.359237 end
                    when 'litre' then 50
                    else 1
                end::decimal(12, 6) as quantity_step,
                case wording
                    when 'metre' then 0.1524
                    when 'mass' then case when site_group = 1 then 0.025 else 0.045359237 end
                    when 'litre' then 0.05
                    else 1
                end::decimal(15, 12) as quantity_per_step,
                row_number() over (partition by parent_item_number order by slot, step) * 10 as position,
                case when letter <> '' then
                    1 + coalesce(sum(k + 1) over (
                        partition by parent_item_number, letter
                        order by slot, step rows between unbounded preceding and 1 preceding
                    ), 0)
                end as first_place
            from drawn
        )
        select
            numbered.parent_item_number,
            lpad(cast(position as varchar), 4, '0') as line_id,
            lpad(cast(position as varchar), 4, '0') as position,
            component_item_number,
            component_kind,
            base_unit as component_base_unit,
            numbered.pool,
            choice,
            wording,
            role,
            k,
            quantity_step,
            quantity_per_step,
            cast(k * quantity_step as decimal(18, 6)) as quantity,
            case wording when 'metre' then 'MTR' when 'mass' then 'GRM' when 'litre' then 'MLT' else base_unit end
                as unit,
            cast(k * quantity_per_step as decimal(18, 12)) as quantity_per,
            wording = 'fixed' as is_fixed_quantity,
            case when role in ('component') and wording <> 'fixed' and letter = ''
                and chance('scrap', choice_key) < 0.15
                then (1 + chance_int('scrap share', choice_key, 5)) * 0.01::decimal(9, 6) end::decimal(9, 6)
                    as component_scrap,
            case when role in ('component') and wording <> 'fixed' and letter = ''
                and chance('scrap', choice_key) < 0.15
                then case when chance('scrap method', choice_key) < 0.5 then 'multiply' else 'divide' end end
                    as scrap_method,
            cast(operation_place * 10 as integer) as operation_sequence,
            case when is_group then 'G' || slot end as alternate_group,
            case when is_group then cast(priority as integer) end as alternate_priority,
            case when is_group then case priority
                when 1 then 0.7 when 2 then 0.3 else 0 end end::decimal(9, 6) as usage_probability,
            case role when 'packaging' then 'component' else role end as line_type,
            role in ('packaging', 'consumable') as is_manufacturing_only,
            case
                when letter = '' then null
                when k = 1 then letter || first_place
                when k = 2 then letter || first_place || ',' || letter || (first_place + 1)
                -- one place is left out, as boards have them
                else letter || first_place || '-' || letter || (first_place + k - 2) || ',' || letter
                    || (first_place + k)
            end as reference_designators,
            cast(null as varchar) as change_in,
            cast(null as varchar) as change_out
        from numbered
        order by parent_item_number, position
        """
    )
