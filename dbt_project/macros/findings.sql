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
    {%- set limit -%}
        from {{ source('estate', 'tolerance') }} as tolerances where tolerances.attribute = '{{ attribute }}'
    {%- endset -%}
    coalesce(
        abs({{ a }} - {{ b }}) <= greatest(
            coalesce((select max(tolerances.absolute) {{ limit }}), 0),
            coalesce((select max(tolerances.relative) {{ limit }}), 0)
            * cast(greatest(abs({{ a }}), abs({{ b }})) as decimal(28, 6))
        ), {{ a }} is null and {{ b }} is null
    )
{%- endmacro %}


{#- A half-open period for people. -#}
{% macro period_text(effective_from, effective_to) -%}
    coalesce({{ effective_from }}::varchar, 'always') || ' to ' || coalesce({{ effective_to }}::varchar, 'open')
{%- endmacro %}


{#-
  A case over the column `attribute`: `wanted` with {column}, {class}, {severity} and {action} of each entry of
  `differences`, a list of (attribute, column, class, severity, action).
-#}
{% macro by_attribute(differences, wanted) -%}
    case attribute
        {%- for attribute, column, finding_class, severity, action in differences %}
        when '{{ attribute }}'
            then {{ wanted | replace('{column}', column) | replace('{class}', finding_class)
                | replace('{severity}', severity) | replace('{action}', action) }}
        {%- endfor %}
    end
{%- endmacro %}


{#- The estate's absolute tolerance for an attribute; 0 when it names none. Of an instant, in days. -#}
{% macro absolute_tolerance(attribute) -%}
    coalesce(
        (
            select max(tolerances.absolute)
            from {{ source('estate', 'tolerance') }} as tolerances
            where tolerances.attribute = '{{ attribute }}'
        ), 0
    )
{%- endmacro %}
