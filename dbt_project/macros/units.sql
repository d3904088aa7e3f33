{#-
  Rows with their item's base unit and the factor to it beside them, ready for to_base_unit(): the columns base_unit,
  numerator and denominator. `rows` names a relation with the item in `item` and a unit.

  Rule 19: the factor is null where the unit can't be converted, never 1:1. An item without a master record keeps its own
  unit.
-#}
{% macro with_base_unit(rows, item='item_number') -%}
    select
        {{ rows }}.*,
        coalesce(items.base_unit, {{ rows }}.unit) as base_unit,
        case when items.item_number is null then 1 else item_units.numerator end as numerator,
        case when items.item_number is null then 1 else item_units.denominator end as denominator,
    from {{ rows }}
    left join {{ ref('item') }} as items on {{ rows }}.{{ item }} = items.item_number
    left join {{ ref('item_unit') }} as item_units
        on {{ rows }}.{{ item }} = item_units.item_number
        and {{ rows }}.unit = item_units.unit
{%- endmacro %}
