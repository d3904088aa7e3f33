with

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

system_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

records as (

    select
        orders.plant_id,
        orders.production_order_number,
        orders.item_number,
        orders.revision,
        orders.base_quantity as quantity,
        orders.base_completed_quantity as completed_quantity,
        coalesce(orders.base_scrapped_quantity, 0) as scrapped_quantity,
        orders.base_unit as unit,
        orders.status,
        orders.recorded_at,
        systems.kind,
    from {{ ref('production_order') }} as orders
    inner join systems on orders.source_system = systems.source_system
    where systems.kind in ('erp', 'mes')

),

-- only where both kinds deliver orders of a plant does an order that one of them lacks mean anything
compared_plants as (

    select plant_id
    from records
    group by plant_id
    having bool_or(kind = 'erp') and bool_or(kind = 'mes')

),

-- per plant and kind: what happened until then must have been heard there
horizons as (

    select
        system_plants.plant_id,
        min(feeds.heard_until) filter (feeds.entity = 'production_order' and systems.kind = 'erp') as erp_orders_until,
        min(feeds.heard_until) filter (feeds.entity = 'production_order' and systems.kind = 'mes') as mes_orders_until,
        min(feeds.heard_until) filter (feeds.entity = 'inventory_movement' and systems.kind in ('erp', 'wms'))
            as postings_until,
        min(feeds.heard_until) filter (feeds.entity = 'production_confirmation') as confirmations_until,
    from {{ ref('feed_horizon') }} as feeds
    inner join systems on feeds.source_system = systems.source_system
    inner join system_plants on feeds.source_system = system_plants.source_system
    where feeds.entity in ('production_order', 'inventory_movement', 'production_confirmation')
    group by system_plants.plant_id

),

both_sides as (

    select
        plant_id,
        production_order_number,
        coalesce(max(item_number) filter (kind = 'erp'), max(item_number)) as item_number,
        max(unit) as unit,
        {% for kind in ['erp', 'mes'] %}
            {% for column in [
                'item_number', 'revision', 'quantity', 'completed_quantity', 'scrapped_quantity', 'status', 'recorded_at',
            ] %}
                max({{ column }}) filter (kind = '{{ kind }}') as {{ kind }}_{{ column }},
            {% endfor %}
            bool_or(kind = '{{ kind }}') as has_{{ kind }},
        {% endfor %}
    from records
    where plant_id in (select compared_plants.plant_id from compared_plants)
    group by plant_id, production_order_number

),

last_operations as (

    select
        plant_id,
        production_order_number,
        max(operation_sequence) as last_operation,
    from {{ ref('production_operation') }}
    group by plant_id, production_order_number

),

confirmations as (

    select
        plant_id,
        production_order_number,
        operation_sequence,
        base_yield_quantity as yield_quantity,
        base_scrap_quantity as scrap_quantity,
        base_rework_quantity as rework_quantity,
        event_at,
        max(operation_sequence) over (partition by plant_id, production_order_number) as last_confirmed_operation,
    from {{ ref('production_confirmation') }}

),

-- a step's good pieces go on to the next; only those of the last one, or of the order as a whole, come into stock
confirmed as (

    select
        confirmations.plant_id,
        confirmations.production_order_number,
        count(*) as confirmations,
        coalesce(sum(confirmations.yield_quantity) filter (
            confirmations.operation_sequence is null
            or confirmations.operation_sequence
            = coalesce(last_operations.last_operation, confirmations.last_confirmed_operation)
        ), 0) as confirmed_yield,
        coalesce(sum(confirmations.scrap_quantity), 0) as confirmed_scrap,
        coalesce(sum(confirmations.rework_quantity), 0) as confirmed_rework,
        max(confirmations.event_at) filter (confirmations.yield_quantity > 0) as last_confirmed_at,
    from confirmations
    left join last_operations
        on confirmations.plant_id = last_operations.plant_id
        and confirmations.production_order_number = last_operations.production_order_number
    group by confirmations.plant_id, confirmations.production_order_number

),

