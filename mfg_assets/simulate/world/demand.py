"""What customers ask for, and what cycle counts will find missing: the requirements the plan starts from.

Every line is keyed by its item, plant and week, so a longer horizon adds weeks and changes none.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY

SERVED_FROM = 2
"""Working days after the start before which nothing leaves a plant."""

COUNTED_BEFORE = 600
"""Seconds from a count that finds something missing to the posting that says so."""


def create(con: DuckDBPyConnection, first_tick: int, end_tick: int, pace: int) -> None:
    """Fill flow.requirement with customers' lines and stock losses between two ticks; makes flow.sales_line.

    Args:
        con: has flow.node.
        first_tick: start of the world.
        end_tick: how far requirements are made.
        pace: 1, or how many times rarer things are asked for.
    """
    con.execute(
        """
        create or replace table flow.requirement (
            node_id bigint, tick bigint, q bigint, kind varchar, reference varchar, line varchar
        )
        """
    )
    weeks = (end_tick - first_tick) // (5 * DAY) + 1
    _sales(con, first_tick, end_tick, weeks, pace)
    _losses(con, first_tick, end_tick, weeks, pace)


def _sales(con: DuckDBPyConnection, first_tick: int, end_tick: int, weeks: int, pace: int) -> None:
    # finished products sell every week, a few assemblies and bought parts now and then as spares
    con.execute(
        f"""
        create or replace table flow.sales_line as
        with sellable as (
            select
                node_id, node_key, code, plant_id, item_number, is_serial, is_counted,
                case
                    when is_sold and is_top then 0.55
                    when is_sold then 0.25
                    when chance('spare', node_key) < 0.05 then 0.12
                    else 0
                end as per_week,
                case
                    when is_serial then 3
                    else 2 + chance_int('sales size', item_number, 4)
                end as size
            from flow.node
            where source_kind in ('make', 'transfer', 'subcontract') or (source_kind = 'buy' and not is_top)
        ),
        asked as (
            select
                sellable.*,
                weeks.week,
                slots.slot,
                sellable.node_key || '/' || weeks.week || '/' || slots.slot as line_key
            from sellable
            cross join (select unnest(range(0, {weeks})) as week) as weeks
            cross join (select unnest(range(0, 2)) as slot) as slots
            where sellable.per_week > 0
        ),
        drawn as (
            select
                *,
                {first_tick} + week * {5 * DAY} + chance_int('sales instant', line_key, {5 * DAY}) as tick
            from asked
            where chance('sales', line_key) < per_week / {pace}
        )
        select
            node_id,
            plant_id,
            item_number,
            week,
            slot,
            line_key,
            '3' || code || lpad(cast(week as varchar), 3, '0') || cast(slot as varchar) as sales_order_number,
            '10' as line_number,
            tick,
            -- the customer wants it on a day, a little after it leaves
            tick + {DAY // 2} + chance_int('sales slack', line_key, {DAY}) as promised_tick,
            tick - {3 * DAY} - chance_int('sales lead', line_key, {10 * DAY}) as created_tick,
            cast(1 + chance_int('sales quantity', line_key, cast(size as integer)) as bigint) * 1000000 as q
        from drawn
        where tick >= {first_tick + SERVED_FROM * DAY} and tick < {end_tick}
        """
    )
    con.execute(
        """
        insert into flow.requirement
        select node_id, tick, q, 'sales', sales_order_number, line_number from flow.sales_line
        """
    )


def _losses(con: DuckDBPyConnection, first_tick: int, end_tick: int, weeks: int, pace: int) -> None:
    # a piece is gone now and then; the count that finds it says so
    con.execute(
        f"""
        insert into flow.requirement
        select node_id, tick, q, 'loss', '9' || code || lpad(cast(week as varchar), 3, '0'), '1'
        from (
            select
                node.node_id,
                node.code,
                weeks.week,
                -- never at the beginning of a working day: its count stands on the same day before it
                {first_tick + COUNTED_BEFORE}
                    + (weeks.week * 5 + chance_int('loss day', node.node_key || '/' || weeks.week, 5)) * {DAY}
                    + chance_int('loss instant', node.node_key || '/' || weeks.week, {DAY - COUNTED_BEFORE}) as tick,
                case when node.is_counted then 1000000 else 250000 end as q
            from flow.node as node
            cross join (select unnest(range(0, {weeks})) as week) as weeks
            where not node.is_phantom and not node.is_serial and chance('loss', node.node_key || '/'
                || weeks.week) < {0.01 / pace}
        )
        where tick >= {first_tick + SERVED_FROM * DAY} and tick < {end_tick}
        """
    )
