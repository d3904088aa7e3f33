with

lines as (

    select * from {{ ref('stg_bom_line') }}

),

headers as (

    select * from {{ ref('stg_bom_header') }}

),

item_units as (

    select
        item_number,
        unit,
        base_unit,
        numerator,
        denominator,
    from {{ ref('item_unit') }}

),

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

served_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

extracts as (

    select
        source_system,
        entity,
    from {{ source('estate', 'extract') }}

),

-- a line without a plant holds at every plant its system serves
plants as (

    select
        source_system,
        plant_id,
        null as line_plant_id
    from served_plants
    union all
    select distinct
        source_system,
        plant_id,
        plant_id as line_plant_id
    from lines
    where plant_id is not null

),

-- a header is spread like a line; what a plant's own header says counts before the one for all plants
bill_plants as (

    select distinct
        source_system,
        plant_id,
    from plants

),

headers_at_plant as (

    select
        headers.* exclude (plant_id),
        bill_plants.plant_id,
    from headers
    inner join bill_plants
        on headers.source_system = bill_plants.source_system
        and (headers.plant_id is null or headers.plant_id = bill_plants.plant_id)
    qualify row_number() over (
        partition by
            headers.source_system,
            bill_plants.plant_id,
            headers.parent_item_number,
            headers.usage,
            headers.alternative,
            headers.revision
        order by headers.plant_id asc nulls last
    ) = 1

),

-- a system that has no headers at all says by that that its lines are per one piece
systems_with_headers as (

    select distinct source_system
    from extracts
    where entity = 'bom_header'
    union
    select distinct source_system
    from headers

),

spread as (

    select
        lines.* exclude (plant_id),
        lines.plant_id as line_plant_id,
        plants.plant_id,
        headers_at_plant.parent_item_number is not null as has_header,
        systems_with_headers.source_system is not null as needs_header,
        headers_at_plant.status as header_status,
        case when needs_header then headers_at_plant.base_quantity else 1 end as header_base_quantity,
        headers_at_plant.unit as header_unit,
        headers_at_plant.lot_size_from,
        headers_at_plant.lot_size_to,
        headers_at_plant.effective_from as header_effective_from,
        headers_at_plant.effective_to as header_effective_to,
    from lines
    inner join plants
        on lines.source_system = plants.source_system
        and lines.plant_id is not distinct from plants.line_plant_id
    left join systems_with_headers on lines.source_system = systems_with_headers.source_system
    left join headers_at_plant
        on lines.source_system = headers_at_plant.source_system
        and plants.plant_id = headers_at_plant.plant_id
        and lines.parent_item_number = headers_at_plant.parent_item_number
        and lines.usage is not distinct from headers_at_plant.usage
        and lines.alternative is not distinct from headers_at_plant.alternative
        and lines.revision is not distinct from headers_at_plant.revision
    where
        lines.applicable_plants is null
        or list_contains(list_transform(string_split(lines.applicable_plants, ','), lambda p: trim(p)), plants.plant_id)

),

-- a line for all plants holds where its bill has a header; without one anywhere it stays, to be refused
at_plant as (

    select * exclude (line_plant_id)
    from spread
    qualify
        has_header
        or line_plant_id is not null
        or not bool_or(has_header) over (
            partition by source_system, parent_item_number, usage, alternative, revision, line_id, line_plant_id
        )

),

-- rules 8, 19: everything per one piece of the parent in base units, with one division of exact numbers.
-- An item without a master record has no base unit; its own unit then stands, and bom_finding says so.
factors as (

    select
        at_plant.*,
        coalesce(components.base_unit, at_plant.unit) as base_unit,
        case when components.item_number is null then 1 else component_units.numerator end as component_numerator,
        case when components.item_number is null then 1 else component_units.denominator end as component_denominator,
        case
            when parents.item_number is null or at_plant.header_unit is null then 1
            else parent_units.numerator
        end as parent_numerator,
        case
            when parents.item_number is null or at_plant.header_unit is null then 1
            else parent_units.denominator
        end as parent_denominator,
    from at_plant
    left join items as components on at_plant.component_item_number = components.item_number
    left join items as parents on at_plant.parent_item_number = parents.item_number
    left join item_units as component_units
        on at_plant.component_item_number = component_units.item_number
        and at_plant.unit = component_units.unit
    left join item_units as parent_units
        on at_plant.parent_item_number = parent_units.item_number
        and at_plant.header_unit = parent_units.unit

),

converted as (

    select
        *,
        {{ quantity_per_parent() }} as quantity_per,
        case
            when needs_header and not has_header then 'no_header'
            when component_numerator is null then 'unit_not_convertible'
            when parent_numerator is null and not coalesce(is_fixed_quantity, false) then 'header_unit_not_convertible'
            when header_base_quantity <= 0 then 'base_quantity_not_positive'
            when quantity_per is null then 'quantity_too_large'
        end as refusal_reason,
    from factors

),

final as (

    select
        source_system,
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        line_id,
        position,
        component_item_number,
        component_revision,
        quantity_per,
        base_unit as unit,
        coalesce(is_fixed_quantity, false) as is_fixed_quantity,
        component_scrap as scrap_fraction,
        scrap_method,
        assembly_scrap as assembly_scrap_fraction,
        coalesce(is_net, false) as is_net,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        coalesce(line_type, 'component') as line_type,
        reference_designators,
        is_manufacturing_only,
        greatest(effective_from, header_effective_from) as effective_from,
        least(effective_to, header_effective_to) as effective_to,
        engineering_change_in,
        engineering_change_out,
        quantity as source_quantity,
        unit as source_unit,
        header_base_quantity as base_quantity,
        header_unit,
        header_status,
        lot_size_from,
        lot_size_to,
        refusal_reason,
        batch_id,
        correlation_id,
        recorded_at,
    from converted

)

select * from final
