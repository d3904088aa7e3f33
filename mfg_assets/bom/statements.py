"""The SQL of `read`: which published lines hold for a question, and what can be reached through them.

Belongs here: texts of statements, every value a parameter. Doesn't belong here: running them (`read`).

The choices are those of dbt's `effective_bom_line` and `item_structure`, for any instant and system instead of the
run's:

- A bill counts when it is meant for production, for everything or for engineering, or doesn't say (which means
  production), and is released; a superseded one counts in its period, when that has an end.
- One bill per item (rule 13): by usage in that order, then by lot size, alternative, and the newest revision (rule 18).
- One version of overlapping lines (rule 2), one member of a group of alternates (rule 12).
- Without a system: the lines of the system that gives the structure, chosen by its own attributes, with the values that
  won. Refused lines of that system, or of any where none has a bill, stay in with an unknown quantity.

`tests/unit/test_bom_choice_random.py` holds both against each other.
"""

from __future__ import annotations

_LINE_COLUMNS = """
        lines.source_system,
        lines.parent_item_number,
        lines.usage,
        lines.alternative,
        lines.revision,
        lines.line_id,
        lines.position,
        lines.component_item_number,
        lines.component_revision,
        lines.quantity_per,
        lines.unit,
        lines.is_fixed_quantity,
        lines.scrap_fraction,
        lines.scrap_method,
        lines.assembly_scrap_fraction,
        lines.is_net,
        lines.operation_sequence,
        lines.alternate_group,
        lines.alternate_priority,
        lines.usage_probability,
        lines.is_phantom,
        lines.line_type,
        lines.reference_designators,
        lines.effective_from,
        lines.effective_to,
"""

OF_SYSTEM = f"""
    select
        {_LINE_COLUMNS}
        lines.header_status,
        lines.lot_size_from,
        lines.lot_size_to,
        lines.operation_sequence as own_operation_sequence,
        lines.recorded_at,
    from bom_line as lines
    where lines.plant_id = $plant_id and lines.source_system = $system
"""

# What the system held at an instant of recorded time, whatever it says now.
HELD_BY_SYSTEM = f"""
    select
        {_LINE_COLUMNS}
        lines.header_status,
        lines.lot_size_from,
        lines.lot_size_to,
        lines.operation_sequence as own_operation_sequence,
        lines.recorded_from as recorded_at,
    from bom_line_history as lines
    where
        lines.plant_id = $plant_id
        and lines.source_system = $system
        and lines.recorded_from <= $held_at
        and (lines.recorded_to is null or lines.recorded_to > $held_at)
"""

# What a header says stands on the system's own line; the reconciled line carries the values that won.
RECONCILED = f"""
    select
        {_LINE_COLUMNS}
        own.header_status,
        own.lot_size_from,
        own.lot_size_to,
        own.operation_sequence as own_operation_sequence,
        coalesce(own.recorded_at, lines.recorded_at) as recorded_at,
    from reconciled_bom_line as lines
    left join bom_line as own
        on lines.source_system = own.source_system
        and lines.plant_id = own.plant_id
        and lines.parent_item_number = own.parent_item_number
        and lines.usage is not distinct from own.usage
        and lines.alternative is not distinct from own.alternative
        and lines.revision is not distinct from own.revision
        and lines.line_id = own.line_id
    where lines.plant_id = $plant_id
"""

# A line whose unit can't be converted stays in the structure with an unknown quantity, or its parent looks complete.
_REFUSED = f"""
    union all by name
    select
        {_LINE_COLUMNS.replace("lines.quantity_per", "null::decimal(38, 12) as quantity_per")}
        lines.header_status,
        lines.lot_size_from,
        lines.lot_size_to,
        lines.operation_sequence as own_operation_sequence,
        lines.recorded_at,
    from bom_line_refused as lines
    where lines.plant_id = $plant_id and {{whose}}
"""
REFUSED_OF_SYSTEM = _REFUSED.replace("{whose}", "lines.source_system = $system")
# Where a system gives a structure, what others couldn't say is no part of it.
REFUSED_RECONCILED = _REFUSED.replace(
    "{whose}",
    """coalesce(
        lines.source_system = (
            select any_value(owned.source_system)
            from reconciled_bom_line as owned
            where owned.plant_id = lines.plant_id and owned.parent_item_number = lines.parent_item_number
        ), true
    )""",
)

REVISIONS = """
    select item_number, revision, max(revision_sequence) as revision_sequence
    from item_revision
    group by item_number, revision
"""
NO_REVISIONS = "select ''::varchar as item_number, ''::varchar as revision, 0::bigint as revision_sequence where false"

ITEM_PLANTS = """
    select item_number, max(lot_size) as lot_size, bool_or(is_phantom) as is_phantom
    from item_plant
    where plant_id = $plant_id
    group by item_number
"""
NO_ITEM_PLANTS = (
    "select ''::varchar as item_number, 0::decimal(18, 6) as lot_size, false::boolean as is_phantom where false"
)

