with

batches as (

    select
        cast(null as varchar) as plant_id,
        source_system as breakdown,
        state = 'landed' as is_accepted,
    from {{ ref('batch_manifest') }}
    where {{ in_kpi_window('extracted_at') }}

),

final as (

    {{ kpi_rate('interface_success_rate', 'batches', 'batches.is_accepted', family=false, breakdown=true) }}

)

select * from final
