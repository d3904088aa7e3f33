with

comparisons as (

    select
        {{ stock_position() }},
        erp_quantity,
        wms_quantity,
        ledger_quantity,
        unit,
        difference,
        compared,
        is_match,
        unconvertible_rows,
        count(*) over (partition by plant_id, item_number) as positions,
    from {{ ref('inventory_comparison') }}
    where compared is not null

),

causes as (

    select
        {{ stock_position() }},
        max(unit) as unit,
        sum(quantity) as explained_quantity,
    from {{ ref('inventory_cause') }}
    where explains_difference
    group by plant_id, location, item_number, lot_number, stock_status, ownership

),

flows as (

    select
        plant_id,
        item_number,
        flow_status,
        net_flow_quantity,
        consumption_basis,
        produced_quantity,
        purchased_quantity,
        sold_quantity,
        consumed_quantity,
        other_quantity,
    from {{ ref('material_flow_identity') }}

),

profiles as (

    select
        plant_id,
        has_opening_balance,
        has_component_issues,
        first_movement_at,
    from {{ ref('inventory_ledger_profile') }}

),

-- rule 19: order lines in a unit that nothing converts; in base units nobody knows how much they are
unconvertible_receipts as (

    select
        plant_id,
        item_number,
        count(*) as order_lines,
        count(*) filter (where postings > 0) as posted_lines,
        sum(ordered_quantity) as ordered_quantity,
        sum(stocked_quantity) as stocked_quantity,
        string_agg(distinct order_unit, ', ' order by order_unit) as order_units,
        sum(posted_quantity) as posted_quantity,
        sum(posted_native_quantity) as posted_native_quantity,
        string_agg(distinct posted_native_unit, ', ' order by posted_native_unit) as posted_native_units,
        max(base_unit) as base_unit,
    from {{ ref('purchase_order_line_posting') }}
    where ordered_base_quantity is null and (postings > 0 or stocked_quantity > 0)
    group by plant_id, item_number

),

-- where causes cancel each other, or explain something that isn't there, the rest may be all that shows
rests as (

    select
        coalesce(comparisons.plant_id, causes.plant_id) as plant_id,
        coalesce(comparisons.location, causes.location) as location,
        coalesce(comparisons.item_number, causes.item_number) as item_number,
        coalesce(comparisons.lot_number, causes.lot_number) as lot_number,
        coalesce(comparisons.stock_status, causes.stock_status) as stock_status,
        coalesce(comparisons.ownership, causes.ownership) as ownership,
        comparisons.erp_quantity,
        comparisons.wms_quantity,
        comparisons.ledger_quantity,
        coalesce(comparisons.unit, causes.unit) as unit,
        coalesce(comparisons.difference, 0) as difference,
        coalesce(comparisons.compared, 'none') as compared,
        coalesce(comparisons.unconvertible_rows, 0) as unconvertible_rows,
        coalesce(comparisons.positions, 0) as positions,
        coalesce(causes.explained_quantity, 0) as explained_quantity,
        coalesce(comparisons.difference, 0) - coalesce(causes.explained_quantity, 0) as rest_quantity,
        coalesce(
            case when comparisons.compared = 'erp_wms' then comparisons.wms_quantity else comparisons.ledger_quantity end, 0
        ) as compared_quantity,
    from comparisons
    full outer join causes
        on comparisons.plant_id = causes.plant_id
        and comparisons.location is not distinct from causes.location
        and comparisons.item_number = causes.item_number
        and comparisons.lot_number is not distinct from causes.lot_number
        and comparisons.stock_status = causes.stock_status
        and comparisons.ownership = causes.ownership
    where not coalesce(comparisons.is_match, true) or causes.plant_id is not null

),

-- The rest is called opening stock only where the item's flows close to zero without it and the ledger has no opening
-- at all, and every receipt is known in base units: then nothing else is left that could have made it. Otherwise it stays
-- unexplained, whatever its size: receipts in an unknown unit are evidence beside it, and no proof of how much they are.
judged_rests as (

    select
        rests.*,
        case
            when
                contains(rests.compared, 'ledger')
                and unconvertible_receipts.item_number is null
                and rests.unconvertible_rows = 0
                and rests.positions = 1
                and not coalesce(profiles.has_opening_balance, false)
                and coalesce(flows.flow_status, 'no_flow') in ('closed', 'no_flow')
                and rests.rest_quantity > 0
                then 'opening_balance_missing'
            else 'unexplained'
        end as finding_class,
        abs(rests.explained_quantity) > abs(rests.difference) as is_over_explained,
        coalesce(unconvertible_receipts.order_lines, 0) + rests.unconvertible_rows > 0 as has_unconvertible,
        json_object(
            'compared', rests.compared,
            'erp_quantity', rests.erp_quantity,
            'wms_quantity', rests.wms_quantity,
            'ledger_quantity', rests.ledger_quantity,
            'difference', rests.difference,
            'explained_by_other_findings', rests.explained_quantity,
            'ledger_has_opening_balance', profiles.has_opening_balance,
            'ledger_has_component_issues', profiles.has_component_issues,
            'ledger_first_movement_at', strftime(profiles.first_movement_at, '%Y-%m-%dT%H:%M:%SZ'),
            'flow_status', coalesce(flows.flow_status, 'no_flow'),
            'produced', flows.produced_quantity,
            'purchased', flows.purchased_quantity,
            'sold', flows.sold_quantity,
            'consumed', flows.consumed_quantity,
            'consumption_basis', flows.consumption_basis,
            'net_flow', flows.net_flow_quantity,
            'unconvertible_order_lines', coalesce(unconvertible_receipts.order_lines, 0),
            'unconvertible_order_units', unconvertible_receipts.order_units,
            'unconvertible_ordered', unconvertible_receipts.ordered_quantity,
            'unconvertible_posted', unconvertible_receipts.posted_native_quantity,
            'unconvertible_posted_units', unconvertible_receipts.posted_native_units,
            'unconvertible_rows', rests.unconvertible_rows,
            'positions', rests.positions
        ) as evidence,
    from rests
    left join profiles on rests.plant_id = profiles.plant_id
    left join flows on rests.plant_id = flows.plant_id and rests.item_number = flows.item_number
    left join unconvertible_receipts
        on rests.plant_id = unconvertible_receipts.plant_id
        and rests.item_number = unconvertible_receipts.item_number
    where
        rests.rest_quantity <> 0
        and not {{ within_tolerance(
            'rests.compared_quantity + rests.rest_quantity', 'rests.compared_quantity', 'inventory_balance.quantity'
        ) }}

),

final as (

    select
        {{ stock_position() }},
        finding_class,
        cast(rest_quantity as decimal(28, 6)) as quantity,
        unit,
        is_over_explained,
        has_unconvertible,
        cast(evidence as varchar) as evidence,
    from judged_rests

)

select * from final
