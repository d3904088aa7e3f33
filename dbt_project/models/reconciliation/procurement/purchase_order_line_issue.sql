{{ config(materialized='view') }}

with

lines as (

    select
        *,
        purchase_order_number || '/' || line_number as object_key,
        coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open') as is_open,
    from {{ ref('purchase_order_line_posting') }}

),

suppliers as (

    select
        source_system,
        supplier_number,
        name,
        status,
        is_preferred,
    from {{ ref('supplier') }}

),

sources as (

    select
        source_system,
        supplier_number,
        item_number,
        order_unit,
        minimum_quantity,
        maximum_quantity,
    from {{ ref('supplier_item') }}

),

priorities as (

    {{ owner_priorities('supplier', ['status']) }}

),

-- rule 36: whether a supplier is active says the system that owns it, usually not the one that orders
supplier_states as (

    select
        priorities.plant_id,
        suppliers.supplier_number,
        arg_min(suppliers.status, (priorities.status_priority, suppliers.source_system)) as status,
        arg_min(suppliers.source_system, (priorities.status_priority, suppliers.source_system)) as status_source,
        any_value(suppliers.name) as name,
    from suppliers
    inner join priorities on suppliers.source_system = priorities.source_system
    where suppliers.status is not null
    group by priorities.plant_id, suppliers.supplier_number

),

approvals as (

    select
        item_number,
        supplier_number,
        plant_id,
        coalesce(status, 'approved') in ('approved', 'conditional')
        and {{ is_effective('effective_from', 'effective_to', as_of()) }} as is_approved,
    from {{ ref('approved_manufacturer') }}
    where supplier_number is not null

),

-- engineering has judged the item's sources; a source that it doesn't name is not approved
judged_items as (

    select distinct item_number
    from approvals

),

preferred_sources as (

    select
        sources.source_system,
        sources.item_number,
        string_agg(sources.supplier_number, ', ' order by sources.supplier_number) as supplier_numbers,
    from sources
    inner join suppliers
        on sources.source_system = suppliers.source_system
        and sources.supplier_number = suppliers.supplier_number
    where suppliers.is_preferred and coalesce(suppliers.status, 'active') = 'active'
    group by sources.source_system, sources.item_number

),

components as (

    select distinct
        plant_id,
        component_item_number as item_number,
    from {{ ref('reconciled_bom_line') }}
    where {{ is_effective('effective_from', 'effective_to', as_of()) }}

),

offers as (

    select
        item_number,
        case when count(*) = count(effective_to) then max(effective_to) end as offered_until,
    from {{ ref('item_sales_period') }}
    group by item_number

),

items as (

    select
        item_number,
        lifecycle_status,
    from {{ ref('item') }}

),

inactive as (

    select
        lines.*,
        'inactive_supplier' as finding_class,
        'high' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'supplier', supplier_states.name, 'supplier_status', supplier_states.status,
            'status_source', supplier_states.status_source, 'order_status', lines.status
        ) as evidence,
        'Move the order to an active supplier, or reactivate this one.' as suggested_action,
    from lines
    inner join supplier_states
        on lines.plant_id = supplier_states.plant_id
        and lines.supplier_number = supplier_states.supplier_number
    where lines.is_open and supplier_states.status in ('inactive', 'blocked')

),

not_preferred as (

    select
        lines.*,
        'non_preferred_supplier' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'supplier', suppliers.name, 'order_status', lines.status, 'preferred_suppliers', preferred_sources.supplier_numbers
        ) as evidence,
        'Ask a preferred supplier of the item first.' as suggested_action,
    from lines
    inner join suppliers
        on lines.source_system = suppliers.source_system
        and lines.supplier_number = suppliers.supplier_number
    inner join preferred_sources
        on lines.source_system = preferred_sources.source_system
        and lines.item_number = preferred_sources.item_number
    where lines.is_open and not suppliers.is_preferred

),

