with

comparisons as (

    select
        {{ stock_position() }},
        unit,
        compared,
        is_match,
        count(*) over (partition by plant_id, item_number) as positions,
    from {{ ref('inventory_comparison') }}
    where compared is not null

),

-- A comparison that leaves locations or lots open has its causes at that grain, too.
grains as (

    select
        plant_id,
        item_number,
        count(location) > 0 as by_location,
        count(lot_number) > 0 as by_lot,
    from comparisons
    group by plant_id, item_number

),

compared_plants as (

    select distinct
        plant_id,
        compared,
    from comparisons

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

postings as (

    select * from {{ ref('inventory_cause_missing') }}
    union all
    select * from {{ ref('inventory_cause_differing') }}

),

of_postings as (

    select
        postings.plant_id,
        case when coalesce(grains.by_location, true) then postings.location end as location,
        postings.item_number,
        case when coalesce(grains.by_lot, true) then postings.lot_number end as lot_number,
        postings.stock_status,
        postings.ownership,
        postings.finding_class,
        postings.cause,
        postings.event_key,
        sum(postings.quantity) as quantity,
        max(postings.unit) as unit,
        -- against the ledger, what ledger and ERP agree about makes no difference
        coalesce(
            compared_plants.compared = 'erp_wms'
            or (compared_plants.compared = 'erp_ledger' and not postings.agrees_with_ledger), false
        ) as explains_difference,
        max(postings.suggested_action) as suggested_action,
        max(postings.evidence) as evidence,
    from postings
    left join grains on postings.plant_id = grains.plant_id and postings.item_number = grains.item_number
    left join compared_plants on postings.plant_id = compared_plants.plant_id
    group by all
    having sum(postings.quantity) <> 0

),

-- what is known per item only can be laid at one position only where the item has no other
of_flows as (

    select
        {{ stock_position('comparisons') }},
        causes.finding_class,
        causes.cause,
        cast(null as varchar) as event_key,
        causes.quantity,
        comparisons.unit,
        true as explains_difference,
        {{ plain_number('abs(causes.quantity)') }} || ' ' || coalesce(comparisons.unit, '') as amount,
        case
            when causes.cause = 'component_issue'
                then
                    'The ledger issues no components to production orders. Post the ' || amount
                    || ' that the orders'' bills call for, or switch on backflushing.'
            when causes.cause = 'purchase_receipt'
                then 'Post the receipt of ' || amount || ' that purchasing shows as stocked and the ledger does not have.'
            when causes.cause = 'production_scrap'
                then 'Post ' || amount || ' as scrap: the ledger received what was ordered, not what was completed.'
            when causes.finding_class = 'unit_of_measure'
                then 'Convert the receipts: the order''s number was posted in the item''s base unit; ' || amount || ' differ.'
            else 'Correct the receipts to the quantity stocked; the ledger differs by ' || amount || '.'
        end as suggested_action,
        causes.evidence,
    from comparisons
    inner join causes
        on comparisons.plant_id = causes.plant_id
        and comparisons.item_number = causes.item_number
    where not comparisons.is_match and comparisons.positions = 1 and contains(comparisons.compared, 'ledger')

),

-- rule 6: a month's values changed after it had been closed, whatever stock says. They are in the books of the plant's ERP.
of_closed_periods as (

    select
        plant_id,
        case when comes then to_location else from_location end as location,
        item_number,
        case when comes then to_lot else from_lot end as lot_number,
        case when comes then to_status else from_status end as stock_status,
        case when comes then to_ownership else from_ownership end as ownership,
        'posted_into_closed_period' as finding_class,
        'posted_after_close' as cause,
        event_id as event_key,
        cast(case when comes then 1 else -1 end * (posted_quantity - reversed_quantity) as decimal(28, 6)) as quantity,
        unit,
        false as explains_difference,
        'Reverse ' || event_id || ' in ' || source_system || ' and post it in the open month, or let accounting open '
        || strftime(posting_period, '%Y-%m') || ' again: it was written there after the month had been closed.'
            as suggested_action,
        json_object(
            'system', source_system,
            'event_id', event_id,
            'posting_date', posting_date,
            'period', strftime(posting_period, '%Y-%m'),
            'closed_at', strftime(period_closed_at, '%Y-%m-%dT%H:%M:%SZ'),
            'recorded_at', strftime(recorded_at, '%Y-%m-%dT%H:%M:%SZ'),
            'event_at', strftime(event_at, '%Y-%m-%dT%H:%M:%SZ')
        )::varchar as evidence,
    from {{ ref('inventory_posting') }}
    where kind = 'erp' and is_in_closed_period

),

final as (

    select * from of_postings
    union all
    select * from of_closed_periods
    union all
    select
        {{ stock_position() }},
        finding_class,
        cause,
        event_key,
        quantity,
        unit,
        explains_difference,
        suggested_action,
        evidence,
    from of_flows

)

select * from final
