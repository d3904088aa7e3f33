"""What each plant has to do with an item: makes, buys or fetches it, in which lots, from where, at what cost.

Belongs here: world.item_plant. Doesn't belong here: bills and routings at plants (`bills`), the costs' roll-up
(`costs`).

From the top level down: what a plant builds, it needs the components of; what it needs and doesn't build, it buys or
gets
from the plant that leads the item.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

HIGHEST_LEVEL = 8
CENTRAL = "P100"
"""The plant that every world has; some parts are bought there for all."""


def create(con: DuckDBPyConnection) -> None:
    """Make world.item_plant; standard_cost is empty until `costs` has run."""
    _makers(con)
    con.execute("create or replace temp table needed (item_number varchar, plant_id varchar)")
    con.execute(
        """
        create or replace temp table sited (
            item_number varchar, plant_id varchar, sourcing varchar, from_plant_id varchar, is_home boolean,
                has_bill boolean
        )
        """
    )
    for level in range(HIGHEST_LEVEL, -1, -1):
        _site_level(con, level)
    _finish(con)


def _makers(con: DuckDBPyConnection) -> None:
    # the plants of the item's group; the first of them leads and has everything, the others most
    con.execute(
        """
        create or replace temp table maker as
        with members as (
            select item.item_number, plant.plant_id, plant.ordinal
            from world.item as item
            inner join world.plant as plant
                on item.site_group = 0 or (item.site_group = 1 and plant.ordinal < 2)
                    or (item.site_group = 2 and plant.ordinal >= 2)
            where item.level > 0
            union all
            select item.item_number, plant.plant_id, plant.ordinal
            from world.item as item
            inner join world.plant as plant on plant.ordinal = 0
            where item.level > 0 and item.site_group = 2 and (select max(ordinal) from world.plant) < 2
        ),
        homes as (
            select *, ordinal = min(ordinal) over (partition by item_number) as is_home from members
        )
        select item_number, plant_id, is_home
        from homes
        where is_home or chance('made here', item_number || '/' || plant_id) >= 0.1
        """
    )


def _site_level(con: DuckDBPyConnection, level: int) -> None:
    con.execute(
        """
        insert into sited
        with wanted as (
            select item_number, plant_id from needed
            union
            select item_number, plant_id from maker
            union
            -- nobody's component still lies somewhere, as a spare part
            select item_number, $central from world.item
            where level = 0
                and (chance('central', item_number) < 0.05 or item_number not in (select item_number from needed))
        ),
        judged as (
            select
                wanted.item_number,
                wanted.plant_id,
                case
                    when item.item_type = 'phantom' then 'make'
                    when item.level = 0 and chance('central', item.item_number) < 0.05 and wanted.plant_id <> $central
                        then 'transfer'
                    when item.level = 0 then 'buy'
                    when maker.item_number is null then 'transfer'
                    when item.category = 'board' and not maker.is_home
                        and chance('contract manufacturer', wanted.item_number || wanted.plant_id) < 0.15 then 'buy'
                    when item.category = 'machined' and chance('subcontracted', wanted.item_number) < 0.12
                        then 'subcontract'
                    else 'make'
                end as sourcing,
                coalesce(home.plant_id, $central) as home_plant_id,
                coalesce(maker.is_home, false) as is_home,
                item.level
            from wanted
            inner join world.item as item on wanted.item_number = item.item_number
            left join maker on wanted.item_number = maker.item_number and wanted.plant_id = maker.plant_id
            left join maker as home on wanted.item_number = home.item_number and home.is_home
            where item.level = $level
        )
        select
            item_number,
            plant_id,
            sourcing,
            case when sourcing = 'transfer' then home_plant_id end,
            is_home,
            level > 0 and sourcing in ('make', 'subcontract')
        from judged
        """,
        {"level": level, "central": CENTRAL},
    )
    con.execute(
        """
        insert into needed
        select distinct line.component_item_number, sited.plant_id
        from sited
        inner join world.item as item on sited.item_number = item.item_number
        inner join world.blueprint as line on sited.item_number = line.parent_item_number
        where item.level = $level and sited.has_bill
        """,
        {"level": level},
    )


def _finish(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.item_plant as
        with keyed as (
            select sited.*, item.* exclude (item_number), kind.*  exclude (kind, pool, level, base_unit, item_type),
                sited.item_number || '/' || sited.plant_id as site_key
            from sited
            inner join world.item as item on sited.item_number = item.item_number
            inner join world.kind as kind on item.category = kind.kind
        )
        select
            item_number,
            plant_id,
            sourcing,
            from_plant_id,
            'active' as planning_status,
            cast(case when sourcing = 'transfer' then 3 + chance_int('way', site_key, 5)
                else lead_from + chance_int('lead time', item_number, lead_to - lead_from + 1) end as integer)
                    as lead_time_days,
            cast(lot_from + chance_int('lot', item_number, lot_to - lot_from + 1) as decimal(18, 6)) as lot_size,
            cast(case when level = 0 and item_type <> 'document' then (lot_from // 4)
                * chance_int('reserve', site_key, 3)
                when item_type = 'phantom' then 0 else chance_int('reserve', site_key, 3) end as decimal(18, 6))
                    as safety_stock,
            item_type = 'phantom'
                or (sourcing = 'make' and not is_home and category = 'subassembly' and not is_sold
                    and chance('phantom', site_key) < 0.15)
                as is_phantom,
            level < 3 and not is_lot_tracked and not is_serial_tracked and chance('backflushed', site_key) < 0.7
                as is_backflushed,
            storage as storage_location,
            cast(null as decimal(18, 6)) as standard_cost,
            plant.currency,
            'MRP' || cast(10 + chance_int('controller', category, 9) as varchar) as mrp_controller,
            sourcing = 'buy' and category in ('screw', 'seal', 'washer') and chance('consignment', site_key) < 0.1
                as is_consignment,
            is_home,
            has_bill
        from keyed
        inner join world.plant as plant using (plant_id)
        order by item_number, plant_id
        """
    )
