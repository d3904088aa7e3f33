with

-- Value is what a position holds, not what it differs by: a wrong count of a dear part weighs more.
positions as (

    select
        compared.plant_id,
        item.product_family,
        compared.is_match,
        compared.difference,
        coalesce(
            greatest(
                abs(coalesce(compared.erp_quantity, 0)),
                abs(coalesce(compared.wms_quantity, 0)),
                abs(coalesce(compared.ledger_quantity, 0))
            )
            * compared.standard_cost,
            0
        ) as value,
    from {{ ref('inventory_comparison') }} as compared
    left join {{ ref('item') }} as item
        on compared.item_number = item.item_number
    where compared.is_match is not null

),

by_count as (

    {{ kpi_rate('inventory_record_accuracy_by_count', 'positions', 'positions.is_match') }}

),

by_value as (

    {{ kpi_rate('inventory_record_accuracy_by_value', 'positions', 'positions.is_match', weight='positions.value') }}

),

final as (

    select * from by_count
    union all
    select * from by_value

)

select * from final
