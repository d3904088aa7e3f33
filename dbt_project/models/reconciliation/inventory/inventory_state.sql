with

balances as (

    select
        source_system,
        plant_id,
        location,
        item_number,
        lot_number,
        serial_number,
        coalesce(stock_status, 'unrestricted') as stock_status,
        coalesce(ownership, 'own') as ownership,
        base_quantity as quantity,
        base_unit as unit,
        expiry_date,
        as_of,
    from {{ ref('inventory_balance') }}
    where item_number is not null

),

ledger as (

    select
        source_system,
        {{ stock_position() }},
        quantity,
        unit,
        event_at,
    from {{ ref('inventory_ledger_leg') }}

),

locations as (

    select
        plant_id,
        location,
        min(kind) as kind,
    from {{ ref('plant_location') }}
    group by plant_id, location

),

priorities as (

    {{ owner_priorities('inventory_balance', ['quantity', 'expiry_date']) }}

),

reports as (

    select
        {{ stock_position() }},
        max(unit) as unit,
        sum(quantity) as quantity,
        max(as_of) as as_of,
        count(distinct serial_number) filter (where quantity > 0) as serials,
        source_system,
        'balance' as basis,
    from balances
    group by plant_id, location, item_number, lot_number, stock_status, ownership, source_system

),

-- components that production is about to take
reserved as (

    select
        plant_id,
        item_number,
        location,
        sum(quantity) as quantity,
    from {{ ref('inventory_supply_demand') }}
    where kind in ('reservation', 'order_component')
    group by plant_id, item_number, location

),

-- rule 36: of a lot's last day whoever is believed first and tells one is believed
expiries as (

    select
        balances.plant_id,
        balances.item_number,
        balances.lot_number,
        min(balances.expiry_date) as expiry_date,
    from balances
    left join priorities
        on balances.plant_id = priorities.plant_id
        and balances.source_system = priorities.source_system
    where balances.expiry_date is not null and balances.lot_number is not null
    group by
        balances.plant_id, balances.item_number, balances.lot_number, balances.source_system,
        priorities.expiry_date_priority
    qualify row_number() over (
        partition by balances.plant_id, balances.item_number, balances.lot_number
        order by priorities.expiry_date_priority asc nulls last, balances.source_system asc
    ) = 1

),

today as (

    select
        plant_id,
        cast(timezone(timezone, {{ as_of() }}) as date) as day,
    from {{ source('estate', 'plant') }}

),

arrivals as (

    select
        plant_id,
        item_number,
        lot_number,
        min(event_at) as lot_received_at,
    from ledger
    where quantity > 0 and lot_number is not null
    group by plant_id, item_number, lot_number

),

reported_plants as (

    select distinct plant_id from reports

),

-- rule 22: a report replaces; movements speak only for plants that nobody reports
ledger_sums as (

    select
        {{ stock_position('ledger') }},
        max(ledger.unit) as unit,
        sum(ledger.quantity) as quantity,
        max(ledger.event_at) as as_of,
        0 as serials,
        ledger.source_system,
        'ledger' as basis,
    from ledger
    anti join reported_plants on ledger.plant_id = reported_plants.plant_id
    group by
        ledger.plant_id, ledger.location, ledger.item_number, ledger.lot_number,
        ledger.stock_status, ledger.ownership, ledger.source_system

),

candidates as (

    select * from reports
    union all
    select * from ledger_sums

),

-- rule 36: the owner's report of the plant counts as a whole; a key it leaves out has no stock
winners as (

    select candidates.*
    from candidates
    left join priorities
        on candidates.plant_id = priorities.plant_id
        and candidates.source_system = priorities.source_system
    qualify rank() over (
        partition by candidates.plant_id
        order by priorities.quantity_priority asc nulls last, candidates.source_system asc
    ) = 1

),

