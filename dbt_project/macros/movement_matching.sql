{#- What a stage has left over: live postings of either system that are in none of its pairs. -#}
{% macro postings_left(postings, pairs) -%}
    select {{ postings }}.*
    from {{ postings }}
    left join {{ pairs }} as of_erp
        on {{ postings }}.kind = 'erp'
        and {{ postings }}.plant_id = of_erp.plant_id
        and {{ postings }}.event_id = of_erp.erp_event_id
    left join {{ pairs }} as of_wms
        on {{ postings }}.kind = 'wms'
        and {{ postings }}.plant_id = of_wms.plant_id
        and {{ postings }}.event_id = of_wms.wms_event_id
    where of_erp.plant_id is null and of_wms.plant_id is null
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
