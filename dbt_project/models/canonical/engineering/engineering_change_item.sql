with

rows_now as (

    select * from {{ ref('stg_engineering_change_item') }}

),

-- each quantity counts its own component, which may have another base unit than the other one
sides as (

    select
        rows_now.*,
        coalesce(rows_now.old_component_item_number, rows_now.item_number) as old_item_number,
        coalesce(rows_now.new_component_item_number, rows_now.item_number) as new_item_number,
    from rows_now

),

old_factors as (

    {{ with_base_unit('sides', item='old_item_number') }}

),

old_converted as (

    select
        * exclude (base_unit, numerator, denominator),
        {{ to_base_unit('old_quantity') }} as base_old_quantity,
        case when old_quantity is not null then base_unit end as old_base_unit,
    from old_factors

),

new_factors as (

    {{ with_base_unit('old_converted', item='new_item_number') }}

),

final as (

    select
        source_system,
        change_number,
        line_id,
        item_number,
        action,
        parent_item_number,
        old_component_item_number,
        new_component_item_number,
        from_revision,
        to_revision,
        old_quantity,
        new_quantity,
        unit,
        native_item_number,
        native_parent_item_number,
        native_old_component_item_number,
        native_new_component_item_number,
        base_old_quantity,
        old_base_unit,
        {{ to_base_unit('new_quantity') }} as base_new_quantity,
        case when new_quantity is not null then base_unit end as new_base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from new_factors

)

select * from final
