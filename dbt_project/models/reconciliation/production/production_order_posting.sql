with

orders as (

    select
        source_system,
        production_order_number,
        plant_id,
        item_number,
        base_quantity,
        base_completed_quantity,
        base_scrapped_quantity,
        base_unit,
        bom_alternative,
        scrap_reason,
        scheduled_start_at,
        due_at,
        scheduled_end_at,
        actual_start_at,
        actual_end_at,
        status,
        batch_id,
        correlation_id,
    from {{ ref('production_order') }}

),

priorities as (

    {{ owner_priorities('production_order', [
        'quantity', 'completed_quantity', 'scrapped_quantity', 'scrap_reason', 'status', 'scheduled_start_at', 'due_at',
        'actual_start_at', 'actual_end_at',
    ]) }}

),

receipts as (

    select
        plant_id,
        reference_number as production_order_number,
        item_number,
        cast(sum(quantity) as decimal(28, 6)) as posted_quantity,
        count(*) as postings,
        min(event_at) as first_posted_at,
        max(event_at) as last_posted_at,
        min(source_system) as ledger_system,
        min(event_id) as first_event_id,
    from {{ ref('inventory_ledger_leg') }}
    where reference_type = 'production_order' and movement_class in ('receipt', 'reversal', 'return') and side = 'to'
    group by plant_id, reference_number, item_number

),

-- rule 36: an order that ERP and MES both hold is one order, each value from the system that owns it
chosen as (

    select
        orders.plant_id,
        orders.production_order_number,
        {% for name, owned in [
            ('item_number', 'quantity'), ('base_unit', 'quantity'), ('base_quantity', 'quantity'),
            ('base_completed_quantity', 'completed_quantity'), ('base_scrapped_quantity', 'scrapped_quantity'),
            ('bom_alternative', 'quantity'), ('scrap_reason', 'scrap_reason'), ('status', 'status'),
            ('scheduled_start_at', 'scheduled_start_at'), ('due_at', 'due_at'), ('scheduled_end_at', 'due_at'),
            ('actual_start_at', 'actual_start_at'), ('actual_end_at', 'actual_end_at'),
            ('source_system', 'quantity'), ('batch_id', 'quantity'), ('correlation_id', 'quantity'),
        ] %}
            arg_min(orders.{{ name }}, (priorities.{{ owned }}_priority, orders.source_system)) as {{ name }},
        {% endfor -%}
        count(*) as systems,
    from orders
    inner join priorities
        on orders.plant_id = priorities.plant_id
        and orders.source_system = priorities.source_system
    group by orders.plant_id, orders.production_order_number

),

final as (

    select
        orders.plant_id,
        orders.production_order_number,
        orders.item_number,
        orders.base_quantity as quantity,
        orders.base_completed_quantity as completed_quantity,
        coalesce(orders.base_scrapped_quantity, 0) as scrapped_quantity,
        orders.base_unit as unit,
        orders.bom_alternative,
        orders.scrap_reason,
        orders.status,
        orders.scheduled_start_at,
        coalesce(orders.due_at, orders.scheduled_end_at) as due_at,
        orders.actual_start_at,
        orders.actual_end_at,
        coalesce(orders.scheduled_start_at, orders.actual_start_at) as judged_at,
        orders.actual_start_at is not null
        or coalesce(orders.status in ('in_progress', 'completed', 'closed'), false) as is_started,
        receipts.posted_quantity,
        coalesce(receipts.postings, 0) as postings,
        receipts.first_posted_at,
        receipts.last_posted_at,
        receipts.ledger_system,
        receipts.first_event_id,
        orders.source_system,
        orders.systems,
        orders.batch_id,
        orders.correlation_id,
    from chosen as orders
    left join receipts
        on orders.plant_id = receipts.plant_id
        and orders.production_order_number = receipts.production_order_number
        and orders.item_number = receipts.item_number

)

select * from final
