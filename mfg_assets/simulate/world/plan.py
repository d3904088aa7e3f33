"""The plan, level by level: what is missing becomes an order, its components the next level's needs.

For each node the requirements are laid end to end, in the order of time; the stock at the start and the good
quantities of the orders are laid end to end beside them. An order is needed at the instant at which the requirements
reach the end of what came before it, and is available before that instant: so stock can never run below the safety
stock, whatever the order loses on the way. What an order loses is drawn by its own key before the next one is placed.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world import explode
from mfg_assets.simulate.world.calendar import DAY

HOUR = 3600
LONGEST_PURCHASE = 15
"""Working days: longer lead times were ordered before, and are cut off here to bound how far ahead the plan looks."""

PER_LEVEL = 2 * DAY
"""Working seconds by which a level's needs lie at most before those of the level above."""

TRANSFER = 4 * DAY
"""The same for stock that another plant sends."""

WINDOW = 20 * DAY
"""The first days, from which the usual requirement and so the size of orders is known."""

LATE_WINDOW = 8 * DAY
"""The same for what is needed for the first time later, counted
    from then; known by when its first order is placed."""


def bound(levels: int) -> int:
    """How many working seconds beyond an instant requirements matter to what is visible at it."""
    return levels * PER_LEVEL + 2 * TRANSFER + (LONGEST_PURCHASE + 6) * DAY


def create(con: DuckDBPyConnection, first_tick: int, cut_tick: int, levels: int, pace: int) -> None:
    """Make flow.stock, flow.supply (orders of all kinds), and what explode makes of them."""
    con.execute("create or replace table flow.stock (node_id bigint, opening_q bigint)")
    con.execute(
        """
        create or replace table flow.supply (
            node_id bigint, n bigint, kind varchar, number varchar, order_key varchar,
            planned_q bigint, lost_q bigint, good_q bigint, from_q bigint,
            need_tick bigint, available_tick bigint, end_tick bigint, start_tick bigint,
            scheduled_start_tick bigint, released_tick bigint, created_tick bigint, is_inspected boolean
        )
        """
    )
    explode.create_tables(con)
    horizon = max(cut_tick, first_tick + WINDOW)
    for level in range(levels + 1):
        _level(con, level, first_tick, horizon + bound(levels - level), pace)


def _level(con: DuckDBPyConnection, level: int, first_tick: int, limit: int, pace: int) -> None:
    con.execute(
        """
        create or replace temp table laid as
        select
            requirement.*,
            sum(requirement.q) over (
                partition by requirement.node_id
                order by requirement.tick, requirement.kind, requirement.reference, requirement.line
                rows unbounded preceding
            )::hugeint::bigint as end_q
        from flow.requirement as requirement
        inner join flow.node as node using (node_id)
        where node.level = ? and requirement.tick < ? and not node.is_phantom
        """,
        [level, limit],
    )
    _sizes(con, level, first_tick, pace)
    _place(con)
    _time(con)
    explode.explode(con)


def _sizes(con: DuckDBPyConnection, level: int, first_tick: int, pace: int) -> None:
    # stock for the first days, counted at the start; items nobody asks for yet have a little of their safety stock
    con.execute(
        f"""
        create or replace temp table sized as
        with firsts as (
            select node_id, coalesce(min(tick) filter (kind <> 'loss'), min(tick)) as from_tick
            from laid group by node_id
        ),
        -- the days from which the usual requirement is known
        usual as (
            select *, greatest({first_tick + WINDOW}, from_tick + {LATE_WINDOW}) as until_tick from firsts
        ),
        sums as (
            select
                laid.node_id,
                max(laid.end_q) as total_q,
                coalesce(sum(laid.q) filter (laid.tick < {first_tick} + case
                    when node.source_kind in ('make', 'subcontract') then 4 * {DAY} + chance_int('cover',
                        node.node_key, {4 * DAY})
                    when node.source_kind = 'transfer' then 7 * {DAY} + chance_int('cover', node.node_key, {3 * DAY})
                    else 5 * {DAY} + chance_int('cover', node.node_key, {6 * DAY})
                end), 0)::bigint as first_q,
                coalesce(sum(laid.q) filter (laid.kind <> 'loss' and laid.tick < usual.until_tick), 0)::bigint
                    // (1 + (any_value(usual.until_tick) - any_value(usual.from_tick)) // {DAY}) as daily_q,
                coalesce(max(laid.q) filter (laid.kind <> 'loss' and laid.tick < usual.until_tick), 0) as largest_q
            from laid
            inner join flow.node as node using (node_id)
            inner join usual using (node_id)
            group by laid.node_id
        ),
        lots as (
            select
                node.*,
                coalesce(sums.total_q, 0) as total_q,
                coalesce(sums.first_q, 0) as first_q,
                coalesce(sums.daily_q, 0) as daily_q,
                coalesce(sums.largest_q, 0) as largest_q,
                -- an order covers some days of the usual requirement and any usual one, in whole lots
                case when node.source_kind = 'buy' then 8 + chance_int('days covered', node.node_key, 9)
                    else 5 + chance_int('days covered', node.node_key, 8) end as days_covered,
                coalesce(offer.lot_q, case when node.is_counted then (node.lot_q + 999999) // 1000000 * 1000000
                    else node.lot_q end)
                    as step_q,
                coalesce(offer.minimum_q, 0) as minimum_q,
                offer.maximum_q
            from flow.node as node
            left join sums using (node_id)
            left join flow.offer as offer on node.node_id = offer.node_id
            where node.level = {level} and not node.is_phantom
        )
        select
            * exclude (first_q),
            first_q + spare_q as opening_q,
            first_q,
            least(
                greatest(
                    -- serial numbers are kept for few days: each is a row
                    (
                        greatest(
                            daily_q * days_covered * case when is_serial then 1 else {pace} end, largest_q, lot_q - 1
                        ) // step_q + 1
                    ) * step_q,
                    (minimum_q + step_q - 1) // step_q * step_q
                ),
                -- no order is worth more than books can hold
                cast(greatest(200000000000 // greatest(standard_cost, 1) * 1000000 // step_q, 1) * step_q as bigint),
                case when maximum_q is null then 9000000000000000 else greatest(maximum_q // step_q, 1) * step_q end
            ) as order_q
        from lots
        """
    )
    con.execute("insert into flow.stock select node_id, opening_q from sized where opening_q > 0")


