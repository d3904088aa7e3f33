"""What the shop floor did: orders, components, operations, confirmations, consumption, stops and queues.

Quantities of the order are known when it ends; its good quantity is received at that instant.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY

DECIMAL = "cast(cast({} as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6))"


def _decimal(q: str) -> str:
    return DECIMAL.format(q)


def create(con: DuckDBPyConnection, cut_tick: int) -> None:
    """Make the world's production tables."""
    _orders(con, cut_tick)
    _components(con)
    _operations(con)
    _confirmations(con, cut_tick)
    _consumption(con, cut_tick)
    _stops(con, cut_tick)


def _orders(con: DuckDBPyConnection, cut_tick: int) -> None:
    con.execute(
        f"""
        create or replace table world.production_order as
        select
            supply.number as production_order_number,
            supply.node_id,
            node.plant_id,
            node.item_number,
            revision.revision,
            bill.alternative as bom_alternative,
            {_decimal("supply.planned_q")} as quantity,
            node.unit,
            {_decimal("supply.good_q")} as good_quantity,
            {_decimal("supply.lost_q")} as scrapped_quantity,
            case when supply.lost_q > 0 then chance_pick(
                'scrap reason', supply.order_key, ['SC01', 'SC02', 'SC03', 'SC04']
            ) end as scrap_reason,
            instant(supply.created_tick, node.timezone) as created_at,
            instant(supply.released_tick, node.timezone) as released_at,
            instant(supply.scheduled_start_tick, node.timezone) as scheduled_start_at,
            instant(supply.end_tick + (supply.need_tick - supply.end_tick) // 2, node.timezone) as scheduled_end_at,
            instant(supply.need_tick, node.timezone) as due_at,
            instant(supply.start_tick, node.timezone) as actual_start_at,
            instant(supply.end_tick, node.timezone) as actual_end_at,
            instant(
                supply.end_tick + {2 * DAY} + chance_int('closed', supply.order_key, {3 * DAY}), node.timezone
            ) as closed_at,
            supply.order_key,
            node.standard_cost,
            node.currency,
            node.timezone,
            supply.created_tick,
            supply.released_tick,
            supply.start_tick,
            supply.scheduled_start_tick,
            supply.end_tick,
            supply.lost_q,
            supply.planned_q,
            node.is_counted,
        from flow.supply as supply
        inner join flow.node as node using (node_id)
        left join flow.order_bill as bill on supply.number = bill.number
        asof left join flow.revision as revision
            on node.item_number = revision.item_number
            and instant(supply.scheduled_start_tick, node.timezone) >= revision.effective_from
        where supply.kind = 'make' and supply.created_tick < ?
        """,
        [cut_tick],
    )


def _components(con: DuckDBPyConnection) -> None:
    con.execute(
        f"""
        create or replace table world.production_order_component as
        select
            component.number as production_order_number,
            orders.plant_id,
            component.line as line_id,
            node.item_number,
            {_decimal("component.q")} * case when component.is_by_product then -1 else 1 end as quantity,
            node.unit,
            component.operation_sequence,
            node.is_backflushed,
            component.is_by_product,
            component.path,
            node.location,
            component.tick,
            instant(component.tick, orders.timezone) as consumed_at,
        from flow.component as component
        inner join world.production_order as orders on component.number = orders.production_order_number
        inner join flow.node as node on component.node_id = node.node_id
        """
    )


