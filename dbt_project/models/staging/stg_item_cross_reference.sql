with

current_rows as (

    {{ current_rows('item_cross_reference') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.system,
        current_rows.native_id,
        current_rows.item_number,
        current_rows.kind,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows

)

select * from final
