with

movements as (

    select
        source_system,
        event_id,
        movement_class,
        item_number,
        quantity,
        unit,
        base_quantity,
        base_unit,
        from_plant_id,
        to_plant_id,
        from_location,
        to_location,
        from_status,
        to_status,
        from_lot,
        to_lot,
        serial_number,
        from_ownership,
        to_ownership,
        reference_type,
        reference_number,
        reference_line,
        event_at,
        recorded_at,
        batch_id,
        correlation_id,
    from {{ ref('inventory_movement') }}
    where item_number is not null

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

unmatched as (

    select
        plant_id,
        source_system,
        event_id,
        is_genuine,
    from {{ ref('inventory_unmatched_posting') }}

),

as_of as (

    select run.as_of from {{ source('platform', 'run') }} as run

),

legs as (

    select
        movements.source_system,
        movements.event_id,
        'to' as side,
        movements.to_plant_id as plant_id,
        movements.to_location as location,
        movements.item_number,
        movements.to_lot as lot_number,
        movements.serial_number,
        movements.to_status as stock_status,
        movements.to_ownership as ownership,
        movements.quantity as native_quantity,
        movements.base_quantity as leg_quantity,
        movements.unit,
        movements.base_unit,
        movements.movement_class,
        movements.reference_type,
        movements.reference_number,
        movements.reference_line,
        movements.event_at,
        movements.recorded_at,
        movements.batch_id,
        movements.correlation_id,
    from movements
    where movements.to_plant_id is not null

    union all

    select
        movements.source_system,
        movements.event_id,
        'from' as side,
        movements.from_plant_id as plant_id,
        movements.from_location as location,
        movements.item_number,
        movements.from_lot as lot_number,
        movements.serial_number,
        movements.from_status as stock_status,
        movements.from_ownership as ownership,
        -movements.quantity as native_quantity,
        -movements.base_quantity as leg_quantity,
        movements.unit,
        movements.base_unit,
        movements.movement_class,
        movements.reference_type,
        movements.reference_number,
        movements.reference_line,
        movements.event_at,
        movements.recorded_at,
        movements.batch_id,
        movements.correlation_id,
    from movements
    where movements.from_plant_id is not null

),

-- The warehouse's own ledger, where there is one; adding the ERP's to it would count every movement twice. Only what the
-- ERP has alone and for a good reason is added, and what the warehouse has twice is left out.
ledger_kinds as (

    select
        legs.plant_id,
        systems.kind,
        min(case systems.kind when 'wms' then 1 when 'tms' then 2 when 'erp' then 3 when 'mes' then 4 else 5 end)
            as preference,
    from legs
    inner join systems on legs.source_system = systems.source_system
    group by legs.plant_id, systems.kind
    qualify row_number() over (partition by legs.plant_id order by preference, systems.kind) = 1

),

final as (

    select
        legs.plant_id,
        legs.location,
        legs.item_number,
        legs.lot_number,
        legs.serial_number,
        coalesce(legs.stock_status, 'unrestricted') as stock_status,
        coalesce(legs.ownership, 'own') as ownership,
        cast(legs.leg_quantity as decimal(28, 6)) as quantity,
        legs.base_unit as unit,
        cast(legs.native_quantity as decimal(28, 6)) as native_quantity,
        legs.unit as native_unit,
        legs.side,
        legs.movement_class,
        legs.reference_type,
        legs.reference_number,
        legs.reference_line,
        legs.event_at,
        legs.recorded_at,
        legs.source_system,
        legs.event_id,
        legs.batch_id,
        legs.correlation_id,
    from legs
    inner join systems on legs.source_system = systems.source_system
    inner join ledger_kinds on legs.plant_id = ledger_kinds.plant_id
    left join unmatched
        on legs.plant_id = unmatched.plant_id
        and legs.source_system = unmatched.source_system
        and legs.event_id = unmatched.event_id
    cross join as_of
    where
        legs.event_at <= as_of.as_of
        and case
            when systems.kind = ledger_kinds.kind then coalesce(unmatched.is_genuine, true)
            else ledger_kinds.kind = 'wms' and systems.kind = 'erp' and coalesce(unmatched.is_genuine, false)
        end

)

select * from final
