with

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        status,
        actual_end_at,
        judged_at,
    from {{ ref('production_order_posting') }}
    where is_started

),

requirements as (

    select * from {{ ref('production_order_requirement') }}

),

required as (

    select
        plant_id,
        production_order_number,
        item_number,
        any_value(unit) as unit,
        bool_or(is_chosen) as is_chosen,
        coalesce(sum(quantity) filter (is_chosen), 0) as bill_quantity,
        coalesce(sum(quantity) filter (not is_chosen), 0) as alternate_quantity,
        string_agg(distinct alternate_key, ', ' order by alternate_key) as alternate_key,
    from requirements
    group by plant_id, production_order_number, item_number

),

-- rule 29: only what somebody reported as taken; what is backflushed follows from the bill and can't contradict it
consumption as (

    select
        plant_id,
        production_order_number,
        item_number,
        any_value(base_unit) as unit,
        cast(sum(base_quantity) as decimal(28, 6)) as consumed_quantity,
        count(*) as reports,
        count(*) = count(base_quantity) as is_convertible,
        max(event_at) as last_event_at,
        string_agg(distinct source_system, ', ' order by source_system) as consumption_systems,
        list(event_id order by event_id)[:10] as event_ids,
    from {{ ref('material_consumption') }}
    where coalesce(consumption_kind, 'actual') = 'actual' and item_number is not null
    group by plant_id, production_order_number, item_number

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

-- the list that was made when the order was, the ERP's before the shop floor's
lists as (

    select
        components.plant_id,
        components.production_order_number,
        components.item_number,
        components.source_system as list_system,
        any_value(components.base_unit) as unit,
        cast(sum(components.base_quantity) as decimal(28, 6)) as listed_quantity,
        bool_and(components.is_backflushed) as is_backflushed,
    from {{ ref('production_order_component') }} as components
    inner join systems on components.source_system = systems.source_system
    where components.item_number is not null
    group by
        components.plant_id, components.production_order_number, components.item_number, components.source_system, systems.kind
    qualify row_number() over (
        partition by components.plant_id, components.production_order_number, components.item_number
        order by case systems.kind when 'erp' then 1 when 'mes' then 2 else 3 end, components.source_system
    ) = 1

),

-- rule 17: what only manufacturing needs is in no engineering bill, so the order's own list says how much of it
manufacturing_lines as (

    select distinct
        plant_id,
        component_item_number as item_number,
        effective_from,
        effective_to,
    from {{ ref('bom_line_at_plant') }}
    where is_manufacturing_only

),

planned_items as (

    select
        plant_id,
        item_number,
        bool_or(is_backflushed) as is_backflushed,
    from {{ ref('item_plant') }}
    group by plant_id, item_number

),

-- pieces are not cut: a requirement of 3.6 is met by 3 or 4
whole_units as (

    select code as unit
    from {{ ref('unit_of_measure_unece') }}
    where dimension in ('count', 'package')

),

horizons as (

    select
        served.plant_id,
        min(feeds.heard_until) as heard_until,
    from {{ ref('feed_horizon') }} as feeds
    inner join {{ source('estate', 'system_plant') }} as served on feeds.source_system = served.source_system
    where feeds.entity = 'material_consumption'
    group by served.plant_id

),

items as (

    select
        plant_id,
        production_order_number,
        item_number,
    from required
    union
    select
        plant_id,
        production_order_number,
        item_number,
    from consumption
    union
    select
        plant_id,
        production_order_number,
        item_number,
    from lists
    where listed_quantity > 0

),

with_bill as (

    select distinct
        plant_id,
        production_order_number,
    from requirements

),

side_by_side as (

    select
        items.plant_id,
        items.production_order_number,
        orders.item_number as made_item_number,
        items.item_number,
        coalesce(required.unit, consumption.unit, lists.unit) as unit,
        orders.status,
        orders.judged_at,
        cast(required.bill_quantity as decimal(28, 6)) as bill_quantity,
        cast(required.alternate_quantity as decimal(28, 6)) as alternate_quantity,
        required.alternate_key,
        lists.listed_quantity,
        lists.list_system,
        consumption.consumed_quantity,
        coalesce(consumption.reports, 0) as reports,
        consumption.consumption_systems,
        consumption.event_ids,
        coalesce(lists.is_backflushed, planned_items.is_backflushed) as is_backflushed,
        coalesce(consumption.is_convertible, true) as is_convertible,
        case
            when required.is_chosen then 'bill'
            when required.item_number is not null then 'alternate'
            when lists.listed_quantity > 0 and exists (
                select 1
                from manufacturing_lines
                where
                    items.plant_id = manufacturing_lines.plant_id
                    and items.item_number = manufacturing_lines.item_number
                    and {{ is_effective(
                        'manufacturing_lines.effective_from', 'manufacturing_lines.effective_to', 'orders.judged_at'
                    ) }}
            ) then 'manufacturing_only'
            else 'none'
        end as requirement_source,
        with_bill.production_order_number is not null
        and orders.status in ('completed', 'closed')
        and coalesce(greatest(orders.actual_end_at, consumption.last_event_at) <= horizons.heard_until, false) as is_judged,
    from items
    inner join orders
        on items.plant_id = orders.plant_id
        and items.production_order_number = orders.production_order_number
    left join with_bill
        on items.plant_id = with_bill.plant_id
        and items.production_order_number = with_bill.production_order_number
    left join required
        on {{ of_same_order_item('items', 'required') }}
    left join consumption
        on {{ of_same_order_item('items', 'consumption') }}
    left join lists
        on {{ of_same_order_item('items', 'lists') }}
    left join planned_items on items.plant_id = planned_items.plant_id and items.item_number = planned_items.item_number
    -- where nobody reports what is taken there is nothing to hold against a bill
    inner join horizons on items.plant_id = horizons.plant_id

),

-- Rule 12: what was taken of one member of a group stands for the chosen one, each by its own quantity. An item that is
-- also needed for itself stands for others only with what is left over.
replaced as (

    select
        chosen.plant_id,
        chosen.production_order_number,
        chosen.item_number,
        cast(sum(
            least(
                {{ decimal_divide(
                    'greatest(taken.consumed_quantity - coalesce(taken.bill_quantity, 0), 0)', 'others.quantity', 12, 6
                ) }},
                1
            ) * chosen.quantity
        ) as decimal(28, 6)) as replaced_quantity,
    from requirements as chosen
    inner join requirements as others
        on chosen.plant_id = others.plant_id
        and chosen.production_order_number = others.production_order_number
        and chosen.alternate_key = others.alternate_key
        and chosen.item_number <> others.item_number
    inner join side_by_side as taken
        on {{ of_same_order_item('others', 'taken') }}
    where chosen.is_chosen and not others.is_chosen and taken.consumed_quantity > 0
    group by chosen.plant_id, chosen.production_order_number, chosen.item_number

),

-- An item that is needed for itself and may stand for another: what it may be taken beyond its own need is what is missing
-- of the chosen one.
allowed as (

    select
        others.plant_id,
        others.production_order_number,
        others.item_number,
        cast(sum(
            least(
                {{ decimal_divide(
                    'greatest(wanted.bill_quantity - coalesce(wanted.consumed_quantity, 0), 0)', 'chosen.quantity', 12, 6
                ) }},
                1
            ) * others.quantity
        ) as decimal(28, 6)) as allowance_quantity,
    from requirements as others
    inner join requirements as chosen
        on others.plant_id = chosen.plant_id
        and others.production_order_number = chosen.production_order_number
        and others.alternate_key = chosen.alternate_key
        and others.item_number <> chosen.item_number
    inner join side_by_side as wanted
        on {{ of_same_order_item('chosen', 'wanted') }}
    where chosen.is_chosen and not others.is_chosen
    group by others.plant_id, others.production_order_number, others.item_number

),

-- somebody took something that no bill has: what is then missing altogether is not a second trouble
strangers as (

    select
        plant_id,
        production_order_number,
        count(*) as strangers,
    from side_by_side
    where requirement_source = 'none' and consumed_quantity > 0
    group by plant_id, production_order_number

),

expected as (

    select
        rows_now.*,
        case rows_now.requirement_source
            when 'manufacturing_only' then rows_now.listed_quantity
            when 'alternate' then rows_now.alternate_quantity
            else rows_now.bill_quantity
        end as required_quantity,
        cast(coalesce(rows_now.consumed_quantity, 0) + coalesce(replaced.replaced_quantity, 0) as decimal(28, 6))
            as counted_quantity,
        case when rows_now.requirement_source = 'bill' then coalesce(allowed.allowance_quantity, 0) else 0 end
            as allowance_quantity,
        whole_units.unit is not null as is_whole,
        coalesce(strangers.strangers, 0) as strangers,
        coalesce(replaced.replaced_quantity, 0) > 0 as is_replaced,
    from side_by_side as rows_now
    left join replaced
        on {{ of_same_order_item('rows_now', 'replaced') }}
    left join allowed
        on {{ of_same_order_item('rows_now', 'allowed') }}
    left join strangers
        on rows_now.plant_id = strangers.plant_id
        and rows_now.production_order_number = strangers.production_order_number
    left join whole_units on rows_now.unit = whole_units.unit

),

bounded as (

    select
        *,
        cast(case when is_whole then ceil(required_quantity) else required_quantity end as decimal(28, 6))
            as expected_quantity,
        cast(case when is_whole then floor(required_quantity) else required_quantity end as decimal(28, 6)) as least_quantity,
    from expected

),

final as (

    select
        plant_id,
        production_order_number,
        made_item_number,
        item_number,
        unit,
        judged_at,
        requirement_source,
        alternate_key,
        bill_quantity,
        listed_quantity,
        list_system,
        expected_quantity,
        consumed_quantity,
        counted_quantity,
        reports,
        consumption_systems,
        is_backflushed,
        case
            when not is_judged then 'pending'
            when not is_convertible then 'not_convertible'
            when requirement_source = 'none' and coalesce(consumed_quantity, 0) > 0 then 'substitute_not_allowed'
            when requirement_source = 'none' then 'not_in_bill'
            when requirement_source = 'alternate' and coalesce(consumed_quantity, 0) = 0 then 'not_chosen'
            when reports = 0 and coalesce(is_backflushed, true) then 'backflushed'
            when counted_quantity = 0 and strangers > 0 then 'substituted'
            when
                counted_quantity > expected_quantity + allowance_quantity
                and not {{ within_tolerance(
                    'counted_quantity', 'expected_quantity + allowance_quantity', 'production_order_component.quantity'
                ) }}
                then 'over_consumption'
            when requirement_source = 'alternate' then 'substitute_allowed'
            when
                counted_quantity < least_quantity
                and not {{ within_tolerance(
                    'counted_quantity', 'least_quantity', 'production_order_component.quantity'
                ) }}
                then 'under_consumption'
            when is_replaced then 'substituted'
            else 'as_required'
        end as verdict,
        -- the shop floor did what its order said, so it's the list that isn't the bill
        listed_quantity is not null
        and {{ within_tolerance('counted_quantity', 'listed_quantity', 'production_order_component.quantity') }} as is_as_listed,
        event_ids,
    from bounded

)

select * from final
