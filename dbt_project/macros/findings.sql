{#- A stable id of a finding: its class and business key, so that the same disagreement keeps its id from run to run. -#}
{% macro finding_id(finding_class, key_columns) -%}
    md5(concat_ws('|', {{ finding_class }}{% for column in key_columns %}, coalesce({{ column }}::varchar, '∅'){% endfor %}))
{%- endmacro %}


{#- The role that owns findings of a class: the narrowest of domain.class, class, domain.*; null when nobody is named. -#}
{% macro owner_role(domain, finding_class) -%}
    (
        select max_by(owners.owner_role, (owners.domain <> '*')::integer + 2 * (owners.finding_class <> '*')::integer)
        from {{ source('estate', 'finding_owner') }} as owners
        where
            owners.domain in ('{{ domain }}', '*')
            and owners.finding_class in ({{ finding_class }}, '*')
    )
{%- endmacro %}


{#- Whether two values are equal within the estate's tolerance for an attribute (rule 38); exactly, when it names none. -#}
{% macro within_tolerance(a, b, attribute) -%}
    coalesce(
        abs({{ a }} - {{ b }}) <= coalesce(
            (
                select max(greatest(
                    tolerances.absolute,
                    tolerances.relative * cast(greatest(abs({{ a }}), abs({{ b }})) as decimal(28, 6))
                ))
                from {{ source('estate', 'tolerance') }} as tolerances
                where tolerances.attribute = '{{ attribute }}'
            ), 0
        ), {{ a }} is null and {{ b }} is null
    )
{%- endmacro %}
