"""What purchasing did: requisitions, purchase orders, the suppliers' answers and their shipping notices.

The receipts themselves are in the ledger. Orders to one supplier for one plant on one day are lines of one order.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY

HOUR = 3600

_REVISION = """asof left join flow.revision as revision
            on purchase.item_number = revision.item_number
            and instant(purchase.due_tick, purchase.timezone) >= revision.effective_from"""


def create(con: DuckDBPyConnection, cut_tick: int) -> None:
    """Make the world's requisitions, purchase orders and lines, acknowledgements, shipping notices and receipts."""
    _lines(con, cut_tick)
    _requisitions(con)
    _orders(con)
    _answers(con)
    _notices(con)


def _lines(con: DuckDBPyConnection, cut_tick: int) -> None:
    con.execute(
        f"""
        create or replace table flow.purchase as
        with grouped as (
            select
                supply.*,
                node.plant_id, node.item_number, node.timezone, node.unit, node.currency as plant_currency,
                offer.supplier_number, offer.order_unit, offer.price, offer.currency, offer.step_units, offer.lot_q,
                suppliers.place as supplier_place,
                supply.created_tick // {DAY} as day
            from flow.supply as supply
            inner join flow.node as node using (node_id)
            inner join flow.offer as offer using (node_id)
            inner join (
                select supplier_number, row_number() over (order by supplier_number) as place from world.supplier
            ) as suppliers on offer.supplier_number = suppliers.supplier_number
            where supply.kind in ('buy', 'subcontract') and supply.created_tick < $cut_tick
        ),
        numbered as (
            select
                *,
                '45' || substr(number, 2, 1) || lpad(cast(supplier_place as varchar), 4, '0')
                    || lpad(cast(day as varchar), 4, '0') as purchase_order_number
            from grouped
        )
        select
            *,
            cast(10 * row_number() over (partition by purchase_order_number order by item_number, n) as varchar)
                as line_number,
            day * {DAY} + {HOUR} + chance_int('ordered', purchase_order_number, {2 * HOUR}) as ordered_tick,
            -- due at the end of the day on which the goods are really needed
            (need_tick // {DAY} + 1) * {DAY} - 1 as due_tick,
            planned_q // lot_q * step_units as units
        from numbered
        """,
        {"cut_tick": cut_tick},
    )


def _requisitions(con: DuckDBPyConnection) -> None:
    con.execute(
        f"""
        create or replace table world.purchase_requisition as
        select
            '6' || number as requisition_number,
            '10' as line_number,
            purchase.node_id,
            purchase.item_number,
            revision.revision,
            purchase.plant_id,
            cast(purchase.units as decimal(18, 6)) as quantity,
            purchase.order_unit as unit,
            instant(purchase.due_tick, purchase.timezone) as due_at,
            purchase.purchase_order_number,
            purchase.line_number as purchase_order_line_number,
            instant(
                purchase.ordered_tick - {DAY // 2} - chance_int('requested', purchase.number, {DAY}),
                    purchase.timezone
            ) as created_at,
            instant(purchase.ordered_tick - {HOUR // 2}, purchase.timezone) as approved_at,
            instant(purchase.ordered_tick, purchase.timezone) as ordered_at,
        from flow.purchase as purchase
        {_REVISION}
        """
    )


def _orders(con: DuckDBPyConnection) -> None:
    con.execute(
        f"""
        create or replace table world.purchase_order_line as
        with received as (
            select number, max(tick) as last_tick, count(*) as receipts from flow.receipt group by number
        )
        select
            purchase.number as supply_number,
            purchase.kind,
            purchase.node_id,
            purchase.purchase_order_number,
            purchase.line_number,
            purchase.supplier_number,
            purchase.item_number,
            revision.revision,
            purchase.plant_id,
            cast(purchase.units as decimal(18, 6)) as quantity,
            purchase.order_unit as unit,
            cast(cast(purchase.planned_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6))
                as base_quantity,
            purchase.unit as base_unit,
            instant(purchase.due_tick, purchase.timezone) as due_at,
            cast(purchase.price as decimal(18, 6)) as unit_price,
            coalesce(purchase.currency, purchase.plant_currency) as currency,
            instant(purchase.ordered_tick, purchase.timezone) as ordered_at,
            instant(received.last_tick, purchase.timezone) as completed_at,
        from flow.purchase as purchase
        inner join received using (number)
        {_REVISION}
        """
    )
    con.execute(
        """
        create or replace table world.purchase_order as
        select
            purchase_order_number,
            any_value(supplier_number) as supplier_number,
            any_value(plant_id) as plant_id,
            min(ordered_at) as ordered_at,
            any_value(currency) as currency,
            max(completed_at) as completed_at,
            count(*) as lines,
        from world.purchase_order_line
        group by purchase_order_number
        """
    )


def _answers(con: DuckDBPyConnection) -> None:
    # a right world has suppliers who accept; who changes or refuses is somebody's defect
    con.execute(
        f"""
        create or replace table world.purchase_order_acknowledgement as
        select
            'ACK-' || purchase.purchase_order_number || '-' || purchase.line_number as event_id,
            purchase.purchase_order_number,
            purchase.line_number,
            purchase.supplier_number,
            purchase.plant_id,
            'accepted' as acknowledgement_status,
            instant(purchase.due_tick, purchase.timezone) as promised_at,
            cast(purchase.units as decimal(18, 6)) as promised_quantity,
            purchase.order_unit as unit,
            cast(purchase.price as decimal(18, 6)) as unit_price,
            coalesce(purchase.currency, purchase.plant_currency) as currency,
            instant(
                purchase.ordered_tick + {2 * HOUR} + chance_int('answered', purchase.purchase_order_number,
                    {8 * HOUR}),
                purchase.timezone
            ) as event_at,
        from flow.purchase as purchase
        """
    )


def _notices(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.receipt as
        select
            receipt.receipt_key,
            purchase.purchase_order_number,
            purchase.line_number,
            purchase.supplier_number,
            purchase.plant_id,
            purchase.item_number,
            receipt.part,
            purchase.node_id,
            purchase.timezone,
            receipt.tick,
            receipt.path,
            cast(receipt.received_q // purchase.lot_q * purchase.step_units as decimal(18, 6)) as quantity,
            purchase.order_unit as unit,
            instant(receipt.tick, purchase.timezone) as received_at,
            instant(least(receipt.tick - (purchase.end_tick - purchase.start_tick), receipt.tick - 3600),
                purchase.timezone)
                as shipped_at,
        from flow.receipt as receipt
        inner join flow.purchase as purchase using (number)
        """
    )
    con.execute(
        """
        create or replace table world.advance_ship_notice as
        select
            'ASN' || substr(receipt.purchase_order_number, 3) || '-' || receipt.line_number || '-'
                || receipt.part as asn_number,
            '1' as line_number,
            receipt.supplier_number,
            receipt.purchase_order_number,
            receipt.line_number as purchase_order_line_number,
            receipt.plant_id,
            receipt.item_number,
            receipt.quantity,
            receipt.unit,
            case when node.is_lot then 'V' || substr(receipt.receipt_key, 2) end as lot_number,
            receipt.shipped_at,
            receipt.received_at as expected_at,
            receipt.received_at,
        from world.receipt as receipt
        inner join flow.node as node using (node_id)
        """
    )
