{#-
  What orders call for, each by the bill that was in force when it was to start: rules 2, 3 and 8 to 14, as CTEs up to
  `leaves`, for a `with recursive`. Expects before it the CTE `orders` with order_key, plant_id, item_number,
  bom_alternative, judged_at, lot_quantity (null where no lot size chooses the bill), order_quantity and orders (their
  number), and gives for each of its rows and component: quantity, is_chosen (false for what an alternate would need in
  its place) and alternate_key (which names the group of alternates; null outside one).
-#}

{#- The lines that may count, with what the reconciled ones say of them; `items_with_lot_sizes` for `orders`. -#}
{% macro order_bill_lines() -%}
lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

reconciled_lines as (

    select * from {{ ref('reconciled_bom_line') }}

),

systems as (

    select
        source_system,
        line_identity,
        overlap_winner,
    from {{ source('estate', 'system') }}

),

item_plants as (

    select
        item_number,
        plant_id,
        max(lot_size) as lot_size,
        bool_or(is_phantom) as is_phantom,
    from {{ ref('item_plant') }}
    group by item_number, plant_id

),

items as (

    select
        item_number,
        item_type,
    from {{ ref('item') }}

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

structure_systems as (

    select distinct
        plant_id,
        parent_item_number,
        source_system,
    from reconciled_lines

),

-- which line counts is told from its own system's words, how much it calls for from the reconciled ones
bill_lines as (

    select
        lines.source_system,
        lines.plant_id,
        lines.parent_item_number,
        lines.usage,
        lines.alternative,
        lines.revision,
        lines.line_id,
        {{ line_identity_key('lines', 'systems') }} as line_identity_key,
        lines.line_type,
        lines.header_status,
        lines.effective_from,
        lines.effective_to,
        lines.recorded_at,
        lines.lot_size_from,
        lines.lot_size_to,
        systems.overlap_winner,
        revisions.revision_sequence,
        lines.component_item_number,
        lines.refusal_reason,
        reconciled_lines.quantity_per,
        reconciled_lines.unit,
        reconciled_lines.is_fixed_quantity,
        reconciled_lines.scrap_fraction,
        reconciled_lines.scrap_method,
        reconciled_lines.assembly_scrap_fraction,
        reconciled_lines.is_net,
        reconciled_lines.alternate_group,
        reconciled_lines.alternate_priority,
        reconciled_lines.usage_probability,
        {{ is_phantom_component('reconciled_lines', 'item_plants', 'items') }} as is_phantom,
    from lines
    inner join structure_systems
        on lines.source_system = structure_systems.source_system
        and lines.plant_id = structure_systems.plant_id
        and lines.parent_item_number = structure_systems.parent_item_number
    inner join systems on lines.source_system = systems.source_system
    left join reconciled_lines
        on lines.source_system = reconciled_lines.source_system
        and lines.plant_id = reconciled_lines.plant_id
        and lines.parent_item_number = reconciled_lines.parent_item_number
        and lines.usage is not distinct from reconciled_lines.usage
        and lines.alternative is not distinct from reconciled_lines.alternative
        and lines.revision is not distinct from reconciled_lines.revision
        and lines.line_id = reconciled_lines.line_id
    left join revisions
        on lines.parent_item_number = revisions.item_number
        and lines.revision = revisions.revision
    left join item_plants
        on lines.component_item_number = item_plants.item_number
        and lines.plant_id = item_plants.plant_id
    left join items on lines.component_item_number = items.item_number

),

items_with_lot_sizes as (

    select distinct
        plant_id,
        parent_item_number,
    from bill_lines
    where lot_size_from is not null or lot_size_to is not null

)
{%- endmacro %}


{% macro order_leaves() -%}
{#- Only ends what a cycle of phantoms could otherwise grow; no sound structure nests phantoms as deep. -#}
{%- set deepest = 30 -%}
-- rule 11: a phantom that an order's bill may name is asked for its own bill at the order's instant
asks as (

    select
        order_key,
        plant_id,
        item_number,
        bom_alternative,
        judged_at,
        cast(lot_quantity as decimal(28, 6)) as lot_quantity,
        cast(order_quantity as decimal(38, 6)) as order_quantity,
        orders,
    from orders

    union

    select
        cast(null as varchar) as order_key,
        asks.plant_id,
        bill_lines.component_item_number as item_number,
        cast(null as varchar) as bom_alternative,
        asks.judged_at,
        cast(coalesce(item_plants.lot_size, 1) as decimal(28, 6)) as lot_quantity,
        cast(null as decimal(38, 6)) as order_quantity,
        cast(null as bigint) as orders,
    from asks
    inner join bill_lines
        on asks.plant_id = bill_lines.plant_id
        and asks.item_number = bill_lines.parent_item_number
        and {{ is_effective('bill_lines.effective_from', 'bill_lines.effective_to', 'asks.judged_at') }}
    left join item_plants
        on bill_lines.component_item_number = item_plants.item_number
        and bill_lines.plant_id = item_plants.plant_id
    where bill_lines.is_phantom

),

numbered_asks as (

    select
        *,
        row_number() over () as ask_number,
    from asks

),

-- rule 3: each order by the bill in force when that order was to start, never by today's
in_effect as (

    select
        asks.ask_number,
        asks.order_key,
        asks.bom_alternative,
        asks.judged_at,
        asks.lot_quantity,
        asks.order_quantity,
        asks.orders,
        bill_lines.*,
    from numbered_asks as asks
    inner join bill_lines
        on asks.plant_id = bill_lines.plant_id
        and asks.item_number = bill_lines.parent_item_number
        and {{ may_count('bill_lines', 'asks.judged_at') }}

),

-- rule 13: the alternative that the order names, else as everywhere
bills as (

    select
        ask_number,
        usage,
        alternative,
        revision,
    from in_effect
    group by ask_number, bom_alternative, lot_quantity, usage, alternative, revision
    qualify row_number() over (
        partition by ask_number
        order by
            coalesce(alternative = bom_alternative, false) desc,
            {{ bill_order('lot_quantity') }}
    ) = 1

),

-- rule 2: of overlapping versions of a line, one counts
line_winners as (

    select in_effect.*
    from in_effect
    inner join bills
        on in_effect.ask_number = bills.ask_number
        and in_effect.usage is not distinct from bills.usage
        and in_effect.alternative is not distinct from bills.alternative
        and in_effect.revision is not distinct from bills.revision
    qualify row_number() over (
        partition by in_effect.ask_number, line_identity_key, line_type
        order by
            {{ overlap_order() }}
    ) = 1

),

-- rule 12: one member of each group; rule 14: by-products come out of an order, they don't go in
members as (

    select
        *,
        alternate_group is null
        or row_number() over (
            partition by ask_number, alternate_group
            order by
                {{ alternate_order() }}
        ) = 1 as is_chosen,
    from line_winners
    where line_type in ('component', 'consumable') and refusal_reason is null and {{ may_be_member() }}

),

-- rule 10: both scraps
called_lines as (

    select
        order_key,
        plant_id,
        parent_item_number,
        component_item_number,
        judged_at,
        unit,
        is_fixed_quantity,
        is_phantom,
        order_quantity,
        orders,
        is_chosen,
        case when alternate_group is not null then parent_item_number || ' ' || alternate_group end as alternate_key,
        cast({{ quantity_with_scrap() }} as decimal(30, 12)) as quantity_per,
    from members

),

phantom_lines as (

    select * from called_lines
    where orders is null

),

-- rule 9: a fixed quantity is per order, whatever its size
uses as (

    select
        order_key,
        plant_id,
        parent_item_number,
        component_item_number,
        judged_at,
        unit,
        is_phantom,
        orders,
        is_chosen,
        alternate_key,
        try(cast(
            case when is_fixed_quantity then cast(orders as decimal(38, 6)) else order_quantity end
            * quantity_per as decimal(38, 12)
        )) as quantity,
        case when is_phantom then [parent_item_number, component_item_number] end as visited,
    from called_lines
    where orders is not null

    union all

    select
        uses.order_key,
        uses.plant_id,
        uses.parent_item_number,
        phantom_lines.component_item_number,
        uses.judged_at,
        phantom_lines.unit,
        phantom_lines.is_phantom,
        uses.orders,
        uses.is_chosen and phantom_lines.is_chosen as is_chosen,
        coalesce(phantom_lines.alternate_key, uses.alternate_key) as alternate_key,
        try(cast(
            case when phantom_lines.is_fixed_quantity then cast(uses.orders as decimal(38, 12)) else uses.quantity end
            * phantom_lines.quantity_per as decimal(38, 12)
        )) as quantity,
        list_append(uses.visited, phantom_lines.component_item_number) as visited,
    from uses
    inner join phantom_lines
        on uses.plant_id = phantom_lines.plant_id
        and uses.component_item_number = phantom_lines.parent_item_number
        and uses.judged_at is not distinct from phantom_lines.judged_at
    where
        uses.is_phantom
        and len(uses.visited) < {{ deepest }}
        and not list_contains(uses.visited, phantom_lines.component_item_number)

),

-- a phantom without a bill has nothing that could stand for it
passed_through as (

    select distinct
        plant_id,
        parent_item_number,
        judged_at,
    from phantom_lines

),

leaves as (

    select uses.*
    from uses
    left join passed_through
        on uses.is_phantom
        and uses.plant_id = passed_through.plant_id
        and uses.component_item_number = passed_through.parent_item_number
        and uses.judged_at is not distinct from passed_through.judged_at
    where passed_through.plant_id is null

)
{%- endmacro %}
