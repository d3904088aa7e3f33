{#-
  Reference designators as the sorted set that they stand for (rule 16): 'R1-R4,R7' is R1, R2, R3, R4, R7. Null and empty
  are the empty set. Leading zeros don't count. What is no range that makes sense stays as it is written: nothing is
  guessed, and a slip such as R1-R999999 doesn't fill the memory.
-#}
{% macro designator_set(designators) -%}
    list_sort(list_distinct(flatten(list_transform(
        list_filter(
            regexp_split_to_array(
                regexp_replace(upper(coalesce({{ designators }}, '')), '\s*(-|\.\.)\s*', '-', 'g'), '[,;\s]+'
            ),
            lambda part: part <> ''
        ),
        lambda part: case
            when
                regexp_full_match(part, '([A-Z]+)[0-9]{1,6}-([A-Z]*)[0-9]{1,6}')
                and regexp_extract(part, '-([A-Z]*)', 1) in ('', regexp_extract(part, '^([A-Z]+)', 1))
                and try_cast(regexp_extract(part, '([0-9]+)$', 1) as integer)
                between try_cast(regexp_extract(part, '^[A-Z]+([0-9]+)', 1) as integer)
                and try_cast(regexp_extract(part, '^[A-Z]+([0-9]+)', 1) as integer) + 9999
                then
                    list_transform(
                        generate_series(
                            try_cast(regexp_extract(part, '^[A-Z]+([0-9]+)', 1) as integer),
                            least(
                                try_cast(regexp_extract(part, '([0-9]+)$', 1) as integer),
                                try_cast(regexp_extract(part, '^[A-Z]+([0-9]+)', 1) as integer) + 9999
                            )
                        ),
                        lambda number: regexp_extract(part, '^([A-Z]+)', 1) || number
                    )
            else [regexp_replace(part, '^([A-Z]+)0+([0-9])', '\1\2')]
        end
    ))))
{%- endmacro %}


{#- Whether two texts of reference designators mean the same places; equal texts need no expansion. -#}
{% macro same_designators(a, b) -%}
    case
        when {{ a }} is not distinct from {{ b }} then true
        else {{ designator_set(a) }} = {{ designator_set(b) }}
    end
{%- endmacro %}
