{{ config(materialized='view') }}

with

comparisons as (

    select * from {{ ref('production_order_comparison') }}

),

consumption as (

    select * from {{ ref('production_consumption_comparison') }}

),

differences as (

    {% for finding_class, condition, severity, quantity, action in [
        (
            'missing_in_mes', 'is_missing and has_erp', 'high', 'erp_quantity',
            'Send the order to the shop floor again, or cancel it in the ERP.',
        ), (
            'missing_in_erp', 'is_missing and has_mes', 'high', 'mes_quantity',
            'Create or restore the order in the ERP, so that its stock and costs are posted.',
        ), (
            'item', 'is_item_finding', 'high', 'erp_quantity', 'Find out what was really made, and correct the other system.',
        ), (
            'wrong_revision', 'is_revision_finding', 'high', 'mes_quantity',
            'Hold what was made and have engineering judge it; send the right revision to the shop floor.',
        ), (
            'quantity', 'is_quantity_finding', 'high', 'mes_quantity - erp_quantity',
            'Bring the order quantity in ERP and MES into line.',
        ), (
            'status', 'is_status_finding', 'medium', 'coalesce(erp_quantity, mes_quantity)',
            'Bring the order''s status in ERP and MES into line.',
        ), (
            'yield', 'is_yield_finding', 'medium', 'erp_completed_quantity - mes_completed_quantity',
            'Correct the good quantity in the ERP to what the shop floor reported.',
        ), (
            'scrap', 'is_scrap_finding', 'medium', 'erp_scrapped_quantity - mes_scrapped_quantity',
            'Correct the scrap in the ERP to what the shop floor reported.',
        ), (
            'confirmation_without_posting', 'unposted_quantity > 0 and not is_posting_pending', 'high', 'unposted_quantity',
            'Post the receipt of what was confirmed: it is made, and no ledger has it.',
        ), (
            'posting_without_confirmation', 'unconfirmed_quantity > 0 and not is_confirmation_pending', 'high',
            'unconfirmed_quantity', 'Confirm the last operation, or reverse the receipt if nothing was made.',
        ),
    ] %}
        {%- set since = {
            'confirmation_without_posting': 'last_confirmed_at', 'posting_without_confirmation': 'first_posted_at',
        }.get(finding_class, 'cast(null as timestamptz)') %}
        select
            plant_id,
            production_order_number as object_key,
            item_number,
            '{{ finding_class }}' as finding_class,
            '{{ severity }}' as severity,
            {{ quantity }} as quantity,
            unit,
            json_object(
                'erp_quantity', erp_quantity, 'mes_quantity', mes_quantity,
                'erp_status', erp_status, 'mes_status', mes_status,
                'erp_revision', erp_revision, 'mes_revision', mes_revision,
                'erp_completed', erp_completed_quantity, 'mes_completed', mes_completed_quantity,
                'erp_scrapped', erp_scrapped_quantity, 'mes_scrapped', mes_scrapped_quantity,
                'confirmed_yield', confirmed_yield, 'erp_posted', erp_posted_quantity, 'wms_posted', wms_posted_quantity,
                'erp_item_number', erp_item_number, 'mes_item_number', mes_item_number,
                'pending_since', strftime({{ since }}, '%Y-%m-%dT%H:%M:%SZ'),
                'pending_hours', date_diff('hour', {{ since }}, {{ as_of() }}),
                'erp_recorded_at', strftime(erp_recorded_at, '%Y-%m-%dT%H:%M:%SZ'),
                'mes_recorded_at', strftime(mes_recorded_at, '%Y-%m-%dT%H:%M:%SZ')
            ) as evidence,
            '{{ action | replace("'", "''") }}' as suggested_action,
        from comparisons
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

taken as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        verdict as finding_class,
        case
            when verdict = 'substitute_not_allowed' then 'high'
            when is_as_listed then 'info'
            else 'medium'
        end as severity,
        case verdict
            when 'substitute_not_allowed' then consumed_quantity
            else counted_quantity - expected_quantity
        end as quantity,
        unit,
        json_object(
            'made_item_number', made_item_number, 'required', expected_quantity, 'required_by_bill', bill_quantity,
            'requirement_source', requirement_source, 'listed', listed_quantity, 'list_system', list_system,
            'is_as_listed', is_as_listed,
            'consumed', coalesce(consumed_quantity, 0), 'counted_with_alternates', counted_quantity, 'reports', reports,
            'consumption_systems', consumption_systems, 'event_ids', event_ids,
            'judged_at', strftime(judged_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        case
            when verdict = 'substitute_not_allowed'
                then 'Hold what was made until engineering has allowed the substitute, or correct the report.'
            when is_as_listed
                then 'Explode the orders that are still open again: the list that was followed is not the bill in force.'
            when verdict = 'over_consumption' then 'Find out where the excess went: correct the report, or post scrap.'
            else 'Report what is missing, or correct the bill if so little is enough.'
        end as suggested_action,
    from consumption
    where verdict in ('over_consumption', 'under_consumption', 'substitute_not_allowed')

),

-- when the order was first said to be closed; its newest row may have been written again since
closings as (

    select
        plant_id,
        production_order_number,
        min(recorded_at) as closed_at,
    from {{ source('landing', 'production_order') }}
    where is_in_force and status = 'closed'
    group by plant_id, production_order_number

),

after_close as (

    select
        closings.plant_id,
        closings.production_order_number as object_key,
        any_value(confirmations.item_number) as item_number,
        'confirmation_after_close' as finding_class,
        'medium' as severity,
        sum(
            coalesce(confirmations.base_yield_quantity, 0)
            + coalesce(confirmations.base_scrap_quantity, 0)
            + coalesce(confirmations.base_rework_quantity, 0)
        ) as quantity,
        any_value(confirmations.base_unit) as unit,
        json_object(
            'closed_at', strftime(any_value(closings.closed_at), '%Y-%m-%dT%H:%M:%SZ'),
            'last_confirmed_at', strftime(max(confirmations.event_at), '%Y-%m-%dT%H:%M:%SZ'),
            'confirmations', count(*),
            'yield', sum(confirmations.base_yield_quantity), 'scrap', sum(confirmations.base_scrap_quantity),
            'rework', sum(confirmations.base_rework_quantity),
            'event_ids', list(confirmations.event_id order by confirmations.event_id)[:10]
        ) as evidence,
        'Reopen the order and post what was confirmed after its close, or reverse the confirmation.' as suggested_action,
    from closings
    inner join {{ ref('production_confirmation') }} as confirmations
        on closings.plant_id = confirmations.plant_id
        and closings.production_order_number = confirmations.production_order_number
    where confirmations.event_at > closings.closed_at
    group by closings.plant_id, closings.production_order_number

),

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        quantity,
        unit,
        bom_alternative,
        judged_at,
        actual_start_at,
        actual_end_at,
    from {{ ref('production_order_posting') }}

),

-- a stop can't last longer than the work that it stopped
stopped as (

    select
        orders.plant_id,
        orders.production_order_number as object_key,
        orders.item_number,
        'downtime' as finding_class,
        'low' as severity,
        orders.quantity,
        orders.unit,
        json_object(
            'downtime_minutes', comparisons.downtime_seconds // 60, 'stops', comparisons.downtime_events,
            'order_minutes', date_diff('minute', orders.actual_start_at, orders.actual_end_at)
        ) as evidence,
        'Correct the stops'' times: they come to more than the order took.' as suggested_action,
    from comparisons
    inner join orders
        on comparisons.plant_id = orders.plant_id
        and comparisons.production_order_number = orders.production_order_number
    where
        orders.actual_end_at > orders.actual_start_at
        and comparisons.downtime_seconds > date_diff('second', orders.actual_start_at, orders.actual_end_at)

),

final as (

    {% for name in ['differences', 'taken', 'after_close', 'stopped'] %}
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

)

select * from final
