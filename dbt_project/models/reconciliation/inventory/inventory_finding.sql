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

unconvertible_receipts as (

    select
        plant_id,
        item_number,
        count(*) as order_lines,
        sum(ordered_quantity) as ordered_quantity,
        string_agg(distinct order_unit, ', ' order by order_unit) as order_units,
        sum(posted_quantity) as posted_quantity,
    from {{ ref('purchase_order_line_posting') }}
    where ordered_base_quantity is null
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
-- at all: then nothing else is left that could have made it. Otherwise it stays unexplained, whatever its size.
judged_rests as (

    select
        rests.*,
        case
            when unconvertible_receipts.item_number is not null or rests.unconvertible_rows > 0 then 'unit_not_convertible'
            when
                contains(rests.compared, 'ledger')
                and rests.positions = 1
                and not coalesce(profiles.has_opening_balance, false)
                and coalesce(flows.flow_status, 'no_flow') in ('closed', 'no_flow')
                and rests.rest_quantity > 0
                then 'opening_balance_missing'
            else 'unexplained'
        end as finding_class,
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
            'unconvertible_posted', unconvertible_receipts.posted_quantity,
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
        cast(evidence as varchar) as evidence,
    from negatives

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
                    'Enter a conversion of the order unit to ' || coalesce(unit, 'the base unit')
                    || '; until then ' || amount || ' can''t be told apart.'
            else 'Count the item; ' || amount || ' have no posting that explains them.'
        end as suggested_action,
        evidence,
    from worded

)

select * from final