-- rules 24 and 25: status, owner and place are three things, and all must be right for stock to be used here
judged as (

    select
        winners.*,
        expiries.expiry_date,
        winners.stock_status = 'in_transit' or coalesce(locations.kind = 'transit', false) as is_in_transit,
        coalesce(expiries.expiry_date < today.day, false) as is_expired,
        winners.stock_status = 'unrestricted'
        and winners.ownership = 'own'
        and coalesce(locations.kind, 'storage') not in ('transit', 'subcontractor', 'customer')
        and not is_expired as is_usable,
        case when is_usable then greatest(winners.quantity, 0) else 0 end as usable_quantity,
        arrivals.lot_received_at,
    from winners
    left join locations on winners.plant_id = locations.plant_id and winners.location = locations.location
    left join arrivals
        on winners.plant_id = arrivals.plant_id
        and winners.item_number = arrivals.item_number
        and winners.lot_number = arrivals.lot_number
    left join expiries
        on winners.plant_id = expiries.plant_id
        and winners.item_number = expiries.item_number
        and winners.lot_number = expiries.lot_number
    left join today on winners.plant_id = today.plant_id

),

-- What is reserved at a location is taken from there first: what expires first, then the oldest lot. What that leaves
-- open, and what is reserved without a place, is taken from wherever there is some.
by_place as (

    select
        judged.*,
        coalesce(reserved.quantity, 0) as reserved_here,
        cast(greatest(0, least(
            judged.usable_quantity,
            coalesce(reserved.quantity, 0) - coalesce(
                sum(judged.usable_quantity) over (
                    partition by judged.plant_id, judged.item_number, judged.location
                    order by
                        judged.expiry_date asc nulls last, judged.lot_received_at asc nulls first,
                        judged.lot_number asc nulls first, judged.stock_status asc, judged.ownership asc
                    rows between unbounded preceding and 1 preceding
                ), 0
            )
        )) as decimal(28, 6)) as allocated_here,
    from judged
    left join reserved
        on judged.plant_id = reserved.plant_id
        and judged.item_number = reserved.item_number
        and judged.location = reserved.location

),

taken as (

    select
        plant_id,
        item_number,
        sum(allocated_here) as quantity,
    from by_place
    group by plant_id, item_number

),

still_open as (

    select
        reserved.plant_id,
        reserved.item_number,
        sum(reserved.quantity) - max(coalesce(taken.quantity, 0)) as quantity,
    from reserved
    left join taken
        on reserved.plant_id = taken.plant_id
        and reserved.item_number = taken.item_number
    group by reserved.plant_id, reserved.item_number

),

allocated as (

    select
        by_place.*,
        by_place.allocated_here + cast(greatest(0, least(
            by_place.usable_quantity - by_place.allocated_here,
            coalesce(still_open.quantity, 0) - coalesce(
                sum(by_place.usable_quantity - by_place.allocated_here) over (
                    partition by by_place.plant_id, by_place.item_number
                    order by
                        by_place.expiry_date asc nulls last, by_place.lot_received_at asc nulls first,
                        by_place.lot_number asc nulls first, by_place.location asc nulls first,
                        by_place.stock_status asc, by_place.ownership asc
                    rows between unbounded preceding and 1 preceding
                ), 0
            )
        )) as decimal(28, 6)) as allocated_quantity,
    from by_place
    left join still_open on by_place.plant_id = still_open.plant_id and by_place.item_number = still_open.item_number

),

-- rule 23: negative stock stays negative; rule 26: what is on the road is in nobody's stock
final as (

    select
        {{ stock_position() }},
        cast(case when is_in_transit then 0 else quantity end as decimal(28, 6)) as on_hand,
        cast(allocated_quantity as decimal(28, 6)) as allocated,
        cast(case when is_usable then quantity - allocated_quantity else 0 end as decimal(28, 6)) as available,
        cast(
            case when stock_status = 'quality_inspection' and not is_in_transit then quantity else 0 end as decimal(28, 6)
        ) as inspection,
        cast(
            case when stock_status in ('blocked', 'returns') and not is_in_transit then quantity else 0 end
            as decimal(28, 6)
        ) as blocked,
        cast(case when is_in_transit then quantity else 0 end as decimal(28, 6)) as in_transit,
        unit,
        serials,
        expiry_date,
        cast(case when is_expired and not is_in_transit then quantity else 0 end as decimal(28, 6)) as expired,
        lot_received_at,
        source_system as quantity_source,
        basis,
        as_of,
    from allocated

)

select * from final
