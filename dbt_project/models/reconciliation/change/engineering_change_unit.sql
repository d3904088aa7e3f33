with

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable and is_released and not is_deferred and effectivity_kind in ('serial', 'lot')

),

structure as (

    select * from {{ ref('engineering_change_structure') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

-- rule 28: what a system itself took back by a reversal that stands was not built
taken_back as (

    select
        reversals.source_system,
        reversals.reversal_of,
        sum(reversals.base_quantity) as base_quantity,
    from {{ ref('inventory_movement') }} as reversals
    anti join {{ ref('inventory_movement') }} as again
        on reversals.source_system = again.source_system
        and reversals.event_id = again.reversal_of
        and again.event_at <= {{ as_of() }}
    where reversals.reversal_of is not null and reversals.event_at <= {{ as_of() }}
    group by reversals.source_system, reversals.reversal_of

),

-- what left orders as finished pieces, each system telling of them once more
receipts as (

    select
        scope.change_number,
        scope.plant_id,
        scope.parent_item_number,
        scope.to_revision,
        scope.effectivity_kind,
        scope.first_unit_number,
        scope.last_unit_number,
        case scope.effectivity_kind
            when 'serial' then movements.serial_number
            else movements.to_lot
        end as unit_number,
        movements.reference_number as production_order_number,
        movements.event_at,
        movements.correlation_id,
    from scope
    inner join {{ ref('inventory_movement') }} as movements
        on scope.plant_id = movements.to_plant_id
        and scope.parent_item_number = movements.item_number
    left join taken_back
        on movements.source_system = taken_back.source_system
        and movements.event_id = taken_back.reversal_of
    where
        movements.movement_class = 'receipt'
        and movements.reference_type = 'production_order'
        and movements.event_at <= {{ as_of() }}
        and (taken_back.base_quantity is null or taken_back.base_quantity < movements.base_quantity)

),

built as (

    select
        change_number,
        plant_id,
        parent_item_number,
        unit_number,
        any_value(to_revision) as to_revision,
        any_value(effectivity_kind) as unit_kind,
        any_value({{ unit_place('unit_number', 'first_unit_number', 'last_unit_number') }}) as place,
        min(production_order_number) as production_order_number,
        min(event_at) as made_at,
        list_sort(list(distinct correlation_id)) as correlation_ids,
    from receipts
    where unit_number is not null
    group by change_number, plant_id, parent_item_number, unit_number

),

orders as (

    select distinct
        change_number,
        plant_id,
        production_order_number,
    from built

),

-- what the order of a unit took of what the change brings in, and of what it takes out
taken as (

    select
        orders.change_number,
        orders.plant_id,
        orders.production_order_number,
        bool_or(structure.is_new and not structure.is_old) as took_new,
        bool_or(structure.is_old and not structure.is_new) as took_old,
    from orders
    inner join structure
        on orders.change_number = structure.change_number
        and orders.plant_id = structure.plant_id
    inner join {{ ref('material_consumption') }} as consumed
        on orders.plant_id = consumed.plant_id
        and orders.production_order_number = consumed.production_order_number
        and structure.component_item_number = consumed.item_number
    where consumed.base_quantity > 0
    group by orders.change_number, orders.plant_id, orders.production_order_number

),

-- the shop floor says to which revision an order was made, else the ERP
ordered as (

    select
        made.plant_id,
        made.production_order_number,
        made.item_number,
        coalesce(
            max(made.revision) filter (where systems.kind = 'mes'), max(made.revision)
        ) as made_revision,
    from {{ ref('production_order') }} as made
    inner join systems on made.source_system = systems.source_system
    semi join orders
        on made.plant_id = orders.plant_id
        and made.production_order_number = orders.production_order_number
    group by made.plant_id, made.production_order_number, made.item_number

),

judged as (

    select
        built.*,
        ordered.made_revision,
        case
            when taken.took_new and not taken.took_old then 'new'
            when taken.took_old and not taken.took_new then 'old'
            -- an order that took both made units of both kinds, and nobody says which
            when taken.took_old then 'unknown'
            when made.revision_sequence >= released.revision_sequence then 'new'
            when made.revision_sequence < released.revision_sequence then 'old'
            else 'unknown'
        end as built_to,
    from built
    left join taken
        on built.change_number = taken.change_number
        and built.plant_id = taken.plant_id
        and built.production_order_number = taken.production_order_number
    left join ordered
        on built.plant_id = ordered.plant_id
        and built.production_order_number = ordered.production_order_number
        and built.parent_item_number = ordered.item_number
    left join revisions as made
        on ordered.item_number = made.item_number
        and ordered.made_revision = made.revision
    left join revisions as released
        on built.parent_item_number = released.item_number
        and built.to_revision = released.revision

),

final as (

    select
        change_number,
        plant_id,
        parent_item_number,
        unit_kind,
        unit_number,
        place,
        production_order_number,
        made_at,
        made_revision,
        built_to,
        case
            when built_to = 'unknown' or place = 'elsewhere' then null
            else (place = 'in_range') = (built_to = 'new')
        end as is_as_expected,
        correlation_ids,
    from judged

)

select * from final
