with

order_issues as (

    select * from {{ ref('purchase_order_line_issue') }}

),

receipt_issues as (

    select * from {{ ref('purchase_receipt_issue') }}

),

delivery_issues as (

    select * from {{ ref('purchase_order_delivery_issue') }}

),

promise_issues as (

    select * from {{ ref('supplier_promise_issue') }}

),

term_issues as (

    select * from {{ ref('supplier_term_issue') }}

),

candidates as (

    {% for name in ['order_issues', 'delivery_issues', 'receipt_issues', 'promise_issues', 'term_issues'] %}
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
            when
                candidates.finding_class not in (
                    'late_shipment', 'due_before_order', 'late_receipt', 'date_changed', 'asn_overdue', 'lead_time_changed'
                )
                then {{ value_of('candidates.quantity', 'candidates.unit_price') }}
        end as value_at_stake,
        candidates.currency,
        candidates.suggested_action,
        cast(candidates.evidence as varchar) as evidence,
    from candidates

)

select * from final
