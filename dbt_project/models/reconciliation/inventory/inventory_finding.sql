with

comparisons as (

    select
        {{ stock_position() }},
        erp_quantity,
        wms_quantity,
        ledger_quantity,
        unit,
        unconvertible_rows,
    from {{ ref('inventory_comparison') }}

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

causes as (

    select
        {{ stock_position() }},
        unit,
        finding_class,
        cause,
        event_key,
        quantity,
        explains_difference,
        suggested_action,
        evidence,
    from {{ ref('inventory_cause') }}

),

rests as (

    select
        {{ stock_position() }},
        unit,
        finding_class,
        quantity,
        is_over_explained,
        has_unconvertible,
        {{ plain_number('abs(quantity)') }} || ' ' || coalesce(unit, '') as amount,
        evidence,
    from {{ ref('inventory_rest') }}

),

counts as (

    select
        {{ stock_position() }},
        source_system,
        event_id,
        counted_at,
        counted_quantity,
        ledger_quantity,
        corrected_quantity,
        correction_event_ids,
        variance - corrected_quantity as open_variance,
        unit,
    from {{ ref('cycle_count_variance') }}
    where not is_settled and is_due

),

flows as (

    select
        plant_id,
        item_number,
        produced_quantity,
        purchased_quantity,
        sold_quantity,
    from {{ ref('material_flow_identity') }}

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

of_rests as (

    select
        {{ stock_position() }},
        unit,
        finding_class,
        'rest' as cause,
        cast(null as varchar) as event_key,
        quantity,
        true as explains_difference,
        case
            when finding_class = 'opening_balance_missing'
                then
                    'Post an opening balance of ' || amount
                    || ': all flows of the item close, and the ledger starts without stock.'
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
    from rests

),

-- rule 27: nobody posted what the count found, although its time has come
of_counts as (

    select
        {{ stock_position() }},
        unit,
        'count_not_posted' as finding_class,
        'count_without_correction' as cause,
        event_id as event_key,
        open_variance as quantity,
        false as explains_difference,
        'Post the difference of ' || {{ plain_number('open_variance') }} || ' ' || unit || ' that count ' || event_id
        || ' found in ' || source_system || ', there and in the ERP, or count again.' as suggested_action,
        json_object(
            'system', source_system,
            'count_event_id', event_id,
            'counted_at', strftime(counted_at, '%Y-%m-%dT%H:%M:%SZ'),
            'counted', counted_quantity,
            'ledger_at_that_instant', ledger_quantity,
            'corrected', corrected_quantity,
            'corrections', correction_event_ids
        )::varchar as evidence,
    from counts

),

-- rule 23: negative stock is kept and said, beside whatever explains the difference
of_negatives as (

    select
        {{ stock_position('comparisons') }},
        comparisons.unit,
        'negative_balance' as finding_class,
        sides.source as cause,
        cast(null as varchar) as event_key,
        sides.quantity,
        false as explains_difference,
        'More left than ever arrived: find the receipts missing for '
        || {{ plain_number('abs(sides.quantity)') }} || ' ' || coalesce(comparisons.unit, '') || '.' as suggested_action,
        json_object(
            'source', sides.source, 'quantity', sides.quantity, 'sold', flows.sold_quantity,
            'produced', flows.produced_quantity, 'purchased', flows.purchased_quantity
        )::varchar as evidence,
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
        {{ stock_position() }},
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

of_unconvertibles as (

    select
        {{ stock_position() }},
        unit,
        'unit_not_convertible' as finding_class,
        cause,
        cast(null as varchar) as event_key,
        cast(null as decimal(28, 6)) as quantity,
        false as explains_difference,
        'Enter a conversion of ' || coalesce(native_units, 'the unit') || ' to '
        || coalesce(unit, 'the base unit') || '; until then nobody knows what these rows are.' as suggested_action,
        cast(evidence as varchar) as evidence,
    from unconvertibles

),

findings as (

    select
        {{ stock_position() }},
        unit,
        finding_class,
        cause,
        event_key,
        quantity,
        explains_difference,
        suggested_action,
        evidence,
    from causes
    union all
    select * from of_rests
    union all
    select * from of_counts
    union all
    select * from of_negatives
    union all
    select * from of_unconvertibles

),

final as (

    select
        {{ finding_id('findings.finding_class', [
            "'inventory'", 'findings.plant_id', 'findings.location', 'findings.item_number', 'findings.lot_number',
            'findings.stock_status', 'findings.ownership', 'findings.cause', 'findings.event_key'
        ]) }} as finding_id,
        {{ stock_position('findings') }},
        findings.finding_class,
        findings.cause,
        case
            when findings.finding_class = 'cutoff_timing' then 'info'
            when findings.finding_class in ('unexplained', 'unit_not_convertible', 'unit_of_measure', 'negative_balance')
                then 'high'
            when findings.finding_class in ('opening_balance_missing', 'in_transit_timing') then 'low'
            else 'medium'
        end as severity,
        cast(findings.quantity as decimal(28, 6)) as quantity,
        findings.explains_difference,
        findings.unit,
        {{ value_of('findings.quantity', 'costs.standard_cost') }} as value_at_stake,
        costs.currency,
        {{ owner_role('inventory', 'findings.finding_class') }} as owner_role,
        findings.suggested_action,
        findings.evidence,
    from findings
    left join costs on findings.plant_id = costs.plant_id and findings.item_number = costs.item_number

)

select * from final
