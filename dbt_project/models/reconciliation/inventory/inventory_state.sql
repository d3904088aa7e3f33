with

balances as (

    select
        source_system,
        plant_id,
        location,
        item_number,
        lot_number,
        coalesce(stock_status, 'unrestricted') as stock_status,
        coalesce(ownership, 'own') as ownership,
        base_quantity as quantity,
        base_unit as unit,
        as_of,
    from {{ ref('inventory_balance') }}
    where item_number is not null

),

ledger as (

    select
        source_system,
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
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

    {{ owner_priorities('inventory_balance', ['quantity']) }}

),

reports as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        max(unit) as unit,
        sum(quantity) as quantity,
        max(as_of) as as_of,
        source_system,
        'balance' as basis,
    from balances
    group by plant_id, location, item_number, lot_number, stock_status, ownership, source_system

),

reported_plants as (

    select distinct plant_id from reports

),

-- rule 22: a report replaces; movements speak only for plants that nobody reports
ledger_sums as (

    select
        ledger.plant_id,
        ledger.location,
        ledger.item_number,
        ledger.lot_number,
        ledger.stock_status,
        ledger.ownership,
        max(ledger.unit) as unit,
        sum(ledger.quantity) as quantity,
        max(ledger.event_at) as as_of,
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
        winners.stock_status = 'in_transit' or coalesce(locations.kind = 'transit', false) as is_in_transit,
        winners.stock_status = 'unrestricted'
        and winners.ownership = 'own'
        and coalesce(locations.kind, 'storage') not in ('transit', 'subcontractor', 'customer') as is_usable,
    from winners
    left join locations on winners.plant_id = locations.plant_id and winners.location = locations.location

),

-- rule 23: negative stock stays negative; rule 26: what is on the road is in nobody's stock
final as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        cast(case when is_in_transit then 0 else quantity end as decimal(28, 6)) as on_hand,
        cast(null as decimal(28, 6)) as allocated,
        cast(case when is_usable then quantity else 0 end as decimal(28, 6)) as available,
        cast(case when is_in_transit then quantity else 0 end as decimal(28, 6)) as in_transit,
        unit,
        source_system as quantity_source,
        basis,
        as_of,
    from judged

)

select * from final
