{#-
  What an entity's landed rows said over time: one row per source system, key of the contract and period in which a system went
  on saying the same, from every kept delivery and not only the newest. A function of the batches, whatever their order of
  arrival (rules 4, 31, 32). A whole statement, to stand in a CTE of its own.

  A delivery tells at its instant: a snapshot at the one it was taken, a change at the one it was written. What is told
  holds until the key is told again, or until the next proven-complete delivery of the extract lacks it: then it is gone.
  An unproven snapshot's silence says nothing.

  Columns: the key, `attributes` (a change of any makes a new version), batch_id and correlation_id of the first row, and

  - `told_at`, `last_told_at`: the first and the newest delivery that said so;
  - `told_until`: the first that said otherwise or lacked it; null while it stands;
  - `written_at`: when the system wrote it, where it says so and that lies between the two deliveries; else told_at;
  - `is_initial`: the first delivery of its extract said so already.
-#}
{% macro told_versions(entity, contract_key, attributes) -%}
    {%- set key = (['source_system'] + contract_key) | join(', ') -%}
    with

    batches as (

        select
            kept.batch_id,
            -- by the instant and not by the place in the sequence: a delivery that comes twice is one
            kept.extracted_at = min(kept.extracted_at) over (
                partition by kept.source_system, kept.extract_name
            ) as is_first_delivery,
            min(kept.extracted_at) filter (kept.delivery = 'snapshot' and manifests.completeness = 'proven') over (
                partition by kept.source_system, kept.extract_name
                order by kept.extracted_at asc
                range between interval 1 microsecond following and unbounded following
            ) as gone_at,
            max(kept.extracted_at) filter (kept.delivery = 'snapshot' and manifests.completeness = 'proven') over (
                partition by kept.source_system, kept.extract_name
                order by kept.extracted_at asc
                range between unbounded preceding and interval 1 microsecond preceding
            ) as proven_before,
        from {{ source('platform', 'current_batch') }} as kept
        inner join {{ source('platform', 'batch_manifest') }} as manifests on kept.batch_id = manifests.batch_id
        where manifests.entity = '{{ entity }}'

    ),

    -- of what was told of one key at one instant, the same counts as in current_rows
    told as (

        select
            landed.*,
            batches.gone_at,
            batches.proven_before,
            batches.is_first_delivery,
            case when landed.delivery = 'snapshot' then landed.extracted_at else landed.recorded_at end as told_at,
            row(coalesce(landed.is_deleted, false), {{ 'landed.' ~ attributes | join(', landed.') }}) as content,
        from {{ source('landing', entity) }} as landed
        inner join batches on landed.batch_id = batches.batch_id
        qualify row_number() over (
            partition by {{ key }}, told_at
            order by recorded_at desc, extracted_at desc, batch_sequence desc, source_file desc, source_row desc
        ) = 1

    ),

    followed as (

        select
            *,
            least(lead(told_at) over by_time, gone_at) as told_until,
            lag(told_at) over by_time as told_before,
            lag(gone_at) over by_time as gone_before,
            lag(content) over by_time as content_before,
        from told
        window by_time as (partition by {{ key }} order by told_at asc)

    ),

    numbered as (

        select
            *,
            -- what the system wrote before a delivery that didn't have it yet can't be when it wrote it
            greatest(told_before, proven_before) as not_before,
            count(*) filter (
                told_before is null or gone_before < told_at or content is distinct from content_before
            ) over (partition by {{ key }} order by told_at asc) as version,
        from followed
        where told_until is null or told_at < told_until

    )

    select
        {{ key }},
        version,
        {% for column in attributes -%}
        any_value({{ column }}) as {{ column }},
        {% endfor -%}
        arg_min(batch_id, told_at) as batch_id,
        arg_min(correlation_id, told_at) as correlation_id,
        min(told_at) as told_at,
        max(told_at) as last_told_at,
        case when count(told_until) = count(*) then max(told_until) end as told_until,
        min_by(
            case
                when recorded_at <= told_at and (not_before is null or recorded_at > not_before) then recorded_at
                else told_at
            end, told_at
        ) as written_at,
        min_by(is_first_delivery, told_at) as is_initial,
    from numbered
    where not coalesce(is_deleted, false)
    group by {{ key }}, version
{%- endmacro %}


{#- Attributes of `current` that differ from those of the row before it in its line's history, as a list of names. -#}
{% macro changed_attributes(attributes, window) -%}
    list_filter([
        {%- for column in attributes %}
        case when {{ column }} is distinct from lag({{ column }}) over {{ window }} then '{{ column }}' end{{ ',' if not loop.last }}
        {%- endfor %}
    ], lambda name: name is not null)
{%- endmacro %}
