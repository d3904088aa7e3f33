"""What leaves: sales orders, shipments with their freight, and transfer orders between plants."""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY

HOUR = 3600


def create(con: DuckDBPyConnection, cut_tick: int) -> None:
    """Make world.sales_order_line, world.shipment and world.transfer_order."""
    con.execute(
        f"""
        create or replace table world.sales_order_line as
        select
            line.sales_order_number,
            line.line_number,
            line.plant_id,
            'C' || lpad(cast(1000 + chance_int('customer', line.line_key, 400) as varchar), 5, '0') as customer,
            line.item_number,
            revision.revision,
            cast(cast(line.q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            instant(line.promised_tick, node.timezone) as requested_at,
            instant(line.promised_tick, node.timezone) as promised_at,
            cast(round(node.standard_cost * 1.6, 2) as decimal(18, 6)) as unit_price,
            node.currency,
            instant(line.created_tick, node.timezone) as created_at,
            instant(line.tick, node.timezone) as shipped_at,
            instant(line.tick + {3 * DAY} + chance_int('invoiced', line.line_key, {2 * DAY}), node.timezone)
                as closed_at,
        from flow.sales_line as line
        inner join flow.node as node using (node_id)
        asof left join flow.revision as revision
            on line.item_number = revision.item_number and instant(line.created_tick,
                node.timezone) >= revision.effective_from
        where line.created_tick < ?
        """,
        [cut_tick],
    )
    con.execute(
        f"""
        create or replace table world.shipment as
        select
            '8' || substr(use.reference, 2) as shipment_number,
            cast(10 * use.part as varchar) as line_number,
            node.plant_id,
            use.reference as sales_order_number,
            use.line as sales_order_line_number,
            node.item_number,
            cast(cast(use.q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            use.lot as lot_number,
            use.serial as serial_number,
            chance_pick('carrier', use.reference, ['DHL', 'DB Schenker', 'Kuehne+Nagel', 'UPS Freight']) as carrier,
            instant(use.tick - {HOUR // 2}, node.timezone) as picked_at,
            instant(use.tick, node.timezone) as shipped_at,
            instant(use.tick + {DAY} + chance_int('freight', use.reference, {3 * DAY}), node.timezone)
                as delivered_at,
            instant(use.tick - {2 * HOUR}, node.timezone) as planned_at,
        from flow.use as use
        inner join flow.node as node using (node_id)
        where use.kind = 'sales'
        """
    )
    con.execute(
        """
        create or replace table world.transfer_order as
        select
            supply.number as transfer_order_number,
            '1' as line_number,
            source.plant_id as from_plant_id,
            source.location as from_location,
            node.plant_id as to_plant_id,
            node.location as to_location,
            node.item_number,
            cast(cast(supply.planned_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            instant(supply.created_tick, source.timezone) as created_at,
            instant(supply.start_tick, source.timezone) as shipped_at,
            instant(supply.end_tick, node.timezone) as received_at,
        from flow.supply as supply
        inner join flow.node as node using (node_id)
        inner join flow.node as source on node.from_node_id = source.node_id
        where supply.kind = 'transfer' and supply.created_tick < ?
        """,
        [cut_tick],
    )