def _operations(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.production_operation as
        with steps as (
            select
                step.*,
                orders.plant_id,
                orders.item_number,
                orders.timezone,
                orders.currency,
                orders.order_key,
                orders.planned_q,
                orders.lost_q,
                orders.released_tick,
                orders.scheduled_start_tick,
                orders.start_tick - orders.scheduled_start_tick as delay,
                -- the step in which the order loses what it loses
                1 + chance_int('scrap step', orders.order_key, step.operations) as scrap_position
            from flow.order_operation as step
            inner join world.production_order as orders on step.number = orders.production_order_number
        )
        select
            number as production_order_number,
            plant_id,
            operation_sequence,
            item_number,
            work_center,
            work_instruction_version,
            position,
            operations,
            instant(start_tick - delay, timezone) as scheduled_start_at,
            instant(end_tick - delay, timezone) as scheduled_end_at,
            instant(start_tick, timezone) as actual_start_at,
            instant(end_tick, timezone) as actual_end_at,
            cast(cast(end_tick - start_tick as decimal(18, 0)) / 3600 as decimal(18, 6)) as actual_hours,
            cast(round((end_tick - start_tick) * 0.0125 + 5, 2) as decimal(18, 6)) as planned_cost,
            cast(round((end_tick - start_tick) * 0.0125 + 5, 2) as decimal(18, 6)) as actual_cost,
            currency,
            instant(released_tick + chance_int('dispatch', number || '/' || operation_sequence, 3600), timezone)
                as dispatched_at,
            cast(1 + chance_int('queue', number || '/' || operation_sequence, 20) as integer) as queue_place,
            case when position <= scrap_position then planned_q else planned_q - lost_q end as in_q,
            case when position = scrap_position then lost_q else 0 end as lost_q,
            start_tick,
            end_tick,
            timezone,
        from steps
        """
    )


def _confirmations(con: DuckDBPyConnection, cut_tick: int) -> None:
    # long steps report twice; the last report of the last step is the order's end
    con.execute(
        f"""
        create or replace table world.production_confirmation as
        with operations as (
            select
                operation.*,
                production_order_number || '-' || operation_sequence as key,
                operation.in_q - operation.lost_q as good_q,
                orders.is_counted,
                orders.unit,
                orders.scrap_reason,
                case
                    when operation.position < operation.operations and orders.planned_q >= 2000000
                        and chance('two reports', production_order_number || '-' || operation_sequence) < 0.4
                        then (operation.in_q - operation.lost_q) // 2000000 * 1000000
                    else 0
                end as first_q
            from world.production_operation as operation
            inner join world.production_order as orders using (production_order_number)
        ),
        reports as (
            select operations.* exclude (lost_q), 1 as report, first_q as report_q, 0 as lost_q,
                (start_tick + end_tick) // 2 as tick
            from operations where first_q > 0
            union all
            select operations.* exclude (lost_q), 2 as report, good_q - first_q as report_q, lost_q, end_tick as tick
            from operations
        )
        select
            'CF' || key || '-' || report as event_id,
            production_order_number,
            plant_id,
            operation_sequence,
            item_number,
            {_decimal("report_q")} as yield_quantity,
            {_decimal("lost_q")} as scrap_quantity,
            case when lost_q = 0 and chance('rework', key || report) < 0.05
                then {_decimal("report_q // 10000000 * 1000000")} else 0 end as rework_quantity,
            unit,
            case when lost_q > 0 then scrap_reason end as reason_code,
            instant(tick, timezone) as event_at,
            sha256('operator ' || plant_id || chance_int('operator', key, 40)) as operator_hash,
            'PC' || key || '-' || report as erp_posting_reference,
            report,
            tick,
        from reports
        where tick < ?
        """,
        [cut_tick],
    )


def _consumption(con: DuckDBPyConnection, cut_tick: int) -> None:
    # rule 29: the MES reports what people draw; what is backflushed the ERP computes from the confirmations
    con.execute(
        f"""
        create or replace table world.material_consumption as
        select
            'MC' || use.reference || '-' || use.line || '-' || use.part as event_id,
            use.reference as production_order_number,
            component.plant_id,
            component.operation_sequence,
            component.item_number,
            component.line_id,
            {_decimal("use.q")} as quantity,
            component.unit,
            use.lot as lot_number,
            use.serial as serial_number,
            component.consumed_at as event_at,
            'CF' || use.reference || '-' || component.operation_sequence || '-2' as confirmation_event_id,
            component.is_backflushed,
            component.tick,
        from flow.use as use
        inner join world.production_order_component as component
            on use.reference = component.production_order_number and use.line = component.line_id
        where use.kind = 'component' and component.tick < ?
        """,
        [cut_tick],
    )


def _stops(con: DuckDBPyConnection, cut_tick: int) -> None:
    con.execute(
        f"""
        create or replace table world.downtime_event as
        with stopped as (
            select
                *,
                production_order_number || '-' || operation_sequence as key,
                (end_tick - start_tick) // 10 as tenth
            from world.production_operation
            where chance('stop', production_order_number || '-' || operation_sequence) < 0.05
        )
        select
            'DT' || key as event_id,
            plant_id,
            work_center,
            production_order_number,
            chance_pick('stop reason', key, ['DT01', 'DT02', 'DT03', 'DT04', 'DT05']) as reason_code,
            instant(start_tick + tenth * (1 + chance_int('stop tenth', key, 4)), timezone) as started_at,
            instant(start_tick + tenth * 5 + chance_int('stop length', key, greatest(tenth * 4, 1)), timezone)
                as ended_at,
        from stopped
        where start_tick < {cut_tick}
        """
    )
