with

-- Shop floors dispatch by the day: an operation is in its window when it ended on its scheduled day or before.
operations as (

    select
        operation.plant_id,
        item.product_family,
        coalesce(
            cast(operation.actual_end_at at time zone plant.timezone as date)
            <= cast(operation.scheduled_end_at at time zone plant.timezone as date),
            false
        ) as is_in_window,
    from {{ ref('production_operation') }} as operation
    inner join {{ source('estate', 'plant') }} as plant
        on operation.plant_id = plant.plant_id
    left join {{ ref('item') }} as item
        on operation.item_number = item.item_number
    where {{ in_kpi_window('operation.scheduled_end_at') }}

),

final as (

    {{ kpi_rate('schedule_adherence', 'operations', 'operations.is_in_window') }}

)

select * from final
