{{ config(materialized='view') }}

with

lines as (

    select
        *,
        purchase_order_number || '/' || line_number as object_key,
    from {{ ref('purchase_order_line_posting') }}

),

-- settled with less than ordered; what is still to come may be late, not short
short as (

    select
        lines.*,
        'short_receipt' as finding_class,
        'medium' as severity,
        lines.ordered_quantity - lines.received_quantity - lines.cancelled_quantity as finding_quantity,
        json_object(
            'ordered', lines.ordered_quantity, 'received', lines.received_quantity, 'cancelled', lines.cancelled_quantity,
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ'), 'order_status', lines.status
        ) as evidence,
        'Claim the missing quantity, or close the line.' as suggested_action,
    from lines
    where
        lines.received_quantity + lines.cancelled_quantity < lines.ordered_quantity
        and lines.status = 'complete'
        and not {{ within_tolerance(
            'lines.received_quantity + lines.cancelled_quantity', 'lines.ordered_quantity',
            'purchase_order_line.received_quantity'
        ) }}

),

-- Still to come although it was due: grace is the estate's tolerance of due_at, in days. Part deliveries count for what
-- they brought.
overdue as (

    select
        lines.*,
        'late_receipt' as finding_class,
        case when lines.received_quantity > 0 then 'medium' else 'high' end as severity,
        lines.ordered_quantity - coalesce(lines.received_quantity, 0) - lines.cancelled_quantity as finding_quantity,
        json_object(
            'ordered', lines.ordered_quantity, 'received', lines.received_quantity, 'cancelled', lines.cancelled_quantity,
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ'),
            'promised_at', strftime(lines.promised_at, '%Y-%m-%dT%H:%M:%SZ'),
            'days_late', date_diff('day', lines.due_at, {{ as_of() }}), 'order_status', lines.status
        ) as evidence,
        'Ask the supplier when it comes, and plan with that date.' as suggested_action,
    from lines
    where
        coalesce(lines.received_quantity, 0) + lines.cancelled_quantity < lines.ordered_quantity
        and coalesce(lines.status, 'open') in ('approved', 'open')
        and lines.due_at + to_days(cast(ceil({{ absolute_tolerance('purchase_order_line.due_at') }}) as integer))
        < coalesce(lines.heard_until, {{ as_of() }})
        and not {{ within_tolerance(
            'coalesce(lines.received_quantity, 0) + lines.cancelled_quantity', 'lines.ordered_quantity',
            'purchase_order_line.received_quantity'
        ) }}

),

over_receipts as (

    select
        lines.*,
        'over_receipt' as finding_class,
        'medium' as severity,
        lines.received_quantity - lines.ordered_quantity as finding_quantity,
        json_object('ordered', lines.ordered_quantity, 'received', lines.received_quantity) as evidence,
        'Return the excess, or raise the order.' as suggested_action,
    from lines
    where
        lines.received_quantity > lines.ordered_quantity
        and not {{ within_tolerance(
            'lines.received_quantity', 'lines.ordered_quantity', 'purchase_order_line.received_quantity'
        ) }}

),

rejected as (

    select
        lines.*,
        'rejected_receipt' as finding_class,
        case when lines.rejected_quantity >= lines.received_quantity then 'medium' else 'low' end as severity,
        lines.rejected_quantity as finding_quantity,
        json_object(
            'received', lines.received_quantity, 'rejected', lines.rejected_quantity, 'stocked', lines.stocked_quantity,
            'order_status', lines.status
        ) as evidence,
        'Return what was rejected and claim a credit.' as suggested_action,
    from lines
    where lines.rejected_quantity > 0

),

before_approval as (

    select
        lines.*,
        'receipt_without_approval' as finding_class,
        'high' as severity,
        lines.received_quantity as finding_quantity,
        json_object(
            'order_status', lines.status, 'received', lines.received_quantity, 'stocked', lines.stocked_quantity,
            'posted', lines.posted_native_quantity
        ) as evidence,
        'Approve or reject the order: its goods are already in.' as suggested_action,
    from lines
    where lines.status in ('draft', 'pending') and lines.received_quantity > 0

),

late as (

    select
        lines.*,
        'late_shipment' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ'),
            'shipped_at', strftime(lines.shipped_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Check the supplier''s lead time.' as suggested_action,
    from lines
    where lines.shipped_at > lines.due_at

),

due_too_early as (

    select
        lines.*,
        'due_before_order' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'ordered_at', strftime(lines.ordered_at, '%Y-%m-%dT%H:%M:%SZ'),
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Correct the due date: no supplier can meet it.' as suggested_action,
    from lines
    where lines.due_at < lines.ordered_at

),

final as (

    {% for name in ['short', 'overdue', 'over_receipts', 'rejected', 'before_approval', 'late', 'due_too_early'] %}
        select
            plant_id,
            object_key,
            supplier_number,
            item_number,
            finding_class,
            severity,
            finding_quantity as quantity,
            order_unit as unit,
            unit_price,
            currency,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
