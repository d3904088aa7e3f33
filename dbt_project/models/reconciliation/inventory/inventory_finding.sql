with

comparisons as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        erp_quantity,
        wms_quantity,
        ledger_quantity,
        unit,
        difference,
        compared,
        is_match,
        standard_cost,
        currency,
        unconvertible_rows,
        balance_as_of,
        count(*) over (partition by plant_id, item_number) as positions,
    from {{ ref('inventory_comparison') }}

),

causes as (

    select
        plant_id,
        item_number,
        finding_class,
        cause,
        quantity,
        evidence,
    from {{ ref('inventory_difference_cause') }}

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

-- what is known per item only can be laid at one position only where the item has no other
explained as (

    select
        comparisons.*,
        causes.finding_class,
        causes.cause,
        causes.quantity as explained_quantity,
        causes.evidence,
    from comparisons
    inner join causes
        on comparisons.plant_id = causes.plant_id
        and comparisons.item_number = causes.item_number
    where not comparisons.is_match and comparisons.positions = 1 and contains(comparisons.compared, 'ledger')

),

explained_sums as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        sum(explained_quantity) as explained_quantity,
    from explained
    group by all

),

rests as (

    select
        comparisons.*,
        coalesce(sums.explained_quantity, 0) as explained_quantity,
        comparisons.difference - coalesce(sums.explained_quantity, 0) as rest_quantity,
    from comparisons
    left join explained_sums as sums
        on comparisons.plant_id = sums.plant_id
        and comparisons.location is not distinct from sums.location
        and comparisons.item_number = sums.item_number
        and comparisons.lot_number is not distinct from sums.lot_number
        and comparisons.stock_status = sums.stock_status
        and comparisons.ownership = sums.ownership
    where not comparisons.is_match

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
    where rests.rest_quantity <> 0

),

-- rule 23: negative stock is kept and said, beside whatever explains the difference
negatives as (

    select
        comparisons.*,
        'negative_balance' as finding_class,
        sides.source as cause,
        sides.quantity as negative_quantity,
        json_object(
            'source', sides.source, 'quantity', sides.quantity, 'sold', flows.sold_quantity,
            'produced', flows.produced_quantity, 'purchased', flows.purchased_quantity
        ) as evidence,
    from comparisons
    cross join
        lateral (
            values
            ('erp', comparisons.erp_quantity),
            ('wms', comparisons.wms_quantity),
            ('ledger', comparisons.ledger_quantity)
        ) as sides (source, quantity)
    left join flows on comparisons.plant_id = flows.plant_id and comparisons.item_number = flows.item_number
    where sides.quantity < 0

),

-- said about the lines themselves: their share of the difference is unknown, so they explain none of it
unconvertibles as (

    select
        plant_id,
        cast(null as varchar) as location,
        item_number,
        cast(null as varchar) as lot_number,
        cast(null as varchar) as stock_status,
        cast(null as varchar) as ownership,
        base_unit as unit,
        'receipt_unit_unknown' as cause,
        order_units as native_units,
        json_object(
            'order_lines', order_lines,
            'posted_lines', posted_lines,
            'order_units', order_units,
            'ordered', ordered_quantity,
            'stocked', stocked_quantity,
            'posted', posted_native_quantity,
            'posted_units', posted_native_units,
            'base_unit', base_unit
        ) as evidence,
    from unconvertible_receipts

    union all

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        unit,
        'position_unit_unknown' as cause,
        cast(null as varchar) as native_units,
        json_object(
            'unconvertible_rows', unconvertible_rows,
            'erp_quantity', erp_quantity,
            'wms_quantity', wms_quantity,
            'ledger_quantity', ledger_quantity
        ) as evidence,
    from comparisons
    where unconvertible_rows > 0

),

