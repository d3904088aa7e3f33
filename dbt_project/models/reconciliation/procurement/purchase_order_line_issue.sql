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
        json_object('supplier', suppliers.name, 'supplier_status', suppliers.status, 'order_status', lines.status) as evidence,
        'Move the order to an active supplier, or reactivate this one.' as suggested_action,
    from lines
    inner join suppliers
        on lines.source_system = suppliers.source_system
        and lines.supplier_number = suppliers.supplier_number
    where lines.is_open and suppliers.status in ('inactive', 'blocked')

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

unapproved as (

    select
        lines.*,
        'unapproved_source' as finding_class,
        'high' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object('supplier_number', lines.supplier_number, 'order_status', lines.status) as evidence,
        'Approve the supplier for the item, or order elsewhere.' as suggested_action,
    from lines
    anti join sources
        on lines.source_system = sources.source_system
        and lines.supplier_number = sources.supplier_number
        and lines.item_number = sources.item_number
    where lines.is_open and lines.source_system in (select sources.source_system from sources)

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

-- An item that is withdrawn is still needed where a bill in force uses it. Obsolete is what its master record calls so; one
-- that is phased out, or no longer offered, may be bought for what is left to do.
withdrawn as (

    select
        lines.*,
        case when items.lifecycle_status = 'obsolete' then 'obsolete_item' else 'phase_out_item' end as finding_class,
        case when items.lifecycle_status = 'obsolete' then 'high' else 'low' end as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'lifecycle_status', items.lifecycle_status,
            'offered_until', strftime(offers.offered_until, '%Y-%m-%dT%H:%M:%SZ'),
            'ordered_at', strftime(lines.ordered_at, '%Y-%m-%dT%H:%M:%SZ'),
            'order_status', lines.status
        ) as evidence,
        case
            when items.lifecycle_status = 'obsolete'
                then 'Cancel unless stock is wanted: the item is obsolete, and no bill in force uses it.'
            else
                'Check that the quantity is still wanted: the item is phased out or no longer offered, and no bill in force'
                || ' uses it.'
        end as suggested_action,
    from lines
    left join items on lines.item_number = items.item_number
    left join offers on lines.item_number = offers.item_number
    anti join components
        on lines.plant_id = components.plant_id
        and lines.item_number = components.item_number
    where
        lines.is_open
        and (
            coalesce(items.lifecycle_status in ('phase_out', 'obsolete'), false)
            or coalesce(lines.ordered_at >= offers.offered_until, false)
        )

),

short as (

    select
        lines.*,
        'short_receipt' as finding_class,
        'medium' as severity,
        lines.ordered_quantity - lines.received_quantity - lines.cancelled_quantity as finding_quantity,
        json_object(
            'ordered', lines.ordered_quantity, 'received', lines.received_quantity, 'cancelled', lines.cancelled_quantity,
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ'), 'order_status', lines.status
        ) as evidence,
        'Claim the missing quantity, or close the line.' as suggested_action,
    from lines
    where
        lines.received_quantity + lines.cancelled_quantity < lines.ordered_quantity
        and coalesce(lines.status, 'open') not in ('rejected', 'cancelled', 'draft')
        and (lines.status = 'complete' or lines.due_at < {{ as_of() }})
        and not {{ within_tolerance(
            'lines.received_quantity + lines.cancelled_quantity', 'lines.ordered_quantity',
            'purchase_order_line.received_quantity'
        ) }}

),

over_receipts as (

    select
        lines.*,
        'over_receipt' as finding_class,
        'medium' as severity,
        lines.received_quantity - lines.ordered_quantity as finding_quantity,
        json_object('ordered', lines.ordered_quantity, 'received', lines.received_quantity) as evidence,
        'Return the excess, or raise the order.' as suggested_action,
    from lines
    where
        lines.received_quantity > lines.ordered_quantity
        and not {{ within_tolerance(
            'lines.received_quantity', 'lines.ordered_quantity', 'purchase_order_line.received_quantity'
        ) }}

),

rejected as (

    select
        lines.*,
        'rejected_receipt' as finding_class,
        case when lines.rejected_quantity >= lines.received_quantity then 'medium' else 'low' end as severity,
        lines.rejected_quantity as finding_quantity,
        json_object(
            'received', lines.received_quantity, 'rejected', lines.rejected_quantity, 'stocked', lines.stocked_quantity,
            'order_status', lines.status
        ) as evidence,
        'Return what was rejected and claim a credit.' as suggested_action,
    from lines
    where lines.rejected_quantity > 0

),

before_approval as (

    select
        lines.*,
        'receipt_without_approval' as finding_class,
        'high' as severity,
        lines.received_quantity as finding_quantity,
        json_object(
            'order_status', lines.status, 'received', lines.received_quantity, 'stocked', lines.stocked_quantity,
            'posted', lines.posted_native_quantity
        ) as evidence,
        'Approve or reject the order: its goods are already in.' as suggested_action,
    from lines
    where lines.status in ('draft', 'pending') and lines.received_quantity > 0

),

late as (

    select
        lines.*,
        'late_shipment' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ'),
            'shipped_at', strftime(lines.shipped_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Check the supplier''s lead time.' as suggested_action,
    from lines
    where lines.shipped_at > lines.due_at

),

due_too_early as (

    select
        lines.*,
        'due_before_order' as finding_class,
        'low' as severity,
        lines.ordered_quantity as finding_quantity,
        json_object(
            'ordered_at', strftime(lines.ordered_at, '%Y-%m-%dT%H:%M:%SZ'),
            'due_at', strftime(lines.due_at, '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Correct the due date: no supplier can meet it.' as suggested_action,
    from lines
    where lines.due_at < lines.ordered_at

),

final as (

    {% for name in [
        'inactive', 'not_preferred', 'unapproved', 'outside_limits', 'withdrawn', 'short', 'over_receipts', 'rejected',
        'before_approval', 'late', 'due_too_early',
    ] %}
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
