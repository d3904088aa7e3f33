with

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

own_conversions as (

    select
        source_system,
        item_number,
        alternative_unit,
        numerator,
        denominator,
        recorded_at,
    from {{ ref('item_unit_conversion') }}

),

owners as (

    select
        source_system,
        min(priority) as priority,
    from {{ source('estate', 'attribute_owner') }}
    where entity = 'item_unit_conversion' and plant_id is null
    group by source_system

),

units as (

    select
        code,
        dimension,
        numerator,
        denominator,
    from {{ ref('unit_of_measure_unece') }}

),

-- rule 19, step 1: a quantity in the base unit stays what it is
identity as (

    select
        item_number,
        base_unit as unit,
        base_unit,
        1::bigint as numerator,
        1::bigint as denominator,
        'identity' as conversion_rule,
        1 as preference,
    from items

),

-- step 2: the item's own factor; where systems disagree, the owner's
own_factor as (

    select
        items.item_number,
        own_conversions.alternative_unit as unit,
        items.base_unit,
        cast(own_conversions.numerator::decimal(38, 9) * 1000000000 as hugeint) as whole_numerator,
        cast(own_conversions.denominator::decimal(38, 9) * 1000000000 as hugeint) as whole_denominator,
        gcd(whole_numerator, whole_denominator) as divisor,
        cast(whole_numerator // divisor as bigint) as numerator,
        cast(whole_denominator // divisor as bigint) as denominator,
        'item' as conversion_rule,
        2 as preference,
    from own_conversions
    inner join items on own_conversions.item_number = items.item_number
    left join owners on own_conversions.source_system = owners.source_system
    qualify row_number() over (
        partition by items.item_number, own_conversions.alternative_unit
        order by
            owners.priority asc nulls last,
            own_conversions.recorded_at desc,
            own_conversions.source_system asc
    ) = 1

),

-- step 3: a global factor, only within one dimension
unit_pairs as (

    select
        from_unit.code as unit,
        to_unit.code as base_unit,
        from_unit.numerator::hugeint * to_unit.denominator as whole_numerator,
        from_unit.denominator::hugeint * to_unit.numerator as whole_denominator,
        gcd(whole_numerator, whole_denominator) as divisor,
        cast(whole_numerator // divisor as bigint) as numerator,
        cast(whole_denominator // divisor as bigint) as denominator,
    from units as from_unit
    inner join units as to_unit
        on from_unit.dimension = to_unit.dimension
        and from_unit.code <> to_unit.code
    where from_unit.numerator is not null and to_unit.numerator is not null

),

global_factor as (

    select
        items.item_number,
        unit_pairs.unit,
        items.base_unit,
        unit_pairs.numerator,
        unit_pairs.denominator,
        'global' as conversion_rule,
        3 as preference,
    from items
    inner join unit_pairs on items.base_unit = unit_pairs.base_unit

),

candidates as (

    select
        item_number,
        unit,
        base_unit,
        numerator,
        denominator,
        conversion_rule,
        preference
    from identity
    union all
    select
        item_number,
        unit,
        base_unit,
        numerator,
        denominator,
        conversion_rule,
        preference
    from own_factor
    union all
    select
        item_number,
        unit,
        base_unit,
        numerator,
        denominator,
        conversion_rule,
        preference
    from global_factor

),

final as (

    select
        item_number,
        unit,
        base_unit,
        numerator,
        denominator,
        conversion_rule,
    from candidates
    qualify row_number() over (partition by item_number, unit order by preference) = 1

)

select * from final
