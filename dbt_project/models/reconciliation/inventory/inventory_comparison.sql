with

balances as (

    select
        source_system,
        {{ stock_position() }},
        base_quantity,
        base_unit,
        as_of,
    from {{ ref('inventory_balance') }}
    where item_number is not null

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

owners as (

    select
        source_system,
        plant_id,
        priority,
    from {{ source('estate', 'attribute_owner') }}
    where entity = 'inventory_balance' and attribute = 'quantity'

),

legs as (

    select
        {{ stock_position() }},
        quantity,
        unit,
        event_at,
    from {{ ref('inventory_ledger_leg') }}

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

-- one reporting system a plant and kind: two reports of one stock are not two stocks
reporters as (

    select distinct
        balances.plant_id,
        balances.source_system,
        systems.kind,
        min(owners.priority) over (partition by balances.plant_id, balances.source_system) as priority,
    from balances
    inner join systems on balances.source_system = systems.source_system
    left join owners
        on balances.source_system = owners.source_system
        and (balances.plant_id = owners.plant_id or owners.plant_id is null)
    where systems.kind in ('erp', 'wms')

),

chosen_reporters as (

    select
        plant_id,
        source_system,
        kind,
    from reporters
    qualify row_number() over (partition by plant_id, kind order by priority asc nulls last, source_system asc) = 1

),

-- rule 22: a balance is a report of one instant, so the ledger counts up to that instant and no further
reports as (

    select
        balances.plant_id,
        bool_or(chosen_reporters.kind = 'erp') as has_erp,
        bool_or(chosen_reporters.kind = 'wms') as has_wms,
        max(balances.as_of) as balance_as_of,
    from balances
    inner join chosen_reporters
        on balances.plant_id = chosen_reporters.plant_id
        and balances.source_system = chosen_reporters.source_system
    group by balances.plant_id

),

plant_ledgers as (

    select
        plant_id,
        count(location) > 0 as names_locations,
        count(lot_number) > 0 as names_lots,
    from legs
    group by plant_id

),

-- a ledger that leaves the location or lot open for an item can only be compared with the sum over them
item_grains as (

    select
        plant_id,
        item_number,
        count(*) = count(location) as by_location,
        count(*) = count(lot_number) as by_lot,
    from legs
    group by plant_id, item_number

),

reported as (

    select
        balances.plant_id,
        balances.location,
        balances.item_number,
        balances.lot_number,
        coalesce(balances.stock_status, 'unrestricted') as stock_status,
        coalesce(balances.ownership, 'own') as ownership,
        balances.base_unit as unit,
        balances.base_quantity as quantity,
        chosen_reporters.kind as source,
    from balances
    inner join chosen_reporters
        on balances.plant_id = chosen_reporters.plant_id
        and balances.source_system = chosen_reporters.source_system

),

positions as (

    select
        {{ stock_position() }},
        unit,
        quantity,
        source
    from reported

    union all

    select
        {{ stock_position('legs') }},
        legs.unit,
        legs.quantity,
        'ledger' as source,
    from legs
    left join reports on legs.plant_id = reports.plant_id
    where reports.balance_as_of is null or legs.event_at <= reports.balance_as_of

),

at_common_grain as (

    select
        positions.plant_id,
        case
            when coalesce(item_grains.by_location, plant_ledgers.names_locations, true) then positions.location
        end as location,
        positions.item_number,
        case when coalesce(item_grains.by_lot, plant_ledgers.names_lots, true) then positions.lot_number end as lot_number,
        positions.stock_status,
        positions.ownership,
        max(positions.unit) as unit,
        sum(positions.quantity) filter (where positions.source = 'erp') as erp_quantity,
        sum(positions.quantity) filter (where positions.source = 'wms') as wms_quantity,
        sum(positions.quantity) filter (where positions.source = 'ledger') as ledger_quantity,
        count(*) filter (where positions.source <> 'ledger') as balance_rows,
        count(*) filter (where positions.source = 'ledger') as ledger_rows,
        count(*) filter (where positions.quantity is null) as unconvertible_rows,
    from positions
    left join item_grains
        on positions.plant_id = item_grains.plant_id and positions.item_number = item_grains.item_number
    left join plant_ledgers on positions.plant_id = plant_ledgers.plant_id
    group by all

),

-- a system that reports a plant and leaves a key out reports nothing there
compared as (

    select
        positions.*,
        reports.balance_as_of,
        case
            when reports.has_erp and reports.has_wms then 'erp_wms'
            when reports.has_erp and plant_ledgers.plant_id is not null then 'erp_ledger'
            when reports.has_wms and plant_ledgers.plant_id is not null then 'wms_ledger'
        end as compared,
        case compared
            when 'erp_wms' then coalesce(positions.erp_quantity, 0) - coalesce(positions.wms_quantity, 0)
            when 'erp_ledger' then coalesce(positions.erp_quantity, 0) - coalesce(positions.ledger_quantity, 0)
            when 'wms_ledger' then coalesce(positions.wms_quantity, 0) - coalesce(positions.ledger_quantity, 0)
        end as difference,
        case compared
            when 'erp_wms' then coalesce(positions.wms_quantity, 0)
            else coalesce(positions.ledger_quantity, 0)
        end as compared_quantity,
    from at_common_grain as positions
    left join reports on positions.plant_id = reports.plant_id
    left join plant_ledgers on positions.plant_id = plant_ledgers.plant_id

),

final as (

    select
        {{ stock_position('compared') }},
        cast(compared.erp_quantity as decimal(28, 6)) as erp_quantity,
        cast(compared.wms_quantity as decimal(28, 6)) as wms_quantity,
        cast(compared.ledger_quantity as decimal(28, 6)) as ledger_quantity,
        compared.unit,
        cast(compared.difference as decimal(28, 6)) as difference,
        compared.compared,
        {{ within_tolerance(
            'compared.difference + compared.compared_quantity', 'compared.compared_quantity', 'inventory_balance.quantity'
        ) }} as is_match,
        {{ value_of('compared.difference', 'costs.standard_cost') }} as value_at_stake,
        costs.standard_cost,
        costs.currency,
        compared.balance_rows,
        compared.ledger_rows,
        compared.unconvertible_rows,
        compared.balance_as_of,
    from compared
    left join costs on compared.plant_id = costs.plant_id and compared.item_number = costs.item_number

)

select * from final