STRUCTURE = """
with recursive

raw as (

    {raw}

),

revisions as (

    {revisions}

),

item_plants as (

    {item_plants}

),

line_rules as (

    select
        unnest($systems::varchar[]) as source_system,
        unnest($identities::varchar[]) as line_identity,
        unnest($winners::varchar[]) as overlap_winner,

),

in_effect as (

    select
        raw.*,
        coalesce(line_rules.line_identity, 'component') as line_identity,
        coalesce(line_rules.overlap_winner, 'latest_valid_from') as overlap_winner,
        revisions.revision_sequence,
        case
            when raw.parent_item_number = $item then coalesce($lot_size::decimal(18, 6), item_plants.lot_size, 1)
            else coalesce(item_plants.lot_size, 1)
        end as lot_size,
    from raw
    left join line_rules on raw.source_system = line_rules.source_system
    left join revisions on raw.parent_item_number = revisions.item_number and raw.revision = revisions.revision
    left join item_plants on raw.parent_item_number = item_plants.item_number
    where
        coalesce(raw.line_type, 'component') <> 'text'
        and case
            when $usage::varchar is not null and raw.parent_item_number = $item
                then coalesce(raw.usage, 'production') = $usage
            else raw.usage is null or raw.usage in ('production', 'universal', 'engineering')
        end
        and ($alternative::varchar is null or raw.parent_item_number <> $item or raw.alternative = $alternative)
        and case
            when $is_down and $revision::varchar is not null and raw.parent_item_number = $item
                then raw.revision = $revision
            else
                coalesce(raw.header_status, 'released') = 'released'
                or (raw.header_status = 'superseded' and raw.effective_to is not null)
        end
        and (
            (
                not $is_at_instant and $is_down and $revision::varchar is not null and raw.parent_item_number = $item
            )
            or (
                (raw.effective_from is null or raw.effective_from <= $as_of)
                and (raw.effective_to is null or raw.effective_to > $as_of)
            )
        )

),

bills as (

    select
        source_system,
        parent_item_number,
        usage,
        alternative,
        revision,
        row_number() over (
            partition by source_system, parent_item_number
            order by
                case coalesce(usage, 'production') when 'production' then 1 when 'universal' then 2 else 3 end asc,
                usage asc nulls last,
                bool_or(
                    lot_size >= coalesce(lot_size_from, 0) and (lot_size_to is null or lot_size <= lot_size_to)
                ) desc,
                try_cast(alternative as bigint) asc nulls last,
                alternative asc nulls first,
                max(revision_sequence) desc nulls last,
                max(effective_from) desc nulls last,
                revision desc nulls last
        ) as choice,
    from in_effect
    group by source_system, parent_item_number, usage, alternative, revision

),

chosen as (

    select
        in_effect.*,
        case in_effect.line_identity
            when 'position'
                then
                    coalesce(in_effect.position, in_effect.line_id) || case
                        when in_effect.alternate_group is null then '' else ' ' || in_effect.component_item_number
                    end
            when 'reference_designator' then coalesce(in_effect.reference_designators, in_effect.line_id)
            else in_effect.component_item_number || ' at ' || coalesce(in_effect.own_operation_sequence::varchar, '')
        end as line_identity_key,
    from in_effect
    inner join bills
        on in_effect.source_system = bills.source_system
        and in_effect.parent_item_number = bills.parent_item_number
        and in_effect.usage is not distinct from bills.usage
        and in_effect.alternative is not distinct from bills.alternative
        and in_effect.revision is not distinct from bills.revision
    where bills.choice = 1

),

winners as (

    select *
    from chosen
    qualify row_number() over (
        partition by source_system, parent_item_number, line_identity_key, line_type
        order by
            case when overlap_winner = 'latest_recorded' then recorded_at end desc nulls last,
            effective_from desc nulls last,
            recorded_at desc,
            line_id desc
    ) = 1

),

ranked as (

    select
        *,
        row_number() over (
            partition by parent_item_number, alternate_group, coalesce(usage_probability, 1) > 0
            order by
                alternate_priority asc nulls last,
                usage_probability desc nulls last,
                component_item_number asc,
                line_id asc
        ) as place,
    from winners

),

structure as (

    select
        ranked.parent_item_number as parent,
        ranked.component_item_number as component,
        ranked.quantity_per,
        ranked.unit,
        coalesce(ranked.is_fixed_quantity, false) as is_fixed,
        coalesce(ranked.scrap_fraction, 0) as scrap,
        coalesce(ranked.scrap_method, 'multiply') as scrap_method,
        coalesce(ranked.assembly_scrap_fraction, 0) as assembly_scrap,
        coalesce(ranked.is_net, false) as is_net,
        coalesce(ranked.is_phantom, item_plants.is_phantom, items.item_type = 'phantom', false) as is_phantom,
        case when ranked.line_type in ('by_product', 'co_product') then ranked.line_type else 'component' end as kind,
        ranked.alternate_group is null or (ranked.place = 1 and coalesce(ranked.usage_probability, 1) > 0) as is_chosen,
        ranked.alternate_group,
        ranked.line_id,
        ranked.position,
        ranked.source_system,
        ranked.revision,
        ranked.component_revision,
        ranked.effective_from,
        ranked.effective_to,
        ranked.usage,
        ranked.alternative,
        ranked.operation_sequence,
        ranked.alternate_priority,
        ranked.usage_probability,
        ranked.reference_designators,
    from ranked
    left join item_plants on ranked.component_item_number = item_plants.item_number
    left join item as items on ranked.component_item_number = items.item_number
    where
        $is_down
        or $revision::varchar is null
        or ranked.component_item_number <> $item
        or ranked.component_revision is null
        or ranked.component_revision = $revision

),

-- a set, so it ends also where items hold each other (rule 15)
reached as (

    select $item::varchar as item
    union
    select {further} as item
    from reached
    inner join structure on {near} = reached.item
    where structure.kind = 'component' or (not $is_down and reached.item = $item)

),

final as (

    select structure.*
    from structure
    inner join reached on {near} = reached.item

)

select * from final
order by parent, try_cast(position as bigint) asc nulls last, position asc nulls last, line_id asc, component asc
"""
