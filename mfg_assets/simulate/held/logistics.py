"""What ERP, warehouse and transport systems hold of what leaves: sales orders, transfer orders and shipments."""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_states


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the logistics entities."""
    _sales(con, cut)
    _transfers(con, cut)
    _shipments(con, cut)


def _sales(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "sales_order_line",
        cut,
        """
        select
            plant.erp as source_system,
            line.sales_order_number || '|' || line.line_number as row_id,
            line.sales_order_number,
            line.line_number,
            line.plant_id,
            line.customer,
            line.item_number,
            line.revision,
            line.quantity,
            line.unit,
            line.requested_at,
            line.promised_at,
            case when states.rank >= 2 then line.quantity else 0 end as shipped_quantity,
            states.status,
            line.unit_price,
            line.currency,
            states.rank,
            false as ends,
            case states.rank when 1 then line.created_at when 2 then line.shipped_at else line.closed_at end
                as happened_at,
        from world.sales_order_line as line
        inner join world.plant as plant using (plant_id)
        cross join (values (1, 'open'), (2, 'shipped'), (3, 'closed')) as states (rank, status)
        """,
    )


def _transfers(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "transfer_order",
        cut,
        """
        with holders as (
            select
                orders.*,
                unnest(list_distinct([source.erp, source.wms, target.erp, target.wms])) as source_system,
            from world.transfer_order as orders
            inner join world.plant as source on orders.from_plant_id = source.plant_id
            inner join world.plant as target on orders.to_plant_id = target.plant_id
        )
        select
            holders.source_system,
            holders.transfer_order_number || '|' || holders.line_number as row_id,
            holders.transfer_order_number,
            holders.line_number,
            holders.from_plant_id,
            holders.from_location,
            holders.to_plant_id,
            holders.to_location,
            holders.item_number,
            holders.quantity,
            case when states.rank >= 2 then holders.quantity else 0 end as shipped_quantity,
            case when states.rank >= 3 then holders.quantity else 0 end as received_quantity,
            holders.unit,
            case when states.rank >= 2 then holders.shipped_at end as shipped_at,
            case when states.rank >= 3 then holders.received_at end as received_at,
            states.status,
            states.rank,
            false as ends,
            case states.rank when 1 then holders.created_at when 2 then holders.shipped_at else holders.received_at
                end as happened_at,
        from holders
        cross join (values (1, 'open'), (2, 'in_transit'), (3, 'received')) as states (rank, status)
        """,
    )


def _shipments(con: DuckDBPyConnection, cut: datetime) -> None:
    # the warehouse sees them off, the carrier tells when they arrive
    add_states(
        con,
        "shipment",
        cut,
        """
        with holders as (
            select shipment.*, plant.wms as source_system, states.rank, states.status
            from world.shipment as shipment
            inner join world.plant as plant using (plant_id)
            cross join (values (1, 'planned'), (2, 'picked'), (3, 'shipped')) as states (rank, status)
            union all
            select shipment.*, 'tms' as source_system, states.rank, states.status
            from world.shipment as shipment
            cross join (values (3, 'shipped'), (4, 'delivered')) as states (rank, status)
        )
        select
            source_system,
            shipment_number || '|' || line_number as row_id,
            shipment_number,
            line_number,
            plant_id,
            sales_order_number,
            sales_order_line_number,
            item_number,
            quantity,
            unit,
            lot_number,
            serial_number,
            case when rank >= 2 then picked_at end as picked_at,
            case when rank >= 3 then shipped_at end as shipped_at,
            case when rank >= 4 then delivered_at end as delivered_at,
            carrier,
            status,
            rank,
            false as ends,
            case rank when 1 then planned_at when 2 then picked_at when 3 then shipped_at else delivered_at end
                as happened_at,
        from holders
        """,
    )
