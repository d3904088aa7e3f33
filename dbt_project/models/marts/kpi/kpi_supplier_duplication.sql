with

-- pairs that wait for a review are no duplicates yet
duplicates as (

    select supplier_a as supplier_number
    from {{ ref('supplier_duplicate') }}
    where cluster_id is not null
    union
    select supplier_b as supplier_number
    from {{ ref('supplier_duplicate') }}
    where cluster_id is not null

),

suppliers as (

    select distinct supplier_number from {{ ref('supplier') }}

),

numbers as (

    select
        cast(null as varchar) as plant_id,
        duplicates.supplier_number is not null as is_duplicate,
    from suppliers
    left join duplicates on suppliers.supplier_number = duplicates.supplier_number

),

final as (

    {{ kpi_rate('supplier_duplication_rate', 'numbers', 'numbers.is_duplicate', family=false) }}

)

select * from final
