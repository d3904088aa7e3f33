with

-- One receipt line may be told by several systems; what the plant's own books say of it is enough.
receipts as (

    select
        reference_number as purchase_order_number,
        reference_line as line_number,
    from {{ ref('inventory_movement') }}
    where reference_type = 'purchase_order' and movement_class = 'receipt'
    group by all

),

order_lines as (

    select distinct
        purchase_order_number,
        line_number,
        item_number,
    from {{ ref('purchase_order_line') }}

),

notices as (

    select
        notice.plant_id,
        item.product_family,
        notice.quantity,
        order_lines.purchase_order_number is not null as has_order_line,
        receipts.purchase_order_number is not null or notice.expected_at > {{ as_of() }} as is_received_or_not_due,
    from {{ ref('advance_ship_notice') }} as notice
    left join order_lines
        on notice.purchase_order_number = order_lines.purchase_order_number
        and notice.purchase_order_line_number = order_lines.line_number
        and notice.item_number = order_lines.item_number
    left join receipts
        on notice.purchase_order_number = receipts.purchase_order_number
        and notice.purchase_order_line_number = receipts.line_number
    left join {{ ref('item') }} as item
        on notice.item_number = item.item_number
    where {{ in_kpi_window('notice.shipped_at') }}

),

final as (

    {{ kpi_rate('asn_success_rate', 'notices', 'notices.has_order_line and notices.is_received_or_not_due') }}

)

select * from final
