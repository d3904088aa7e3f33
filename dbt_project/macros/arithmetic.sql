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


{#-
  n ÷ d of two whole numbers (HUGEINT), rounded half away from zero; null when d is 0 or the quotient
  has over 30 digits.

  DuckDB divides HUGEINT bit by bit, over a microsecond each. Here a binary float only guesses the quotient; what the guess
  leaves over is exact, is guessed once more, and the last unit is decided by comparing whole numbers. The result is that
  of the exact division (tests/unit/test_decimal_divide.py), about eight times as fast.
-#}
{% macro whole_quotient(n, d) -%}
    {%- set divisor = 'nullif(cast(' ~ d ~ ' as double), 0)' -%}
    {%- set first = 'cast(cast(' ~ n ~ ' as double) / ' ~ divisor ~ ' as hugeint)' -%}
    {%- set first_rest = '(' ~ n ~ ' - ' ~ first ~ ' * ' ~ d ~ ')' -%}
    {%- set guess = '(' ~ first ~ ' + cast(cast(' ~ first_rest ~ ' as double) / ' ~ divisor ~ ' as hugeint))' -%}
    {%- set rest = '(' ~ n ~ ' - ' ~ guess ~ ' * ' ~ d ~ ')' -%}
    try(
        case
            when abs({{ guess }}) >= {{ 10 ** 30 }}::hugeint then null
            when 2 * abs({{ rest }}) < abs({{ d }}) then {{ guess }}
            when 2 * abs({{ rest }}) = abs({{ d }}) and sign({{ rest }}) <> sign({{ n }}) then {{ guess }}
            else {{ guess }} + sign({{ rest }}) * sign({{ d }})
        end
    )
{%- endmacro %}


{#-
  A decimal of at most `scale` places as a whole number of its last unit (HUGEINT): 1.25 with two places is 125. Exact,
  and guessed like whole_quotient; null for numbers of over 28 digits, where the guess could be off.
-#}
{% macro decimal_to_whole(value, scale) -%}
    {%- set guess = 'cast(cast(' ~ value ~ ' as double) * 1e' ~ scale ~ ' as hugeint)' -%}
    {%- set unit = 'cast(1e-' ~ scale ~ ' as decimal(' ~ (scale + 1) ~ ', ' ~ scale ~ '))' -%}
    case
        when abs({{ value }}) < {{ 10 ** (28 - scale) }}
            then {{ guess }} + cast(
                cast({{ value }} - cast({{ guess }} as decimal(38, 0)) * {{ unit }} as double) * 1e{{ scale }} as hugeint)
    end
{%- endmacro %}


{#- The reverse: a whole number of units as DECIMAL(38, scale); null when it has too many digits. -#}
{% macro whole_to_decimal(value, scale) -%}
    try(cast({{ value }} as decimal(38, 0)) * cast(1e-{{ scale }} as decimal({{ scale + 1 }}, {{ scale }})))
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
