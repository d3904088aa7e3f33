"""Engineering changes: what they do to which bill, and when at which plant; revisions of items.

Belongs here: world.engineering_change_plant, item_revision, and the lines that changes add to world.blueprint.
Doesn't belong here: the dates of lines at plants (`bills`), what engineering writes of a change (`change_notices`).

There is a fixed number of changes a week from half a year before the start until every assembly that may change has
changed once. They don't depend on how far the world is looked at, so that a later look finds the same past.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import change_notices, revisions

WEEKS_BEFORE = 26
"""Weeks before the start in which changes were released already."""

ITEMS_PER_WEEKLY_CHANGE = 700
"""One change a week for so many items."""

SHORTEST_NOTICE = 15
"""Days from a change's release to its first day at a plant. No order is planned further ahead than that, so every order
is planned with the bill that will hold when it starts."""


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Choose the changes and add their lines to world.blueprint."""
    _changes(con, options)
    _targets(con)
    _lines(con)


def _changes(con: DuckDBPyConnection, options: Options) -> None:
    weekly = -(-options.items // ITEMS_PER_WEEKLY_CHANGE)
    con.execute(
        """
        create or replace temp table drawn_change as
        with eligible as (
            select item_number, row_number() over (order by chance('changed when', item_number), item_number) - 1
                as ordinal
            from world.item
            where level between 2 and 7 and item_type <> 'phantom' and not has_lot_size_bills(item_number, base_unit)
        ),
        placed as (
            select
                item_number as parent_item_number,
                ordinal,
                'EC' || lpad(cast(10001 + ordinal as varchar), 6, '0') as change_number,
                $start::date + cast((ordinal // $weekly - $weeks_before) * 7 as integer) as week
            from eligible
        ),
        released as (
            select
                *,
                week + cast(chance_int('released on', change_number, 5) as integer) as released_on,
                chance('urgency', change_number) as urgent,
                chance('what', change_number) as what,
                -- given up before its release, or taken back before anybody followed it
                chance('cancelled', change_number) < 0.1 as is_cancelled,
                chance('cancelled', change_number) >= 0.05 and is_cancelled as is_withdrawn
            from placed
        )
        select
            *,
            cast(released_on as timestamp)
                + to_seconds(7 * 3600 + chance_int('released at', change_number, 5 * 3600)) as released_clock
        from released
        """,
        {"start": options.start, "weekly": weekly, "weeks_before": WEEKS_BEFORE},
    )


def _targets(con: DuckDBPyConnection) -> None:
    # one line of the parent that may change, and what takes its place
    con.execute(
        """
        create or replace temp table target_line as
        select
            change.change_number, line.*
        from drawn_change as change
        inner join world.blueprint as line on change.parent_item_number = line.parent_item_number
        where not change.is_cancelled and line.choice = 'pick' and line.line_type = 'component'
            and line.alternate_group is null and not line.is_manufacturing_only and not line.is_fixed_quantity
        qualify row_number() over (
            partition by change.change_number
                order by chance('changed line', line.parent_item_number || line.line_id), line.line_id
        ) = 1
        """
    )
    con.execute(
        """
        create or replace temp table replacement as
        with pools as (
            select
                pool, item_number, base_unit,
                row_number() over (partition by pool order by pool_rank) - 1 as member_rank,
                count(*) over (partition by pool) as members
            from world.item where level = 0
        ),
        -- the next members of the same pool for a replacement, of the fasteners and seals for an addition
        wanted as (
            select change_number, parent_item_number, line_id, 'replace' as action, pool, component_item_number
            from target_line
            union all
            select
                change_number, parent_item_number, line_id, 'add',
                chance_pick('added pool', change_number, ['screw', 'seal', 'washer', 'sensor']), null
            from target_line
        ),
        -- worked out before the join, which would otherwise pair each change with its whole pool
        aimed as materialized (
            select
                wanted.change_number, wanted.parent_item_number, wanted.action, wanted.pool, step.step,
                (coalesce(old.member_rank, chance_int('added', wanted.change_number, size.members)) + step.step)
                    % size.members as member_rank
            from wanted
            inner join (select distinct pool, members from pools) as size on wanted.pool = size.pool
            left join pools as old on wanted.component_item_number = old.item_number
            cross join (select unnest(range(1, 7)) as step) as step
        ),
        candidates as (
            select aimed.change_number, aimed.parent_item_number, aimed.action, next.item_number, next.base_unit,
                aimed.step
            from aimed
            inner join pools as next on aimed.pool = next.pool and aimed.member_rank = next.member_rank
        )
        select candidates.*
        from candidates
        anti join world.blueprint as line
            on candidates.parent_item_number = line.parent_item_number
                and candidates.item_number = line.component_item_number
        qualify row_number() over (partition by candidates.change_number, candidates.action
            order by candidates.step) = 1
        """
    )
    con.execute(
        """
        create or replace temp table decided as
        select
            change.*,
            line.line_id,
            case
                when change.is_cancelled or line.line_id is null then 'revise'
                when change.what < 0.35 and replaced.item_number is not null then 'replace'
                when change.what < 0.6 and line.reference_designators is null then 'quantity'
                when change.what < 0.8 and added.item_number is not null then 'add'
                when change.what < 0.9 then 'remove'
                else 'revise'
            end as action,
            line.component_item_number as old_component,
            line.k as old_k,
            case when line.k > 3 and chance('less', change.change_number) < 0.5 then line.k - 1 else line.k + 1 end
                as new_k,
            line.wording,
            line.quantity as old_quantity,
            line.unit as old_unit,
            replaced.item_number as replacement_item_number,
            added.item_number as added_item_number,
            added.base_unit as added_unit,
            1 + chance_int('added quantity', change.change_number, 4) as added_quantity
        from drawn_change as change
        left join target_line as line on change.change_number = line.change_number
        left join replacement as replaced on change.change_number = replaced.change_number
            and replaced.action = 'replace'
        left join replacement as added on change.change_number = added.change_number and added.action = 'add'
        """
    )


def _lines(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        update world.blueprint as line
        set change_out = decided.change_number
        from decided
        where line.parent_item_number = decided.parent_item_number and line.line_id = decided.line_id
            and decided.action in ('replace', 'quantity', 'remove')
        """
    )
    # a new version of a line stands where the old one stood; what is added comes after all others
    con.execute(
        """
        insert into world.blueprint by name
        select
            line.* replace (
                line.line_id || '-1' as line_id,
                case when decided.action = 'replace' then decided.replacement_item_number
                    else line.component_item_number end
                    as component_item_number,
                case when decided.action = 'quantity' then decided.new_k else line.k end as k,
                case when decided.action = 'quantity' then cast(decided.new_k * line.quantity_step as decimal(18, 6))
                    else line.quantity end as quantity,
                case when decided.action = 'quantity'
                    then cast(decided.new_k * line.quantity_per_step as decimal(18, 12))
                    else line.quantity_per end as quantity_per,
                decided.change_number as change_in,
                null as change_out
            )
        from decided
        inner join world.blueprint as line
            on decided.parent_item_number = line.parent_item_number and decided.line_id = line.line_id
        where decided.action in ('replace', 'quantity')
        """
    )
    con.execute(
        """
        insert into world.blueprint by name
        select
            decided.parent_item_number,
            lpad(cast(last.position + 10 as varchar), 4, '0') as line_id,
            lpad(cast(last.position + 10 as varchar), 4, '0') as position,
            decided.added_item_number as component_item_number,
            item.category as component_kind,
            item.base_unit as component_base_unit,
            item.pool,
            'pick' as choice,
            'each' as wording,
            'component' as role,
            decided.added_quantity as k,
            1 as quantity_step,
            1 as quantity_per_step,
            decided.added_quantity as quantity,
            item.base_unit as unit,
            decided.added_quantity as quantity_per,
            false as is_fixed_quantity,
            10 as operation_sequence,
            'component' as line_type,
            false as is_manufacturing_only,
            decided.change_number as change_in
        from decided
        inner join world.item as item on decided.added_item_number = item.item_number
        inner join (
            select parent_item_number, max(cast(position as integer)) as position
                from world.blueprint group by parent_item_number
        ) as last on decided.parent_item_number = last.parent_item_number
        where decided.action = 'add'
        """
    )


def at_plants(con: DuckDBPyConnection) -> None:
    """Make the tables of changes, for the plants that build what changes (world.item_plant)."""
    _plants(con)
    change_notices.create_headers(con)
    revisions.create(con)
    change_notices.create_items(con)


def _plants(con: DuckDBPyConnection) -> None:
    # the plant that leads an item always follows; of the others some needn't and some wait
    con.execute(
        f"""
        create or replace table world.engineering_change_plant as
        with builders as (
            select
                change.*, site.plant_id, plant.timezone, site.is_home, item.is_regulated,
                change.change_number || '/' || site.plant_id as plant_key
            from decided as change
            inner join world.item as item on change.parent_item_number = item.item_number
            inner join world.item_plant as site on change.parent_item_number = site.item_number
            inner join world.plant as plant using (plant_id)
            where site.has_bill
        ),
        judged as (
            select
                *,
                is_home or chance('applicable', plant_key) >= 0.06 as is_applicable,
                -- more often where stock is under regulation
                not is_home and chance('deferred', plant_key) < case when is_regulated then 0.4 else 0.06 end
                    as is_deferred,
                cast(released_on + cast({SHORTEST_NOTICE} + case when urgent < 0.1 then 0
                    else chance_int('notice', change_number, 25) end
                    + case when is_home then 0 else chance_int('plant notice', plant_key, 20) end as integer)
                        as timestamp)
                    as first_day
            from builders
        )
        select
            judged.change_number,
            judged.plant_id,
            judged.is_applicable,
            case when judged.is_applicable and not judged.is_deferred
                then timezone(judged.timezone, judged.first_day) end
                as planned_effective_from,
            case when judged.is_applicable then case
                when judged.is_regulated then 'quarantine'
                else chance_pick('disposition', judged.change_number,
                    ['use_up', 'use_up', 'use_up', 'rework', 'scrap', 'return'])
            end end as disposition,
            case
                when not judged.is_applicable then null
                when judged.is_regulated then 'regulated_stock'
                -- a plant waits for a reason
                when judged.is_deferred or chance('commitment', judged.plant_key) < 0.05 then 'customer_commitment'
            end as constraint_kind,
            case when judged.is_applicable then case when judged.is_deferred then 'deferred' else 'released' end end
                as release_gate,
            -- until further notice, or for more than a year: nobody's orders reach so far
            case when judged.is_applicable and judged.is_deferred and chance('deferred until', judged.plant_key) < 0.5
                then timezone(judged.timezone, judged.first_day + to_days(cast(400
                    + chance_int('deferred days', judged.plant_key, 100) as integer))) end as deferred_until,
            -- what holds in the end: a change that was cancelled changes nothing
            case when judged.is_applicable and not judged.is_deferred and not judged.is_cancelled
                then timezone(judged.timezone, judged.first_day) end as effective_at
        from judged
        order by judged.change_number, judged.plant_id
        """
    )
