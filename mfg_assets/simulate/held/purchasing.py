"""What ERP and the procurement platform hold of buying: requisitions, orders, answers and shipping notices."""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_events, add_states

COUNTS_ON_ORDER = ("erp_legacy",)
"""Systems that keep with a supplier's terms what is on order; their terms are of one plant alone."""


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the procurement entities."""
    _requisitions(con, cut)
    _orders(con, cut)
    _lines(con, cut)
    _on_order(con)
    _partners(con, cut)


def _requisitions(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "purchase_requisition",
        cut,
        """
        select
            plant.erp as source_system,
            wish.requisition_number || '|' || wish.line_number as row_id,
            wish.requisition_number,
            wish.line_number,
            wish.item_number,
            wish.revision,
            wish.plant_id,
            wish.quantity,
            wish.unit,
            wish.due_at,
            states.status,
            case when states.rank = 3 then wish.purchase_order_number end as purchase_order_number,
            case when states.rank = 3 then wish.purchase_order_line_number end as purchase_order_line_number,
            states.rank,
            false as ends,
            case states.rank when 1 then wish.created_at when 2 then wish.approved_at else wish.ordered_at end
                as happened_at,
        from world.purchase_requisition as wish
        inner join world.plant as plant using (plant_id)
        cross join (values (1, 'open'), (2, 'approved'), (3, 'ordered')) as states (rank, status)
        """,
    )


def _orders(con: DuckDBPyConnection, cut: datetime) -> None:
    # the first of the order's goods on the road is when the supplier shipped
    add_states(
        con,
        "purchase_order",
        cut,
        """
        with shipped as (
            select purchase_order_number, min(shipped_at) as shipped_at from world.receipt
                group by purchase_order_number
        )
        select
            plant.erp as source_system,
            orders.purchase_order_number as row_id,
            orders.purchase_order_number,
            orders.supplier_number,
            states.status,
            orders.ordered_at,
            case when states.rank >= 2 then shipped.shipped_at end as shipped_at,
            orders.currency,
            states.rank,
            false as ends,
            case states.rank when 1 then orders.ordered_at when 2 then shipped.shipped_at else orders.completed_at
                end as happened_at,
        from world.purchase_order as orders
        inner join shipped using (purchase_order_number)
        inner join world.plant as plant on orders.plant_id = plant.plant_id
        cross join (values (1, 'open'), (2, 'open'), (3, 'complete')) as states (rank, status)
        """,
    )


def _lines(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "purchase_order_line",
        cut,
        """
        with received as (
            select
                purchase_order_number,
                line_number,
                received_at as happened_at,
                2 + row_number() over (partition by purchase_order_number, line_number order by received_at, part)
                    as rank,
                sum(quantity) over (
                    partition by purchase_order_number, line_number order by received_at, part rows unbounded preceding
                ) as quantity,
            from world.receipt
        ),
        states as (
            select purchase_order_number, line_number, ordered_at as happened_at, 1 as rank, 0 as quantity
                from world.purchase_order_line
            union all
            select purchase_order_number, line_number, event_at, 2, 0 from world.purchase_order_acknowledgement
            union all
            select purchase_order_number, line_number, happened_at, rank, quantity from received
        )
        select
            plant.erp as source_system,
            line.purchase_order_number || '|' || line.line_number as row_id,
            line.purchase_order_number,
            line.line_number,
            line.item_number,
            line.revision,
            line.plant_id,
            line.quantity,
            line.unit,
            line.due_at,
            case when states.rank >= 2 then answer.promised_at end as promised_at,
            line.unit_price,
            line.currency,
            cast(states.quantity as decimal(18, 6)) as received_quantity,
            0 as rejected_quantity,
            cast(states.quantity as decimal(18, 6)) as stocked_quantity,
            0 as cancelled_quantity,
            case when states.quantity = line.quantity then 'complete' else 'open' end as status,
            states.rank,
            false as ends,
            states.happened_at,
        from world.purchase_order_line as line
        inner join world.purchase_order_acknowledgement as answer using (purchase_order_number, line_number)
        inner join states using (purchase_order_number, line_number)
        inner join world.plant as plant on line.plant_id = plant.plant_id
        """,
    )


def _on_order(con: DuckDBPyConnection) -> None:
    """Give the terms of ERPs that count what is on order their quantity, anew at each step of an order line."""
    systems = ", ".join(f"'{system}'" for system in COUNTS_ON_ORDER)
    con.execute(
        f"""
        create or replace temp table counted_terms as
        with steps as (
            select
                line.source_system, orders.supplier_number, line.item_number, line.visible_from, line.visible_to,
                line.quantity - line.received_quantity as outstanding,
            from held.purchase_order_line as line
            inner join (
                select distinct source_system, purchase_order_number, supplier_number from held.purchase_order
            ) as orders using (source_system, purchase_order_number)
            where line.source_system in ({systems}) and line.status = 'open'
        ),
        moves as (
            select source_system, supplier_number, item_number, visible_from as told_at, outstanding as quantity
            from steps
            union all
            select source_system, supplier_number, item_number, visible_to, -outstanding
            from steps
            where visible_to is not null
            union all
            select source_system, supplier_number, item_number, visible_from, 0
            from held.supplier_item
            where source_system in ({systems})
        ),
        instants as (
            select source_system, supplier_number, item_number, told_at, sum(quantity) as quantity
            from moves
            group by all
        ),
        told as (
            select
                * replace (cast(sum(quantity) over (
                    partition by source_system, supplier_number, item_number order by told_at
                ) as decimal(18, 6)) as quantity),
                quantity as change, told_at = min(told_at) over (
                    partition by source_system, supplier_number, item_number
                ) as is_first,
            from instants
        ),
        periods as (
            select
                *,
                lead(told_at) over (partition by source_system, supplier_number, item_number order by told_at) as until
            from told
            where change <> 0 or is_first
        )
        select
            terms.* replace (
                periods.quantity as on_order_quantity, periods.told_at as visible_from, periods.until as visible_to
            )
        from held.supplier_item as terms
        inner join periods using (source_system, supplier_number, item_number)
        """
    )
    con.execute(f"delete from held.supplier_item where source_system in ({systems})")
    con.execute("insert into held.supplier_item by name from counted_terms")
    con.execute("drop table counted_terms")


def _partners(con: DuckDBPyConnection, cut: datetime) -> None:
    add_events(
        con,
        "purchase_order_acknowledgement",
        cut,
        """
        select
            'procurement' as source_system,
            event_id as row_id,
            event_id,
            purchase_order_number,
            line_number,
            acknowledgement_status,
            promised_at,
            promised_quantity,
            unit,
            unit_price,
            currency,
            event_at,
            event_at as happened_at,
        from world.purchase_order_acknowledgement
        """,
    )
    add_states(
        con,
        "advance_ship_notice",
        cut,
        """
        select
            'procurement' as source_system,
            notice.asn_number || '|' || notice.line_number as row_id,
            notice.asn_number,
            notice.line_number,
            notice.supplier_number,
            notice.purchase_order_number,
            notice.purchase_order_line_number,
            notice.plant_id,
            notice.item_number,
            notice.quantity,
            notice.unit,
            notice.lot_number,
            notice.shipped_at,
            notice.expected_at,
            states.status,
            states.rank,
            false as ends,
            case states.rank when 1 then notice.shipped_at else notice.received_at end as happened_at,
        from world.advance_ship_notice as notice
        cross join (values (1, 'in_transit'), (2, 'received')) as states (rank, status)
        """,
    )
