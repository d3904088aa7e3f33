{{ config(materialized='table') }}

with

asked as (

    select * from {{ ref('bill_release') }}
    union all
    select * from {{ ref('routing_release') }}
    union all
    select * from {{ ref('item_release') }}

),

final as (

    select
        target_system,
        target_kind,
        plant_id,
        object_type,
        object_key,
        any_value(item_number) as item_number,
        case
            when count(*) filter (where len(hold_reasons) > 0) = 0 then 'open'
            when count(*) filter (where len(hold_reasons) = 0) = 0 then 'held'
            else 'partly_held'
        end as gate,
        list_sort(list_distinct(flatten(list(hold_reasons)))) as hold_reasons,
        list_sort(list_distinct(flatten(list(change_numbers)))) as change_numbers,
        min(effective_from) as effective_from,
        count(*) as changes,
        -- what every system is asked for the same object has one id, from the ERP to the shop floor
        md5(concat_ws('|', any_value(plant_id), object_type, object_key, list(
            change_key || coalesce(after_json, '') order by change_key asc
        )::varchar)) as correlation_id,
        '[' || string_agg(
            '{"key":' || to_json(change_key) || ',"cause":' || to_json(cause)
            || ',"change_numbers":' || to_json(change_numbers) || ',"attributes":' || to_json(attributes)
            || ',"effective_from":' || coalesce(to_json({{ iso_instant('effective_from') }}), 'null')
            || ',"hold_reasons":' || to_json(hold_reasons)
            || ',"before":' || coalesce(before_json, 'null') || ',"after":' || coalesce(after_json, 'null') || '}',
            ',' order by change_key asc
        ) || ']' as changes_json,
    from asked
    group by target_system, target_kind, plant_id, object_type, object_key

)

select * from final
