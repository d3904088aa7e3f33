with

references_landed as (

    select
        source_system,
        system,
        native_id,
        item_number,
        kind,
        recorded_at,
    from {{ ref('stg_item_cross_reference') }}
    where coalesce(kind, 'native_number') in ('native_number', 'legacy_number')

),

-- a system's own word about its ids comes before another's, or one id would resolve twice
final as (

    select
        system as source_system,
        native_id,
        item_number,
    from references_landed
    qualify row_number() over (
        partition by system, native_id
        order by (source_system = system) desc, (kind = 'legacy_number') asc, recorded_at desc, source_system asc
    ) = 1

)

select * from final
