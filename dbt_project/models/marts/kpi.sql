{#- The KPIs of today, computed when readers' tables are written (the exceptions are observed after this is built), and
    those of all other days as they were published. -#}
{%- set models = [
    'kpi_asn_success',
    'kpi_bom_synchronisation',
    'kpi_change_cycle',
    'kpi_change_propagation',
    'kpi_confirmations_pending',
    'kpi_dead_letters_replayed',
    'kpi_exceptions',
    'kpi_interface_success',
    'kpi_inventory_accuracy',
    'kpi_inventory_reconciliation',
    'kpi_message_latency',
    'kpi_order_fulfilment',
    'kpi_posting_latency',
    'kpi_record_rejection',
    'kpi_recovery',
    'kpi_revision_adoption',
    'kpi_schedule_adherence',
    'kpi_superseded',
    'kpi_supplier_duplication',
    'kpi_supplier_response',
] -%}

with

computed as (

    {% for model in models -%}
        select * from {{ ref(model) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- The day of the plant, or of UTC for what concerns no single plant.
today as (

    select
        computed.kpi,
        computed.plant_id,
        computed.breakdown,
        computed.product_family,
        cast({{ as_of() }} at time zone coalesce(plant.timezone, 'UTC') as date) as day,
        computed.numerator,
        computed.denominator,
        computed.value,
        computed.unit,
    from computed
    left join {{ source('estate', 'plant') }} as plant
        on computed.plant_id = plant.plant_id

),

earlier as (

    select history.*
    from {{ source('platform', 'kpi_history') }} as history
    left join {{ source('estate', 'plant') }} as plant
        on history.plant_id = plant.plant_id
    where history.day <> cast({{ as_of() }} at time zone coalesce(plant.timezone, 'UTC') as date)

),

final as (

    select * from today
    union all
    select * from earlier

)

select * from final