candidates as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        unit,
        standard_cost,
        currency,
        finding_class,
        cause,
        explained_quantity as quantity,
        true as explains_difference,
        false as is_over_explained,
        false as has_unconvertible,
        cast(null as varchar) as native_units,
        evidence,
    from explained

    union all

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        unit,
        standard_cost,
        currency,
        finding_class,
        'rest' as cause,
        rest_quantity as quantity,
        true as explains_difference,
        is_over_explained,
        has_unconvertible,
        cast(null as varchar) as native_units,
        cast(evidence as varchar) as evidence,
    from judged_rests

    union all

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        unit,
        standard_cost,
        currency,
        finding_class,
        cause,
        negative_quantity as quantity,
        false as explains_difference,
        false as is_over_explained,
        false as has_unconvertible,
        cast(null as varchar) as native_units,
        cast(evidence as varchar) as evidence,
    from negatives

    union all

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        unit,
        cast(null as decimal(28, 6)) as standard_cost,
        cast(null as varchar) as currency,
        'unit_not_convertible' as finding_class,
        cause,
        cast(null as decimal(28, 6)) as quantity,
        false as explains_difference,
        false as is_over_explained,
        false as has_unconvertible,
        native_units,
        cast(evidence as varchar) as evidence,
    from unconvertibles

),

worded as (

    select
        *,
        {{ plain_number('abs(quantity)') }} || ' ' || coalesce(unit, '') as amount,
    from candidates

),

final as (

    select
        {{ finding_id('finding_class', [
            "'inventory'", 'plant_id', 'location', 'item_number', 'lot_number', 'stock_status', 'ownership', 'cause'
        ]) }} as finding_id,
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        finding_class,
        cause,
        case finding_class
            when 'unexplained' then 'high'
            when 'unit_not_convertible' then 'high'
            when 'unit_of_measure' then 'high'
            when 'negative_balance' then 'high'
            when 'opening_balance_missing' then 'low'
            else 'medium'
        end as severity,
        cast(quantity as decimal(28, 6)) as quantity,
        explains_difference,
        unit,
        {{ value_of('quantity', 'standard_cost') }} as value_at_stake,
        currency,
        {{ owner_role('inventory', 'worded.finding_class') }} as owner_role,
        case
            when cause = 'component_issue'
                then
                    'The ledger issues no components to production orders. Post the ' || amount
                    || ' that the orders'' bills call for, or switch on backflushing.'
            when cause = 'purchase_receipt'
                then 'Post the receipt of ' || amount || ' that purchasing shows as stocked and the ledger does not have.'
            when cause = 'production_scrap'
                then 'Post ' || amount || ' as scrap: the ledger received what was ordered, not what was completed.'
            when finding_class = 'unit_of_measure'
                then 'Convert the receipts: the order''s number was posted in the item''s base unit; ' || amount || ' differ.'
            when finding_class = 'receipt_quantity'
                then 'Correct the receipts to the quantity stocked; the ledger differs by ' || amount || '.'
            when finding_class = 'negative_balance'
                then 'More left than ever arrived: find the receipts missing for ' || amount || '.'
            when finding_class = 'opening_balance_missing'
                then
                    'Post an opening balance of ' || amount
                    || ': all flows of the item close, and the ledger starts without stock.'
            when finding_class = 'unit_not_convertible'
                then
                    'Enter a conversion of ' || coalesce(native_units, 'the unit') || ' to '
                    || coalesce(unit, 'the base unit') || '; until then nobody knows what these rows are.'
            when is_over_explained
                then
                    'The causes found come to more than the difference and miss it by ' || amount || ': '
                    || case
                        when has_unconvertible then 'enter the missing unit conversions, then judge what is left.'
                        when quantity > 0 then 'look for receipts that the ledger lacks before counting.'
                        else 'look for issues that the ledger lacks before counting.'
                    end
            when has_unconvertible
                then
                    'Enter the missing unit conversions before counting; ' || amount
                    || ' have no posting whose quantity is known.'
            else 'Count the item; ' || amount || ' have no posting that explains them.'
        end as suggested_action,
        evidence,
    from worded

)

select * from final
