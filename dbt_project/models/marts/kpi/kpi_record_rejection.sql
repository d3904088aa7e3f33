with

batches as (

    select
        cast(null as varchar) as plant_id,
        source_system || '.' || extract_name as breakdown,
        rows_received,
        rows_rejected,
    from {{ ref('batch_manifest') }}
    where {{ in_kpi_window('extracted_at') }}

),

records as (

    select
        plant_id,
        breakdown,
        true as is_rejected,
        rows_rejected as records,
    from batches
    union all
    select
        plant_id,
        breakdown,
        false as is_rejected,
        rows_received - rows_rejected as records,
    from batches

),

final as (

    {{ kpi_rate(
        'record_rejection_rate', 'records', 'records.is_rejected', weight='records.records', family=false, breakdown=true
    ) }}

)

select * from final
