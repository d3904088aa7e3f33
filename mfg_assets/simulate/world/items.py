"""The manufacturer's plants, places of work and storage, and items.

Belongs here: world.plant, location, work_center, item, item_unit. Doesn't belong here: what holds for an item at one
plant
(`sites`), structures (`blueprint`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options

FIRST_ITEM = 100_001
"""Item numbers are six digits from here on, seven in the largest worlds."""

_PLANTS = """
    ('P100', 'Hamburg',          'Europe/Berlin',    'EUR', 'erp_s4',     'mes_a', 'wms_a', 'DE', 1.0,   0),
    ('P200', 'Leipzig',          'Europe/Berlin',    'EUR', 'erp_s4',     'mes_a', 'wms_b', 'DE', 1.0,   1),
    ('P300', 'Dallas',           'America/Chicago',  'USD', 'erp_legacy', 'mes_b', 'wms_a', 'US', 1.1,   2),
    ('P400', 'Ho Chi Minh City', 'Asia/Ho_Chi_Minh', 'VND', 'erp_asia',   'mes_b', 'wms_b', 'VN', 27000, 3)
"""

_LOCATIONS = """
    ('RAW', 'Raw material', 'storage'), ('ELC', 'Electronics, dry store', 'storage'), ('CHM', 'Chemicals', 'storage'),
    ('SEM', 'Assemblies', 'storage'), ('FIN', 'Finished goods', 'storage'),
        ('LINE', 'Supermarket at the line', 'line_side'),
    ('INSP', 'Incoming inspection', 'inspection'), ('TRAN', 'On the way here', 'transit'),
    ('SUBC', 'At the subcontractor', 'subcontractor'), ('CUST', 'Loan units at customers', 'customer')
"""

_WORK_CENTERS = "'ASSY', 'TEST', 'PACK', 'PAINT', 'SMT', 'CABLE', 'MACH', 'MIX'"


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Make the tables for `options.plants` plants and `options.items` items."""
    _places(con, options.plants)
    _items(con, options.items)
    _units(con)


def _places(con: DuckDBPyConnection, plants: int) -> None:
    con.execute(
        f"""
        create or replace table world.plant as
        select
            plant_id, name, timezone, currency, erp, mes, wms, country,
            cast(per_euro as decimal(18, 6)) as per_euro,
            ordinal
        from (values {_PLANTS}) as plants (
            plant_id, name, timezone, currency, erp, mes, wms, country, per_euro, ordinal
        )
        where ordinal < ?
        """,
        [plants],
    )
    con.execute(
        f"""
        create or replace table world.location as
        select plant.plant_id, places.location, places.name, places.kind
        from world.plant as plant
        cross join (values {_LOCATIONS}) as places (location, name, kind)
        """
    )
    con.execute(
        f"""
        create or replace table world.work_center as
        select plant.plant_id, work || '-' || right(plant.plant_id, 3) || '-' || n as work_center, work, n
        from world.plant as plant
        cross join (select unnest([{_WORK_CENTERS}]) as work) as works
        cross join (select unnest([1, 2, 3]) as n) as numbers
        union all
        -- what is done elsewhere has one place, wherever that is
        select plant_id, 'SUBC-' || right(plant_id, 3), 'SUBC', 1 from world.plant
        """
    )