source_judgements as (

    select
        lines.source_system,
        lines.purchase_order_number,
        lines.line_number,
        coalesce(bool_or(approvals.is_approved), false) as is_approved,
        count(approvals.item_number) > 0 as was_approved,
    from lines
    inner join judged_items on lines.item_number = judged_items.item_number
    left join approvals
        on lines.item_number = approvals.item_number
        and lines.supplier_number = approvals.supplier_number
        and coalesce(approvals.plant_id, lines.plant_id) = lines.plant_id
    where lines.is_open
    group by lines.source_system, lines.purchase_order_number, lines.line_number

),

unapproved as (

    select
        lines.*,
        'unapproved_source' as finding_class,
        'high' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'supplier_number', lines.supplier_number, 'order_status', lines.status,
            'has_terms', sources.item_number is not null,
            'approval', case
                when source_judgements.line_number is null then 'not judged'
                when source_judgements.is_approved then 'approved'
                when source_judgements.was_approved then 'revoked or not in force'
                else 'never approved'
            end
        ) as evidence,
        'Approve the supplier for the item, or order elsewhere.' as suggested_action,
    from lines
    left join sources
        on lines.source_system = sources.source_system
        and lines.supplier_number = sources.supplier_number
        and lines.item_number = sources.item_number
    left join source_judgements
        on lines.source_system = source_judgements.source_system
        and lines.purchase_order_number = source_judgements.purchase_order_number
        and lines.line_number = source_judgements.line_number
    where
        lines.is_open
        and (
            (sources.item_number is null and lines.source_system in (select sources.source_system from sources))
            or not coalesce(source_judgements.is_approved, true)
        )

),

outside_limits as (

    select
        lines.*,
        'order_quantity_limits' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'ordered', lines.ordered_quantity, 'unit', lines.order_unit,
            'minimum', sources.minimum_quantity, 'maximum', sources.maximum_quantity
        ) as evidence,
        'Order within the supplier''s limits.' as suggested_action,
    from lines
    inner join sources
        on lines.source_system = sources.source_system
        and lines.supplier_number = sources.supplier_number
        and lines.item_number = sources.item_number
        and lines.order_unit = sources.order_unit
    where
        lines.is_open
        and (lines.ordered_quantity < sources.minimum_quantity or lines.ordered_quantity > sources.maximum_quantity)

),

-- An item that is phased out is still needed where a bill in force uses it. What its master record calls obsolete or
-- superseded is not to be bought, whatever bills say: a bill that uses it is another finding.
withdrawn as (

    select
        lines.*,
        case items.lifecycle_status
            when 'obsolete' then 'obsolete_item' when 'superseded' then 'superseded_item' else 'phase_out_item'
        end as finding_class,
        case when items.lifecycle_status in ('obsolete', 'superseded') then 'high' else 'low' end as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'lifecycle_status', items.lifecycle_status,
            'is_in_a_bill', components.item_number is not null,
            'offered_until', strftime(offers.offered_until, '%Y-%m-%dT%H:%M:%SZ'),
            'ordered_at', strftime(lines.ordered_at, '%Y-%m-%dT%H:%M:%SZ'),
            'order_status', lines.status
        ) as evidence,
        case
            when items.lifecycle_status in ('obsolete', 'superseded')
                then 'Cancel unless stock is wanted, or order what replaces it: the item is not to be used any more.'
            else
                'Check that the quantity is still wanted: the item is phased out or no longer offered, and no bill in force'
                || ' uses it.'
        end as suggested_action,
    from lines
    left join items on lines.item_number = items.item_number
    left join offers on lines.item_number = offers.item_number
    left join components
        on lines.plant_id = components.plant_id
        and lines.item_number = components.item_number
    where
        lines.is_open
        and (
            coalesce(items.lifecycle_status in ('obsolete', 'superseded'), false)
            or (
                components.item_number is null
                and (
                    coalesce(items.lifecycle_status = 'phase_out', false)
                    or coalesce(lines.ordered_at >= offers.offered_until, false)
                )
            )
        )

),

final as (

    {% for name in ['inactive', 'not_preferred', 'unapproved', 'outside_limits', 'withdrawn'] %}
        select
            plant_id,
            object_key,
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
