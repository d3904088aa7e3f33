with

pairs as (

    select
        supplier_a,
        supplier_b,
        match_probability,
        match_weight,
        cluster_id,
        band,
        weights,
        agreements,
        name_a,
        name_b,
    from {{ source('matching', 'supplier_pair') }}

),

holders as (

    select
        supplier_number,
        string_agg(distinct source_system, ', ' order by source_system) as source_systems,
    from {{ ref('supplier') }}
    group by supplier_number

),

open_orders as (

    select
        orders.supplier_number,
        count(*) as open_lines,
    from {{ ref('purchase_order_line') }} as lines
    inner join {{ ref('purchase_order') }} as orders
        on lines.source_system = orders.source_system
        and lines.purchase_order_number = orders.purchase_order_number
    where coalesce(lines.status, orders.status, 'open') in ('draft', 'pending', 'approved', 'open')
    group by orders.supplier_number

),

final as (

    select
        {{ finding_id("'supplier_duplicate'", ["'supplier'", 'pairs.supplier_a', 'pairs.supplier_b']) }} as finding_id,
        pairs.supplier_a,
        pairs.supplier_b,
        pairs.match_probability,
        pairs.cluster_id,
        pairs.band,
        pairs.name_a,
        pairs.name_b,
        cast(null as varchar) as plant_id,
        'supplier_duplicate' as finding_class,
        case pairs.band when 'match' then 'medium' else 'low' end as severity,
        {{ owner_role('supplier', "'supplier_duplicate'") }} as owner_role,
        case pairs.band
            when 'match' then 'Keep one number, and move terms and open orders to it.'
            else 'Look whether they are one firm; nothing is taken for granted.'
        end as suggested_action,
        cast(json_object(
            'name_a', pairs.name_a, 'name_b', pairs.name_b,
            'systems_a', holders_a.source_systems, 'systems_b', holders_b.source_systems,
            'open_lines_a', coalesce(orders_a.open_lines, 0), 'open_lines_b', coalesce(orders_b.open_lines, 0),
            'agreements', cast(pairs.agreements as json), 'match_weight', pairs.match_weight, 'weights', pairs.weights
        ) as varchar) as evidence,
    from pairs
    left join holders as holders_a on pairs.supplier_a = holders_a.supplier_number
    left join holders as holders_b on pairs.supplier_b = holders_b.supplier_number
    left join open_orders as orders_a on pairs.supplier_a = orders_a.supplier_number
    left join open_orders as orders_b on pairs.supplier_b = orders_b.supplier_number

)

select * from final