def _place(con: DuckDBPyConnection) -> None:
    # n orders at most, since none loses more than a tenth; each is placed where the one before it ends
    con.execute(
        """
        create or replace temp table placed as
        with candidates as (
            select
                node_id, node_key, source_kind, code, order_q, first_q, total_q, is_counted, is_serial, is_regulated,
                is_consigned,
                unnest(range(1, 2 + greatest((total_q - first_q) * 10 // (order_q * 9) + 1, 0))) as n
            from sized
            where total_q > first_q
        ),
        keyed as (select *, node_key || '/' || n as order_key from candidates),
        drawn as (
            select
                *,
                case
                    when is_serial then 0
                    when source_kind = 'make' and chance('scrap', order_key) < 0.35
                        then cast(order_q * (0.01 + 0.06 * chance('scrap share', order_key)) as bigint)
                    when source_kind = 'buy' and not is_consigned and chance('rejects', order_key) < 0.02
                        then order_q // 25
                    else 0
                end as raw_lost_q
            from keyed
        ),
        rounded as (
            select
                * exclude (raw_lost_q),
                case when is_counted then raw_lost_q // 1000000 * 1000000 else raw_lost_q // 1000 * 1000 end as lost_q
            from drawn
        )
        select
            *,
            order_q - lost_q as good_q,
            (first_q + sum(order_q - lost_q) over (partition by node_id order by n rows unbounded preceding)
                - (order_q - lost_q))::hugeint::bigint as from_q
        from rounded
        """
    )


def _time(con: DuckDBPyConnection) -> None:
    con.execute(
        f"""
        create or replace temp table timed as
        with needed as (
            select placed.*, laid.tick as need_tick
            from placed
            asof inner join laid on placed.node_id = laid.node_id and placed.from_q < laid.end_q
            where placed.from_q < placed.total_q
        ),
        ready as (
            select
                needed.*,
                node.lead_time_days,
                needed.need_tick - 600 - chance_int('slack', needed.order_key, {5 * HOUR}) as available_tick,
                not node.is_consigned and (
                    needed.source_kind = 'buy' and (chance('inspected', needed.node_key) < 0.5 or needed.lost_q > 0)
                    or needed.source_kind in ('make', 'subcontract') and needed.is_regulated
                ) as is_inspected,
                node.is_consigned
            from needed
            inner join flow.node as node using (node_id)
        ),
        ended as (
            select
                *,
                available_tick - case
                    when is_consigned and source_kind = 'buy' then {DAY} + chance_int('consigned', order_key,
                        {2 * DAY})
                    when not is_inspected then 0
                    when source_kind = 'buy' then {2 * HOUR} + chance_int('inspection', order_key, {12 * HOUR})
                    else {HOUR} + chance_int('inspection', order_key, {2 * HOUR})
                end as end_tick
            from ready
        ),
        started as (
            select
                *,
                end_tick - case source_kind
                    when 'make' then {HOUR} + chance_int('duration', order_key, {7 * HOUR})
                    when 'subcontract' then {DAY} + {HOUR}
                    when 'transfer' then {2 * DAY} + chance_int('transit', order_key, {DAY})
                    else {DAY} + chance_int('transit', order_key, {3 * DAY})
                end as start_tick
            from ended
        ),
        scheduled as (
            select
                *,
                case source_kind
                    when 'make' then start_tick - chance_int('start delay', order_key, {HOUR})
                    else start_tick
                end as scheduled_start_tick
            from started
        ),
        released as (
            select
                *,
                case source_kind
                    when 'make' then scheduled_start_tick - {DAY // 2} - chance_int('release', order_key, {DAY})
                    -- purchases are sent in the morning of the day on which they are placed
                    when 'transfer' then start_tick - {HOUR}
                    else (end_tick // {DAY} - least(greatest(lead_time_days * 5 // 7, 7), {LONGEST_PURCHASE})) * {DAY}
                end as released_tick
            from scheduled
        )
        select
            *,
            case source_kind
                when 'make' then released_tick - {DAY} - chance_int('created', order_key, {3 * DAY})
                when 'transfer' then released_tick - {DAY} - chance_int('created', order_key, {DAY})
                else released_tick
            end as created_tick,
            case source_kind when 'make' then '1' when 'transfer' then '7' when 'buy' then '4' else '5' end
                || code || lpad(cast(n as varchar), 4, '0') as number
        from released
        """
    )
    con.execute(
        """
        insert into flow.supply
        select
            node_id, n, source_kind, number, order_key, order_q, lost_q, good_q, from_q, need_tick, available_tick,
            end_tick, start_tick, scheduled_start_tick, released_tick, created_tick, is_inspected
        from timed
        """
    )
    con.execute(
        """
        insert into flow.requirement
        select node.from_node_id, timed.start_tick, timed.order_q, 'transfer', timed.number, '1'
        from timed
        inner join flow.node as node using (node_id)
        where timed.source_kind = 'transfer'
        """
    )
