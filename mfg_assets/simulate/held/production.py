"""What ERP, MES and scheduling hold of production: orders and components, operations, reports, queues and slots."""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_events, add_states


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the production entities."""
    _orders(con, cut)
    _components(con, cut)
    _operations(con, cut)
    _reports(con, cut)
    _schedule(con, cut)


def _orders(con: DuckDBPyConnection, cut: datetime) -> None:
    # ERP and MES tell each other each step; quantities count when the order has ended
    add_states(
        con,
        "production_order",
        cut,
        """
        select
            systems.source_system,
            orders.production_order_number || '|' || orders.plant_id as row_id,
            orders.production_order_number,
            orders.plant_id,
            orders.item_number,
            orders.revision,
            orders.bom_alternative,
            orders.quantity,
            orders.unit,
            case when states.rank >= 4 then orders.good_quantity else 0 end as completed_quantity,
            case when states.rank >= 4 then orders.scrapped_quantity else 0 end as scrapped_quantity,
            case when states.rank >= 4 then orders.scrap_reason end as scrap_reason,
            orders.scheduled_start_at,
            orders.scheduled_end_at,
            orders.due_at,
            case when states.rank >= 3 then orders.actual_start_at end as actual_start_at,
            case when states.rank >= 4 then orders.actual_end_at end as actual_end_at,
            states.status,
            states.rank,
            false as ends,
            case states.rank
                when 1 then orders.created_at when 2 then orders.released_at when 3 then orders.actual_start_at
                when 4 then orders.actual_end_at else orders.closed_at
            end as happened_at,
        from world.production_order as orders
        inner join world.plant as plant using (plant_id)
        cross join lateral (values (plant.erp), (plant.mes)) as systems (source_system)
        cross join (
            values (1, 'planned'), (2, 'released'), (3, 'in_progress'), (4, 'completed'), (5, 'closed')
        ) as states (rank, status)
        """,
    )


def _components(con: DuckDBPyConnection, cut: datetime) -> None:
    add_events(
        con,
        "production_order_component",
        cut,
        """
        select
            systems.source_system,
            concat_ws('|', component.production_order_number, component.plant_id, component.line_id) as row_id,
            component.production_order_number,
            component.plant_id,
            component.line_id,
            component.item_number,
            component.quantity,
            component.unit,
            component.operation_sequence,
            component.is_backflushed,
            orders.created_at as happened_at,
        from world.production_order_component as component
        inner join world.production_order as orders using (production_order_number)
        inner join world.plant as plant on component.plant_id = plant.plant_id
        cross join lateral (values (plant.erp), (plant.mes)) as systems (source_system)
        """,
    )


def _operations(con: DuckDBPyConnection, cut: datetime) -> None:
    add_states(
        con,
        "production_operation",
        cut,
        """
        select
            plant.mes as source_system,
            concat_ws('|', step.production_order_number, step.plant_id, step.operation_sequence) as row_id,
            step.production_order_number,
            step.plant_id,
            step.operation_sequence,
            step.item_number,
            step.work_center,
            step.scheduled_start_at,
            step.scheduled_end_at,
            case when states.rank >= 2 then step.actual_start_at end as actual_start_at,
            case when states.rank >= 3 then step.actual_end_at end as actual_end_at,
            case when states.rank >= 3 then step.actual_hours end as actual_hours,
            step.planned_cost,
            case when states.rank >= 3 then step.actual_cost end as actual_cost,
            step.currency,
            states.rank,
            false as ends,
            case states.rank when 1 then orders.released_at when 2 then step.actual_start_at else step.actual_end_at
                end as happened_at,
        from world.production_operation as step
        inner join world.production_order as orders using (production_order_number)
        inner join world.plant as plant on step.plant_id = plant.plant_id
        cross join (values (1), (2), (3)) as states (rank)
        """,
    )
    add_events(
        con,
        "dispatch_list",
        cut,
        """
        select
            plant.mes as source_system,
            concat_ws('|', step.plant_id, step.work_center, step.production_order_number, step.operation_sequence)
                as row_id,
            step.plant_id,
            step.work_center,
            step.production_order_number,
            step.operation_sequence,
            step.queue_place as sequence,
            step.dispatched_at,
            step.dispatched_at as happened_at,
        from world.production_operation as step
        inner join world.plant as plant using (plant_id)
        """,
    )


def _reports(con: DuckDBPyConnection, cut: datetime) -> None:
    add_events(
        con,
        "production_confirmation",
        cut,
        """
        select
            plant.mes as source_system,
            report.event_id as row_id,
            report.event_id,
            report.production_order_number,
            report.plant_id,
            report.operation_sequence,
            report.item_number,
            report.yield_quantity,
            report.scrap_quantity,
            report.rework_quantity,
            report.unit,
            report.reason_code,
            report.event_at,
            report.operator_hash,
            report.erp_posting_reference,
            report.event_at as happened_at,
        from world.production_confirmation as report
        inner join world.plant as plant using (plant_id)
        """,
    )
    # rule 29: what is backflushed stands in the ERP's movements, and only there
    add_events(
        con,
        "material_consumption",
        cut,
        """
        select
            plant.mes as source_system,
            used.event_id as row_id,
            used.event_id,
            used.production_order_number,
            used.plant_id,
            used.operation_sequence,
            used.item_number,
            used.quantity,
            used.unit,
            used.lot_number,
            used.serial_number,
            used.event_at,
            'actual' as consumption_kind,
            used.confirmation_event_id,
            used.event_at as happened_at,
        from world.material_consumption as used
        inner join world.plant as plant using (plant_id)
        where not used.is_backflushed
        """,
    )
    add_events(
        con,
        "downtime_event",
        cut,
        """
        select
            plant.mes as source_system,
            stop.event_id as row_id,
            stop.event_id,
            stop.plant_id,
            stop.work_center,
            stop.production_order_number,
            stop.reason_code,
            stop.started_at,
            stop.ended_at,
            stop.ended_at as happened_at,
        from world.downtime_event as stop
        inner join world.plant as plant using (plant_id)
        """,
    )


def _schedule(con: DuckDBPyConnection, cut: datetime) -> None:
    # scheduling plans two plants; what has ended is no longer in its plan
    add_states(
        con,
        "schedule_operation",
        cut,
        """
        select
            'aps' as source_system,
            concat_ws('|', 'PLAN-' || step.plant_id, step.production_order_number, step.plant_id,
                step.operation_sequence)
                as row_id,
            'PLAN-' || step.plant_id as schedule_id,
            step.production_order_number,
            step.plant_id,
            step.operation_sequence,
            step.item_number,
            step.work_center,
            step.scheduled_start_at as planned_start_at,
            step.scheduled_end_at as planned_end_at,
            orders.revision as assumed_revision,
            orders.bom_alternative as assumed_bom_alternative,
            step.work_instruction_version as assumed_work_instruction_version,
            orders.quantity,
            orders.unit,
            states.rank,
            states.ends,
            case states.rank when 1 then orders.created_at else step.actual_end_at end as happened_at,
        from world.production_operation as step
        inner join world.production_order as orders using (production_order_number)
        cross join (values (1, false), (2, true)) as states (rank, ends)
        where step.plant_id in ('P100', 'P300')
        """,
    )
