with

fulfilments as (

    select
        *,
        sales_order_number || '/' || line_number as object_key,
        promised_at + to_days(cast(ceil({{ absolute_tolerance('sales_order_line.promised_at') }}) as integer)) as due_until,
    from {{ ref('order_fulfilment') }}
    where order_status is distinct from 'cancelled'

),

differing as (

    {% for finding_class, severity, condition, quantity, action in [
        (
            'wrong_item', 'high', 'is_other_item', 'shipped_quantity',
            'Call the goods back, or correct the shipment: another item left than was ordered.',
        ), (
            'over_shipment', 'medium', "fulfilment_status = 'over_shipped'", 'shipped_quantity - ordered_quantity',
            'Agree with the customer what becomes of the excess.',
        ), (
            'short_shipment', 'high',
            "order_status in ('shipped', 'closed') and not is_whole and shipped_quantity < ordered_quantity and is_settled",
            'ordered_quantity - shipped_quantity', 'Ship the rest, or agree with the customer that none is to come.',
        ), (
            'overdue_shipment', 'high',
            "coalesce(order_status, 'open') not in ('shipped', 'closed') and not is_whole"
            ~ ' and shipped_quantity < ordered_quantity and due_until < heard_until', 'open_quantity',
            'Ship it, or tell the customer another date.',
        ), (
            'late_shipment', 'low', 'is_whole and last_shipped_at > due_until', 'shipped_quantity',
            'Check what the promise rested on.',
        ), (
            'shipment_not_in_order', 'medium',
            'is_settled and not is_same_as_order and shipped_quantity > order_shipped_quantity',
            'shipped_quantity - order_shipped_quantity', 'Post the goods issue to the order: the goods have left.',
        ), (
            'order_without_shipment', 'high',
            "is_settled and not is_same_as_order and shipped_quantity < order_shipped_quantity and is_whole = false"
            ~ " and coalesce(order_status, 'open') not in ('shipped', 'closed')",
            'order_shipped_quantity - shipped_quantity', 'Find the shipment, or reverse the goods issue.',
        ),
    ] %}
        select
            plant_id,
            object_key,
            item_number,
            '{{ finding_class }}' as finding_class,
            '{{ severity }}' as severity,
            {{ quantity }} as quantity,
            unit,
            unit_price,
            currency,
            json_object(
                'ordered', ordered_quantity, 'shipped', shipped_quantity, 'shipped_by_order', order_shipped_quantity,
                'order_status', order_status, 'shipped_item', shipped_item_number, 'customer', customer,
                'promised_at', strftime(promised_at, '%Y-%m-%dT%H:%M:%SZ'),
                'last_shipped_at', strftime(last_shipped_at, '%Y-%m-%dT%H:%M:%SZ'),
                'shipments', shipment_numbers, 'lots', lot_numbers, 'serials', serial_numbers
            ) as evidence,
            '{{ action }}' as suggested_action,
        from fulfilments
        where {{ condition }}
        union all
    {% endfor %}
    select
        plant_id,
        object_key,
        item_number,
        finding_class,
        severity,
        quantity,
        unit,
        cast(null as decimal(38, 6)) as unit_price,
        cast(null as varchar) as currency,
        evidence,
        suggested_action,
    from {{ ref('shipment_issue') }}

),

final as (

    select
        {{ finding_id('differing.finding_class', [
            "'fulfilment'", 'differing.plant_id', 'differing.object_key', 'differing.item_number'
        ]) }} as finding_id,
        differing.plant_id,
        differing.object_key,
        differing.item_number,
        differing.finding_class,
        differing.severity,
        {{ owner_role('fulfilment', 'differing.finding_class') }} as owner_role,
        cast(differing.quantity as decimal(28, 6)) as quantity,
        differing.unit,
        -- what is only late has no value at stake
        case
            when differing.finding_class <> 'late_shipment' then {{ value_of('differing.quantity', 'differing.unit_price') }}
        end as value_at_stake,
        differing.currency,
        differing.suggested_action,
        cast(differing.evidence as varchar) as evidence,
    from differing

)

select * from final
