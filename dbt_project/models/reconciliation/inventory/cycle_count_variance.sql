with

counts as (

    select
        source_system,
        event_id,
        plant_id,
        location,
        item_number,
        lot_number,
        coalesce(stock_status, 'unrestricted') as stock_status,
        coalesce(ownership, 'own') as ownership,
        base_counted_quantity,
        base_unit,
        counted_at,
    from {{ ref('cycle_count') }}
    where serial_number is null and base_counted_quantity is not null and counted_at <= {{ as_of() }}

),

legs as (

    select
        {{ stock_position() }},
        quantity,
        movement_class,
        reference_type,
        event_at,
        event_id,
    from {{ ref('inventory_ledger_leg') }}

),

systems as (

    select
        source_system,
        latency_seconds,
    from {{ source('estate', 'system') }}

),

-- A count says nothing about a key that the ledger doesn't keep at that grain.
-- Rule 27: the ledger as of the count's own instant, late movements from before it included; what corrected the stock
-- because of this count comes at or shortly after it, and is no part of what the count is held against.
stood as (

    select
        counts.source_system,
        counts.event_id,
        sum(legs.quantity) filter (where legs.event_at <= counts.counted_at) as ledger_quantity,
        sum(legs.quantity) filter (
            where legs.event_at > counts.counted_at
            and legs.movement_class in ('count', 'adjustment')
            and legs.event_at <= counts.counted_at + to_seconds(systems.latency_seconds + 86400)
        ) as corrected_quantity,
        string_agg(legs.event_id, ', ' order by legs.event_id) filter (
            where legs.event_at > counts.counted_at
            and legs.movement_class in ('count', 'adjustment')
            and legs.event_at <= counts.counted_at + to_seconds(systems.latency_seconds + 86400)
        ) as correction_event_ids,
    from counts
    inner join systems on counts.source_system = systems.source_system
    inner join legs
        on counts.plant_id = legs.plant_id
        and counts.item_number = legs.item_number
        and counts.location is not distinct from legs.location
        and counts.lot_number is not distinct from legs.lot_number
        and counts.stock_status = legs.stock_status
        and counts.ownership = legs.ownership
    group by counts.source_system, counts.event_id

),

final as (

    select
        {{ stock_position('counts') }},
        counts.source_system,
        counts.event_id,
        counts.counted_at,
        counts.base_counted_quantity as counted_quantity,
        cast(stood.ledger_quantity as decimal(28, 6)) as ledger_quantity,
        cast(counts.base_counted_quantity - stood.ledger_quantity as decimal(28, 6)) as variance,
        cast(coalesce(stood.corrected_quantity, 0) as decimal(28, 6)) as corrected_quantity,
        stood.correction_event_ids,
        counts.base_unit as unit,
        -- a count that found what the ledger had asks for no correction: what is posted then is a later count's
        (
            {{ within_tolerance(
                'counts.base_counted_quantity', 'stood.ledger_quantity', 'inventory_movement.quantity'
            ) }}
            or {{ within_tolerance(
                'counts.base_counted_quantity', '(stood.ledger_quantity + coalesce(stood.corrected_quantity, 0))',
                'inventory_movement.quantity'
            ) }}
        ) as is_settled,
        -- the correction may still come
        counts.counted_at + to_seconds(systems.latency_seconds + 86400) <= {{ as_of() }} as is_due,
    from counts
    inner join systems on counts.source_system = systems.source_system
    inner join stood on counts.source_system = stood.source_system and counts.event_id = stood.event_id

)

select * from final
