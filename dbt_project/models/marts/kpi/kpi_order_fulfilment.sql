with

-- lines that were due: promised by now and not cancelled
due as (

    select
        fulfilment.plant_id,
        item.product_family,
        fulfilment.is_on_time
        and not coalesce(fulfilment.is_other_item, false)
        and fulfilment.shipped_quantity = fulfilment.ordered_quantity as is_right,
    from {{ ref('order_fulfilment') }} as fulfilment
    left join {{ ref('item') }} as item
        on fulfilment.item_number = item.item_number
    where fulfilment.fulfilment_status <> 'cancelled' and {{ in_kpi_window('fulfilment.promised_at') }}

),

final as (

    {{ kpi_rate('order_fulfilment_accuracy', 'due', 'due.is_right') }}

)

select * from final
