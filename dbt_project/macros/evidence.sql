{#- A decimal as people write it, for texts: 12.500000 becomes 12.5. -#}
{% macro plain_number(value) -%}
    rtrim(rtrim(cast(cast({{ value }} as decimal(38, 6)) as varchar), '0'), '.')
{%- endmacro %}


{#- |quantity| × unit price as DECIMAL(28, 6); null when one is unknown or it has too many digits. -#}
{% macro value_of(quantity, unit_price) -%}
    try_cast(
        abs(try_cast({{ quantity }} as decimal(20, 6))) * try_cast({{ unit_price }} as decimal(18, 6)) as decimal(28, 6)
    )
{%- endmacro %}
