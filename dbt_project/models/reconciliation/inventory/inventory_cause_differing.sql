with

matches as (

    select
        plant_id,
        item_number,
        matched_by,
        score,
        erp_system,
        erp_event_id,
        wms_system,
        wms_event_id,
        movement_class,
        reference_type,
        reference_number,
        reference_line,
        erp_quantity,
        wms_quantity,
        erp_reversed_quantity,
        wms_reversed_quantity,
        erp_reversal_event_ids,
        wms_reversal_event_ids,
        unit,
        differs_in,
        erp_event_at,
        wms_event_at,
    from {{ ref('inventory_movement_match') }}
    where match_state = 'matched' and differs_in is not null

),

postings as (

    select * from {{ ref('inventory_posting') }}

),

units as (

    select
        item_number,
        unit,
        numerator,
        denominator,
    from {{ ref('item_unit') }}
    where numerator <> denominator

),

-- the pieces posted as boxes, or the boxes as pieces: the ratio is a factor that the item has
factors as (

    select
        matches.plant_id,
        matches.erp_event_id,
        min(units.unit) as unit,
        min_by(units.numerator, units.unit) as numerator,
        min_by(units.denominator, units.unit) as denominator,
    from matches
    inner join units on matches.item_number = units.item_number
    where
        abs(matches.erp_quantity * units.denominator - matches.wms_quantity * units.numerator) <= 0.001 * units.denominator
        or abs(matches.erp_quantity * units.numerator - matches.wms_quantity * units.denominator)
        <= 0.001 * units.denominator
    group by matches.plant_id, matches.erp_event_id

),

judged as (

    select
        matches.*,
        factors.unit as factor_unit,
        factors.numerator,
        factors.denominator,
        contains(matches.differs_in, 'quantity') as has_other_quantity,
        case
            when contains(matches.differs_in, 'direction') then 'sign_reversed'
            when has_other_quantity and matches.erp_reversed_quantity > matches.wms_reversed_quantity then 'unposted_in_wms'
            when has_other_quantity and matches.erp_reversed_quantity < matches.wms_reversed_quantity then 'unposted_in_erp'
            when has_other_quantity and factors.unit is not null then 'unit_of_measure'
            when has_other_quantity then 'unexplained'
            when contains(matches.differs_in, 'lot') then 'lot_swapped'
            when contains(matches.differs_in, 'location') then 'location_swapped'
            when contains(matches.differs_in, 'status') then 'status_mismatch'
            else 'ownership_mismatch'
        end as finding_class,
        case
            when has_other_quantity and matches.erp_reversed_quantity <> matches.wms_reversed_quantity
                then 'reversal_not_posted'
            when finding_class = 'unexplained' then 'quantity_differs'
            else 'posted_otherwise'
        end as cause,
    from matches
    left join factors on matches.plant_id = factors.plant_id and matches.erp_event_id = factors.erp_event_id

),

{% set kept = ['erp_event_id', 'wms_event_id'] -%}
erp_postings as (

    select
        postings.*,
        judged.erp_event_id,
        judged.wms_event_id,
    from postings
    inner join judged
        on postings.kind = 'erp'
        and postings.plant_id = judged.plant_id
        and postings.event_id = judged.erp_event_id

),

wms_postings as (

    select
        postings.*,
        judged.erp_event_id,
        judged.wms_event_id,
    from postings
    inner join judged
        on postings.kind = 'wms'
        and postings.plant_id = judged.plant_id
        and postings.event_id = judged.wms_event_id

),

legs as (

    {{ stock_legs('erp_postings', 1, kept) }}
    union all
    {{ stock_legs('wms_postings', -1, kept) }}

),

effects as (

    select
        {{ stock_position() }},
        erp_event_id,
        wms_event_id,
        sum(quantity) as quantity,
    from legs
    group by all
    having sum(quantity) <> 0

),

