with

pairs as (

    select
        supplier_a,
        supplier_b,
        match_probability,
    from {{ ref('supplier_duplicate') }}
    where band = 'match'

),

owners as (

    select
        entity,
        source_system,
        min(priority) as priority,
    from {{ source('estate', 'attribute_owner') }}
    where entity in ('supplier', 'supplier_item')
    group by entity, source_system

),

-- rule 36: of several systems' words for one supplier number, the owner's
terms as (

    select
        supplier_items.supplier_number,
        supplier_items.item_number,
        {% for column in ['order_unit', 'price', 'currency', 'lead_time_days', 'minimum_quantity', 'maximum_quantity'] %}
            arg_min(
                supplier_items.{{ column }}, (coalesce(owners.priority, 1000), supplier_items.source_system)
            ) filter (supplier_items.{{ column }} is not null) as {{ column }},
        {% endfor %}
    from {{ ref('supplier_item') }} as supplier_items
    left join owners on supplier_items.source_system = owners.source_system and owners.entity = 'supplier_item'
    group by supplier_items.supplier_number, supplier_items.item_number

),

records as (

    select
        suppliers.supplier_number,
        {% for column in ['status', 'credit_rating', 'is_preferred'] %}
            arg_min(
                suppliers.{{ column }}, (coalesce(owners.priority, 1000), suppliers.source_system)
            ) filter (suppliers.{{ column }} is not null) as {{ column }},
        {% endfor %}
    from {{ ref('supplier') }} as suppliers
    left join owners on suppliers.source_system = owners.source_system and owners.entity = 'supplier'
    group by suppliers.supplier_number

),

both_terms as (

    select
        pairs.*,
        a.item_number,
        {% for column in ['order_unit', 'price', 'currency', 'lead_time_days', 'minimum_quantity', 'maximum_quantity'] %}
            a.{{ column }} as {{ column }}_a,
            b.{{ column }} as {{ column }}_b,
        {% endfor %}
        coalesce(a.order_unit, '') = coalesce(b.order_unit, '') and coalesce(a.currency, '') = coalesce(b.currency, '')
            as is_comparable_price,
    from pairs
    inner join terms as a on pairs.supplier_a = a.supplier_number
    inner join terms as b on pairs.supplier_b = b.supplier_number and a.item_number = b.item_number

),

both_records as (

    select
        pairs.*,
        {% for column in ['status', 'credit_rating', 'is_preferred'] %}
            a.{{ column }} as {{ column }}_a,
            b.{{ column }} as {{ column }}_b,
        {% endfor %}
    from pairs
    inner join records as a on pairs.supplier_a = a.supplier_number
    inner join records as b on pairs.supplier_b = b.supplier_number

),

differing as (

    {% for attribute, is_number, condition in [
        ('order_unit', false, 'order_unit_a <> order_unit_b'),
        ('currency', false, 'currency_a <> currency_b'),
        (
            'price', true,
            'is_comparable_price and not ' ~ within_tolerance('price_a', 'price_b', 'supplier_item.price')
        ),
        (
            'lead_time_days', true,
            'not ' ~ within_tolerance('lead_time_days_a', 'lead_time_days_b', 'supplier_item.lead_time_days')
        ),
        ('minimum_quantity', true, 'is_comparable_price and minimum_quantity_a <> minimum_quantity_b'),
        ('maximum_quantity', true, 'is_comparable_price and maximum_quantity_a <> maximum_quantity_b'),
    ] %}
        select
            supplier_a,
            supplier_b,
            match_probability,
            item_number,
            '{{ attribute }}' as attribute,
            cast({{ attribute }}_a as varchar) as value_a,
            cast({{ attribute }}_b as varchar) as value_b,
            {% if is_number %}
                cast({{ attribute }}_b - {{ attribute }}_a as decimal(28, 6)) as difference,
            {% else %}
                cast(null as decimal(28, 6)) as difference,
            {% endif %}
            order_unit_a as unit,
            currency_a as currency,
        from both_terms
        where {{ condition }}
        union all
    {% endfor %}
    {% for attribute in ['status', 'credit_rating', 'is_preferred'] %}
        select
            supplier_a,
            supplier_b,
            match_probability,
            cast(null as varchar) as item_number,
            '{{ attribute }}' as attribute,
            cast({{ attribute }}_a as varchar) as value_a,
            cast({{ attribute }}_b as varchar) as value_b,
            cast(null as decimal(28, 6)) as difference,
            cast(null as varchar) as unit,
            cast(null as varchar) as currency,
        from both_records
        where {{ attribute }}_a <> {{ attribute }}_b
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        supplier_a,
        supplier_b,
        coalesce(item_number, '') as item_number,
        attribute,
        value_a,
        value_b,
        difference,
        unit,
        currency,
        match_probability,
    from differing

)

select * from final
