{%- set bill = ['parent_item_number', 'plant_id', 'usage', 'alternative', 'revision'] -%}
{#- What a system says of a line; what it says of the bill; what of both makes a new version at a plant. -#}
{%- set line_attributes = [
    'position', 'component_item_number', 'component_revision', 'quantity', 'unit', 'is_fixed_quantity', 'component_scrap',
    'scrap_method', 'assembly_scrap', 'is_net', 'operation_sequence', 'alternate_group', 'alternate_priority',
    'usage_probability', 'is_phantom', 'line_type', 'reference_designators', 'applicable_plants', 'effective_from',
    'effective_to', 'engineering_change_in', 'engineering_change_out', 'is_manufacturing_only',
] -%}
{%- set header_attributes = [
    'base_quantity', 'unit', 'status', 'effective_from', 'effective_to', 'lot_size_from', 'lot_size_to',
    'engineering_change_number',
] -%}
{%- set kept = [
    'position', 'component_item_number', 'component_revision', 'quantity_per', 'unit', 'source_unit', 'is_fixed_quantity',
    'scrap_fraction', 'scrap_method', 'assembly_scrap_fraction', 'is_net', 'operation_sequence', 'alternate_group',
    'alternate_priority', 'usage_probability', 'is_phantom', 'line_type', 'reference_designators', 'effective_from',
    'effective_to', 'engineering_change_in', 'engineering_change_out', 'is_manufacturing_only', 'header_status',
    'lot_size_from', 'lot_size_to',
] -%}
{%- set content = 'row(' ~ kept | join(', ') ~ ')' -%}
{%- set line_key = bom_line_key() -%}

with

line_versions as (

    {{ told_versions('bom_line', bill + ['line_id'], line_attributes) }}

),

header_versions as (

    {{ told_versions('bom_header', bill, header_attributes) }}

),

item_ids as (

    select
        source_system,
        native_id,
        item_number,
    from {{ ref('item_native_id') }}

),

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

item_units as (

    select
        item_number,
        unit,
        numerator,
        denominator,
    from {{ ref('item_unit') }}

),

served_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

-- a line or header without a plant is for every plant that its system serves
plants as (

    select
        source_system,
        plant_id,
        null as said_plant_id
    from served_plants
    union all
    select distinct
        source_system,
        plant_id,
        plant_id as said_plant_id
    from line_versions
    where plant_id is not null

),

systems_with_headers as (

    select distinct source_system
    from {{ source('estate', 'extract') }}
    where entity = 'bom_header'
    union
    select distinct source_system
    from header_versions

),

bill_plants as (

    select distinct
        source_system,
        plant_id,
    from plants

),

-- a plant's own header counts before the one for all plants
headers_spread as (

    select
        headers.* exclude (plant_id),
        bill_plants.plant_id,
    from header_versions as headers
    inner join bill_plants
        on headers.source_system = bill_plants.source_system
        and (headers.plant_id is null or headers.plant_id = bill_plants.plant_id)
    qualify rank() over (
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

-- every instant has a header: before the first is told it is that one, after the last is gone still that one, because
-- lines and headers come in deliveries of their own
headers_at_plant as (

    select
        * exclude (told_at, told_until, last_told_at, is_initial, batch_id, correlation_id),
        case when lag(told_at) over by_time is not null then told_at end as holds_from,
        lead(told_at) over by_time as holds_until,
    from headers_spread
    window by_time as (
        partition by source_system, plant_id, parent_item_number, usage, alternative, revision
        order by told_at asc
    )

),

spread as (

    select
        line_versions.* exclude (plant_id, told_at, told_until, last_told_at, written_at, is_initial),
        line_versions.plant_id as said_plant_id,
        plants.plant_id,
        headers.parent_item_number is not null as has_header,
        systems_with_headers.source_system is null or has_header as is_whole,
        case when systems_with_headers.source_system is null then 1 else headers.base_quantity end
            as header_base_quantity,
        headers.unit as header_unit,
        headers.status as header_status,
        headers.lot_size_from,
        headers.lot_size_to,
        headers.effective_from as header_effective_from,
        headers.effective_to as header_effective_to,
        greatest(line_versions.told_at, headers.holds_from) as told_at,
        least(line_versions.told_until, headers.holds_until) as told_until,
        least(line_versions.last_told_at, headers.holds_until) as last_told_at,
        case when headers.holds_from > line_versions.told_at then headers.written_at else line_versions.written_at end
            as written_at,
        line_versions.is_initial and coalesce(headers.holds_from <= line_versions.told_at, true) as is_initial,
    from line_versions
    inner join plants
        on line_versions.source_system = plants.source_system
        and line_versions.plant_id is not distinct from plants.said_plant_id
    left join systems_with_headers on line_versions.source_system = systems_with_headers.source_system
    left join headers_at_plant as headers
        on line_versions.source_system = headers.source_system
        and plants.plant_id = headers.plant_id
        and line_versions.parent_item_number = headers.parent_item_number
        and line_versions.usage is not distinct from headers.usage
        and line_versions.alternative is not distinct from headers.alternative
        and line_versions.revision is not distinct from headers.revision
        and {{ periods_overlap(
            'line_versions.told_at', 'line_versions.told_until', 'headers.holds_from', 'headers.holds_until') }}
    where
        line_versions.applicable_plants is null
        or list_contains(
            list_transform(string_split(line_versions.applicable_plants, ','), lambda p: trim(p)), plants.plant_id
        )

),

-- a line for all plants holds where its bill has a header
named as (

    select
        spread.* exclude (parent_item_number, component_item_number),
        coalesce(parent_ids.item_number, spread.parent_item_number) as parent_item_number,
        coalesce(component_ids.item_number, spread.component_item_number) as component_item_number,
    from spread
    left join item_ids as parent_ids
        on spread.source_system = parent_ids.source_system
        and spread.parent_item_number = parent_ids.native_id
    left join item_ids as component_ids
        on spread.source_system = component_ids.source_system
        and spread.component_item_number = component_ids.native_id
    qualify
        spread.is_whole
        or spread.said_plant_id is not null
        or not bool_or(spread.has_header) over (
            partition by
                spread.source_system, spread.parent_item_number, spread.usage, spread.alternative, spread.revision,
                spread.line_id
        )

),

factors as (

    select
        named.* exclude (unit, component_scrap, assembly_scrap, effective_from, effective_to, said_plant_id),
        named.unit as source_unit,
        coalesce(components.base_unit, named.unit) as unit,
        named.component_scrap as scrap_fraction,
        named.assembly_scrap as assembly_scrap_fraction,
        greatest(named.effective_from, named.header_effective_from) as effective_from,
        least(named.effective_to, named.header_effective_to) as effective_to,
        case when components.item_number is null then 1 else component_units.numerator end as component_numerator,
        case when components.item_number is null then 1 else component_units.denominator end as component_denominator,
        case
            when parents.item_number is null or named.header_unit is null then 1
            else parent_units.numerator
        end as parent_numerator,
        case
            when parents.item_number is null or named.header_unit is null then 1
            else parent_units.denominator
        end as parent_denominator,
    from named
    left join items as components on named.component_item_number = components.item_number
    left join items as parents on named.parent_item_number = parents.item_number
    left join item_units as component_units
        on named.component_item_number = component_units.item_number
        and named.unit = component_units.unit
    left join item_units as parent_units
        on named.parent_item_number = parent_units.item_number
        and named.header_unit = parent_units.unit

),

converted as (

    select
        * replace (
            coalesce(is_fixed_quantity, false) as is_fixed_quantity,
            coalesce(is_net, false) as is_net,
            coalesce(line_type, 'component') as line_type
        ),
        {{ quantity_per_parent() }} as quantity_per,
    from factors

),

-- twice the quantity for twice the base quantity is the same line: what a plant has to do decides what a version is
compared as (

    select
        *,
        coalesce(
            lag({{ content }}) over by_time is distinct from {{ content }}
            or lag(told_until) over by_time < told_at, true
        ) as is_other,
    from converted
    window by_time as (partition by {{ line_key }} order by told_at asc)

),

numbered as (

    select
        *,
        count(*) filter (is_other) over (partition by {{ line_key }} order by told_at asc) as version_number,
    from compared

),

versions as (

    select
        {{ line_key }},
        version_number,
        {%- for column in kept %}
            any_value({{ column }}) as {{ column }},
        {%- endfor %}
        min_by(quantity, told_at) as source_quantity,
        min_by(header_base_quantity, told_at) as base_quantity,
        min(told_at) as first_told_at,
        max(last_told_at) as last_told_at,
        case when count(told_until) = count(*) then max(told_until) end as told_until,
        min_by(written_at, told_at) as written_at,
        min_by(is_initial, told_at) as is_initial,
        min_by(batch_id, told_at) as batch_id,
        min_by(correlation_id, told_at) as correlation_id,
    from numbered
    group by {{ line_key }}, version_number

),

followed as (

    select
        *,
        -- where the bill's header was told later than the line, one of both may lie before the version before
        case
            when written_at <= first_told_at and coalesce(lag(first_told_at) over by_time < written_at, true)
                then written_at
            else first_told_at
        end as recorded_from,
        lead(first_told_at) over by_time as next_told_at,
        lag(told_until) over by_time as told_until_before,
        {{ changed_attributes(kept, 'by_time') }} as differing,
    from versions
    window by_time as (partition by {{ line_key }} order by first_told_at asc)

),

final as (

    select
        {{ line_key }},
        version_number,
        recorded_from,
        case
            when next_told_at = told_until
                then lead(recorded_from) over (partition by {{ line_key }} order by first_told_at asc)
            else told_until
        end as recorded_to,
        first_told_at,
        last_told_at,
        told_until,
        case
            when told_until_before = first_told_at then 'changed'
            when is_initial then 'initial'
            else 'added'
        end as began_as,
        case when next_told_at = told_until then 'changed' when told_until is not null then 'removed' end as ended_as,
        case when told_until_before = first_told_at then differing else [] end as changed_attributes,
        {{ bom_line_columns() }},
    from followed

)

select * from final
