"""The revisions that items went through, and those that changes bring.

Belongs here: world.item_revision. Doesn't belong here: the changes (`changes`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def create(con: DuckDBPyConnection) -> None:
    """Make world.item_revision: what came before the changes told here, then one revision for each change."""
    con.execute(
        """
        create or replace table world.item_revision as
        with origin as (
            select min(released_on) - 30 as day from decided
        ),
        counts as (
            select
                item_number,
                case
                    when level = 0 then 1 + chance_int('revisions', item_number, 2)
                    when chance('many revisions', item_number) < 0.03 then 26 + chance_int('revisions', item_number, 4)
                    when chance('many revisions', item_number) < 0.3 then 4 + chance_int('revisions', item_number, 5)
                    else 1 + chance_int('revisions', item_number, 3)
                end as revisions
            from world.item
        ),
        earlier as (
            select
                item_number,
                cast(sequences.n as integer) as revision_sequence,
                case when sequences.n > 1 then timezone('UTC', cast(
                    cast(coalesce((select day from origin), date '2025-01-01') as date)
                        - cast((revisions - sequences.n)
                            * 45 + chance_int('revised', item_number || '/' || sequences.n, 40) as integer)
                as timestamp)) end as effective_from,
                cast(null as varchar) as change_number
            from counts
            cross join range(1, 31) as sequences (n)
            where sequences.n <= counts.revisions
        ),
        everything as (
            select * from earlier
            union all
            select
                change.parent_item_number,
                cast(counts.revisions + 1 as integer),
                first.effective_at,
                change.change_number
            from world.engineering_change as change
            inner join counts on change.parent_item_number = counts.item_number
            inner join (
                select change_number, min(effective_at) as effective_at
                    from world.engineering_change_plant group by change_number
            ) as first on change.change_number = first.change_number
            where not change.is_cancelled and first.effective_at is not null
        )
        select
            item_number,
            revision_letters(revision_sequence) as revision,
            revision_sequence,
            effective_from,
            lead(effective_from) over (partition by item_number order by revision_sequence) as effective_to,
            change_number,
            lag(revision_letters(revision_sequence)) over (partition by item_number order by revision_sequence)
                as supersedes
        from everything
        order by item_number, revision_sequence
        """
    )
