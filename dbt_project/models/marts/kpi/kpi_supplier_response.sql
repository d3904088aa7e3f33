with

-- The first answer to an order line counts; later ones are news.
answers as (

    select
        acknowledgement.purchase_order_number,
        acknowledgement.line_number,
        min(acknowledgement.event_at) as answered_at,
    from {{ ref('purchase_order_acknowledgement') }} as acknowledgement
    group by all

),

orders as (

    -- One row an order whichever systems tell of it.
    select
        purchase_order_number,
        min(ordered_at) as ordered_at,
        min(supplier_number) as breakdown,
    from {{ ref('purchase_order') }}
    group by purchase_order_number

),

responses as (

    select distinct
        line.plant_id,
        orders.breakdown,
        line.purchase_order_number,
        line.line_number,
        {{ elapsed_hours('orders.ordered_at', 'answers.answered_at') }} as hours,
    from answers
    inner join orders
        on answers.purchase_order_number = orders.purchase_order_number
    inner join {{ ref('purchase_order_line') }} as line
        on answers.purchase_order_number = line.purchase_order_number
        and answers.line_number = line.line_number
    where {{ in_kpi_window('answers.answered_at') }}

),

median as (

    {{ kpi_percentile('supplier_response_time_p50', 'responses', 'responses.hours', 0.5, breakdown=true) }}

),

slow as (

    {{ kpi_percentile('supplier_response_time_p95', 'responses', 'responses.hours', 0.95, breakdown=true) }}

),

final as (

    select * from median
    union all
    select * from slow

)

select * from final
