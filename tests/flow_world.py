"""A hand-made world small enough to follow by eye, with one of each: phantom, alternates, scrap, fixed quantity,
    lots, serials,
transfer, subcontracting, order units. Belongs here: master data only; flows are made by the code under test."""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate import chance

PLANTS = """
    ('P100', 'Europe/Berlin', 'EUR', 'erp_s4', 'mes_a', 'wms_a'),
    ('P300', 'America/Chicago', 'USD', 'erp_legacy', 'mes_b', 'wms_a'),
    ('P400', 'Asia/Ho_Chi_Minh', 'VND', 'erp_asia', 'mes_b', 'wms_b')
"""

# number, type, unit, lot, serial, regulated
ITEMS = """
    ('100001', 'made', 'EA', false, true, false),
    ('100002', 'made', 'EA', false, false, true),
    ('100010', 'made', 'EA', true, false, false),
    ('100011', 'made', 'EA', false, false, false),
    ('100012', 'phantom', 'EA', false, false, false),
    ('100013', 'bought', 'EA', false, true, false),
    ('100014', 'made', 'EA', true, false, false),
    ('100020', 'bought', 'EA', false, false, false),
    ('100021', 'bought', 'EA', false, false, false),
    ('100022', 'bought', 'KGM', true, false, false),
    ('100023', 'bought', 'MTR', false, false, false),
    ('100024', 'bought', 'EA', false, false, false),
    ('100025', 'bought', 'EA', true, false, false),
    ('100030', 'made', 'KGM', false, false, false)
"""

# parent, alternative, line, component, quantity, fixed, scrap, method, group, priority, probability, type, from, to
LINES = """
    ('100001', '1', '10', '100010', 2, false, 0.0, null, null, null, null, 'component', null, null),
    ('100001', '1', '20', '100012', 1, false, 0.0, null, null, null, null, 'component', null, null),
    ('100001', '1', '30', '100013', 1, false, 0.0, null, null, null, null, 'component', null, null),
    ('100001', '1', '40', '100022', 0.125, false, 0.03, 'multiply', null, null, null, 'component', null, null),
    ('100001', '1', '50', '100024', 1, true, 0.0, null, null, null, null, 'consumable', null, null),
    ('100002', '1', '10', '100010', 1, false, 0.0, null, null, null, null, 'component', null, null),
    ('100002', '1', '20', '100014', 3, false, 0.0, null, null, null, null, 'component', null, null),
    ('100002', '1', '30', '100030', 0.2, false, 0.0, null, null, null, null, 'by_product', null, null),
    ('100010', '1', '10', '100020', 4, false, 0.05, 'divide', null, null, null, 'component', null,
        '2026-01-19 00:00:00+00'),
    ('100010', '1', '11', '100025', 4, false, 0.05, 'divide', null, null, null, 'component',
        '2026-01-19 00:00:00+00', null),
    ('100010', '1', '20', '100023', 1.5, false, 0.02, 'multiply', null, null, null, 'component', null, null),
    ('100010', '1', '30', '100021', 1, false, 0.0, null, 'A', 1, 1.0, 'component', null, null),
    ('100010', '1', '31', '100024', 1, false, 0.0, null, 'A', 2, 0.0, 'component', null, null),
    ('100012', '1', '10', '100020', 6, false, 0.0, null, null, null, null, 'component', null, null),
    ('100012', '1', '20', '100011', 1, false, 0.0, null, null, null, null, 'component', null, null),
    ('100011', '1', '10', '100021', 2, false, 0.0, null, null, null, null, 'component', null, null),
    ('100014', '1', '10', '100025', 1, false, 0.0, null, null, null, null, 'component', null, null),
    ('100014', '1', '20', '100024', 2, false, 0.0, null, null, null, null, 'component', null, null)
"""


