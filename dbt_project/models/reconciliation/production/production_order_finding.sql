with

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        quantity,
        completed_quantity,
        scrapped_quantity,
        scrap_reason,
        unit,
        status,
        due_at,
        judged_at,
        actual_start_at,
        actual_end_at,
        is_started,
        posted_quantity,
        postings,
        first_posted_at,
        source_system,
    from {{ ref('production_order_posting') }}

),

posting_issues as (

    select * from {{ ref('production_posting_issue') }}

),

execution_issues as (

    select * from {{ ref('production_execution_issue') }}

),

schedule_issues as (

    select * from {{ ref('schedule_issue') }}

),

operations as (

    select
        plant_id,
        production_order_number,
        operation_sequence,
        actual_start_at,
        actual_end_at,
    from {{ ref('production_operation') }}

),

bills as (

    select distinct
        plant_id,
        parent_item_number,
        effective_from,
        effective_to,
    from {{ ref('reconciled_bom_line') }}

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

late as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        case when actual_end_at is null then 'overdue' else 'late_completion' end as finding_class,
        case when actual_end_at is null then 'high' else 'low' end as severity,
        quantity,
        unit,
        json_object(
            'due_at', strftime(due_at, '%Y-%m-%dT%H:%M:%SZ'),
            'actual_end_at', strftime(actual_end_at, '%Y-%m-%dT%H:%M:%SZ'),
            'days_late', date_diff('day', due_at, actual_end_at),
            'status', status
        ) as evidence,
        'Check the lead time behind the due date.' as suggested_action,
    from orders
    where
        due_at < coalesce(actual_end_at, {{ as_of() }})
        and (actual_end_at is not null or coalesce(status, '') not in ('completed', 'closed', 'cancelled'))

),

operation_orders as (

    select distinct
        plant_id,
        production_order_number,
    from operations

),

without_operations as (

    select
        orders.plant_id,
        orders.item_number,
        orders.production_order_number,
        orders.quantity,
        orders.unit,
        operation_orders.production_order_number is null as is_without,
        bool_and(operation_orders.production_order_number is null) over (
            partition by orders.plant_id, orders.item_number
        ) as is_never,
    from orders
    left join operation_orders
        on orders.plant_id = operation_orders.plant_id
        and orders.production_order_number = operation_orders.production_order_number
    where orders.is_started and orders.plant_id in (select operations.plant_id from operations)

),

missing_operations as (

    select
        plant_id,
        case when is_never then item_number || '/*' else production_order_number end as object_key,
        item_number,
        'missing_operations' as finding_class,
        case when is_never then 'low' else 'medium' end as severity,
        sum(quantity) as quantity,
        max(unit) as unit,
        json_object(
            'orders', count(*),
            'item_never_has_operations', is_never,
            'first_order', min(production_order_number)
        ) as evidence,
        case
            when is_never then 'Check whether the item needs a routing in the MES.'
            else 'Find out why the MES did not execute this order.'
        end as suggested_action,
    from without_operations
    where is_without
    group by plant_id, object_key, item_number, is_never

),

after_close as (

    select
        orders.plant_id,
        orders.production_order_number as object_key,
        orders.item_number,
        'confirmation_after_close' as finding_class,
        'medium' as severity,
        max(orders.quantity) as quantity,
        max(orders.unit) as unit,
        json_object(
            'order_end_at', strftime(max(orders.actual_end_at), '%Y-%m-%dT%H:%M:%SZ'),
            'last_operation_end_at', strftime(max(operations.actual_end_at), '%Y-%m-%dT%H:%M:%SZ'),
            'operations', count(*),
            'operations_started_after', count(*) filter (where operations.actual_start_at > orders.actual_end_at)
        ) as evidence,
        'ERP closed the order before the MES had finished it: correct the end, or reopen the order.' as suggested_action,
    from orders
    inner join operations
        on orders.plant_id = operations.plant_id
        and orders.production_order_number = operations.production_order_number
    where
        operations.actual_end_at > orders.actual_end_at
        -- an order that ended before it began says nothing about its operations
        and not coalesce(orders.actual_end_at < orders.actual_start_at, false)
    group by orders.plant_id, orders.production_order_number, orders.item_number

),

backwards as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        'completion_before_start' as finding_class,
        'high' as severity,
        quantity,
        unit,
        json_object(
            'actual_start_at', strftime(actual_start_at, '%Y-%m-%dT%H:%M:%SZ'),
            'actual_end_at', strftime(actual_end_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Correct the dates of the order.' as suggested_action,
    from orders
    where actual_end_at < actual_start_at

),

without_bill as (

    select
        orders.plant_id,
        orders.production_order_number as object_key,
        orders.item_number,
        'no_effective_bill' as finding_class,
        'high' as severity,
        orders.quantity,
        orders.unit,
        json_object('judged_at', strftime(orders.judged_at, '%Y-%m-%dT%H:%M:%SZ'), 'status', orders.status) as evidence,
        'Release a bill that is effective on the order''s start.' as suggested_action,
    from orders
    anti join bills
        on orders.plant_id = bills.plant_id
        and orders.item_number = bills.parent_item_number
        and {{ is_effective('bills.effective_from', 'bills.effective_to', 'orders.judged_at') }}
    where orders.is_started and orders.plant_id in (select bills.plant_id from bills)

),

candidates as (

    {% for name in [
        'posting_issues', 'execution_issues', 'schedule_issues', 'late', 'missing_operations', 'after_close', 'backwards',
        'without_bill',
    ] %}
        select
            plant_id,
            object_key,
            item_number,
            finding_class,
            severity,
            quantity,
            unit,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        {{ finding_id('candidates.finding_class', [
            "'production'", 'candidates.plant_id', 'candidates.object_key', 'candidates.item_number'
        ]) }} as finding_id,
        candidates.plant_id,
        candidates.object_key,
        candidates.item_number,
        candidates.finding_class,
        candidates.severity,
        {{ owner_role('production', 'candidates.finding_class') }} as owner_role,
        cast(candidates.quantity as decimal(28, 6)) as quantity,
        candidates.unit,
        -- what is only late or out of order is not lost, so it has no value at stake
        case
            when candidates.finding_class not in (
                'late_completion', 'missing_operations', 'confirmation_after_close', 'completion_before_start', 'status',
                'stale_schedule', 'downtime'
            ) then {{ value_of('candidates.quantity', 'costs.standard_cost') }}
        end as value_at_stake,
        costs.currency,
        candidates.suggested_action,
        cast(candidates.evidence as varchar) as evidence,
    from candidates
    left join costs on candidates.plant_id = costs.plant_id and candidates.item_number = costs.item_number

)

select * from final
