with

legs as (

    select
        plant_id,
        item_number,
        location,
        lot_number,
        quantity,
        side,
        movement_class,
        reference_type,
        event_at,
        source_system,
        event_id,
    from {{ ref('inventory_ledger_leg') }}

),

consumption as (

    select distinct plant_id
    from {{ ref('material_consumption') }}

),

ledger_systems as (

    select distinct
        plant_id,
        source_system,
    from legs

),

-- stock of before the ledger's first movement can only come from the ledger's own system, reported for an earlier instant
opening_reports as (

    select
        balances.plant_id,
        min(balances.as_of) as first_report_at,
    from {{ ref('inventory_balance') }} as balances
    inner join ledger_systems
        on balances.plant_id = ledger_systems.plant_id
        and balances.source_system = ledger_systems.source_system
    group by balances.plant_id

),

counted as (

    select
        plant_id,
        string_agg(distinct source_system, ', ' order by source_system) as ledger_systems,
        count(distinct source_system || ' ' || event_id) as movements,
        count(distinct item_number) as items,
        min(event_at) as first_movement_at,
        max(event_at) as last_movement_at,
        count(*) filter (
            where side = 'from' and reference_type = 'production_order'
            and movement_class in ('issue', 'backflush')
        ) as component_issues,
        count(*) filter (
            where side = 'to' and reference_type = 'production_order'
            and movement_class = 'receipt'
        ) as production_receipts,
        count(*) filter (
            where side = 'to' and reference_type = 'purchase_order'
            and movement_class = 'receipt'
        ) as purchase_receipts,
        count(*) filter (where side = 'from' and reference_type = 'sales_order') as sales_issues,
        count(*) filter (where movement_class = 'scrap') as scrap_movements,
        count(*) filter (
            where side = 'to' and reference_type is null
            and movement_class in ('receipt', 'count', 'adjustment')
        ) as receipts_without_order,
        count(*) filter (where location is not null) as legs_with_location,
        count(*) filter (where quantity is null) as unconvertible_legs,
    from legs
    group by plant_id

),

final as (

    select
        counted.plant_id,
        counted.ledger_systems,
        counted.movements,
        counted.items,
        counted.first_movement_at,
        counted.last_movement_at,
        counted.production_receipts,
        counted.purchase_receipts,
        counted.sales_issues,
        counted.component_issues,
        counted.scrap_movements,
        counted.receipts_without_order,
        counted.legs_with_location,
        counted.unconvertible_legs,
        counted.component_issues > 0 or consumption.plant_id is not null as has_component_issues,
        counted.receipts_without_order > 0
        or coalesce(opening_reports.first_report_at <= counted.first_movement_at, false) as has_opening_balance,
        counted.scrap_movements > 0 as has_scrap_movements,
    from counted
    left join consumption on counted.plant_id = consumption.plant_id
    left join opening_reports on counted.plant_id = opening_reports.plant_id

)

select * from final
