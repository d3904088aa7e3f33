{#-
  numerator ÷ denominator as DECIMAL(38, scale), rounded half away from zero; null when the denominator is 0.

  DuckDB's own division makes binary floats (rule 20), so both sides become whole numbers first, from the widest decimal:
  in a narrow one the shift itself would overflow. The arguments may have at most `digits` decimals. Null also when an
  argument or the result has too many digits: a garbage quantity must not stop a build.
-#}
{% macro decimal_divide(numerator, denominator, scale=12, digits=9) -%}
    {%- set n = 'cast(' ~ numerator ~ ' as decimal(38, ' ~ digits ~ '))' -%}
    {%- set d = 'cast(' ~ denominator ~ ' as decimal(38, ' ~ digits ~ '))' -%}
    {%- set shift = 10 ** digits -%}
    try(
        cast(
            sign({{ n }}) * sign({{ d }}) * (
                (abs(cast({{ n }} * {{ shift }} as hugeint)) * {{ 2 * 10 ** scale }}::hugeint
                    + abs(cast({{ d }} * {{ shift }} as hugeint)))
                // nullif(2 * abs(cast({{ d }} * {{ shift }} as hugeint)), 0)
            ) as decimal(38, 0)
        ) * cast({{ '%.*f' | format(scale, 10 ** -scale) }} as decimal({{ scale + 1 }}, {{ scale }}))
    )
{%- endmacro %}


{#- quantity × numerator ÷ denominator with exact whole numbers and one rounding at the end; null when it doesn't fit. -#}
{% macro scale_quantity(quantity, numerator, denominator, scale=12) -%}
    {{ decimal_divide(
        'cast(' ~ quantity ~ ' as decimal(38, 6)) * cast(' ~ numerator ~ ' as decimal(18, 0))',
        'cast(' ~ denominator ~ ' as decimal(18, 0))', scale, 6) }}
{%- endmacro %}


{#-
  A quantity in its item's base unit, from the columns `numerator` and `denominator` of item_unit beside it; null when
  there is no conversion. Most rows are in the base unit already, and must not pay for the exact division.
-#}
{% macro to_base_unit(quantity) -%}
    cast(
        case when numerator = denominator then {{ quantity }}
            else {{ scale_quantity(quantity, 'numerator', 'denominator', 6) }}
        end as decimal(28, 6)
    )
{%- endmacro %}
