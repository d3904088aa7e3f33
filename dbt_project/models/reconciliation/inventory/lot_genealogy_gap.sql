with

items as (

    select
        item_number,
        coalesce(is_lot_tracked, false) or coalesce(is_serial_tracked, false) as is_tracked,
    from {{ ref('item') }}

),

consumption as (

    select
        plant_id,
        production_order_number,
        item_number,
        coalesce(lot_number, serial_number) as lot_number,
        base_quantity,
        base_unit,
        event_id,
        source_system,
    from {{ ref('material_consumption') }}
    where event_at <= {{ as_of() }}

),

legs as (

    select
        plant_id,
        item_number,
        coalesce(lot_number, serial_number) as lot_number,
        quantity,
        unit,
        side,
        movement_class,
        reference_type,
        reference_number,
        event_id,
        source_system,
    from {{ ref('inventory_ledger_leg') }}

),

plants_with_ledger as (

    select distinct plant_id
    from legs

),

arrived as (

    select distinct
        plant_id,
        item_number,
        lot_number,
    from legs
    where side = 'to' and lot_number is not null

),

-- taken without saying which lot it was
used_without_lot as (

    select
        consumption.plant_id,
        consumption.production_order_number as object_key,
        consumption.item_number,
        cast(null as varchar) as lot_number,
        'used_without_lot' as cause,
        sum(consumption.base_quantity) as quantity,
        max(consumption.base_unit) as unit,
        string_agg(consumption.event_id, ', ' order by consumption.event_id) as event_ids,
        max(consumption.source_system) as source_system,
    from consumption
    inner join items on consumption.item_number = items.item_number
    where items.is_tracked and consumption.lot_number is null
    group by consumption.plant_id, consumption.production_order_number, consumption.item_number

),

-- came out of production without a lot
made_without_lot as (

    select
        legs.plant_id,
        legs.reference_number as object_key,
        legs.item_number,
        cast(null as varchar) as lot_number,
        'made_without_lot' as cause,
        sum(legs.quantity) as quantity,
        max(legs.unit) as unit,
        string_agg(legs.event_id, ', ' order by legs.event_id) as event_ids,
        max(legs.source_system) as source_system,
    from legs
    inner join items on legs.item_number = items.item_number
    where
        items.is_tracked
        and legs.lot_number is null
        and legs.side = 'to'
        and legs.movement_class = 'receipt'
        and legs.reference_type = 'production_order'
    group by legs.plant_id, legs.reference_number, legs.item_number

),

-- a lot that was taken and, as far as the plant's ledger goes, never came
unknown_origin as (

    select
        consumption.plant_id,
        consumption.production_order_number as object_key,
        consumption.item_number,
        consumption.lot_number,
        'unknown_origin' as cause,
        sum(consumption.base_quantity) as quantity,
        max(consumption.base_unit) as unit,
        string_agg(consumption.event_id, ', ' order by consumption.event_id) as event_ids,
        max(consumption.source_system) as source_system,
    from consumption
    inner join plants_with_ledger on consumption.plant_id = plants_with_ledger.plant_id
    anti join arrived
        on consumption.plant_id = arrived.plant_id
        and consumption.item_number = arrived.item_number
        and consumption.lot_number = arrived.lot_number
    where consumption.lot_number is not null
    group by
        consumption.plant_id, consumption.production_order_number, consumption.item_number, consumption.lot_number

),

gaps as (

    select * from used_without_lot
    union all
    select * from made_without_lot
    union all
    select * from unknown_origin

),

final as (

    select
        {{ finding_id("'genealogy_gap'", [
            "'inventory'", 'plant_id', 'object_key', 'item_number', 'lot_number', 'cause'
        ]) }} as finding_id,
        plant_id,
        object_key,
        item_number,
        lot_number,
        'genealogy_gap' as finding_class,
        cause,
        'medium' as severity,
        cast(quantity as decimal(28, 6)) as quantity,
        unit,
        {{ owner_role('inventory', "'genealogy_gap'") }} as owner_role,
        case cause
            when 'used_without_lot'
                then
                    'Find out which lot of ' || item_number || ' order ' || object_key || ' took ('
                    || {{ plain_number('quantity') }} || ' ' || unit || '), and report it in ' || source_system || '.'
            when 'made_without_lot'
                then
                    'Give the ' || {{ plain_number('quantity') }} || ' ' || unit || ' of ' || item_number
                    || ' that order ' || object_key || ' made their lot in ' || source_system || '.'
            else
                'Order ' || object_key || ' took lot ' || lot_number || ' of ' || item_number
                || ', which never came to the plant: correct the lot in ' || source_system || ', or post its receipt.'
        end as suggested_action,
        json_object('system', source_system, 'events', event_ids)::varchar as evidence,
    from gaps

)

select * from final
