{#-
  Landed rows that break their contract, one row each with the rules it breaks. Landing refuses such records, so any row
  here means that landing and contract disagree. The rules come from the contract (mfg_assets/contracts/rules.py).
-#}
{% test contract_holds(model, rules) %}
with

checked as (

    select
        source_system,
        batch_id,
        source_file,
        source_row,
        list_filter(
            [
                {%- for rule in rules %}
                case when {{ rule.violation }} then '{{ rule.column }}: {{ rule.reason }}' end,
                {%- endfor %}
            ],
            lambda broken : broken is not null
        ) as broken_rules,
    from {{ model }}
    where
        {%- for rule in rules %}
        {{ 'or ' if not loop.first }}({{ rule.violation }})
        {%- endfor %}

),

final as (

    select
        source_system,
        batch_id,
        source_file,
        source_row,
        broken_rules,
    from checked

)

select * from final
{% endtest %}
