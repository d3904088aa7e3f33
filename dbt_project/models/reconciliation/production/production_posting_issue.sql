{{ config(materialized='view') }}

with

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        quantity,
        completed_quantity,
        scrapped_quantity,
        scrap_reason,
        unit,
        status,
        due_at,
        judged_at,
        actual_start_at,
        actual_end_at,
        is_started,
        posted_quantity,
        postings,
        first_posted_at,
        source_system,
    from {{ ref('production_order_posting') }}

),

profiles as (

    select
        plant_id,
        ledger_systems,
        component_issues,
        has_component_issues,
        has_scrap_movements,
    from {{ ref('inventory_ledger_profile') }}

),

profiled_orders as (

    select
        orders.*,
        profiles.has_scrap_movements,
    from orders
    inner join profiles on orders.plant_id = profiles.plant_id

),

scrap as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        'scrap_not_posted' as finding_class,
        'medium' as severity,
        least(posted_quantity - completed_quantity, scrapped_quantity) as quantity,
        unit,
        json_object(
            'ordered', quantity, 'completed', completed_quantity, 'scrapped', scrapped_quantity,
            'posted', posted_quantity, 'scrap_reason', scrap_reason
        ) as evidence,
        'Post the scrap, or correct the receipt to the quantity completed.' as suggested_action,
    from profiled_orders
    where posted_quantity > completed_quantity and scrapped_quantity > 0 and not has_scrap_movements

),

-- where the shop floor confirms, its confirmations are held against the ledgers (production_execution_issue)
confirming_plants as (

    select distinct plant_id
    from {{ ref('production_confirmation') }}

),

receipts as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        case when postings = 0 then 'unposted_in_wms' else 'receipt_quantity' end as finding_class,
        'medium' as severity,
        coalesce(posted_quantity, 0) - completed_quantity as quantity,
        unit,
        json_object(
            'ordered', quantity, 'completed', completed_quantity, 'scrapped', scrapped_quantity, 'posted', posted_quantity
        ) as evidence,
        'Correct the receipt to the quantity completed.' as suggested_action,
    from profiled_orders
    where
        completed_quantity > 0
        and plant_id not in (select confirming_plants.plant_id from confirming_plants)
        and coalesce(posted_quantity, 0) <> completed_quantity
        and not (
            coalesce(posted_quantity, 0) = completed_quantity + scrapped_quantity and not has_scrap_movements
        )

),

posted_orders as (

    select
        plant_id,
        count(*) as posted_orders,
        count(*) filter (where first_posted_at < actual_end_at) as early_orders,
    from orders
    where postings > 0
    group by plant_id

),

-- said once for the plant where it is the ledger's habit, per order where it is an exception
early_receipts as (

    select
        orders.*,
        posted_orders.posted_orders,
        posted_orders.early_orders = posted_orders.posted_orders as is_habit,
    from orders
    inner join posted_orders on orders.plant_id = posted_orders.plant_id
    where orders.first_posted_at < orders.actual_end_at

),

early as (

    select
        plant_id,
        case when is_habit then '*' else production_order_number end as object_key,
        case when not is_habit then max(item_number) end as item_number,
        'receipt_before_completion' as finding_class,
        'medium' as severity,
        case when not is_habit then max(quantity) end as quantity,
        case when not is_habit then max(unit) end as unit,
        json_object(
            'orders', count(*), 'orders_with_receipt', max(posted_orders), 'first_order', min(production_order_number),
            'mean_days_early', round(avg(date_diff('day', first_posted_at, actual_end_at)), 1)
        ) as evidence,
        'Post receipts when they are completed: stock that is not there yet looks available.' as suggested_action,
    from early_receipts
    group by plant_id, object_key, is_habit

),

component_sums as (

    select
        plant_id,
        sum(bill_line_uses) as bill_line_uses,
        count(*) as components,
    from {{ ref('component_demand') }}
    group by plant_id

),

consumption as (

    select
        orders.plant_id,
        '*' as object_key,
        null as item_number,
        'unposted_in_wms' as finding_class,
        'high' as severity,
        null as quantity,
        null as unit,
        json_object(
            'ledger_systems', max(profiles.ledger_systems), 'started_orders', count(*),
            'component_issues', max(profiles.component_issues),
            'bill_line_uses', max(component_sums.bill_line_uses), 'components', max(component_sums.components)
        ) as evidence,
        'No component was ever issued to an order. Post issues, or backflush at completion.' as suggested_action,
    from orders
    inner join profiles on orders.plant_id = profiles.plant_id
    inner join component_sums on orders.plant_id = component_sums.plant_id
    where orders.is_started and not profiles.has_component_issues
    group by orders.plant_id

),

final as (

    {% for name in ['scrap', 'receipts', 'early', 'consumption'] %}
        select
            plant_id,
            object_key,
            item_number,
            finding_class,
            severity,
            quantity,
            unit,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
