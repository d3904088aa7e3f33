"""What engineering writes of each change: its header, and the items that it changes.

Belongs here: world.engineering_change, engineering_change_item. Doesn't belong here: what is decided, and at which
plant when (`changes`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def create_headers(con: DuckDBPyConnection) -> None:
    """Make world.engineering_change, for changes that name a plant."""
    con.execute(
        """
        create or replace table world.engineering_change as
        with timed as (
            select
                change.*,
                timezone('UTC', released_clock) as released_at,
                timezone('UTC', released_clock)
                    - to_seconds(86400 * (2 + chance_int('approval', change.change_number, 8))
                    + chance_int('approval time', change.change_number, 7200)) as approved_at,
                timezone('UTC', released_clock)
                    - to_seconds(86400 * (12 + chance_int('raised', change.change_number, 40))
                    + chance_int('raised time', change.change_number, 7200)) as raised_at
            from decided as change
            semi join world.engineering_change_plant as plant on change.change_number = plant.change_number
        )
        select
            timed.change_number,
            case timed.action
                when 'add' then 'Add a part to ' when 'remove' then 'Leave out a part of '
                when 'replace' then 'Replace a part of ' when 'quantity' then 'Another quantity in '
                else 'New drawing of '
            end || item.description as title,
            chance_pick('reason', timed.change_number,
                ['cost', 'quality', 'obsolescence', 'customer', 'safety', 'standardisation']) as reason,
            case when timed.is_withdrawn then 'withdrawn' when timed.is_cancelled then 'cancelled' else 'released' end
                as status,
            timed.raised_at,
            case when timed.is_withdrawn or not timed.is_cancelled then timed.approved_at end as approved_at,
            case when timed.is_withdrawn or not timed.is_cancelled then timed.released_at end as released_at,
            case when timed.is_cancelled and not timed.is_withdrawn then timed.approved_at end as cancelled_at,
            case when timed.is_withdrawn then timed.released_at
                + to_seconds(86400 * (3 + chance_int('withdrawn', timed.change_number, 6)) + 3600) end as withdrawn_at,
            chance_pick('requester', timed.change_number,
                ['engineering', 'manufacturing', 'quality', 'purchasing', 'service']) as requester,
            cast(1 + chance_int('priority', timed.change_number, 4) as varchar) as priority,
            case when timed.urgent < 0.02 then 'emergency' when timed.urgent < 0.1 then 'urgent' else 'normal' end
                as urgency,
            case when timed.action = 'revise' then 'documentation' when chance('class', timed.change_number) < 0.3
                then 'major'
                else 'minor' end as change_class,
            timed.parent_item_number,
            timed.action,
            timed.is_cancelled
        from timed
        inner join world.item as item on timed.parent_item_number = item.item_number
        order by timed.change_number
        """
    )


def create_items(con: DuckDBPyConnection) -> None:
    """Make world.engineering_change_item, when revisions are known."""
    con.execute(
        """
        create or replace table world.engineering_change_item as
        with rows as (
            select
                change_number, '1' as line_id,
                case action when 'add' then added_item_number else old_component end as item_number,
                action,
                parent_item_number,
                case when action <> 'add' then old_component end as old_component_item_number,
                case action
                    when 'add' then added_item_number when 'replace' then replacement_item_number
                    when 'quantity' then old_component
                end as new_component_item_number,
                cast(null as varchar) as from_revision,
                cast(null as varchar) as to_revision,
                case when action <> 'add' then old_quantity end::decimal(18, 6) as old_quantity,
                case action
                    when 'add' then added_quantity when 'replace' then old_quantity
                    when 'quantity' then new_k * cast(line.quantity_step as decimal(12, 6))
                end::decimal(18, 6) as new_quantity,
                case action when 'add' then added_unit else old_unit end as unit
            from decided
            left join (select parent_item_number, line_id, quantity_step from world.blueprint) as line
                using (parent_item_number, line_id)
            where action <> 'revise'
            union all
            select
                decided.change_number, '2', decided.parent_item_number, 'revise', null, null, null,
                coalesce(next.supersedes, last.revision), next.revision, null, null, null
            from decided
            left join world.item_revision as next on decided.change_number = next.change_number
            left join (
                select item_number, arg_max(revision, revision_sequence) as revision
                    from world.item_revision group by item_number
            ) as last on decided.parent_item_number = last.item_number
        )
        select rows.*
        from rows
        semi join world.engineering_change as change using (change_number)
        order by change_number, line_id
        """
    )
