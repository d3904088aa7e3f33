with

-- orders of one item with one start share their bill, so they are added up before the join
orders as (

    select
        plant_id,
        item_number,
        bom_alternative,
        judged_at,
        sum(quantity) as quantity,
        count(*) as orders,
    from {{ ref('production_order_posting') }}
    where is_started
    group by plant_id, item_number, bom_alternative, judged_at

),

-- rule 14: by-products come out of an order, they don't go in
bill_lines as (

    select
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        line_id,
        component_item_number,
        quantity_per,
        unit,
        is_fixed_quantity,
        coalesce(scrap_fraction, 0) as scrap_fraction,
        coalesce(scrap_method, 'multiply') as scrap_method,
        case when coalesce(is_net, false) then 0 else coalesce(assembly_scrap_fraction, 0) end as assembly_scrap_fraction,
        alternate_group,
        alternate_priority,
        effective_from,
        effective_to,
    from {{ ref('reconciled_bom_line') }}
    where coalesce(line_type, 'component') in ('component', 'consumable')

),

-- rule 10: component scrap by its method, assembly scrap on top
gross_lines as (

    select
        *,
        case
            when scrap_fraction = 0 and assembly_scrap_fraction = 0 then try_cast(quantity_per as decimal(18, 9))
            when scrap_method = 'divide'
                then try_cast(
                    cast({{ decimal_divide('quantity_per', '1 - scrap_fraction', 9, 9) }} as decimal(18, 9))
                    * cast(1 + assembly_scrap_fraction as decimal(8, 6)) as decimal(18, 9)
                )
            else try_cast(
                try_cast(quantity_per as decimal(18, 9))
                * cast(1 + scrap_fraction as decimal(8, 6)) * cast(1 + assembly_scrap_fraction as decimal(8, 6))
                as decimal(18, 9)
            )
        end as gross_quantity_per,
    from bill_lines

),

choices as (

    select
        plant_id,
        parent_item_number,
        count(distinct concat_ws('|', coalesce(usage, ''), coalesce(alternative, ''), coalesce(revision, ''))) > 1
        or count(alternate_group) > 0 as has_choice,
    from bill_lines
    group by plant_id, parent_item_number

),

-- rule 3: each order by the bill in force when that order was to start, never by today's
order_lines as (

    select
        orders.plant_id,
        orders.item_number as parent_item_number,
        orders.judged_at,
        orders.bom_alternative,
        orders.orders,
        orders.quantity as order_quantity,
        gross_lines.* exclude (plant_id, parent_item_number),
        choices.has_choice,
    from orders
    inner join gross_lines
        on orders.plant_id = gross_lines.plant_id
        and orders.item_number = gross_lines.parent_item_number
        and {{ is_effective('gross_lines.effective_from', 'gross_lines.effective_to', 'orders.judged_at') }}
    inner join choices
        on orders.plant_id = choices.plant_id
        and orders.item_number = choices.parent_item_number

),

-- rule 13: the alternative the order names, else the first; rule 12: one member of an alternate group
bill_ages as (

    select
        *,
        max(effective_from) over (
            partition by plant_id, parent_item_number, bom_alternative, judged_at, usage, alternative, revision
        ) as bill_effective_from,
    from order_lines
    where has_choice

),

chosen_bills as (

    select *
    from bill_ages
    qualify rank() over (
        partition by plant_id, parent_item_number, bom_alternative, judged_at
        order by
            (alternative is not distinct from bom_alternative) desc,
            case when usage = 'production' then 1 when usage = 'universal' then 2 else 3 end asc,
            usage asc nulls first,
            try_cast(alternative as bigint) asc nulls last,
            alternative asc nulls first,
            bill_effective_from desc nulls last,
            md5(coalesce(revision, ''))
    ) = 1

),

chosen_alternates as (

    select *
    from chosen_bills
    qualify
        alternate_group is null
        or row_number() over (
            partition by plant_id, parent_item_number, bom_alternative, judged_at, alternate_group
            order by alternate_priority asc nulls last, line_id asc
        ) = 1

),

uses as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        unit,
        orders,
        order_quantity,
        gross_quantity_per,
        is_fixed_quantity,
    from order_lines
    where not has_choice

    union all

    select
        plant_id,
        parent_item_number,
        component_item_number,
        unit,
        orders,
        order_quantity,
        gross_quantity_per,
        is_fixed_quantity,
    from chosen_alternates

),

-- rule 9: a fixed quantity is per order, whatever its size
final as (

    select
        plant_id,
        component_item_number as item_number,
        max(unit) as unit,
        cast(sum(
            case when is_fixed_quantity then cast(orders as decimal(20, 0)) else cast(order_quantity as decimal(20, 6)) end
            * gross_quantity_per
        ) as decimal(28, 6)) as demand_quantity,
        cast(sum(orders) as bigint) as bill_line_uses,
        count(distinct parent_item_number) as parent_items,
    from uses
    group by plant_id, component_item_number

)

select * from final
