with

lines as (

    select
        compared.plant_id,
        item.product_family,
        compared.is_match,
    from {{ ref('bom_comparison') }} as compared
    left join {{ ref('item') }} as item
        on compared.parent_item_number = item.item_number

),

final as (

    {{ kpi_rate('bom_synchronisation_accuracy', 'lines', 'lines.is_match') }}

)

select * from final
