"""Quality and counting: nonconformances, holds with their release or scrap, and cycle counts.

What they do to stock is in the ledger; the reports agree with it.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY
from mfg_assets.simulate.world.demand import COUNTED_BEFORE


def create(con: DuckDBPyConnection, cut_tick: int) -> None:
    """Make world.nonconformance, world.quality_hold and world.cycle_count."""
    con.execute(
        """
        create or replace table flow.fault as
        select
            arrived.key,
            arrived.node_id,
            arrived.location,
            arrived.lot,
            arrived.kind,
            arrived.number,
            arrived.path,
            case arrived.path when 'held' then arrived.good_q else arrived.lost_q end as q,
            arrived.found_tick,
            case arrived.path when 'held' then arrived.available_tick else arrived.scrapped_tick end as settled_tick
        from arrived
        where arrived.path = 'held' or arrived.lost_q > 0
        """
    )
    con.execute(
        """
        create or replace table world.nonconformance as
        select
            'NC' || fault.key as nonconformance_id,
            node.plant_id,
            node.item_number,
            fault.lot as lot_number,
            case when fault.kind = 'make' then fault.number end as production_order_number,
            purchase.supplier_number,
            cast(cast(fault.q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            chance_pick('defect code', fault.key, ['DIM', 'SURF', 'DOC', 'FUNC', 'QTY']) as defect_code,
            case fault.path when 'held' then chance_pick('disposition', fault.key, ['use_as_is', 'rework', 'repair'])
                else 'scrap' end as disposition,
            instant(fault.found_tick, node.timezone) as raised_at,
            instant(fault.found_tick + (fault.settled_tick - fault.found_tick) // 3, node.timezone) as review_at,
            instant(fault.settled_tick, node.timezone) as closed_at,
        from flow.fault as fault
        inner join flow.node as node using (node_id)
        left join flow.purchase as purchase on fault.number = purchase.number
        where fault.found_tick < $cut_tick
        union all
        -- what an order lost in work never was stock, so nothing is held
        select
            'NC' || orders.production_order_number,
            orders.plant_id,
            orders.item_number,
            null,
            orders.production_order_number,
            null,
            orders.scrapped_quantity,
            orders.unit,
            chance_pick('defect code', orders.order_key, ['DIM', 'SURF', 'FUNC']),
            'scrap',
            orders.actual_end_at,
            orders.actual_end_at,
            orders.closed_at,
        from world.production_order as orders
        where orders.lost_q > 0 and orders.end_tick < $cut_tick and chance('reported', orders.order_key) < 0.5
        """,
        {"cut_tick": cut_tick},
    )
    con.execute(
        """
        create or replace table world.quality_hold as
        select
            'QH' || fault.key as hold_id,
            node.plant_id,
            fault.location,
            node.item_number,
            fault.lot as lot_number,
            cast(cast(fault.q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            case fault.path when 'held' then 'released' else 'scrapped' end as outcome,
            'INSP' as reason,
            'NC' || fault.key as nonconformance_id,
            instant(fault.found_tick, node.timezone) as placed_at,
            instant(fault.settled_tick, node.timezone) as released_at,
        from flow.fault as fault
        inner join flow.node as node using (node_id)
        where fault.found_tick < ?
        """,
        [cut_tick],
    )
    _counts(con, cut_tick)


def _counts(con: DuckDBPyConnection, cut_tick: int) -> None:
    # a count is an absolute statement at its instant (rule 27): the book of that instant, less what it finds missing
    con.execute(
        f"""
        create or replace table world.cycle_count as
        with found as (
            select
                'CC' || use.reference || '-' || use.part as event_id,
                use.node_id,
                use.lot,
                use.tick - {COUNTED_BEFORE} as tick,
                use.q as missing_q,
                use.reference as count_number
            from flow.use as use
            where use.kind = 'loss'
            union all
            select
                'CC9' || node.code || 'R' || weeks.week,
                node.node_id,
                null,
                stock.first_tick + weeks.week * {5 * DAY} + chance_int('count', node.node_key || '/' || weeks.week,
                    {5 * DAY}),
                0,
                null
            from flow.node as node
            cross join (select min(tick) as first_tick from flow.movement) as stock
            cross join (
                select unnest(range(0, (select 1 + ({cut_tick} - min(tick)) // {5 * DAY} from flow.movement))) as week
            ) as weeks
            where not node.is_phantom and not node.is_lot and not node.is_serial
                and chance('counted', node.node_key || '/' || weeks.week) < 0.05
        ),
        -- of the place that is counted: what a subcontractor has and uses up is in another
        legs as (
            select node_id, moved.lot, moved.tick, moved.q
            from flow.movement as moved
            inner join flow.node as node on moved.to_node_id = node.node_id and moved.to_location = node.location
            where moved.to_status = 'unrestricted' and moved.to_ownership = 'own'
            union all
            select node_id, moved.lot, moved.tick, -moved.q
            from flow.movement as moved
            inner join flow.node as node on moved.from_node_id = node.node_id and moved.from_location = node.location
            where moved.from_status = 'unrestricted' and moved.from_ownership = 'own'
        ),
        books as (
            select found.event_id, sum(legs.q)::bigint as book_q
            from found
            inner join legs
                on found.node_id = legs.node_id and found.lot is not distinct from legs.lot
                    and legs.tick <= found.tick
            group by found.event_id
        )
        select
            found.event_id,
            node.plant_id,
            node.location,
            node.item_number,
            found.lot as lot_number,
            found.count_number,
            cast(cast(books.book_q - found.missing_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6))
                as counted_quantity,
            cast(cast(books.book_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as book_quantity,
            node.unit,
            instant(found.tick, node.timezone) as counted_at,
        from found
        inner join books using (event_id)
        inner join flow.node as node using (node_id)
        where found.tick < {cut_tick} and books.book_q > 0
        """
    )
