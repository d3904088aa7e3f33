{{ config(materialized='view') }}

with

sources as (

    select
        source_system,
        supplier_number,
        item_number,
        order_unit,
        on_order_quantity,
        lead_time_days,
        price,
        currency,
        recorded_at,
    from {{ ref('supplier_item') }}

),

system_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

planned as (

    select distinct
        plant_id,
        item_number,
    from {{ ref('item_plant') }}

),

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

item_units as (

    select
        item_number,
        unit,
        numerator,
    from {{ ref('item_unit') }}

),

line_sums as (

    select
        plant_id,
        source_system,
        supplier_number,
        item_number,
        count(*) as order_lines,
        count(*) filter (where coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open')) as open_lines,
        sum(ordered_quantity) as ordered_quantity,
        coalesce(sum(ordered_quantity) filter (where coalesce(status, 'open') in ('pending', 'approved', 'open')), 0)
            as open_ordered_quantity,
        coalesce(sum(greatest(ordered_quantity - coalesce(received_quantity, 0) - cancelled_quantity, 0)) filter (
            where coalesce(status, 'open') in ('pending', 'approved', 'open')
        ), 0) as outstanding_quantity,
    from {{ ref('purchase_order_line_posting') }}
    group by plant_id, source_system, supplier_number, item_number

),

at_plants as (

    select
        system_plants.plant_id,
        sources.*,
        items.base_unit,
        coalesce(line_sums.order_lines, 0) as order_lines,
        coalesce(line_sums.open_lines, 0) as open_lines,
        line_sums.ordered_quantity,
        coalesce(line_sums.open_ordered_quantity, 0) as open_ordered_quantity,
        coalesce(line_sums.outstanding_quantity, 0) as outstanding_quantity,
    from sources
    inner join system_plants on sources.source_system = system_plants.source_system
    inner join items on sources.item_number = items.item_number
    left join line_sums
        on system_plants.plant_id = line_sums.plant_id
        and sources.source_system = line_sums.source_system
        and sources.supplier_number = line_sums.supplier_number
        and sources.item_number = line_sums.item_number
    left join planned on system_plants.plant_id = planned.plant_id and sources.item_number = planned.item_number
    -- a supplier's terms concern the plants that plan the item or have ordered it
    where planned.item_number is not null or line_sums.order_lines is not null

),

-- rule 19: no own factor, no factor within the dimension, so no conversion at all
unit_issues as (

    select
        at_plants.plant_id,
        at_plants.supplier_number || '/' || at_plants.item_number as object_key,
        at_plants.supplier_number,
        at_plants.item_number,
        'order_unit_without_conversion' as finding_class,
        case when at_plants.open_lines > 0 then 'high' else 'medium' end as severity,
        at_plants.ordered_quantity as quantity,
        at_plants.order_unit as unit,
        at_plants.price as unit_price,
        at_plants.currency,
        json_object(
            'order_unit', at_plants.order_unit, 'base_unit', at_plants.base_unit,
            'order_lines', at_plants.order_lines, 'open_lines', at_plants.open_lines
        ) as evidence,
        'Enter how many ' || at_plants.base_unit || ' one ' || at_plants.order_unit || ' of this item holds.'
            as suggested_action,
    from at_plants
    anti join item_units
        on at_plants.item_number = item_units.item_number
        and at_plants.order_unit = item_units.unit
    where at_plants.order_unit is not null
    -- several systems may hold the terms of one source; the one with the orders speaks for all
    qualify row_number() over (
        partition by at_plants.plant_id, at_plants.supplier_number, at_plants.item_number
        order by at_plants.order_lines desc, at_plants.source_system asc
    ) = 1

),

on_order_issues as (

    select
        plant_id,
        supplier_number || '/' || item_number as object_key,
        supplier_number,
        item_number,
        'on_order_quantity' as finding_class,
        'low' as severity,
        on_order_quantity - outstanding_quantity as quantity,
        order_unit as unit,
        price as unit_price,
        currency,
        json_object(
            'on_order', on_order_quantity, 'outstanding', outstanding_quantity,
            'ordered_on_open_orders', open_ordered_quantity, 'open_lines', open_lines
        ) as evidence,
        'Recalculate the quantity on order from the open orders.' as suggested_action,
    from at_plants
    where
        on_order_quantity is not null
        and not {{ within_tolerance('on_order_quantity', 'outstanding_quantity', 'supplier_item.on_order_quantity') }}
    -- several systems may hold the terms of one source; the one with the orders speaks for all
    qualify row_number() over (
        partition by plant_id, supplier_number, item_number order by order_lines desc, source_system asc
    ) = 1

),

priorities as (

    {{ owner_priorities('supplier_item', ['lead_time_days']) }}

),

horizons as (

    select
        source_system,
        heard_until,
    from {{ ref('feed_horizon') }}
    where entity = 'supplier_item'

),

-- rule 36: the system that owns the lead time, and each other one that still plans with another
lead_times as (

    select
        at_plants.*,
        priorities.lead_time_days_priority,
        first_value(at_plants.lead_time_days) over owner_first as owned_lead_time_days,
        first_value(at_plants.source_system) over owner_first as owner_system,
        first_value(at_plants.recorded_at) over owner_first as owned_at,
        horizons.heard_until,
        sum(at_plants.order_lines) over (
            partition by at_plants.plant_id, at_plants.supplier_number, at_plants.item_number
        ) as lines_at_plant,
    from at_plants
    inner join priorities
        on at_plants.plant_id = priorities.plant_id
        and at_plants.source_system = priorities.source_system
    left join horizons on at_plants.source_system = horizons.source_system
    where at_plants.lead_time_days is not null
    window owner_first as (
        partition by at_plants.plant_id, at_plants.supplier_number, at_plants.item_number
        order by priorities.lead_time_days_priority, at_plants.source_system
    )

),

-- rule 38: what stays below the estate's threshold changes no plan and is passed on to nobody
lead_time_issues as (

    select
        plant_id,
        supplier_number || '/' || item_number as object_key,
        supplier_number,
        item_number,
        'lead_time_changed' as finding_class,
        case when owned_lead_time_days > lead_time_days then 'high' else 'low' end as severity,
        cast(null as decimal(28, 6)) as quantity,
        order_unit as unit,
        price as unit_price,
        currency,
        json_object(
            'lead_time_days', owned_lead_time_days, 'told_by', owner_system, 'told_at', strftime(owned_at, '%Y-%m-%dT%H:%M:%SZ'),
            'planned_with', lead_time_days, 'planned_by', source_system, 'delta_days', owned_lead_time_days - lead_time_days,
            'order_lines', lines_at_plant, 'open_lines', open_lines
        ) as evidence,
        'Plan with ' || owned_lead_time_days || ' days instead of ' || lead_time_days || ', and look at the open orders.'
            as suggested_action,
    from lead_times
    where
        source_system <> owner_system
        and coalesce(owned_at <= heard_until, true)
        and not {{ within_tolerance('owned_lead_time_days', 'lead_time_days', 'supplier_item.lead_time_days') }}
    qualify row_number() over (
        partition by plant_id, supplier_number, item_number
        order by abs(owned_lead_time_days - lead_time_days) desc, source_system asc
    ) = 1

),

final as (

    {% for name in ['unit_issues', 'on_order_issues', 'lead_time_issues'] %}
        select
            plant_id,
            object_key,
            supplier_number,
            item_number,
            finding_class,
            severity,
            quantity,
            unit,
            unit_price,
            currency,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
