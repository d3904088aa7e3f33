with

-- the warehouse's movements and their posting in the ERP, matched one to one
moved as (

    select
        plant_id,
        {{ elapsed_hours('wms_event_at', 'erp_recorded_at') }} as hours,
    from {{ ref('inventory_movement_match') }}
    where
        match_state = 'matched'
        and erp_recorded_at >= wms_event_at
        and {{ in_kpi_window('erp_recorded_at') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

receipts as (

    select
        movements.to_plant_id as plant_id,
        movements.reference_number as production_order_number,
        movements.recorded_at,
        row_number() over (
            partition by movements.to_plant_id, movements.reference_number
            order by movements.event_at asc, movements.event_id asc
        ) as place,
        count(*) over (partition by movements.to_plant_id, movements.reference_number) as places,
    from {{ ref('inventory_movement') }} as movements
    inner join systems on movements.source_system = systems.source_system
    where
        systems.kind = 'erp'
        and movements.movement_class = 'receipt'
        and movements.reference_type = 'production_order'
        and movements.recorded_at <= {{ as_of() }}

),

-- what comes out of an order is reported at its last operation
last_operations as (

    select
        plant_id,
        production_order_number,
        max(operation_sequence) as operation_sequence,
    from {{ ref('production_confirmation') }}
    group by plant_id, production_order_number

),

reports as (

    select
        confirmations.plant_id,
        confirmations.production_order_number,
        confirmations.event_at,
        row_number() over (
            partition by confirmations.plant_id, confirmations.production_order_number
            order by confirmations.event_at asc, confirmations.event_id asc
        ) as place,
        count(*) over (
            partition by confirmations.plant_id, confirmations.production_order_number
        ) as places,
    from {{ ref('production_confirmation') }} as confirmations
    inner join last_operations
        on confirmations.plant_id = last_operations.plant_id
        and confirmations.production_order_number = last_operations.production_order_number
        and confirmations.operation_sequence is not distinct from last_operations.operation_sequence
    where confirmations.base_yield_quantity > 0

),

-- the n-th report is the n-th receipt where there are as many of both; elsewhere nobody can say which is whose
confirmed as (

    select
        reports.plant_id,
        {{ elapsed_hours('reports.event_at', 'receipts.recorded_at') }} as hours,
    from reports
    inner join receipts
        on reports.plant_id = receipts.plant_id
        and reports.production_order_number = receipts.production_order_number
        and reports.place = receipts.place
        and reports.places = receipts.places
    where receipts.recorded_at >= reports.event_at and {{ in_kpi_window('receipts.recorded_at') }}

),

final as (

    {{ kpi_percentile('stock_posting_time_p50', 'moved', 'moved.hours', 0.5) }}
    union all
    {{ kpi_percentile('stock_posting_time_p95', 'moved', 'moved.hours', 0.95) }}
    union all
    {{ kpi_percentile('confirmation_posting_time_p50', 'confirmed', 'confirmed.hours', 0.5) }}
    union all
    {{ kpi_percentile('confirmation_posting_time_p95', 'confirmed', 'confirmed.hours', 0.95) }}

)

select * from final
