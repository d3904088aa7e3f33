{#-
  The declared map by which two systems' statuses of an order agree: they are of one phase. The ERP closes an order days
  after the shop floor has ended it, so completed and closed agree. What each system's own words mean is in the estate's
  code map.
-#}
{% macro production_phase(status) -%}
    case {{ status }}
        when 'planned' then 1 when 'released' then 2 when 'in_progress' then 3 when 'completed' then 4 when 'closed' then 4
        when 'cancelled' then 5
    end
{%- endmacro %}


{#- Two relations' rows are of the same item of the same order. -#}
{% macro of_same_order_item(one, other) -%}
    {{ one }}.plant_id = {{ other }}.plant_id
    and {{ one }}.production_order_number = {{ other }}.production_order_number
    and {{ one }}.item_number = {{ other }}.item_number
{%- endmacro %}
