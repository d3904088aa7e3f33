{#- What a message itself mends: one system has the change and the other hasn't. Everything else people decide first. -#}
{%- set mended = ['partial_update'] -%}

with

statuses as (

    select * from {{ ref('engineering_change_plant_status') }}

),

final as (

    select
        change_number,
        plant_id,
        erp_system,
        mes_system,
        erp_state,
        mes_state,
        change_status = 'released' and is_applicable and not is_deferred as is_asked,
        list_sort(list_distinct(
            case when not is_applicable then ['not_applicable'] else [] end
            || case when change_status is distinct from 'released' then ['not_released'] else [] end
            || case when is_deferred then ['deferred'] else [] end
            || case when effective_from is null then ['no_effectivity'] else [] end
            || case when status = 'deviated' then ['deviated'] else [] end
            || list_transform(unmet_checks, lambda one: 'not_ready_' || one)
            || list_filter(blocking_reasons, lambda one: one not in ('{{ mended | join("', '") }}'))
        )) as hold_reasons,
    from statuses

)

select * from final
