"""What ERP, warehouse and quality systems hold of stock: movements, balances, counts, reservations, holds and reports.

A movement between two systems' plants is two half movements: each system posts the side that is in its books.
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_events, add_states

KEEPS_OWN_IDS = ("erp_legacy",)
"""Systems whose interface with the warehouse passes the document on, but not the event's id."""


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the inventory entities; balances are the sum of what each system knows at the cut."""
    _movements(con, cut)
    add_balances(con, cut)
    _counts(con, cut)
    _reservations(con, cut)
    _quality(con, cut)


def _movements(con: DuckDBPyConnection, cut: datetime) -> None:
    own_ids = ", ".join(f"'{system}'" for system in KEEPS_OWN_IDS)
    add_events(
        con,
        "inventory_movement",
        cut,
        f"""
        with posted as (
            select
                movement.*,
                source.erp as from_erp, source.wms as from_wms, target.erp as to_erp, target.wms as to_wms,
                unnest(list_distinct(list_filter(
                    [source.erp, source.wms, target.erp, target.wms], lambda system: system is not null
                ))) as source_system,
            from world.movement as movement
            left join world.plant as source on movement.from_plant_id = source.plant_id
            left join world.plant as target on movement.to_plant_id = target.plant_id
        ),
        sides as (
            select
                *,
                coalesce(source_system in (from_erp, from_wms), false) as has_from,
                coalesce(source_system in (to_erp, to_wms), false) as has_to,
                left(source_system, 3) = 'erp' as is_erp,
                case when source_system in ({own_ids}) then 'MD' || substr(md5(movement_id), 1, 18) else movement_id end
                    as own_id,
            from posted
        )
        select
            source_system,
            own_id as row_id,
            own_id as event_id,
            movement_type,
            movement_class,
            item_number,
            quantity,
            unit,
            case when has_from then from_plant_id end as from_plant_id,
            case when has_to then to_plant_id end as to_plant_id,
            case when has_from then from_location end as from_location,
            case when has_to then to_location end as to_location,
            case when has_from then from_status end as from_status,
            case when has_to then to_status end as to_status,
            case when has_from then from_lot end as from_lot,
            case when has_to then to_lot end as to_lot,
            serial_number,
            case when has_from then from_ownership end as from_ownership,
            case when has_to then to_ownership end as to_ownership,
            reference_type,
            reference_number,
            reference_line,
            event_at,
            case when is_erp then posting_date end as posting_date,
            case when is_erp then amount end as amount,
            case when is_erp then currency end as currency,
            event_at as happened_at,
        from sides
        """,
    )


def add_balances(con: DuckDBPyConnection, cut: datetime) -> None:
    """Add each system's balances at the cut: the sums of the movements that it holds."""
    con.execute(
        """
        insert into held.inventory_balance by name
        with legs as (
            select source_system, to_plant_id as plant_id, to_location as location, item_number, to_lot as lot_number,
                serial_number, to_status as stock_status, to_ownership as ownership, unit, quantity
            from held.inventory_movement
            where to_plant_id is not null
            union all
            select source_system, from_plant_id, from_location, item_number, from_lot, serial_number, from_status,
                from_ownership, unit, -quantity
            from held.inventory_movement
            where from_plant_id is not null
        ),
        sums as (
            select * exclude (quantity), sum(quantity) as quantity from legs group by all having sum(quantity) <> 0
        ),
        -- what keeps for a while only is as old as its first receipt; some of it had lain elsewhere before
        keeping as (
            select
                movement.item_number,
                movement.to_lot as lot_number,
                cast(timezone('UTC', min(movement.event_at)) as date) + item.shelf_life_days
                - cast(chance_int('age of lot', movement.to_lot, item.shelf_life_days * 3 // 4) as integer)
                    as expiry_date,
            from world.movement as movement
            inner join world.item as item using (item_number)
            where movement.to_lot is not null and item.shelf_life_days is not null
            group by movement.item_number, movement.to_lot, item.shelf_life_days
        )
        select
            sums.* replace (cast(quantity as decimal(18, 6)) as quantity),
            keeping.expiry_date,
            concat_ws(
                '|', plant_id, location, '', item_number, coalesce(lot_number, ''), coalesce(serial_number, ''),
                    stock_status,
                ownership
            ) as row_id,
            $cut as as_of,
            $cut as visible_from,
        from sums
        left join keeping using (item_number, lot_number)
        """,
        {"cut": cut},
    )


def _counts(con: DuckDBPyConnection, cut: datetime) -> None:
    add_events(
        con,
        "cycle_count",
        cut,
        """
        select
            plant.wms as source_system,
            count.event_id as row_id,
            count.event_id,
            count.plant_id,
            count.location,
            count.item_number,
            count.lot_number,
            'unrestricted' as stock_status,
            'own' as ownership,
            count.counted_quantity,
            count.unit,
            count.counted_at,
            count.counted_at as happened_at,
        from world.cycle_count as count
        inner join world.plant as plant using (plant_id)
        """,
    )


def _reservations(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "reservation",
        cut,
        """
        select
            plant.erp as source_system,
            'R' || component.production_order_number || '|' || component.line_id as row_id,
            'R' || component.production_order_number as reservation_number,
            component.line_id as line_number,
            component.plant_id,
            component.location,
            component.item_number,
            case states.rank when 1 then component.quantity else 0 end as quantity,
            component.unit,
            orders.scheduled_start_at as required_at,
            'production_order' as reference_type,
            component.production_order_number as reference_number,
            component.line_id as reference_line,
            states.status,
            states.rank,
            false as ends,
            case states.rank when 1 then orders.released_at else component.consumed_at end as happened_at,
        from world.production_order_component as component
        inner join world.production_order as orders using (production_order_number)
        inner join world.plant as plant on component.plant_id = plant.plant_id
        cross join (values (1, 'open'), (2, 'fulfilled')) as states (rank, status)
        where not component.is_by_product
        """,
    )


def _quality(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "quality_hold",
        cut,
        """
        select
            'qms' as source_system,
            hold.hold_id as row_id,
            hold.hold_id,
            hold.plant_id,
            hold.location,
            hold.item_number,
            hold.lot_number,
            hold.quantity,
            hold.unit,
            case states.rank when 1 then 'open' else hold.outcome end as status,
            hold.reason,
            hold.nonconformance_id,
            hold.placed_at,
            case states.rank when 2 then hold.released_at end as released_at,
            states.rank,
            false as ends,
            case states.rank when 1 then hold.placed_at else hold.released_at end as happened_at,
        from world.quality_hold as hold
        cross join (values (1), (2)) as states (rank)
        """,
    )
    add_states(
        con,
        "nonconformance",
        cut,
        """
        select
            'qms' as source_system,
            report.nonconformance_id as row_id,
            report.nonconformance_id,
            report.plant_id,
            report.item_number,
            report.lot_number,
            report.production_order_number,
            report.supplier_number,
            report.quantity,
            report.unit,
            report.defect_code,
            case states.rank when 3 then report.disposition end as disposition,
            states.status,
            report.raised_at,
            case states.rank when 3 then report.closed_at end as closed_at,
            states.rank,
            false as ends,
            case states.rank when 1 then report.raised_at when 2 then report.review_at else report.closed_at end
                as happened_at,
        from world.nonconformance as report
        cross join (values (1, 'open'), (2, 'in_review'), (3, 'closed')) as states (rank, status)
        """,
    )
