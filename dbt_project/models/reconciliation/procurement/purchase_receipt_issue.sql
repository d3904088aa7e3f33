{{ config(materialized='view') }}

with

lines as (

    select
        *,
        purchase_order_number || '/' || line_number as object_key,
    from {{ ref('purchase_order_line_posting') }}

),

ledgers as (

    select
        plant_id,
        ledger_systems,
        purchase_receipts,
    from {{ ref('inventory_ledger_profile') }}

),

-- compared in the order's own unit where the ledger took its number over, in base units otherwise
mismatched as (

    select
        lines.*,
        'receipt_quantity' as finding_class,
        case when lines.status = 'rejected' then 'high' else 'medium' end as severity,
        case
            when lines.posted_native_quantity = lines.ordered_quantity
                then lines.posted_native_quantity - lines.stocked_quantity
            else cast(lines.posted_quantity - lines.stocked_base_quantity as decimal(28, 6))
        end as finding_quantity,
        json_object(
            'ordered', lines.ordered_quantity, 'received', lines.received_quantity, 'rejected', lines.rejected_quantity,
            'stocked', lines.stocked_quantity, 'order_unit', lines.order_unit,
            'posted', lines.posted_native_quantity, 'posted_unit', lines.posted_native_unit,
            'posted_equals_ordered', lines.posted_native_quantity = lines.ordered_quantity,
            'order_status', lines.status, 'ledger_system', lines.ledger_system, 'event_id', lines.first_event_id,
            'match_rule', lines.match_rule
        ) as evidence,
        case
            when lines.status = 'rejected' then 'Reverse the receipt: the order was rejected, but its goods stand in the ledger.'
            else 'Correct the receipt to the quantity stocked.'
        end as suggested_action,
    from lines
    where
        lines.postings > 0
        and lines.is_settled
        and case
            when lines.posted_native_quantity = lines.ordered_quantity
                then lines.posted_native_quantity <> lines.stocked_quantity
            else lines.posted_quantity <> lines.stocked_base_quantity
        end

),

missing as (

    select
        lines.*,
        'unposted_in_wms' as finding_class,
        'high' as severity,
        lines.stocked_quantity as finding_quantity,
        json_object(
            'received', lines.received_quantity, 'stocked', lines.stocked_quantity, 'order_status', lines.status,
            'ordered_at', strftime(lines.ordered_at, '%Y-%m-%dT%H:%M:%SZ'), 'ledger_systems', ledgers.ledger_systems
        ) as evidence,
        'Post the receipt: purchasing shows it as stocked.' as suggested_action,
    from lines
    inner join ledgers on lines.plant_id = ledgers.plant_id
    where lines.postings = 0 and lines.stocked_quantity > 0 and ledgers.purchase_receipts > 0 and lines.is_settled

),

matched as (

    select distinct
        plant_id,
        purchase_order_number,
        item_number,
    from lines
    where postings > 0

),

-- an order that was placed a moment ago may have been received before its system delivered it
order_horizons as (

    select
        served.plant_id,
        min(feeds.heard_until) as heard_until,
    from {{ ref('feed_horizon') }} as feeds
    inner join {{ source('estate', 'system_plant') }} as served on feeds.source_system = served.source_system
    where feeds.entity = 'purchase_order_line'
    group by served.plant_id

),

without_order as (

    select
        legs.plant_id,
        legs.reference_number || coalesce('/' || legs.reference_line, '') as object_key,
        null as supplier_number,
        legs.item_number,
        'receipt_without_order' as finding_class,
        'high' as severity,
        legs.native_quantity as finding_quantity,
        legs.native_unit as order_unit,
        null as unit_price,
        null as currency,
        json_object(
            'event_id', legs.event_id, 'ledger_system', legs.source_system,
            'posted_at', strftime(legs.event_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Find the order this receipt belongs to.' as suggested_action,
    from {{ ref('inventory_ledger_leg') }} as legs
    anti join matched
        on legs.plant_id = matched.plant_id
        and legs.reference_number = matched.purchase_order_number
        and legs.item_number = matched.item_number
    left join order_horizons on legs.plant_id = order_horizons.plant_id
    where
        coalesce(legs.event_at <= order_horizons.heard_until, true)
        and legs.reference_type = 'purchase_order'
        and legs.movement_class = 'receipt'
        and legs.plant_id in (select lines.plant_id from lines)

),

posted_lines as (

    select
        plant_id,
        count(*) as posted_lines,
        count(*) filter (where first_posted_at < shipped_at) as early_lines,
    from lines
    where postings > 0
    group by plant_id

),

-- said once for the plant where it is the ledger's habit, per line where it is an exception
early_lines as (

    select
        lines.*,
        posted_lines.posted_lines,
        posted_lines.early_lines = posted_lines.posted_lines as is_habit,
    from lines
    inner join posted_lines on lines.plant_id = posted_lines.plant_id
    where lines.first_posted_at < lines.shipped_at

),

early as (

    select
        plant_id,
        case when is_habit then '*' else object_key end as finding_key,
        case when not is_habit then max(supplier_number) end as supplier_number,
        case when not is_habit then max(item_number) end as item_number,
        'receipt_before_shipment' as finding_class,
        'medium' as severity,
        case when not is_habit then max(posted_native_quantity) end as finding_quantity,
        case when not is_habit then max(order_unit) end as order_unit,
        case when not is_habit then max(unit_price) end as unit_price,
        case when not is_habit then max(currency) end as currency,
        json_object(
            'order_lines', count(*), 'order_lines_posted', max(posted_lines),
            'lines_posted_on_order_date', count(*) filter (where first_posted_at = ordered_at),
            'mean_days_before_shipment', round(avg(date_diff('day', first_posted_at, shipped_at)), 1),
            'example', min(object_key)
        ) as evidence,
        'Post receipts when goods arrive: until then the ledger counts stock that is not there.' as suggested_action,
    from early_lines
    group by plant_id, finding_key, is_habit

),

final as (

    {% for name, key in [
        ('mismatched', 'object_key'), ('missing', 'object_key'), ('without_order', 'object_key'), ('early', 'finding_key'),
    ] %}
        select
            plant_id,
            {{ key }} as object_key,
            supplier_number,
            item_number,
            finding_class,
            severity,
            finding_quantity as quantity,
            order_unit as unit,
            unit_price,
            currency,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
