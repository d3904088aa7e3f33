{#- Days of the past whose use tells what is used a day. -#}
{%- set usage_days = 28 -%}

with

taken as (

    select
        plant_id,
        item_number,
        sum(base_quantity) as used_quantity,
        any_value(base_unit) as unit,
    from {{ ref('material_consumption') }}
    where
        event_at > {{ as_of() }} - interval '{{ usage_days }} days'
        and event_at <= {{ as_of() }}
    group by plant_id, item_number

),

final as (

    select
        plant_id,
        item_number,
        cast(used_quantity as decimal(28, 6)) as used_quantity,
        cast({{ decimal_divide('used_quantity', usage_days ~ '.0', 6) }} as decimal(28, 6)) as used_per_day,
        unit,
    from taken

)

select * from final