def _items(con: DuckDBPyConnection, items: int) -> None:
    # kinds take their share of the numbers one after the other; the last kind takes what is left
    con.execute(
        """
        create or replace temp table kind_range as
        select
            kind,
            coalesce(sum(greatest(least, share * $items // 1000)) over (
                order by kind_ordinal rows between unbounded preceding and 1 preceding
            ), 0) as first_ordinal
        from world.kind
        """,
        {"items": items},
    )
    # Plants come in groups that make the same things: all of them, the German ones, those overseas. In a very small
    # world there would be groups without a member of some kind.
    con.execute(
        f"""
        create or replace table world.item as
        with numbered as (
            select cast({FIRST_ITEM} + n as varchar) as item_number, n as ordinal
            from range($items) as numbers (n)
        ),
        kinds as (
            select numbered.*, kind_range.kind
            from numbered
            asof inner join kind_range on numbered.ordinal >= kind_range.first_ordinal
        ),
        placed as (
            select
                kinds.*,
                kind.* exclude (kind),
                row_number() over (partition by kind.pool order by kinds.ordinal) - 1 as pool_rank,
                case when $items >= 150 then (row_number() over (partition by kind.pool order by kinds.ordinal)) % 3
                    else 0 end
                    as site_group
            from kinds
            inner join world.kind as kind on kinds.kind = kind.kind
        )
        select
            placed.item_number,
            chance_pick('words', placed.item_number, kind_word.words)
                || ' ' || chr(65 + cast(chance_int('series', placed.item_number, 20) as integer))
                || '-' || (10 + chance_int('size', placed.item_number, 90)) || '/' || placed.ordinal as description,
            placed.kind as category,
            placed.pool,
            cast(placed.level as integer) as level,
            placed.item_type,
            placed.base_unit,
            case
                when placed.level >= 7 then upper(placed.kind) || '-'
                    || lpad(cast(placed.pool_rank // 3 as varchar), 3, '0')
                when placed.level > 0 then 'ASSEMBLY-' || upper(placed.pool)
                else 'MATERIAL-' || upper(placed.kind)
            end as product_family,
            'active' as lifecycle_status,
            case when placed.level > 0 then 'make' else 'buy' end as procurement_type,
            placed.tracked_by = 'lot' as is_lot_tracked,
            placed.tracked_by = 'serial' as is_serial_tracked,
            placed.level >= 7 or (placed.level between 4 and 6 and chance('sold', placed.item_number) < 0.1) as is_sold,
            placed.pool_rank % 8 = 3 and (placed.level >= 5 or placed.kind in ('seal', 'chemical', 'mix'))
                as is_regulated,
            placed.kind in ('paint', 'chemical', 'adhesive', 'mix') as is_hazardous,
            placed.kind = 'drive' and placed.pool_rank % 5 = 0 as is_export_controlled,
            case when placed.pool in ('elec', 'panel', 'board_blank', 'sensor', 'resistor', 'capacitor', 'ic',
                'connector')
                then true end as is_rohs_compliant,
            case
                when placed.kind = 'firmware' then null
                when placed.base_unit = 'KGM' then 1
                else cast(1 + chance_int('weight', placed.item_number, 100 * (1 + placed.level * placed.level * 10))
                    as decimal(18, 6))
                    * 0.01::decimal(4, 2)
            end::decimal(18, 6) as net_weight,
            case when placed.kind <> 'firmware' then 'KGM' end as net_weight_unit,
            case when placed.level > 0 or placed.kind in ('casting', 'plate') then 'DRW-' || placed.item_number end
                as drawing_number,
            case when placed.kind in ('paint', 'grease', 'chemical', 'adhesive', 'mix')
                then cast(180 + 30 * chance_int('shelf life', placed.item_number, 12) as integer) end
                    as shelf_life_days,
            placed.pool_rank,
            cast(placed.site_group as integer) as site_group,
            placed.ordinal
        from placed
        inner join world.kind_word as kind_word using (kind)
        order by placed.ordinal
        """,
        {"items": items},
    )


def _units(con: DuckDBPyConnection) -> None:
    # 1 unit = numerator / denominator base units
    con.execute(
        """
        create or replace table world.item_unit as
        select item_number, 'XBX' as unit, cast(100 as decimal(18, 9)) as numerator, cast(1 as decimal(18, 9))
            as denominator
        from world.item where category in ('screw', 'washer', 'resistor', 'capacitor')
        union all
        -- what a litre of it weighs is a matter of the paint: 1.25 or 1.6 kg
        select item_number, 'KGM', case when chance('density', item_number) < 0.5 then 0.8 else 0.625 end, 1
        from world.item where category = 'paint'
        union all
        select item_number, 'XBX', 2, 5
        from world.item where category = 'grease'
        order by item_number, unit
        """
    )
