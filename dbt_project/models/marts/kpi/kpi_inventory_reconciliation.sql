with

findings as (

    select
        finding.plant_id,
        item.product_family,
        finding.finding_class,
    from {{ ref('inventory_finding') }} as finding
    left join {{ ref('item') }} as item
        on finding.item_number = item.item_number
    where finding.severity <> 'info'

),

final as (

    {{ kpi_rate('inventory_reconciliation_rate', 'findings', "findings.finding_class <> 'unexplained'") }}

)

select * from final
