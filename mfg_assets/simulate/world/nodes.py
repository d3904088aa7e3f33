"""What is planned where: every item at every plant as a numbered node, the edges between them and their levels.

Prepares the world's master tables for the plan. Quantities inside the flows are whole millionths (BIGINT), so that
sums and lot sizes are exact and fast; the tables of the world get decimals.
"""

from duckdb import DuckDBPyConnection

PIECES = ("EA", "C62", "H87", "PCE", "SET", "PR", "KT")
"""Units that are counted: nobody consumes a third of one."""


def create(con: DuckDBPyConnection) -> int:
    """Make flow.node, flow.bill, flow.line, flow.operation and flow.revision.

    Returns:
        The deepest level; 0 is what no bill and no other plant asks for.
    """
    con.execute("create or replace table flow.piece_unit as select unnest(?) as unit", [list(PIECES)])
    _nodes(con)
    _lines(con)
    _levels(con)
    _operations(con)
    _revisions(con)
    row = con.execute("select coalesce(max(level), 0) from flow.node").fetchone()
    return int(row[0]) if row else 0


def _nodes(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table flow.base_node as
        select
            row_number() over (order by item_plant.plant_id, item_plant.item_number) as node_id,
            item_plant.plant_id,
            item_plant.item_number,
            item_plant.plant_id || '/' || item_plant.item_number as node_key,
            -- a number that is unique over all plants and readable: plant's place, then the item's number
            cast(dense_rank() over (order by item_plant.plant_id) as varchar)
                || lpad(regexp_replace(item_plant.item_number, '[^0-9]', '', 'g'), 6, '0') as code,
            case when coalesce(item_plant.is_phantom, false) then 'phantom' else item_plant.sourcing end as sourcing,
            case when item_plant.sourcing = 'transfer' then item_plant.from_plant_id end as from_plant_id,
            coalesce(item_plant.is_phantom, false) as is_phantom,
            coalesce(item_plant.is_backflushed, false) as is_backflushed,
            coalesce(item_plant.lead_time_days, 5) as lead_time_days,
            cast(coalesce(item_plant.lot_size, 1) as decimal(28, 6)) as lot_size,
            greatest(cast(cast(coalesce(item_plant.lot_size, 1) as decimal(18, 6)) * 1000000 as bigint), 1) as lot_q,
            -- what is kept in reserve: never planned away, in whole pieces
            case when piece_unit.unit is not null
                then ceil(cast(coalesce(item_plant.safety_stock, 0) as decimal(18, 6)))::bigint * 1000000
                else cast(cast(coalesce(item_plant.safety_stock, 0) as decimal(18, 6)) * 1000000 as bigint)
            end as spare_q,
            item_plant.storage_location as location,
            cast(item_plant.standard_cost as decimal(18, 6)) as standard_cost,
            item_plant.currency,
            item.base_unit as unit,
            item.item_type,
            item.category,
            piece_unit.unit is not null as is_counted,
            coalesce(item.is_serial_tracked, false) and piece_unit.unit is not null as is_serial,
            coalesce(item.is_lot_tracked, false)
                and not (coalesce(item.is_serial_tracked, false) and piece_unit.unit is not null) as is_lot,
            coalesce(item.is_regulated, false) as is_regulated,
            -- the supplier's until it is drawn
            item_plant.sourcing = 'buy' and coalesce(item_plant.is_consignment, false) as is_consigned,
            coalesce(item.is_sold, false) as is_sold,
            plant.timezone,
            plant.erp,
            plant.mes,
            plant.wms,
        from world.item_plant as item_plant
        inner join world.item as item using (item_number)
        inner join world.plant as plant using (plant_id)
        left join flow.piece_unit as piece_unit on item.base_unit = piece_unit.unit
        where item.item_type is distinct from 'document'
        """
    )


def _lines(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table flow.bill as
        select
            parent.node_id,
            header.usage,
            header.alternative,
            header.lot_size_from,
            header.lot_size_to,
            header.effective_from,
            header.effective_to,
        from world.bom_header as header
        inner join flow.base_node as parent
            on header.parent_item_number = parent.item_number and header.plant_id = parent.plant_id
        where header.usage is null or header.usage in ('production', 'universal', 'engineering')
        """
    )
    # rule 10: the scrap of the component in its method; what a line needs besides is in quantity_per
    con.execute(
        """
        create or replace table flow.line as
        select
            parent.node_id,
            line.alternative,
            line.line_id,
            component.node_id as component_id,
            case
                when coalesce(line.component_scrap, 0) = 0 then cast(line.quantity_per as decimal(30, 12))
                when line.scrap_method = 'divide' then cast(
                    (
                        cast(line.quantity_per * 1000000000000 as hugeint) * 2000000000000
                        + cast((1 - line.component_scrap) * 1000000000000 as hugeint)
                    ) // (2 * cast((1 - line.component_scrap) * 1000000000000 as hugeint)) as decimal(38, 0)
                ) * 0.000000000001::decimal(13, 12)
                else cast(
                    cast(line.quantity_per as decimal(24, 12)) * cast(1 + line.component_scrap as decimal(14, 12))
                    as decimal(30, 12)
                )
            end::decimal(30, 12) as quantity_per,
            coalesce(line.is_fixed_quantity, false) as is_fixed,
            line.operation_sequence,
            line.alternate_group,
            line.alternate_priority,
            line.usage_probability,
            coalesce(line.line_type, 'component') as line_type,
            coalesce(line.is_phantom, component.is_phantom) as is_phantom,
            line.effective_from,
            line.effective_to,
        from world.bom_line as line
        inner join flow.base_node as parent
            on line.parent_item_number = parent.item_number and line.plant_id = parent.plant_id
        inner join flow.base_node as component
            on line.component_item_number = component.item_number and line.plant_id = component.plant_id
        where coalesce(line.line_type, 'component') <> 'text'
            and (line.alternate_group is null or coalesce(line.usage_probability, 1) > 0)
        """
    )


