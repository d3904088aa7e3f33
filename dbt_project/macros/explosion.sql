{#-
  What a line makes of the amounts above it, in the explosion of whole structures: the columns whole, part and fixed, each
  null where a number has too many digits.

  An amount is `whole` pieces and a `part` in units of 10^-14; what an order needs once, `fixed`, is in those units, too.
  A line's `factor` is in units of 10^-12, and `whole_factor` is the same where it is a whole number: most lines are, and
  most amounts have no part, so that one multiplication of whole numbers does. `above` has these amounts and `paths`.
-#}
{% macro explosion_products(above, line) -%}
    {%- set amount = '(' ~ above ~ '.whole * ' ~ 10 ** 14 ~ '::hugeint + ' ~ above ~ '.part)' -%}
    {%- set one_factor = 10 ** 12 ~ '::hugeint' -%}
    case
        when {{ line }}.is_fixed_quantity or {{ line }}.whole_factor is null then 0
        when abs({{ above }}.whole) < {{ 10 ** 24 }}::hugeint then {{ above }}.whole * {{ line }}.whole_factor
    end as whole,
    case
        when {{ line }}.is_fixed_quantity then 0
        when {{ line }}.whole_factor is null then {{ whole_quotient(amount ~ ' * ' ~ line ~ '.factor', one_factor) }}
        when {{ above }}.part = 0 then 0
        when try({{ above }}.part * {{ line }}.factor) is not null then {{ above }}.part * {{ line }}.whole_factor
    end as part,
    case
        when {{ line }}.is_fixed_quantity then try({{ line }}.factor * {{ above }}.paths * 100)
        when {{ above }}.fixed = 0 then 0
        else {{ whole_quotient(above ~ '.fixed * ' ~ line ~ '.factor', one_factor) }}
    end as fixed
{%- endmacro %}


{#- An amount in units of 10^-14 as it is published: rounded once, null where it has too many digits (rule 10). -#}
{% macro explosion_amount(amount) -%}
    {%- set rounded = whole_quotient('(' ~ amount ~ ')', 10 ** 8 ~ '::hugeint') -%}
    try(cast({{ whole_to_decimal(rounded, 6) }} as decimal(28, 6)))
{%- endmacro %}
