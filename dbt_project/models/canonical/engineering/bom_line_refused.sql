with

lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

final as (

    select
        {{ bom_line_key() }},
        {{ bom_line_columns() }},
        recorded_at,
        refusal_reason,
    from lines
    where refusal_reason is not null

)

select * from final