def _levels(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table flow.edge as
        select distinct node_id as parent_id, component_id as child_id from flow.line
        where line_type in ('component', 'consumable') and node_id <> component_id
        union
        select node.node_id as parent_id, source.node_id as child_id
        from flow.base_node as node
        inner join flow.base_node as source
            on node.item_number = source.item_number and node.from_plant_id = source.plant_id
        where node.sourcing = 'transfer'
        """
    )
    # the guard ends what a cycle would never end; the truth has none, and a test of the structure says so
    con.execute(
        """
        create or replace table flow.node as
        with recursive depth as (
            select node_id, 0 as level from flow.base_node
            union
            select edge.child_id, depth.level + 1
            from depth
            inner join flow.edge as edge on depth.node_id = edge.parent_id
            where depth.level < 60
        ),
        levels as (select node_id, max(level) as level from depth group by node_id),
        parents as (select distinct child_id from flow.edge)
        select
            node.*,
            levels.level,
            parents.child_id is null as is_top,
            -- an item nobody told how to get is bought
            case
                when node.sourcing = 'transfer' and source.node_id is null then 'buy'
                when node.sourcing in ('make', 'subcontract') and bills.node_id is null then 'buy'
                else node.sourcing
            end as source_kind,
            source.node_id as from_node_id,
        from flow.base_node as node
        inner join levels using (node_id)
        left join parents on node.node_id = parents.child_id
        left join flow.base_node as source
            on node.item_number = source.item_number and node.from_plant_id = source.plant_id
        left join (select distinct node_id from flow.line) as bills on node.node_id = bills.node_id
        order by node.node_id
        """
    )


def _operations(con: DuckDBPyConnection) -> None:
    # an item made without a routing of its own still needs one step somebody can report on
    con.execute(
        """
        create or replace table flow.operation as
        select
            node.node_id,
            routing.operation_sequence,
            routing.work_center,
            routing.effective_from,
            routing.effective_to,
            routing.work_instruction_version,
        from world.routing_operation as routing
        inner join flow.node as node on routing.item_number = node.item_number and routing.plant_id = node.plant_id
        where node.source_kind = 'make'
        qualify routing.alternative is not distinct from min(routing.alternative) over (partition by node.node_id)
        """
    )
    con.execute(
        """
        insert into flow.operation
        select node_id, 10, 'WC-' || plant_id || '-90', null, null, null
        from flow.node anti join (select distinct node_id from flow.operation) as known using (node_id)
        where source_kind = 'make'
        """
    )


def _revisions(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table flow.revision as
        select
            item_number,
            arg_max(revision, revision_sequence) as revision,
            coalesce(effective_from, timestamptz '1970-01-01 00:00:00+00') as effective_from,
        from world.item_revision
        where effective_to is null or effective_from is null or effective_from < effective_to
        group by item_number, coalesce(effective_from, timestamptz '1970-01-01 00:00:00+00')
        """
    )
