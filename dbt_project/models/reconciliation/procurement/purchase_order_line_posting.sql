with

lines as (

    select
        source_system,
        purchase_order_number,
        line_number,
        item_number,
        plant_id,
        quantity,
        unit,
        due_at,
        unit_price,
        currency,
        received_quantity,
        rejected_quantity,
        stocked_quantity,
        cancelled_quantity,
        base_quantity,
        base_stocked_quantity,
        base_received_quantity,
        base_rejected_quantity,
        base_unit,
        status,
        promised_at,
        recorded_at,
        batch_id,
        correlation_id,
    from {{ ref('purchase_order_line') }}

),

orders as (

    select
        source_system,
        purchase_order_number,
        supplier_number,
        status,
        ordered_at,
        shipped_at,
        currency,
    from {{ ref('purchase_order') }}

),

item_units as (

    select
        item_number,
        unit,
        numerator,
        denominator,
    from {{ ref('item_unit') }}

),

receipts as (

    select
        plant_id,
        reference_number as purchase_order_number,
        reference_line,
        item_number,
        sum(quantity) as posted_quantity,
        sum(native_quantity) as posted_native_quantity,
        case when count(distinct native_unit) = 1 then min(native_unit) end as posted_native_unit,
        count(*) as postings,
        min(event_at) as first_posted_at,
        max(event_at) as last_posted_at,
        min(source_system) as ledger_system,
        min(event_id) as first_event_id,
    from {{ ref('inventory_ledger_leg') }}
    where reference_type = 'purchase_order' and movement_class in ('receipt', 'return', 'reversal')
    group by plant_id, reference_number, reference_line, item_number

),

-- by order, line and item; the item must agree because systems number an order's lines each in their own way
by_line as (

    select
        lines.source_system,
        lines.purchase_order_number,
        lines.line_number,
        receipts.reference_line,
        'order, line and item' as match_rule,
    from lines
    inner join receipts
        on lines.plant_id = receipts.plant_id
        and lines.purchase_order_number = receipts.purchase_order_number
        and lines.line_number = receipts.reference_line
        and lines.item_number = receipts.item_number

),

-- else by order and item, where that is one line on one side and one posting on the other
open_lines as (

    select
        lines.*,
        count(*) over (
            partition by lines.plant_id, lines.source_system, lines.purchase_order_number, lines.item_number
        ) as candidates,
    from lines
    anti join by_line
        on lines.source_system = by_line.source_system
        and lines.purchase_order_number = by_line.purchase_order_number
        and lines.line_number = by_line.line_number

),

open_receipts as (

    select
        receipts.plant_id,
        receipts.purchase_order_number,
        receipts.item_number,
        receipts.reference_line,
        count(*) over (
            partition by receipts.plant_id, receipts.purchase_order_number, receipts.item_number
        ) as candidates,
    from receipts
    left join lines
        on receipts.plant_id = lines.plant_id
        and receipts.purchase_order_number = lines.purchase_order_number
        and receipts.reference_line = lines.line_number
        and receipts.item_number = lines.item_number
    where lines.line_number is null

),

by_item as (

    select
        open_lines.source_system,
        open_lines.purchase_order_number,
        open_lines.line_number,
        open_receipts.reference_line,
        'order and item' as match_rule,
    from open_lines
    inner join open_receipts
        on open_lines.plant_id = open_receipts.plant_id
        and open_lines.purchase_order_number = open_receipts.purchase_order_number
        and open_lines.item_number = open_receipts.item_number
    where open_lines.candidates = 1 and open_receipts.candidates = 1

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

-- what happened until then a plant's ledgers, and the system that holds its orders, must have heard
ledger_horizons as (

    select
        served.plant_id,
        min(feeds.heard_until) as heard_until,
    from {{ ref('feed_horizon') }} as feeds
    inner join systems on feeds.source_system = systems.source_system
    inner join {{ source('estate', 'system_plant') }} as served on feeds.source_system = served.source_system
    where feeds.entity = 'inventory_movement' and systems.kind in ('erp', 'wms')
    group by served.plant_id

),

order_horizons as (

    select
        source_system,
        heard_until,
    from {{ ref('feed_horizon') }}
    where entity = 'purchase_order_line'

),

matches as (

    select
        source_system,
        purchase_order_number,
        line_number,
        reference_line,
        match_rule
    from by_line
    union all
    select
        source_system,
        purchase_order_number,
        line_number,
        reference_line,
        match_rule
    from by_item

),

final as (

    select
        lines.plant_id,
        lines.purchase_order_number,
        lines.line_number,
        lines.item_number,
        orders.supplier_number,
        coalesce(lines.status, orders.status) as status,
        orders.ordered_at,
        orders.shipped_at,
        lines.due_at,
        cast(lines.quantity as decimal(28, 6)) as ordered_quantity,
        cast(lines.received_quantity as decimal(28, 6)) as received_quantity,
        cast(coalesce(lines.rejected_quantity, 0) as decimal(28, 6)) as rejected_quantity,
        cast(
            coalesce(lines.stocked_quantity, lines.received_quantity - coalesce(lines.rejected_quantity, 0))
            as decimal(28, 6)
        ) as stocked_quantity,
        cast(coalesce(lines.cancelled_quantity, 0) as decimal(28, 6)) as cancelled_quantity,
        lines.unit as order_unit,
        lines.unit_price,
        coalesce(lines.currency, orders.currency) as currency,
        cast(lines.base_quantity as decimal(28, 6)) as ordered_base_quantity,
        cast(coalesce(
            lines.base_stocked_quantity, lines.base_received_quantity - coalesce(lines.base_rejected_quantity, 0)
        ) as decimal(28, 6)) as stocked_base_quantity,
        lines.base_unit,
        item_units.numerator as unit_numerator,
        item_units.denominator as unit_denominator,
        cast(receipts.posted_quantity as decimal(28, 6)) as posted_quantity,
        cast(receipts.posted_native_quantity as decimal(28, 6)) as posted_native_quantity,
        receipts.posted_native_unit,
        coalesce(receipts.postings, 0) as postings,
        receipts.first_posted_at,
        receipts.last_posted_at,
        receipts.ledger_system,
        receipts.first_event_id,
        matches.match_rule,
        lines.promised_at,
        lines.recorded_at,
        order_horizons.heard_until,
        -- a receipt that one of the two wrote a moment ago is on its way to the other
        coalesce(lines.recorded_at <= ledger_horizons.heard_until, true)
        and coalesce(receipts.last_posted_at <= order_horizons.heard_until, true) as is_settled,
        lines.source_system,
        lines.batch_id,
        lines.correlation_id,
    from lines
    left join orders
        on lines.source_system = orders.source_system
        and lines.purchase_order_number = orders.purchase_order_number
    left join item_units on lines.item_number = item_units.item_number and lines.unit = item_units.unit
    left join matches
        on lines.source_system = matches.source_system
        and lines.purchase_order_number = matches.purchase_order_number
        and lines.line_number = matches.line_number
    left join ledger_horizons on lines.plant_id = ledger_horizons.plant_id
    left join order_horizons on lines.source_system = order_horizons.source_system
    left join receipts
        on lines.plant_id = receipts.plant_id
        and matches.purchase_order_number = receipts.purchase_order_number
        and matches.reference_line = receipts.reference_line
        and lines.item_number = receipts.item_number

)

select * from final
