with

-- Legs that ended in the window; a shop floor that was before the ERP waited for nothing. A change that a plant was never
-- seen to hold has no time yet: it is overdue, not fast.
statuses as (

    select
        plant_id,
        case
            when {{ in_kpi_window('erp_observed_at') }}
                then greatest(0, {{ elapsed_hours('released_at', 'erp_observed_at') }})
        end as release_to_erp,
        case
            when erp_observed_at is not null and {{ in_kpi_window('mes_observed_at') }}
                then greatest(0, {{ elapsed_hours('erp_observed_at', 'mes_observed_at') }})
        end as erp_to_mes,
        case
            when
                (erp_system is null or erp_observed_at is not null)
                and (mes_system is null or mes_observed_at is not null)
                and {{ in_kpi_window('greatest(erp_observed_at, mes_observed_at)') }}
                then greatest(0, {{ elapsed_hours('released_at', 'greatest(erp_observed_at, mes_observed_at)') }})
        end as to_both,
    from {{ ref('engineering_change_plant_status') }}
    -- a release without an instant has no time that could be measured
    where is_applicable and alters_structure and change_status = 'released' and released_at is not null

),

{% set measures = [
    ('change_propagation_time', 'to_both'), ('change_release_to_erp_time', 'release_to_erp'),
    ('change_erp_to_mes_time', 'erp_to_mes'),
] -%}
final as (

    {% for kpi, measure in measures -%}
        {{ kpi_percentile(kpi ~ '_p50', 'statuses', 'statuses.' ~ measure, 0.5) }}
        union all
        {{ kpi_percentile(kpi ~ '_p90', 'statuses', 'statuses.' ~ measure, 0.9) }}
        {% if not loop.last %}union all {% endif -%}
    {%- endfor %}

)

select * from final
