{{ config(materialized='view') }}

{#- name of the CTE, class, severity, condition, quantity at stake, what to do -#}
{% set promises = [
    (
        'refusals', 'rejected_by_supplier', "'high'", "acknowledgement_status = 'rejected'", 'ordered_quantity',
        'Order elsewhere, or ask why: the supplier will not deliver.',
    ), (
        'prices', 'price_changed', "'medium'",
        "acknowledgement_status <> 'rejected' and answer_price is not null and is_other_price", 'answer_quantity',
        'Accept the price and correct the order, or object before the goods come.',
    ), (
        'dates', 'date_changed', "case when days_moved > 0 then 'high' else 'low' end",
        "acknowledgement_status <> 'rejected' and abs(days_moved) > "
        ~ absolute_tolerance('purchase_order_line.promised_at'), 'answer_quantity',
        'Accept the date and plan with it, or ask for the one that was ordered.',
    ), (
        'quantities', 'quantity_changed', "'high'",
        "acknowledgement_status <> 'rejected' and answer_quantity is not null"
        ~ ' and (is_other_quantity or (not is_same_unit and is_other_base_quantity))',
        'case when is_same_unit then answer_quantity - ordered_quantity end',
        'Accept the quantity and order the rest elsewhere, or object.',
    ),
] %}

{% set notice_classes = [
    (
        'asn_item', 'high', 'announced.other_item_number is not null', 'announced.announced_base_quantity',
        'Ask the supplier what is in the consignment: it announces another item than was ordered.',
    ), (
        'asn_quantity', 'medium', 'announced.announced_base_quantity > lines.ordered_base_quantity and not '
        ~ within_tolerance(
            'announced.announced_base_quantity', 'lines.ordered_base_quantity', 'purchase_order_line.quantity'
        ), 'announced.announced_base_quantity - lines.ordered_base_quantity',
        'Refuse what is too much, or raise the order before it comes.',
    ), (
        'asn_overdue', 'medium', 'lines.is_open and announced.overdue_since is not null', 'announced.overdue_base_quantity',
        'Ask the carrier: what was announced should have arrived.',
    ), (
        'asn_not_received', 'high',
        'lines.is_open and announced.last_notice_at <= lines.heard_until and announced.arrived_base_quantity'
        ~ ' > coalesce(lines.stocked_base_quantity, 0) and lines.stocked_base_quantity is not null and not '
        ~ within_tolerance(
            'announced.arrived_base_quantity', 'lines.stocked_base_quantity', 'purchase_order_line.received_quantity'
        ), 'announced.arrived_base_quantity - lines.stocked_base_quantity',
        'Post the receipt: the consignment is said to have arrived.',
    ),
] %}

with

lines as (

    select
        *,
        purchase_order_number || '/' || line_number as object_key,
        coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open') as is_open,
    from {{ ref('purchase_order_line_posting') }}

),

plants as (

    select
        plant_id,
        timezone,
    from {{ source('estate', 'plant') }}

),

-- An answer may name an order whose system hasn't delivered it yet: nobody knows which, so all must have had their time.
order_horizon as (

    select min(heard_until) as heard_until
    from {{ ref('feed_horizon') }}
    where entity = 'purchase_order_line'

),

-- the newest answer to a line counts; a supplier may change its mind
answers as (

    select
        purchase_order_number,
        line_number,
        acknowledgement_status,
        promised_at,
        promised_quantity,
        base_promised_quantity,
        unit,
        unit_price,
        currency,
        event_at,
        event_id,
        source_system,
    from {{ ref('purchase_order_acknowledgement') }}
    qualify row_number() over (
        partition by purchase_order_number, line_number order by event_at desc, event_id desc
    ) = 1

),

answered as (

    select
        lines.*,
        answers.acknowledgement_status,
        answers.promised_at as answer_promised_at,
        answers.promised_quantity as answer_quantity,
        answers.unit as answer_unit,
        answers.unit_price as answer_price,
        answers.currency as answer_currency,
        answers.event_at as answered_at,
        answers.event_id as answer_id,
        answers.source_system as answer_system,
        -- partners write days: an answer for the day that was asked for is no other date
        date_diff(
            'day', cast(lines.due_at at time zone plants.timezone as date),
            cast(answers.promised_at at time zone plants.timezone as date)
        ) as days_moved,
        coalesce(answers.unit = lines.order_unit, answers.unit is null and lines.order_unit is null) as is_same_unit,
        answers.base_promised_quantity is not null
        and not {{ within_tolerance(
            'answers.base_promised_quantity', 'lines.ordered_base_quantity', 'purchase_order_line.quantity'
        ) }} as is_other_base_quantity,
        is_same_unit
        and not {{ within_tolerance('answers.promised_quantity', 'lines.ordered_quantity', 'purchase_order_line.quantity') }}
            as is_other_quantity,
        is_same_unit
        and coalesce(answers.currency, lines.currency) = lines.currency
        and not {{ within_tolerance('answers.unit_price', 'lines.unit_price', 'purchase_order_line.unit_price') }}
            as is_other_price,
    from lines
    inner join answers
        on lines.purchase_order_number = answers.purchase_order_number
        and lines.line_number = answers.line_number
    inner join plants on lines.plant_id = plants.plant_id
    where lines.is_open

),

promises as (

    {% for name, finding_class, severity, condition, quantity, action in promises %}
        select
            plant_id,
            object_key,
            supplier_number,
            item_number,
            '{{ finding_class }}' as finding_class,
            {{ severity }} as severity,
            {{ quantity }} as quantity,
            order_unit as unit,
            {{ 'answer_price - unit_price' if finding_class == 'price_changed' else 'unit_price' }} as unit_price,
            currency,
            json_object(
                'answer', acknowledgement_status, 'answered_at', strftime(answered_at, '%Y-%m-%dT%H:%M:%SZ'),
                'answer_id', answer_id, 'answer_system', answer_system,
                'ordered', ordered_quantity, 'promised', answer_quantity, 'promised_unit', answer_unit,
                'price', unit_price, 'promised_price', answer_price,
                'due_at', strftime(due_at, '%Y-%m-%dT%H:%M:%SZ'),
                'promised_at', strftime(answer_promised_at, '%Y-%m-%dT%H:%M:%SZ'), 'days_moved', days_moved
            ) as evidence,
            '{{ action }}' as suggested_action,
        from answered
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

notices as (

    select
        notices.*,
        notices.asn_number || '/' || notices.line_number as notice_key,
    from {{ ref('advance_ship_notice') }} as notices
    where coalesce(notices.status, 'announced') <> 'cancelled'

),

notice_horizons as (

    select
        source_system,
        heard_until,
    from {{ ref('feed_horizon') }}
    where entity = 'advance_ship_notice'

),

-- several systems may hold an order; for a notice it is enough that one does
ordered_lines as (

    select distinct
        purchase_order_number,
        line_number,
        item_number,
    from lines

),

without_order as (

    select
        coalesce(notices.plant_id, '*') as plant_id,
        notices.notice_key as object_key,
        notices.supplier_number,
        notices.item_number,
        'asn_without_order' as finding_class,
        'high' as severity,
        notices.quantity,
        notices.unit,
        cast(null as decimal(18, 6)) as unit_price,
        cast(null as varchar) as currency,
        json_object(
            'purchase_order', notices.purchase_order_number, 'purchase_order_line', notices.purchase_order_line_number,
            'status', notices.status, 'shipped_at', strftime(notices.shipped_at, '%Y-%m-%dT%H:%M:%SZ'),
            'expected_at', strftime(notices.expected_at, '%Y-%m-%dT%H:%M:%SZ'), 'lot_number', notices.lot_number,
            'source_system', notices.source_system
        ) as evidence,
        'Ask the supplier which order it is for, before the goods stand at the gate.' as suggested_action,
    from notices
    cross join order_horizon
    left join ordered_lines
        on notices.purchase_order_number = ordered_lines.purchase_order_number
        and (
            notices.purchase_order_line_number = ordered_lines.line_number
            or (notices.purchase_order_line_number is null and notices.item_number = ordered_lines.item_number)
        )
    where ordered_lines.line_number is null and notices.recorded_at <= order_horizon.heard_until

),

announced as (

    select
        lines.source_system,
        lines.purchase_order_number,
        lines.line_number,
        cast(sum(notices.base_quantity) as decimal(28, 6)) as announced_base_quantity,
        cast(sum(notices.base_quantity) filter (notices.status = 'received') as decimal(28, 6)) as arrived_base_quantity,
        max(notices.recorded_at) as last_notice_at,
        min(notices.expected_at) filter (notices.status = 'in_transit' and notices.expected_at < notice_horizons.heard_until)
            as overdue_since,
        cast(sum(notices.base_quantity) filter (
            notices.status = 'in_transit' and notices.expected_at < notice_horizons.heard_until
        ) as decimal(28, 6)) as overdue_base_quantity,
        any_value(notices.item_number) filter (notices.item_number <> lines.item_number) as other_item_number,
        list(notices.notice_key order by notices.notice_key)[:10] as notice_keys,
    from lines
    inner join notices
        on lines.purchase_order_number = notices.purchase_order_number
        and lines.line_number = notices.purchase_order_line_number
    left join notice_horizons on notices.source_system = notice_horizons.source_system
    group by lines.source_system, lines.purchase_order_number, lines.line_number

),

consignments as (

    {% for finding_class, severity, condition, quantity, action in notice_classes %}
        select
            lines.plant_id,
            lines.object_key,
            lines.supplier_number,
            lines.item_number,
            '{{ finding_class }}' as finding_class,
            '{{ severity }}' as severity,
            {{ quantity }} as quantity,
            lines.base_unit as unit,
            cast(null as decimal(18, 6)) as unit_price,
            cast(null as varchar) as currency,
            json_object(
                'ordered', lines.ordered_base_quantity, 'announced', announced.announced_base_quantity,
                'arrived', announced.arrived_base_quantity, 'stocked', lines.stocked_base_quantity,
                'expected_at', strftime(announced.overdue_since, '%Y-%m-%dT%H:%M:%SZ'),
                'announced_item', announced.other_item_number, 'notices', announced.notice_keys
            ) as evidence,
            '{{ action }}' as suggested_action,
        from announced
        inner join lines
            on announced.source_system = lines.source_system
            and announced.purchase_order_number = lines.purchase_order_number
            and announced.line_number = lines.line_number
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select * from promises
    union all by name
    select * from without_order
    union all by name
    select * from consignments

)

select * from final
