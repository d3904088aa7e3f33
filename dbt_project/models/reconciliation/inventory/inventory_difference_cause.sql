with

flows as (

    select
        plant_id,
        item_number,
        demand_quantity,
        bill_line_uses,
        produced_quantity,
        sold_quantity,
        ordered_quantity,
        flow_status,
    from {{ ref('material_flow_identity') }}

),

profiles as (

    select
        plant_id,
        ledger_systems,
        movements,
        component_issues,
        scrap_movements,
        has_component_issues,
        has_scrap_movements,
    from {{ ref('inventory_ledger_profile') }}

),

order_postings as (

    select
        plant_id,
        production_order_number,
        item_number,
        completed_quantity,
        scrapped_quantity,
        posted_quantity,
    from {{ ref('production_order_posting') }}
    where posted_quantity > completed_quantity and scrapped_quantity > 0

),

order_lines as (

    select
        plant_id,
        purchase_order_number,
        line_number,
        item_number,
        status,
        ordered_quantity,
        received_quantity,
        rejected_quantity,
        stocked_quantity,
        order_unit,
        base_unit,
        ordered_base_quantity,
        stocked_base_quantity,
        unit_numerator,
        unit_denominator,
        postings,
        posted_quantity,
        posted_native_quantity,
        posted_native_unit,
    from {{ ref('purchase_order_line_posting') }}

),

component_issues as (

    select
        flows.plant_id,
        flows.item_number,
        'unposted_in_wms' as finding_class,
        'component_issue' as cause,
        -flows.demand_quantity as quantity,
        json_object(
            'ledger_systems', profiles.ledger_systems,
            'ledger_movements', profiles.movements,
            'ledger_component_issues', profiles.component_issues,
            'bill_line_uses', flows.bill_line_uses,
            'consumption_implied_by_bills', flows.demand_quantity
        ) as evidence,
    from flows
    inner join profiles on flows.plant_id = profiles.plant_id
    where not profiles.has_component_issues and flows.demand_quantity > 0

),

scrap as (

    select
        order_postings.plant_id,
        order_postings.item_number,
        'scrap_not_posted' as finding_class,
        'production_scrap' as cause,
        -sum(least(order_postings.posted_quantity - order_postings.completed_quantity, order_postings.scrapped_quantity))
            as quantity,
        json_object(
            'orders', count(*),
            'order_posted_above_completed', max(order_postings.production_order_number),
            'posted', sum(order_postings.posted_quantity),
            'completed', sum(order_postings.completed_quantity),
            'scrapped', sum(order_postings.scrapped_quantity),
            'ledger_scrap_movements', max(profiles.scrap_movements)
        ) as evidence,
    from order_postings
    inner join profiles on order_postings.plant_id = profiles.plant_id
    where not profiles.has_scrap_movements
    group by order_postings.plant_id, order_postings.item_number

),

-- A posting whose number is the order's but whose unit is another took the number over 1:1 (rule 19).
judged_lines as (

    select
        *,
        postings > 0 and posted_native_unit <> order_unit and posted_native_quantity = ordered_quantity as is_taken_over,
        ordered_base_quantity is null as is_unconvertible,
    from order_lines
    where plant_id in (select profiles.plant_id from profiles)

),

receipt_units as (

    select
        plant_id,
        item_number,
        'unit_of_measure' as finding_class,
        'receipt_unit_taken_over' as cause,
        sum(ordered_base_quantity - posted_quantity) as quantity,
        json_object(
            'order_lines', count(*),
            'order_unit', max(order_unit),
            'ledger_unit', max(posted_native_unit),
            'factor_numerator', max(unit_numerator),
            'factor_denominator', max(unit_denominator),
            'posted', sum(posted_quantity),
            'ordered_in_base_unit', sum(ordered_base_quantity)
        ) as evidence,
    from judged_lines
    where is_taken_over and not is_unconvertible
    group by plant_id, item_number

),

receipt_quantities as (

    select
        plant_id,
        item_number,
        'receipt_quantity' as finding_class,
        'receipt_posted_not_stocked' as cause,
        sum(stocked_base_quantity - case when is_taken_over then ordered_base_quantity else posted_quantity end)
            as quantity,
        json_object(
            'order_lines', count(*),
            'posted', sum(posted_quantity),
            'ordered', sum(ordered_quantity),
            'received', sum(received_quantity),
            'rejected', sum(rejected_quantity),
            'stocked', sum(stocked_quantity),
            'lines_posted_at_ordered_quantity', count(*) filter (where posted_native_quantity = ordered_quantity),
            'order_unit', max(order_unit)
        ) as evidence,
    from judged_lines
    where
        postings > 0
        and not is_unconvertible
        and stocked_base_quantity <> case when is_taken_over then ordered_base_quantity else posted_quantity end
    group by plant_id, item_number

),

missing_receipts as (

    select
        plant_id,
        item_number,
        'unposted_in_wms' as finding_class,
        'purchase_receipt' as cause,
        sum(stocked_base_quantity) as quantity,
        json_object(
            'order_lines', count(*),
            'purchase_orders', string_agg(distinct purchase_order_number, ', ' order by purchase_order_number),
            'stocked', sum(stocked_quantity),
            'order_unit', max(order_unit)
        ) as evidence,
    from judged_lines
    where postings = 0 and stocked_base_quantity > 0
    group by plant_id, item_number

),

causes as (

    select * from component_issues
    union all
    select * from scrap
    union all
    select * from receipt_units
    union all
    select * from receipt_quantities
    union all
    select * from missing_receipts

),

final as (

    select
        plant_id,
        item_number,
        finding_class,
        cause,
        cast(quantity as decimal(28, 6)) as quantity,
        cast(evidence as varchar) as evidence,
    from causes
    where quantity <> 0

)

select * from final
