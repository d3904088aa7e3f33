with

movements as (

    select
        source_system,
        event_id,
        movement_type,
        movement_class,
        item_number,
        base_quantity,
        base_unit,
        from_plant_id,
        to_plant_id,
        from_location,
        to_location,
        coalesce(from_status, 'unrestricted') as from_status,
        coalesce(to_status, 'unrestricted') as to_status,
        from_lot,
        to_lot,
        serial_number,
        coalesce(from_ownership, 'own') as from_ownership,
        coalesce(to_ownership, 'own') as to_ownership,
        reference_type,
        reference_number,
        reference_line,
        reversal_of,
        event_at,
        posting_date,
        recorded_at,
        correlation_id,
    from {{ ref('inventory_movement') }}
    where item_number is not null and event_at <= {{ as_of() }}

),

posting_systems as (

    select distinct source_system
    from movements

),

-- one ERP and one warehouse system speak for a plant; two that hold the same stock would be two ledgers
speakers as (

    select
        served.plant_id,
        served.source_system,
        systems.kind,
        systems.latency_seconds,
    from {{ source('estate', 'system_plant') }} as served
    inner join {{ source('estate', 'system') }} as systems on served.source_system = systems.source_system
    inner join posting_systems on served.source_system = posting_systems.source_system
    where systems.kind in ('erp', 'wms')
    qualify row_number() over (partition by served.plant_id, systems.kind order by served.source_system asc) = 1

),

-- a movement between two plants is a posting in the books of each
touching as (

    select
        *,
        from_plant_id as plant_id,
    from movements
    where from_plant_id is not null

    union all

    select
        *,
        to_plant_id as plant_id,
    from movements
    where to_plant_id is not null and to_plant_id is distinct from from_plant_id

),

-- rule 6: values count in the month of the posting date, and months are the plant's own; where a system doesn't tell the
-- date, it is the day on which the goods moved
periods as (

    select
        touching.*,
        cast(date_trunc(
            'month', coalesce(touching.posting_date, cast(timezone(plants.timezone, touching.event_at) as date))
        ) as date) as posting_period,
        cast(date_trunc('month', timezone(plants.timezone, touching.recorded_at)) as date) as recorded_period,
        timezone(
            plants.timezone,
            cast(posting_period + interval 1 month as timestamp) + to_seconds(plants.period_close_seconds)
        ) as period_closed_at,
    from touching
    left join {{ source('estate', 'plant') }} as plants on touching.plant_id = plants.plant_id

),

sided as (

    select
        periods.*,
        coalesce(periods.recorded_at >= periods.period_closed_at, false) as is_after_close,
        speakers.kind,
        speakers.latency_seconds,
        coalesce(periods.from_plant_id = periods.plant_id, false) as leaves,
        coalesce(periods.to_plant_id = periods.plant_id, false) as comes,
    from periods
    inner join speakers
        on periods.source_system = speakers.source_system
        and periods.plant_id = speakers.plant_id

),

-- rule 28: what a linked reversal takes back, two deep, so that a reversal may be taken back itself
taken_back_reversals as (

    select
        source_system,
        plant_id,
        reversal_of,
        sum(base_quantity) as quantity,
    from sided
    where reversal_of is not null
    group by source_system, plant_id, reversal_of

),

taken_back as (

    select
        sided.source_system,
        sided.plant_id,
        sided.reversal_of,
        sum(sided.base_quantity - coalesce(taken_back_reversals.quantity, 0)) as quantity,
        string_agg(sided.event_id, ', ' order by sided.event_id) as reversal_event_ids,
    from sided
    left join taken_back_reversals
        on sided.source_system = taken_back_reversals.source_system
        and sided.plant_id = taken_back_reversals.plant_id
        and sided.event_id = taken_back_reversals.reversal_of
    where sided.reversal_of is not null
    group by sided.source_system, sided.plant_id, sided.reversal_of

),

judged as (

    select
        sided.plant_id,
        sided.kind,
        sided.source_system,
        sided.event_id,
        sided.item_number,
        sided.movement_type,
        sided.movement_class,
        case
            when sided.movement_class in ('issue', 'backflush') then 'issue'
            when sided.movement_class in ('count', 'adjustment') then 'count'
            else coalesce(sided.movement_class, 'unknown')
        end as class_group,
        case
            when originals.event_id is not null then 'reversal'
            when taken_back.quantity >= sided.base_quantity then 'reversed'
            else 'live'
        end as posting_state,
        sided.base_quantity as posted_quantity,
        cast(greatest(sided.base_quantity - coalesce(taken_back.quantity, 0), 0) as decimal(28, 6)) as quantity,
        cast(least(coalesce(taken_back.quantity, 0), sided.base_quantity) as decimal(28, 6)) as reversed_quantity,
        sided.base_unit as unit,
        sided.leaves,
        sided.comes,
        case when sided.leaves then sided.from_location end as from_location,
        case when sided.leaves then sided.from_lot end as from_lot,
        case when sided.leaves then sided.from_status end as from_status,
        case when sided.leaves then sided.from_ownership end as from_ownership,
        case when sided.comes then sided.to_location end as to_location,
        case when sided.comes then sided.to_lot end as to_lot,
        case when sided.comes then sided.to_status end as to_status,
        case when sided.comes then sided.to_ownership end as to_ownership,
        sided.serial_number,
        sided.reference_type,
        sided.reference_number,
        sided.reference_line,
        sided.reversal_of,
        taken_back.reversal_event_ids,
        case
            when sided.reference_number is not null
                then concat_ws('|', coalesce(sided.reference_type, ''), sided.reference_number, coalesce(sided.reference_line, ''))
        end as document_key,
        sided.event_at,
        sided.posting_date,
        sided.recorded_at,
        sided.latency_seconds,
        sided.recorded_at > sided.event_at + to_seconds(sided.latency_seconds) as is_late,
        sided.posting_period,
        sided.period_closed_at,
        coalesce(sided.posting_period < sided.recorded_period, false) as is_back_posted,
        -- what was taken back, and what takes back a posting that should not be there either, leaves the month as it was
        sided.is_after_close
        and coalesce(taken_back.quantity < sided.base_quantity, true)
        and not coalesce(originals.is_after_close, false) as is_in_closed_period,
        sided.correlation_id,
    from sided
    left join taken_back
        on sided.source_system = taken_back.source_system
        and sided.plant_id = taken_back.plant_id
        and sided.event_id = taken_back.reversal_of
    left join sided as originals
        on sided.source_system = originals.source_system
        and sided.plant_id = originals.plant_id
        and sided.reversal_of = originals.event_id

),

final as (

    select
        *,
        -- two postings with the same content say the same about stock, whatever they are called
        concat_ws(
            '|', item_number, quantity, leaves, comes, coalesce(from_location, ''), coalesce(from_lot, ''),
            coalesce(from_status, ''), coalesce(from_ownership, ''), coalesce(to_location, ''), coalesce(to_lot, ''),
            coalesce(to_status, ''), coalesce(to_ownership, ''), coalesce(serial_number, '')
        ) as content_key,
    from judged

)

select * from final
