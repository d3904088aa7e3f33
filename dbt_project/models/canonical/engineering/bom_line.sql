with

lines as (

    select
        * replace (
            coalesce(scrap_fraction, 0) as scrap_fraction, coalesce(assembly_scrap_fraction, 0) as assembly_scrap_fraction
        ),
    from {{ ref('bom_line_at_plant') }}
    where refusal_reason is null

),

final as (

    select
        {{ bom_line_key() }},
        {{ bom_line_columns() }},
        recorded_at,
    from lines

)

select * from final
