{%- set attributes = [
    'description', 'base_unit', 'item_type', 'product_family', 'lifecycle_status', 'procurement_type', 'is_lot_tracked',
    'is_serial_tracked', 'is_sold', 'net_weight', 'net_weight_unit', 'drawing_number', 'is_regulated', 'is_hazardous',
    'is_export_controlled', 'is_rohs_compliant',
] -%}

with

records as (

    select * from {{ ref('stg_item') }}

),

owners as (

    select
        source_system,
        attribute,
        item_type,
        priority,
    from {{ source('estate', 'attribute_owner') }}
    where entity = 'item' and plant_id is null

),

revisions as (

    select * from {{ ref('stg_item_revision') }}

),

general_ranks as (

    select
        source_system,
        map_from_entries(list((attribute, priority))) as ranks,
    from owners
    where item_type is null
    group by source_system

),

-- the type comes first, because who is believed for the rest may depend on it
types as (

    select
        records.item_number,
        arg_min(
            records.item_type,
            lpad(coalesce(general_ranks.ranks['item_type'], 9999)::varchar, 4, '0') || records.source_system
        ) filter (records.item_type is not null) as item_type,
    from records
    left join general_ranks on records.source_system = general_ranks.source_system
    group by records.item_number

),

type_ranks as (

    select
        item_type,
        source_system,
        map_from_entries(list((attribute, priority))) as ranks,
    from (
        select
            narrowed.item_type,
            owners.source_system,
            owners.attribute,
            owners.priority,
        from (select distinct item_type from types) as narrowed
        inner join owners on owners.item_type is null or narrowed.item_type = owners.item_type
        qualify rank() over (
            partition by narrowed.item_type, owners.attribute order by (owners.item_type is not null) desc
        ) = 1
    ) as narrowest
    group by item_type, source_system

),

ranked as (

    select
        records.*,
        type_ranks.ranks,
    from records
    inner join types on records.item_number = types.item_number
    left join type_ranks
        on types.item_type is not distinct from type_ranks.item_type
        and records.source_system = type_ranks.source_system

),

merged as (

    select
        item_number,
        {% for attribute in attributes -%}
            {{ owned_attribute(attribute) }},
        {% endfor -%}
        list_sort(list(distinct source_system)) as source_systems,
        -- the record that the item's description came from leads back to its batch
        arg_min(
            { 'source_system': source_system, 'batch_id': batch_id, 'correlation_id': correlation_id },
            lpad(coalesce(ranks['description'], 9999)::varchar, 4, '0') || source_system
        ) as lead,
        max(recorded_at) as recorded_at,
    from ranked
    group by item_number

),

-- rule 18: the highest released revision in effect, by the sequence that the source gives
current_revisions as (

    select
        item_number,
        arg_max(revision, revision_sequence) as current_revision,
    from revisions
    where
        coalesce(status, 'released') = 'released'
        and {{ is_effective('effective_from', 'effective_to', as_of()) }}
    group by item_number

),

final as (

    select
        merged.item_number,
        {% for attribute in attributes -%}
            merged.{{ attribute }},
        {% endfor -%}
        current_revisions.current_revision,
        {% for attribute in attributes -%}
            merged.{{ attribute }}_source,
        {% endfor -%}
        merged.source_systems,
        merged.lead.source_system as source_system,
        merged.lead.batch_id as batch_id,
        merged.lead.correlation_id as correlation_id,
        merged.recorded_at,
    from merged
    left join current_revisions on merged.item_number = current_revisions.item_number

)

select * from final
