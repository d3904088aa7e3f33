"""Bills and routings as they truly hold at each plant, with dates.

Belongs here: world.bom_header, bom_line, routing_operation. Doesn't belong here: how systems word them (`held`).

Between the versions of one line there is neither a gap nor an overlap: a change ends one at the plant's own midnight
and
begins the next. A plant that a change is not for, or that waits, keeps what it had.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def create(con: DuckDBPyConnection) -> None:
    """Make the tables from world.blueprint and world.item_plant."""
    _headers(con)
    _lines(con)
    _routing(con)


def _headers(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.bom_header as
        select
            site.item_number as parent_item_number,
            site.plant_id,
            'production' as usage,
            alternative.alternative,
            cast(case
                when item.base_unit = 'KGM' then 1
                when chance('base quantity', site.item_number || '/' || site.plant_id) < 0.12 then 100
                when chance('base quantity', site.item_number || '/' || site.plant_id) < 0.2 then 10
                else 1
            end as decimal(18, 6)) as base_quantity,
            item.base_unit as unit,
            'released' as status,
            -- the boundary is the same at every plant
            case when alternative.is_large then cast(alternative.boundary as decimal(18, 6)) end as lot_size_from,
            case when alternative.is_small then cast(alternative.boundary - 1 as decimal(18, 6)) end as lot_size_to,
            cast(null as timestamptz) as effective_from,
            cast(null as timestamptz) as effective_to,
            alternative.is_small or alternative.is_large as is_by_lot_size
        from world.item_plant as site
        inner join world.item as item using (item_number)
        cross join lateral (
            select '1' as alternative, has_lot_size_bills(item.item_number, item.base_unit) and item.level between 2
                and 6 as is_small,
                false as is_large, 2 * cast(site.lot_size as bigint) as boundary
            union all
            select '2', false, true, 2 * cast(site.lot_size as bigint)
            where has_lot_size_bills(item.item_number, item.base_unit) and item.level between 2 and 6
        ) as alternative
        where site.has_bill
        order by parent_item_number, plant_id, alternative
        """
    )


def _lines(con: DuckDBPyConnection) -> None:
    # The bill for large lots leaves out what is picked by hand, and needs a few pieces to set up.
    con.execute(
        """
        create or replace table world.bom_line as
        with lines as (
            select
                header.plant_id, header.alternative, header.base_quantity, header.is_by_lot_size,
                line.*,
                site.is_phantom as component_is_phantom,
                site.has_bill as component_has_bill,
                came.effective_at as came_at,
                went.effective_at as went_at
            from world.bom_header as header
            inner join world.blueprint as line on header.parent_item_number = line.parent_item_number
            inner join world.item_plant as site
                on line.component_item_number = site.item_number and header.plant_id = site.plant_id
            left join world.engineering_change_plant as came
                on line.change_in = came.change_number and header.plant_id = came.plant_id
            left join world.engineering_change_plant as went
                on line.change_out = went.change_number and header.plant_id = went.plant_id
            where (line.change_in is null or came.effective_at is not null)
                and not (header.alternative = '2' and line.pool in ('consumable', 'adhesive', 'washer'))
        )
        select
            parent_item_number,
            plant_id,
            'production' as usage,
            alternative,
            line_id,
            position,
            component_item_number,
            case when is_fixed_quantity then quantity else cast(quantity * base_quantity as decimal(18, 6)) end
                as quantity,
            unit,
            quantity_per,
            component_base_unit as base_unit,
            is_fixed_quantity,
            component_scrap,
            scrap_method,
            operation_sequence,
            alternate_group,
            alternate_priority,
            usage_probability,
            case when component_has_bill then component_is_phantom end as is_phantom,
            line_type,
            reference_designators,
            came_at as effective_from,
            went_at as effective_to,
            case when came_at is not null then change_in end as change_in,
            case when went_at is not null then change_out end as change_out,
            is_manufacturing_only,
            quantity as quantity_for_one,
            wording,
            choice,
            k,
            base_quantity
        from lines
        order by parent_item_number, plant_id, alternative, line_id
        """
    )


def _routing(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.routing_operation as
        select
            site.item_number,
            site.plant_id,
            '1' as alternative,
            cast(operation.place * 10 as integer) as operation_sequence,
            case when site.sourcing = 'subcontract' then 'SUBC-' || right(site.plant_id, 3)
                else operation.work || '-' || right(site.plant_id, 3) || '-'
                    || (1 + chance_int('work center', site.item_number || '/' || operation.place, 3))
            end as work_center,
            cast(operation.setup_minutes as decimal(18, 6)) as setup_time,
            cast(operation.run_minutes * (80 + chance_int('run time', site.item_number || '/' || operation.place, 41))
                * 0.01 as decimal(18, 6))
                as run_time,
            'MIN' as time_unit,
            cast(1 - 0.005 * chance_int('yield', site.item_number || '/' || operation.place, 5) as decimal(9, 6))
                as yield_fraction,
            cast(null as timestamptz) as effective_from,
            cast(null as timestamptz) as effective_to,
            'WI-' || site.item_number as work_instruction_number,
            cast(1 + chance_int('instruction version', site.item_number, 3) as varchar) as work_instruction_version
        from world.item_plant as site
        inner join world.item as item using (item_number)
        inner join world.kind_operation as operation on item.category = operation.kind
        where site.has_bill
        order by site.item_number, site.plant_id, operation_sequence
        """
    )