-- rule 28: a reversal takes back what it reverses, whichever side it stands on
legs as (

    select
        coalesce(movements.to_plant_id, movements.from_plant_id) as plant_id,
        movements.reference_number as production_order_number,
        movements.item_number,
        movements.source_system,
        case when movements.to_plant_id is not null then movements.base_quantity else -movements.base_quantity end as quantity,
        movements.event_at,
    from {{ ref('inventory_movement') }} as movements
    where
        movements.reference_type = 'production_order'
        and movements.movement_class in ('receipt', 'reversal', 'return')
        and (movements.to_plant_id is null or movements.from_plant_id is null)

),

ledger_sums as (

    select
        legs.plant_id,
        legs.production_order_number,
        legs.item_number,
        systems.kind,
        sum(legs.quantity) as quantity,
        min(legs.event_at) as first_posted_at,
    from legs
    inner join systems on legs.source_system = systems.source_system
    where systems.kind in ('erp', 'wms')
    group by legs.plant_id, legs.production_order_number, legs.item_number, systems.kind

),

ledgers as (

    select
        system_plants.plant_id,
        count(distinct systems.kind) as ledgers,
    from {{ ref('feed_horizon') }} as feeds
    inner join systems on feeds.source_system = systems.source_system
    inner join system_plants on feeds.source_system = system_plants.source_system
    where feeds.entity = 'inventory_movement' and systems.kind in ('erp', 'wms')
    group by system_plants.plant_id

),

posted as (

    select
        plant_id,
        production_order_number,
        item_number,
        max(quantity) filter (kind = 'erp') as erp_posted_quantity,
        max(quantity) filter (kind = 'wms') as wms_posted_quantity,
        max(quantity) as most_posted,
        -- what a ledger posted the wrong way round is posted: that is a finding about stock
        min(abs(quantity)) as least_posted,
        count(*) as posting_ledgers,
        min(first_posted_at) as first_posted_at,
    from ledger_sums
    group by plant_id, production_order_number, item_number

),

stops as (

    select
        plant_id,
        production_order_number,
        count(*) as downtime_events,
        sum(date_diff('second', started_at, ended_at)) as downtime_seconds,
    from {{ ref('downtime_event') }}
    where production_order_number is not null
    group by plant_id, production_order_number

),

joined as (

    select
        both_sides.*,
        coalesce(confirmed.confirmations, 0) as confirmations,
        coalesce(confirmed.confirmed_yield, 0) as confirmed_yield,
        coalesce(confirmed.confirmed_scrap, 0) as confirmed_scrap,
        coalesce(confirmed.confirmed_rework, 0) as confirmed_rework,
        confirmed.last_confirmed_at,
        posted.erp_posted_quantity,
        posted.wms_posted_quantity,
        coalesce(posted.most_posted, 0) as most_posted,
        case when posted.posting_ledgers = ledgers.ledgers then posted.least_posted else 0 end as least_posted,
        posted.first_posted_at,
        coalesce(stops.downtime_events, 0) as downtime_events,
        stops.downtime_seconds,
        horizons.erp_orders_until,
        horizons.mes_orders_until,
        horizons.postings_until,
        horizons.confirmations_until,
        {{ production_phase('both_sides.erp_status') }} as erp_phase,
        {{ production_phase('both_sides.mes_status') }} as mes_phase,
        {{ within_tolerance('both_sides.erp_quantity', 'both_sides.mes_quantity', 'production_order.quantity') }}
            as is_same_quantity,
        {{ within_tolerance(
            'both_sides.erp_completed_quantity', 'both_sides.mes_completed_quantity', 'production_order.completed_quantity'
        ) }} as is_same_yield,
        {{ within_tolerance(
            'both_sides.erp_scrapped_quantity', 'both_sides.mes_scrapped_quantity', 'production_order.scrapped_quantity'
        ) }} as is_same_scrap,
    from both_sides
    left join horizons on both_sides.plant_id = horizons.plant_id
    left join ledgers on both_sides.plant_id = ledgers.plant_id
    left join confirmed
        on both_sides.plant_id = confirmed.plant_id
        and both_sides.production_order_number = confirmed.production_order_number
    left join posted
        on both_sides.plant_id = posted.plant_id
        and both_sides.production_order_number = posted.production_order_number
        and both_sides.item_number = posted.item_number
    left join stops
        on both_sides.plant_id = stops.plant_id
        and both_sides.production_order_number = stops.production_order_number

),