-- where the warehouse has it: what the ERP should say
sides as (

    select
        plant_id,
        erp_event_id,
        concat_ws(
            ', ',
            coalesce('location ' || coalesce(to_location, from_location), ''),
            'lot ' || coalesce(to_lot, from_lot),
            coalesce(to_status, from_status),
            coalesce(to_ownership, from_ownership)
        ) as place,
    from wms_postings

),

worded as (

    select
        judged.*,
        sides.place,
        {{ posting_name(
            'judged.movement_class', 'judged.reference_type', 'judged.reference_number', 'judged.reference_line'
        ) }} as posting_name,
        {{ plain_number('judged.erp_quantity') }} || ' ' || judged.unit as erp_amount,
        {{ plain_number('judged.wms_quantity') }} || ' ' || judged.unit as wms_amount,
    from judged
    left join sides on judged.plant_id = sides.plant_id and judged.erp_event_id = sides.erp_event_id

),

final as (

    select
        {{ stock_position('effects') }},
        worded.finding_class,
        worded.cause,
        worded.erp_event_id as event_key,
        cast(effects.quantity as decimal(28, 6)) as quantity,
        worded.unit,
        false as agrees_with_ledger,
        case
            when worded.cause = 'reversal_not_posted' and worded.finding_class = 'unposted_in_wms'
                then
                    'Reverse ' || {{ plain_number('worded.erp_reversed_quantity - worded.wms_reversed_quantity') }} || ' '
                    || worded.unit || ' of ' || worded.wms_event_id || ' in ' || worded.wms_system || ', as '
                    || worded.erp_system || ' did with ' || worded.erp_reversal_event_ids || '.'
            when worded.cause = 'reversal_not_posted'
                then
                    'Reverse ' || {{ plain_number('worded.wms_reversed_quantity - worded.erp_reversed_quantity') }} || ' '
                    || worded.unit || ' of ' || worded.erp_event_id || ' in ' || worded.erp_system || ', as '
                    || worded.wms_system || ' did with ' || worded.wms_reversal_event_ids || '.'
            when worded.finding_class = 'unexplained'
                then
                    'Count the item: ' || worded.erp_system || ' posted ' || worded.erp_amount || ', ' || worded.wms_system
                    || ' ' || worded.wms_amount || ' for the same ' || worded.posting_name || '.'
            else
                'Reverse ' || worded.erp_event_id || ' in ' || worded.erp_system || ' and post the ' || worded.posting_name
                || ' there as ' || worded.wms_system || ' has it: ' || worded.wms_amount || ', ' || worded.place
                || case
                    when worded.finding_class = 'unit_of_measure'
                        then
                            '; one ' || worded.factor_unit || ' is ' || {{ plain_number('worded.numerator') }}
                            || case
                                when worded.denominator = 1 then '' else '/' || {{ plain_number('worded.denominator') }}
                            end || ' ' || worded.unit
                    when worded.finding_class = 'sign_reversed' then '; it was posted in the other direction'
                    else ''
                end || '.'
        end as suggested_action,
        json_object(
            'erp_system', worded.erp_system,
            'erp_event_id', worded.erp_event_id,
            'wms_system', worded.wms_system,
            'wms_event_id', worded.wms_event_id,
            'matched_by', worded.matched_by,
            'score', worded.score,
            'differs_in', worded.differs_in,
            'movement_class', worded.movement_class,
            'reference_type', worded.reference_type,
            'reference_number', worded.reference_number,
            'reference_line', worded.reference_line,
            'erp_quantity', worded.erp_quantity,
            'wms_quantity', worded.wms_quantity,
            'factor_unit', worded.factor_unit,
            'factor_numerator', worded.numerator,
            'factor_denominator', worded.denominator,
            'erp_event_at', strftime(worded.erp_event_at, '%Y-%m-%dT%H:%M:%SZ'),
            'wms_event_at', strftime(worded.wms_event_at, '%Y-%m-%dT%H:%M:%SZ')
        )::varchar as evidence,
    from effects
    inner join worded
        on effects.plant_id = worded.plant_id
        and effects.erp_event_id = worded.erp_event_id

)

select * from final
