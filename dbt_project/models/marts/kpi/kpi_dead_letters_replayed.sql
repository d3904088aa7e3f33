with

settled as (

    select
        letter.source_system as breakdown,
        cast(null as varchar) as plant_id,
        letter.state = 'replayed' as is_landed,
    from {{ ref('dead_letter') }} as letter
    where letter.state <> 'open'

),

final as (

    {{ kpi_rate('dead_letters_replayed', 'settled', 'settled.is_landed', family=false, breakdown=true) }}

)

select * from final