def create(con: DuckDBPyConnection, seed: int) -> None:
    """Make the world's master tables and the macros of chance."""
    chance.create_macros(con, seed)
    con.execute("set TimeZone = 'UTC'")
    con.execute("create schema if not exists world")
    con.execute(
        f"""
        create or replace table world.plant as
        select * from (values {PLANTS}) as t(plant_id, timezone, currency, erp, mes, wms)
        """
    )
    con.execute(
        f"""
        create or replace table world.item as
        select
            *, item_type as category, item_number in ('100001', '100002', '100030') as is_sold,
            case when is_lot_tracked then 90 end as shelf_life_days
        from (values {ITEMS})
            as t(item_number, item_type, base_unit, is_lot_tracked, is_serial_tracked, is_regulated)
        """
    )
    con.execute(
        """
        create or replace table world.item_plant as
        select
            item.item_number, plant.plant_id,
            case
                when item.item_number = '100010' and plant.plant_id <> 'P100' then 'transfer'
                when item.item_number = '100013' and plant.plant_id = 'P400' then 'transfer'
                when item.item_number = '100014' then 'subcontract'
                when item.item_type = 'bought' then 'buy'
                when item.item_number = '100030' then 'none'
                else 'make'
            end as sourcing,
            case
                when item.item_number = '100010' and plant.plant_id <> 'P100' then 'P100'
                when item.item_number = '100013' and plant.plant_id = 'P400' then 'P300'
            end as from_plant_id,
            14 as lead_time_days, 5.0 as lot_size, 3.0 as safety_stock,
            item.item_type = 'phantom' as is_phantom,
            item.item_number in ('100020', '100021') as is_backflushed,
            item.item_number = '100024' as is_consignment, 'MAIN' as storage_location,
            12.5 as standard_cost, plant.currency
        from world.item as item cross join world.plant as plant
        """
    )
    con.execute(
        f"""
        create or replace table world.bom_line as
        select plant.plant_id, t.* replace (
            effective_from::timestamptz as effective_from, effective_to::timestamptz as effective_to,
            quantity_per::decimal(18, 6) as quantity_per, component_scrap::decimal(9, 6) as component_scrap
        ), null::integer as operation_sequence,
            -- the plant calls 100011 no phantom, one line does
            case when parent_item_number = '100012' and component_item_number = '100011' then true end as is_phantom
        from (values {LINES}) as t(
            parent_item_number, alternative, line_id, component_item_number, quantity_per, is_fixed_quantity,
                component_scrap,
            scrap_method, alternate_group, alternate_priority, usage_probability, line_type, effective_from,
                effective_to
        )
        cross join world.plant as plant
        """
    )
    con.execute(
        """
        create or replace table world.bom_header as
        select distinct parent_item_number, plant_id, 'production' as usage, alternative, null::decimal(18, 6)
            as lot_size_from,
            null::decimal(18, 6) as lot_size_to, null::timestamptz as effective_from, null::timestamptz
                as effective_to
        from world.bom_line
        """
    )
    con.execute(
        """
        create or replace table world.routing_operation as
        select item_number, plant_id, '1' as alternative, unnest([10, 20, 30])::integer as operation_sequence,
            'WC-' || plant_id || '-01' as work_center, null::timestamptz as effective_from, null::timestamptz
                as effective_to,
            '1' as work_instruction_version
        from world.item_plant where sourcing = 'make' and item_number <> '100011'
        """
    )
    con.execute(
        """
        create or replace table world.item_revision as
        select item_number, 'A' as revision, 1 as revision_sequence, null::timestamptz as effective_from,
            null::timestamptz as effective_to
        from world.item
        """
    )
    con.execute(
        """
        create or replace table world.supplier as
        select * from (values ('V1', 'active', true), ('V2', 'active', false), ('V3', 'blocked', true))
            as t(supplier_number, status, is_preferred)
        """
    )
    con.execute(
        """
        create or replace table world.supplier_item as
        select supplier.supplier_number, item.item_number,
            case when item.item_number = '100023' then 'FOT' when item.item_number = '100020' then 'CT'
                else item.base_unit end
                as order_unit,
            4.5::decimal(18, 6) as price, 'EUR' as currency, 1::decimal(18, 6) as minimum_quantity,
            null::decimal(18, 6) as maximum_quantity
        from world.item as item cross join world.supplier as supplier
        """
    )
    con.execute(
        """
        create or replace table world.item_unit as
        select * from (values ('100023', 'FOT', 381::decimal(18, 9), 1250::decimal(18, 9)), ('100020', 'CT', 12, 1))
            as t(item_number, unit, numerator, denominator)
        """
    )
    con.execute(
        """
        create or replace table world.location as
        select plant_id, unnest(['MAIN', 'TRANSIT', 'SUB']) as location, unnest(['storage', 'transit',
            'subcontractor']) as kind
        from world.plant
        """
    )
