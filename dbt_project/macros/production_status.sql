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
