{#- What a stage has left over: live postings of either system that are in none of its pairs. -#}
{% macro postings_left(postings, pairs) -%}
    -- One join on columns of both sides: a condition on one side alone would make of an outer join a walk over all pairs.
    select {{ postings }}.*
    from {{ postings }}
    anti join (
        select
            plant_id,
            'erp' as kind,
            erp_event_id as event_id,
        from {{ pairs }}
        union all
        select
            plant_id,
            'wms' as kind,
            wms_event_id as event_id,
        from {{ pairs }}
    ) as taken
        on {{ postings }}.plant_id = taken.plant_id
        and {{ postings }}.kind = taken.kind
        and {{ postings }}.event_id = taken.event_id
{%- endmacro %}


{#- Least score of a match without a document: quantity, direction and place agree, and the rest nearly does. -#}
{% macro least_score() -%} 0.7 {%- endmacro %}


{#- The better of two candidates first; the ids at last, so that equal ones fall the same way every time. -#}
{% macro match_order() -%}
    (matched_by = 'document') desc, score desc, seconds_apart asc, erp_event_id asc, wms_event_id asc
{%- endmacro %}


{#- Whether two postings agree about a side's location, lot, status or ownership; what has one side only is its own other. -#}
{% macro same(dimension) -%}
    (
        erp.{{ dimension }}_a is not distinct from wms.{{ dimension }}_a
        and erp.{{ dimension }}_b is not distinct from wms.{{ dimension }}_b
    )
{%- endmacro %}
