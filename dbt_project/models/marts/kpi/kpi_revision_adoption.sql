with

compared as (

    -- A system that doesn't serve the plant, or doesn't keep bills, says nothing of any line.
    select
        comparison.plant_id,
        comparison.parent_item_number,
        item.product_family,
        bool_and(not comparison.is_missing_in_plm) as is_known_in_plm,
        bool_and(not comparison.is_missing_in_erp) as is_complete_in_erp,
        bool_or(comparison.erp_source_system is not null) as is_in_erp,
        bool_and(comparison.is_match) as is_match,
    from {{ ref('bom_comparison') }} as comparison
    left join {{ ref('item') }} as item
        on comparison.parent_item_number = item.item_number
    group by all

),

differing as (

    select distinct
        plant_id,
        parent_item_number,
    from {{ ref('bom_finding') }}
    where severity <> 'info' and plm_value is distinct from erp_value

),

pairs as (

    select
        compared.plant_id,
        compared.product_family,
        compared.is_match,
        compared.is_known_in_plm
        and compared.is_complete_in_erp
        and compared.is_in_erp
        and differing.parent_item_number is null as is_adopted,
    from compared
    left join differing
        on compared.plant_id = differing.plant_id
        and compared.parent_item_number = differing.parent_item_number

),

adoption as (

    {{ kpi_rate('revision_adoption_rate', 'pairs', 'pairs.is_adopted') }}

),

mismatch as (

    {{ kpi_rate('revision_mismatch_rate', 'pairs', 'not pairs.is_match') }}

),

final as (

    select * from adoption
    union all
    select * from mismatch

)

select * from final
