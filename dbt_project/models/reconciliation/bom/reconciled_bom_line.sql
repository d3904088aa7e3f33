with

lines as (

    select * from {{ ref('bom_line_at_plant') }}
    where refusal_reason is null and line_type <> 'text'

),

priorities as (

    {{ owner_priorities('bom_line', ['quantity', 'component_scrap', 'operation_sequence', 'alternate_priority', 'is_phantom']) }}

),

ranked_lines as (

    select
        lines.*,
        coalesce(priorities.quantity_priority, 9999) as quantity_priority,
        coalesce(priorities.component_scrap_priority, 9999) as component_scrap_priority,
        coalesce(priorities.operation_sequence_priority, 9999) as operation_sequence_priority,
        coalesce(priorities.alternate_priority_priority, 9999) as alternate_priority_priority,
        coalesce(priorities.is_phantom_priority, 9999) as is_phantom_priority,
    from lines
    left join priorities
        on lines.plant_id = priorities.plant_id
        and lines.source_system = priorities.source_system

),

-- the system believed for quantities gives the structure: which lines there are, and when they hold
structure_owners as (

    select
        plant_id,
        parent_item_number,
        arg_min(source_system, lpad(quantity_priority::varchar, 4, '0') || source_system) as source_system,
        count(distinct source_system) as systems,
    from ranked_lines
    group by plant_id, parent_item_number

),

owned_lines as (

    select
        ranked_lines.*,
        structure_owners.systems,
        row_number() over () as line_ordinal,
    from ranked_lines
    inner join structure_owners
        on ranked_lines.plant_id = structure_owners.plant_id
        and ranked_lines.parent_item_number = structure_owners.parent_item_number
        and ranked_lines.source_system = structure_owners.source_system

),

-- the same line elsewhere: same parent and component with a common period; per system the one most alike
counterparts as (

    select
        owned_lines.line_ordinal,
        others.*,
    from owned_lines
    inner join ranked_lines as others
        on owned_lines.plant_id = others.plant_id
        and owned_lines.parent_item_number = others.parent_item_number
        and owned_lines.component_item_number = others.component_item_number
        and owned_lines.source_system <> others.source_system
        and {{ periods_overlap(
            'owned_lines.effective_from', 'owned_lines.effective_to', 'others.effective_from', 'others.effective_to') }}
    where owned_lines.systems > 1
    qualify row_number() over (
        partition by owned_lines.line_ordinal, others.source_system
        order by
            (owned_lines.alternative is not distinct from others.alternative) desc,
            (owned_lines.operation_sequence is not distinct from others.operation_sequence) desc,
            others.effective_from desc nulls last,
            others.line_id asc
    ) = 1

),

voices as (

    select
        line_ordinal,
        source_system,
        quantity_per,
        scrap_fraction,
        scrap_method,
        assembly_scrap_fraction,
        is_net,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        is_fixed_quantity,
        component_scrap_priority,
        operation_sequence_priority,
        alternate_priority_priority,
        is_phantom_priority,
    from owned_lines
    union all
    select
        line_ordinal,
        source_system,
        quantity_per,
        scrap_fraction,
        scrap_method,
        assembly_scrap_fraction,
        is_net,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        is_fixed_quantity,
        component_scrap_priority,
        operation_sequence_priority,
        alternate_priority_priority,
        is_phantom_priority,
    from counterparts

),

-- rule 36: per attribute, the value of the best-placed system that has one
winners as (

    select
        line_ordinal,
        arg_min(voices, component_scrap_priority) filter (
            scrap_fraction is not null or assembly_scrap_fraction is not null
        ) as scrap,
        arg_min(voices, operation_sequence_priority) filter (operation_sequence is not null) as operation,
        arg_min(voices, alternate_priority_priority) filter (alternate_group is not null) as alternate,
        arg_min(voices, is_phantom_priority) filter (is_phantom is not null) as phantom,
        count(distinct source_system) as systems,
        max(quantity_per) - min(quantity_per) as quantity_spread,
        count(distinct is_fixed_quantity) as fixed_values,
        count(distinct is_phantom) as phantom_values,
        count(distinct scrap_fraction) as scrap_values,
    from voices
    group by line_ordinal

),

final as (

    select
        owned_lines.plant_id,
        owned_lines.parent_item_number,
        owned_lines.source_system,
        owned_lines.usage,
        owned_lines.alternative,
        owned_lines.revision,
        owned_lines.line_id,
        owned_lines.position,
        owned_lines.component_item_number,
        owned_lines.component_revision,
        owned_lines.quantity_per,
        owned_lines.unit,
        owned_lines.is_fixed_quantity,
        coalesce(winners.scrap.scrap_fraction, 0) as scrap_fraction,
        coalesce(winners.scrap.scrap_method, 'multiply') as scrap_method,
        coalesce(winners.scrap.assembly_scrap_fraction, 0) as assembly_scrap_fraction,
        coalesce(winners.scrap.is_net, owned_lines.is_net) as is_net,
        winners.operation.operation_sequence as operation_sequence,
        winners.alternate.alternate_group as alternate_group,
        winners.alternate.alternate_priority as alternate_priority,
        winners.alternate.usage_probability as usage_probability,
        winners.phantom.is_phantom as is_phantom,
        owned_lines.line_type,
        owned_lines.reference_designators,
        owned_lines.is_manufacturing_only,
        owned_lines.effective_from,
        owned_lines.effective_to,
        owned_lines.source_system as quantity_source,
        winners.scrap.source_system as scrap_fraction_source,
        winners.operation.source_system as operation_sequence_source,
        winners.alternate.source_system as alternate_priority_source,
        winners.phantom.source_system as is_phantom_source,
        case
            when owned_lines.systems = 1 then 'single_source'
            when
                winners.systems = owned_lines.systems
                and winners.quantity_spread = 0
                and winners.fixed_values <= 1
                and winners.phantom_values <= 1
                and winners.scrap_values <= 1
                then 'agreed'
            else 'differing'
        end as status,
        owned_lines.batch_id,
        owned_lines.correlation_id,
        owned_lines.recorded_at,
    from owned_lines
    inner join winners on owned_lines.line_ordinal = winners.line_ordinal

)

select * from final
