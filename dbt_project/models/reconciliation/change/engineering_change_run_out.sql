with

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable and not is_withdrawn

),

outgoing as (

    select
        structure.change_number,
        structure.plant_id,
        structure.component_item_number as item_number,
        structure.unit,
        structure.is_still_used,
        scope.effective_from,
        scope.disposition,
        scope.timezone,
    from {{ ref('engineering_change_structure') }} as structure
    inner join scope
        on structure.change_number = scope.change_number
        and structure.plant_id = scope.plant_id
    where structure.is_old and not structure.is_new

),

-- rules 25 and 26: what may be used here; what is on its way or not ours isn't
stock as (

    select
        plant_id,
        item_number,
        sum(available) as available_quantity,
    from {{ ref('inventory_state') }}
    group by plant_id, item_number

),

ordered as (

    select
        plant_id,
        item_number,
        sum(quantity) as ordered_quantity,
    from {{ ref('open_object') }}
    where object_type = 'purchase_order_line'
    group by plant_id, item_number

),

used as (

    select
        plant_id,
        item_number,
        used_per_day,
    from {{ ref('component_usage') }}

),

-- what open orders that have not begun call for
called as (

    select
        plant_id,
        item_number,
        sum(quantity) as called_quantity,
    from {{ ref('open_object') }}
    where object_type = 'order_component' and not is_started
    group by plant_id, item_number

),

measured as (

    select
        outgoing.*,
        coalesce(stock.available_quantity, 0) as available_quantity,
        coalesce(ordered.ordered_quantity, 0) as ordered_quantity,
        coalesce(called.called_quantity, 0) as called_quantity,
        coalesce(used.used_per_day, 0) as used_per_day,
    from outgoing
    left join stock
        on outgoing.plant_id = stock.plant_id
        and outgoing.item_number = stock.item_number
    left join ordered
        on outgoing.plant_id = ordered.plant_id
        and outgoing.item_number = ordered.item_number
    left join called
        on outgoing.plant_id = called.plant_id
        and outgoing.item_number = called.item_number
    left join used
        on outgoing.plant_id = used.plant_id
        and outgoing.item_number = used.item_number

),

dated as (

    select
        *,
        case
            when available_quantity + ordered_quantity <= 0 then {{ as_of() }}
            -- more days than a date can count is no date
            when used_per_day > 0 and available_quantity + ordered_quantity < 36500 * used_per_day
                then {{ as_of() }} + to_days(cast(ceil((available_quantity + ordered_quantity) / used_per_day) as integer))
        end as run_out_at,
    from measured

),

final as (

    select
        change_number,
        plant_id,
        item_number,
        unit,
        disposition,
        effective_from,
        is_still_used,
        cast(available_quantity as decimal(28, 6)) as available_quantity,
        cast(ordered_quantity as decimal(28, 6)) as ordered_quantity,
        cast(called_quantity as decimal(28, 6)) as called_quantity,
        cast(used_per_day as decimal(28, 6)) as used_per_day,
        cast(timezone(timezone, run_out_at) as date) as run_out_date,
        cast(greatest(
            available_quantity + ordered_quantity - used_per_day * greatest(
                date_diff('day', {{ as_of() }}, coalesce(effective_from, {{ as_of() }})), 0
            ), 0
        ) as decimal(28, 6)) as left_at_effectivity,
    from dated

)

select * from final