-- Whoever is behind has had its time when what the other one wrote is older than it may take to hear of it. Of two phases
-- the earlier is behind; plans go from ERP to the shop floor, results come back.
judged as (

    select
        *,
        coalesce(erp_phase = mes_phase, true) as is_same_status,
        case
            when has_erp and not has_mes then erp_status not in ('planned', 'cancelled') and erp_recorded_at <= mes_orders_until
            when has_mes and not has_erp then mes_status <> 'cancelled' and mes_recorded_at <= erp_orders_until
            else false
        end as is_missing,
        coalesce(erp_recorded_at <= mes_orders_until, false) as has_mes_had_time,
        coalesce(mes_recorded_at <= erp_orders_until, false) as has_erp_had_time,
        coalesce(erp_phase = 4 and mes_phase = 4, false) as has_ended,
    from joined

),

final as (

    select
        plant_id,
        production_order_number,
        item_number,
        unit,
        has_erp,
        has_mes,
        {% for column in ['item_number', 'revision', 'quantity', 'completed_quantity', 'scrapped_quantity', 'status'] %}
            erp_{{ column }},
            mes_{{ column }},
        {% endfor %}
        erp_recorded_at,
        mes_recorded_at,
        confirmations,
        cast(confirmed_yield as decimal(28, 6)) as confirmed_yield,
        cast(confirmed_scrap as decimal(28, 6)) as confirmed_scrap,
        cast(confirmed_rework as decimal(28, 6)) as confirmed_rework,
        last_confirmed_at,
        cast(erp_posted_quantity as decimal(28, 6)) as erp_posted_quantity,
        cast(wms_posted_quantity as decimal(28, 6)) as wms_posted_quantity,
        first_posted_at,
        {{ decimal_divide('confirmed_yield', 'nullif(confirmed_yield + confirmed_scrap, 0)', 6, 6) }} as yield_fraction,
        downtime_events,
        downtime_seconds,
        is_missing,
        is_same_quantity,
        has_erp and has_mes and not is_same_quantity and has_mes_had_time as is_quantity_finding,
        has_erp and has_mes and erp_item_number <> mes_item_number and has_mes_had_time as is_item_finding,
        coalesce(has_erp and has_mes and erp_revision <> mes_revision and has_mes_had_time, false) as is_revision_finding,
        has_erp
        and has_mes
        and not is_same_status
        and case when erp_phase > mes_phase then has_mes_had_time else has_erp_had_time end as is_status_finding,
        has_ended and not is_same_yield and has_erp_had_time as is_yield_finding,
        has_ended and not is_same_scrap and has_erp_had_time as is_scrap_finding,
        -- what no ledger has; where one has it and another lacks it, that is a finding about stock
        case
            when
                confirmed_yield > most_posted
                and not {{ within_tolerance('confirmed_yield', 'most_posted', 'inventory_movement.quantity') }}
                then cast(confirmed_yield - most_posted as decimal(28, 6))
            else 0
        end as unposted_quantity,
        case
            when
                confirmations_until is not null
                and least_posted > confirmed_yield + confirmed_scrap
                and not {{ within_tolerance(
                    'least_posted', 'confirmed_yield + confirmed_scrap', 'inventory_movement.quantity'
                ) }}
                then cast(least_posted - confirmed_yield as decimal(28, 6))
            else 0
        end as unconfirmed_quantity,
        coalesce(last_confirmed_at > postings_until, false) as is_posting_pending,
        coalesce(first_posted_at > confirmations_until, false) as is_confirmation_pending,
        has_erp
        and has_mes
        and is_same_quantity
        and coalesce(erp_item_number = mes_item_number, true)
        and is_same_status as is_match,
    from judged

)

select * from final
