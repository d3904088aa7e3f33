with

unmatched as (

    select * from {{ ref('inventory_unmatched_posting') }}

),

-- the ERP's part of a difference counts plus, the warehouse's minus
erp_only as (

    select * from unmatched
    where kind = 'erp'

),

wms_only as (

    select * from unmatched
    where kind = 'wms'

),

{% set kept = ['kind', 'source_system', 'event_id'] -%}
legs as (

    {{ stock_legs('erp_only', 1, kept) }}
    union all
    {{ stock_legs('wms_only', -1, kept) }}

),

sums as (

    select
        {{ stock_position() }},
        kind,
        source_system,
        event_id,
        sum(quantity) as quantity,
    from legs
    group by all
    having sum(quantity) <> 0

),

-- What stands the wrong way round is wrong by twice its quantity, and beside that the other system lacks what it should be.
effects as (

    select
        sums.*,
        false as is_direction,
    from sums
    inner join unmatched
        on sums.plant_id = unmatched.plant_id
        and sums.kind = unmatched.kind
        and sums.event_id = unmatched.event_id
    where not (unmatched.is_against_its_class and unmatched.cause = 'not_posted')

    union all

    select
        sums.* replace (sums.quantity * directions.share as quantity),
        directions.is_direction,
    from sums
    inner join unmatched
        on sums.plant_id = unmatched.plant_id
        and sums.kind = unmatched.kind
        and sums.event_id = unmatched.event_id
    cross join (values (2, true), (-1, false)) as directions (share, is_direction)
    where unmatched.is_against_its_class and unmatched.cause = 'not_posted'

),

worded as (

    select
        *,
        {{ posting_name('movement_class', 'reference_type', 'reference_number', 'reference_line') }} as posting_name,
        {{ plain_number('quantity') }} || ' ' || unit as amount,
    from unmatched

),

final as (

    select
        {{ stock_position('effects') }},
        case when effects.is_direction then 'sign_reversed' else worded.finding_class end as finding_class,
        case when effects.is_direction then 'against_its_class' else worded.cause end as cause,
        worded.event_id as event_key,
        cast(effects.quantity as decimal(28, 6)) as quantity,
        worded.unit,
        (worded.kind = 'erp') = worded.is_genuine as agrees_with_ledger,
        case case when effects.is_direction then 'against_its_class' else worded.cause end
            when 'against_its_class'
                then
                    'Reverse ' || worded.event_id || ' in ' || worded.source_system || ' and post it the other way round: the '
                    || worded.posting_name || ' of ' || worded.amount || ' goes against its own movement type.'
            when 'within_latency'
                then
                    'Nothing yet: ' || worded.other_system || ' may still be about to post the ' || worded.posting_name
                    || ' of ' || worded.amount || '.'
            when 'reversal_not_posted'
                then
                    'Reverse ' || worded.event_id || ' in ' || worded.source_system || ' (' || worded.posting_name || ', '
                    || worded.amount || '): ' || worded.other_system || ' took it back with '
                    || worded.other_reversal_event_ids || '.'
            when 'posted_twice'
                then
                    'Reverse ' || worded.event_id || ' in ' || worded.source_system || ': the ' || worded.posting_name
                    || ' of ' || worded.amount || ' is posted as ' || worded.double_of || ' already.'
            when 'backflush_beside_actual'
                then
                    'Reverse the backflush ' || worded.event_id || ' in ' || worded.source_system || ': the '
                    || worded.amount || ' of ' || worded.item_number || ' for order ' || worded.reference_number
                    || ' were already booked as taken.'
            when 'undocumented_adjustment'
                then
                    'Ask who posted ' || worded.event_id || ' in ' || worded.source_system || ' (' || worded.amount
                    || ' without any document); reverse it, or count the item.'
            else
                'Post the ' || worded.posting_name || ' of ' || worded.amount || ' in ' || worded.other_system || ', as '
                || worded.source_system || ' has it in ' || worded.event_id || '.'
        end as suggested_action,
        json_object(
            'system', worded.source_system,
            'event_id', worded.event_id,
            'missing_in', case when worded.cause in ('not_posted', 'within_latency') then worded.other_system end,
            'movement_class', worded.movement_class,
            'reference_type', worded.reference_type,
            'reference_number', worded.reference_number,
            'reference_line', worded.reference_line,
            'quantity', worded.quantity,
            'serial_number', worded.serial_number,
            'event_at', strftime(worded.event_at, '%Y-%m-%dT%H:%M:%SZ'),
            'recorded_at', strftime(worded.recorded_at, '%Y-%m-%dT%H:%M:%SZ'),
            'double_of', worded.double_of,
            'actual_issue', case when worded.cause = 'backflush_beside_actual' then worded.issue_event_id end,
            'shop_floor_reports', case when worded.cause = 'backflush_beside_actual' then worded.consumption_event_ids end,
            'reversed_there_by', worded.other_reversal_event_ids,
            'correlation_id', worded.correlation_id
        )::varchar as evidence,
    from effects
    inner join worded
        on effects.plant_id = worded.plant_id
        and effects.kind = worded.kind
        and effects.event_id = worded.event_id

)

select * from final
