{#-
  What postings change, as signed legs by stock key: `rows` has the sides of inventory_posting, plant_id, item_number and
  quantity; `sign` is 1 or -1, and `others` are the columns to keep.
-#}
{% macro stock_legs(rows, sign, others) -%}
    {%- for side, moves, direction in [('to', 'comes', 1), ('from', 'leaves', -1)] %}
    select
        plant_id,
        {{ side }}_location as location,
        item_number,
        {{ side }}_lot as lot_number,
        {{ side }}_status as stock_status,
        {{ side }}_ownership as ownership,
        {{ sign * direction }} * quantity as quantity,
        {%- for column in others %}
        {{ column }},
        {%- endfor %}
    from {{ rows }}
    where {{ moves }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}


{#- "receipt for purchase_order 4500012/10": what a posting is called among people. -#}
{% macro posting_name(class, type, number, line) -%}
    replace({{ class }}, '_', ' ')
    || coalesce(' for ' || replace({{ type }}, '_', ' ') || ' ' || {{ number }} || coalesce('/' || {{ line }}, ''), '')
{%- endmacro %}


{#- What a stock position is told by, in the order in which models have it; `rows` qualifies the columns. -#}
{% macro stock_position(rows='') -%}
    {%- set row = rows ~ '.' if rows else '' -%}
    {{ row }}plant_id, {{ row }}location, {{ row }}item_number, {{ row }}lot_number, {{ row }}stock_status,
    {{ row }}ownership
{%- endmacro %}
