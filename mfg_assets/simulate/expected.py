"""What is expected of every engineering change at every plant, as of the cut: its status and what blocks it.

Belongs here: `truth.change_status`. Doesn't belong here: planting (`defects`), what a change touches
(`expected_impact`), comparing (`score_changes`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Fill `truth.change_status` from what the systems hold and from what was planted.

    `accepted` are the statuses that are right: the first one, and others where what was planted (there, or elsewhere
    with consequences there) can be called by two names.
    """
    con.execute(_STATUS.replace("$cut", instant(options.cut)))


_STATUS = """
    insert into truth.change_status
    with planted as (
        select plant_id, business_key->>'$.change_number' as change_number,
            list(distinct finding_class order by finding_class) as classes
        from truth.finding
        where domain = 'change' and planted_at <= $cut and (mended_at is null or $cut < mended_at)
        group by all
    ),
    late_on_purpose as (
        select distinct plant_id, business_key->>'$.change_number' as change_number
        from truth.near_miss
        where domain = 'change' and finding_class = 'partial_update'
            and planted_at <= $cut and (mended_at is null or $cut < mended_at)
    ),
    touched as (
        select distinct plant_id, business_key->>'$.change_number' as change_number
        from truth.consequence
        where domain = 'change' and planted_at <= $cut and (mended_at is null or $cut < mended_at)
    ),
    change as (
        select change_number, status
        from held.engineering_change
        where visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    told as (
        select *
        from held.engineering_change_plant
        where visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    judged as (
        select
            told.change_number, told.plant_id,
            coalesce(planted.classes, []) as classes,
            exists (
                select 1 from touched
                where (touched.plant_id is null or touched.plant_id = told.plant_id)
                    and (touched.change_number is null or touched.change_number = told.change_number)
            ) as is_touched,
            case
                -- what was withdrawn and is followed all the same
                when change.status = 'withdrawn' and list_contains(classes, 'unauthorised_change') then 'blocked'
                when not told.is_applicable or change.status in ('cancelled', 'withdrawn') then 'not_applicable'
                -- a plant that waits by decision isn't blocked
                when told.release_gate = 'deferred' and coalesce(told.deferred_until > $cut, true) then 'pending'
                when change.status <> 'released' then 'pending'
                when list_contains(classes, 'deviated') then 'deviated'
                when list_contains(classes, 'overdue') then 'overdue'
                when len(classes) > 0 then 'blocked'
                when late_on_purpose.change_number is not null then 'in_progress'
                when told.planned_effective_from > $cut then 'pending'
                else 'synchronised'
            end as status
        from told
        inner join change using (change_number)
        left join planted on told.change_number = planted.change_number and told.plant_id = planted.plant_id
        left join late_on_purpose
            on told.change_number = late_on_purpose.change_number and told.plant_id = late_on_purpose.plant_id
    )
    select
        change_number, plant_id, status,
        list_distinct([status] || case
            when status = 'blocked' and list_has_any(classes, ['unauthorised_change', 'bom_cycle', 'unit_incompatible',
                'effectivity_conflict']) then ['deviated', 'overdue']
            when status in ('blocked', 'overdue') and list_has_any(classes, ['partial_update', 'target_unavailable'])
                then ['overdue']
            when status = 'deviated' then ['blocked']
            when is_touched and status <> 'not_applicable' then ['blocked']
            else []
        end) as accepted,
        list_filter(classes, lambda one: one not in ('deviated', 'overdue')) as blocking_reasons
    from judged
    order by change_number, plant_id
"""
