with

lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

systems as (

    select
        source_system,
        kind,
        line_identity,
        overlap_winner,
    from {{ source('estate', 'system') }}

),

item_plants as (

    select
        item_number,
        plant_id,
        max(lot_size) as lot_size,
    from {{ ref('item_plant') }}
    group by item_number, plant_id

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

-- rules 1 and 3: what holds at the run's instant
in_effect as (

    select
        lines.*,
        systems.kind,
        systems.line_identity,
        systems.overlap_winner,
        revisions.revision_sequence,
        coalesce(item_plants.lot_size, 1) as planned_lot_size,
    from lines
    inner join systems on lines.source_system = systems.source_system
    left join item_plants
        on lines.parent_item_number = item_plants.item_number
        and lines.plant_id = item_plants.plant_id
    left join revisions
        on lines.parent_item_number = revisions.item_number
        and lines.revision = revisions.revision
    where
        {{ may_count('lines', as_of()) }}

),

-- rule 13: one bill per item, plant and usage; its lot-size range decides, then the lower alternative
bills as (

    select
        source_system,
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        row_number() over (
            partition by source_system, plant_id, parent_item_number
            order by
                {{ bill_order('planned_lot_size') }}
        ) as choice,
    from in_effect
    group by source_system, plant_id, parent_item_number, usage, alternative, revision

),

chosen as (

    select
        in_effect.*,
        -- rule 7: what makes two lines the same line is declared per system
        {{ line_identity_key('in_effect', 'in_effect') }} as line_identity_key,
    from in_effect
    inner join bills
        on in_effect.source_system = bills.source_system
        and in_effect.plant_id = bills.plant_id
        and in_effect.parent_item_number = bills.parent_item_number
        and in_effect.usage is not distinct from bills.usage
        and in_effect.alternative is not distinct from bills.alternative
        and in_effect.revision is not distinct from bills.revision
    where bills.choice = 1

),

-- rule 2: of overlapping versions of a line, one counts
winners as (

    select *
    from chosen
    qualify row_number() over (
        partition by source_system, plant_id, parent_item_number, line_identity_key, line_type
        order by
            {{ overlap_order() }}
    ) = 1

),

final as (

    select
        source_system,
        kind,
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        line_id,
        line_identity_key,
        position,
        component_item_number,
        component_revision,
        quantity_per,
        unit,
        is_fixed_quantity,
        scrap_fraction,
        scrap_method,
        assembly_scrap_fraction,
        is_net,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        line_type,
        reference_designators,
        is_manufacturing_only,
        effective_from,
        effective_to,
        engineering_change_in,
        engineering_change_out,
        source_quantity,
        source_unit,
        refusal_reason,
        batch_id,
        correlation_id,
        recorded_at,
    from winners

)

select * from final
