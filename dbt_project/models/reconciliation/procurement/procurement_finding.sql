with

order_issues as (

    select * from {{ ref('purchase_order_line_issue') }}

),

receipt_issues as (

    select * from {{ ref('purchase_receipt_issue') }}

),

sources as (

    select
        source_system,
        supplier_number,
        item_number,
        order_unit,
        on_order_quantity,
        price,
        currency,
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

candidates as (

    select * from order_issues
    union all by name
    select * from receipt_issues
    union all by name
    select * from unit_issues
    union all by name
    select * from on_order_issues

),

final as (

    select
        {{ finding_id('candidates.finding_class', [
            "'procurement'", 'candidates.plant_id', 'candidates.object_key', 'candidates.supplier_number', 'candidates.item_number'
        ]) }} as finding_id,
        candidates.plant_id,
        candidates.object_key,
        candidates.supplier_number,
        candidates.item_number,
        candidates.finding_class,
        candidates.severity,
        {{ owner_role('procurement', 'candidates.finding_class') }} as owner_role,
        cast(candidates.quantity as decimal(28, 6)) as quantity,
        candidates.unit,
        -- what is only late is not lost, so it has no value at stake
        case
            when candidates.finding_class not in ('late_shipment', 'due_before_order')
                then {{ value_of('candidates.quantity', 'candidates.unit_price') }}
        end as value_at_stake,
        candidates.currency,
        candidates.suggested_action,
        cast(candidates.evidence as varchar) as evidence,
    from candidates

)

select * from final
