{#- A stage that pairs the n-th with the n-th of the same key: its name, the key, and which postings may take part. -#}
{%- set same_stages = [
    ('same_instant', ['content_key', 'movement_class', "coalesce(document_key, '')", 'event_at'], 'true'),
    ('same_document', ['content_key', 'class_group', 'document_key'], 'document_key is not null'),
] -%}

with

postings as (

    select
        plant_id,
        kind,
        source_system,
        event_id,
        item_number,
        movement_class,
        class_group,
        posting_state,
        quantity,
        posted_quantity,
        reversed_quantity,
        reversal_event_ids,
        unit,
        leaves,
        comes,
        coalesce(to_location, from_location) as location_a,
        coalesce(from_location, to_location) as location_b,
        coalesce(to_lot, from_lot) as lot_a,
        coalesce(from_lot, to_lot) as lot_b,
        coalesce(to_status, from_status) as status_a,
        coalesce(from_status, to_status) as status_b,
        coalesce(to_ownership, from_ownership) as ownership_a,
        coalesce(from_ownership, to_ownership) as ownership_b,
        serial_number,
        reference_type,
        reference_number,
        reference_line,
        document_key,
        content_key,
        event_at,
        posting_date,
        recorded_at,
        latency_seconds,
        is_late,
        is_back_posted,
    from {{ ref('inventory_posting') }}

),

-- where only one of the two posts at all, there is nothing to match
two_sided_plants as (

    select plant_id
    from postings
    group by plant_id
    having count(distinct kind) = 2

),

live as (

    select postings.*
    from postings
    inner join two_sided_plants on postings.plant_id = two_sided_plants.plant_id
    where postings.posting_state = 'live'

),

-- The id alone is no proof: two systems may count from 1, each by itself.
event_id_pairs as (

    select
        erp.plant_id,
        erp.event_id as erp_event_id,
        wms.event_id as wms_event_id,
        'event_id' as matched_by,
        cast(1 as decimal(5, 3)) as score,
    from live as erp
    inner join live as wms
        on erp.plant_id = wms.plant_id
        and erp.event_id = wms.event_id
        and erp.item_number = wms.item_number
    where
        erp.kind = 'erp' and wms.kind = 'wms'
        and (
            erp.document_key = wms.document_key or erp.quantity = wms.quantity or erp.event_at = wms.event_at
        )

),
{% for name, key, condition in same_stages %}
    {%- set before = 'live' if loop.first else 'left_after_' ~ same_stages[loop.index0 - 1][0] %}
    {%- set taken = 'event_id_pairs' if loop.first else same_stages[loop.index0 - 1][0] ~ '_pairs' %}
    left_after_{{ name }} as (

        {{ postings_left(before, taken) }}

    ),

    {{ name }}_ranked as (

        select
            plant_id,
            kind,
            event_id,
            document_key,
            {%- for column in key %}
                {{ column }} as key_{{ loop.index }},
            {%- endfor %}
            row_number() over (
                partition by plant_id, kind, {{ key | join(', ') }} order by event_at asc, recorded_at asc, event_id asc
            ) as place,
        from left_after_{{ name }}
        where {{ condition }}

    ),

    {{ name }}_pairs as (

        select
            erp.plant_id,
            erp.event_id as erp_event_id,
            wms.event_id as wms_event_id,
            case when erp.document_key is not null then 'document' else 'score' end as matched_by,
            cast(1 as decimal(5, 3)) as score,
        from {{ name }}_ranked as erp
        inner join {{ name }}_ranked as wms
            on erp.plant_id = wms.plant_id
            {%- for _ in key %}
                and erp.key_{{ loop.index }} = wms.key_{{ loop.index }}
            {%- endfor %}
            and erp.place = wms.place
        where erp.kind = 'erp' and wms.kind = 'wms'

    ),
{% endfor %}
left_for_score as (

    {{ postings_left('left_after_same_document', 'same_document_pairs') }}

),

-- What is left agrees on item and kind of movement and lies within what both interfaces may take. Of one document it may
-- differ in one respect; of no document it must agree in quantity and in most of the rest. Different documents never match.
candidates as (

    select
        erp.plant_id,
        erp.event_id as erp_event_id,
        wms.event_id as wms_event_id,
        case when erp.document_key = wms.document_key then 'document' else 'score' end as matched_by,
        erp.quantity = wms.quantity as same_quantity,
        erp.leaves = wms.leaves and erp.comes = wms.comes as same_direction,
        {{ same('location') }} as same_location,
        {{ same('lot') }} as same_lot,
        {{ same('status') }} as same_status,
        {{ same('ownership') }} as same_ownership,
        abs(epoch(erp.event_at) - epoch(wms.event_at)) as seconds_apart,
        erp.latency_seconds + wms.latency_seconds as window_seconds,
        cast(
            0.3 * same_quantity::integer + 0.1 * same_direction::integer + 0.2 * same_location::integer
            + 0.1 * same_lot::integer + 0.05 * same_status::integer + 0.05 * same_ownership::integer
            + 0.2 * (1 - seconds_apart / greatest(window_seconds, 1)) as decimal(5, 3)
        ) as score,
    from left_for_score as erp
    inner join left_for_score as wms
        on erp.plant_id = wms.plant_id
        and erp.item_number = wms.item_number
        and erp.class_group = wms.class_group
    where
        erp.kind = 'erp' and wms.kind = 'wms'
        and erp.serial_number is not distinct from wms.serial_number
        and coalesce(erp.document_key = wms.document_key, true)
        and abs(epoch(erp.event_at) - epoch(wms.event_at)) <= erp.latency_seconds + wms.latency_seconds
        -- both sides, or one and its opposite
        and (
            (erp.leaves = wms.leaves and erp.comes = wms.comes)
            or (erp.leaves = wms.comes and erp.comes = wms.leaves and erp.leaves <> erp.comes)
        )

),

plausible as (

    select *
    from candidates
    where
        case matched_by
            when 'document'
                then
                    same_quantity::integer + same_direction::integer + same_location::integer + same_lot::integer
                    + same_status::integer + same_ownership::integer >= 5
            else same_quantity and same_direction and score >= {{ least_score() }}
        end

),

{% for round in [1, 2] %}
    {%- set source = 'plausible' if round == 1 else 'plausible_later' %}
    best_{{ round }} as (

        select
            plant_id,
            erp_event_id,
            wms_event_id,
            matched_by,
            score,
        from {{ source }}
        qualify
            row_number() over (partition by plant_id, erp_event_id order by {{ match_order() }}) = 1
            and row_number() over (partition by plant_id, wms_event_id order by {{ match_order() }}) = 1

    ),
    {% if round == 1 %}
        -- whose best partner preferred another gets a second choice
        plausible_later as (

            select plausible.*
            from plausible
            anti join best_1 as erp_taken
                on plausible.plant_id = erp_taken.plant_id and plausible.erp_event_id = erp_taken.erp_event_id
            anti join best_1 as wms_taken
                on plausible.plant_id = wms_taken.plant_id and plausible.wms_event_id = wms_taken.wms_event_id

        ),
    {% endif %}
{% endfor %}
pairs as (

    select * from event_id_pairs
    {%- for name, _, _ in same_stages %}
        union all
        select * from {{ name }}_pairs
    {%- endfor %}
    union all
    select * from best_1
    union all
    select * from best_2

),

left_over as (

    {{ postings_left('live', 'pairs') }}

),

unmatched as (

    select
        plant_id,
        case when kind = 'erp' then event_id end as erp_event_id,
        case when kind = 'wms' then event_id end as wms_event_id,
        cast(null as varchar) as matched_by,
        cast(null as decimal(5, 3)) as score,
    from left_over

),

-- rule 28: what was taken back is over, and shown with what took it back
taken_back as (

    select
        postings.plant_id,
        case when postings.kind = 'erp' then postings.event_id end as erp_event_id,
        case when postings.kind = 'wms' then postings.event_id end as wms_event_id,
        cast(null as varchar) as matched_by,
        cast(null as decimal(5, 3)) as score,
    from postings
    inner join two_sided_plants on postings.plant_id = two_sided_plants.plant_id
    where postings.posting_state = 'reversed'

),

rows_of_both as (

    select * from pairs
    union all
    select * from unmatched
    union all
    select * from taken_back

),

final as (

    select
        rows_of_both.plant_id,
        coalesce(wms.item_number, erp.item_number) as item_number,
        case
            when coalesce(erp.posting_state, wms.posting_state) = 'reversed' then 'reversed'
            when rows_of_both.wms_event_id is null then 'erp_only'
            when rows_of_both.erp_event_id is null then 'wms_only'
            else 'matched'
        end as match_state,
        rows_of_both.matched_by,
        rows_of_both.score,
        erp.source_system as erp_system,
        rows_of_both.erp_event_id,
        wms.source_system as wms_system,
        rows_of_both.wms_event_id,
        coalesce(wms.movement_class, erp.movement_class) as movement_class,
        coalesce(wms.reference_type, erp.reference_type) as reference_type,
        coalesce(wms.reference_number, erp.reference_number) as reference_number,
        coalesce(wms.reference_line, erp.reference_line) as reference_line,
        erp.quantity as erp_quantity,
        wms.quantity as wms_quantity,
        coalesce(wms.unit, erp.unit) as unit,
        nullif(
            concat_ws(
                ', ',
                case when erp.leaves <> wms.leaves or erp.comes <> wms.comes then 'direction' end,
                case
                    when
                        rows_of_both.matched_by is not null
                        and not {{ within_tolerance('erp.quantity', 'wms.quantity', 'inventory_movement.quantity') }}
                        then 'quantity'
                end,
                {%- for dimension in ['lot', 'location', 'status', 'ownership'] %}
                    case
                        when
                            rows_of_both.matched_by is not null
                            and not {{ same(dimension) }}
                            then '{{ dimension }}'
                    end{{ ',' if not loop.last }}
                {%- endfor %}
            ), ''
        ) as differs_in,
        erp.event_at as erp_event_at,
        wms.event_at as wms_event_at,
        erp.recorded_at as erp_recorded_at,
        wms.recorded_at as wms_recorded_at,
        erp.posting_date as erp_posting_date,
        coalesce(erp.is_late, false) as is_late_in_erp,
        coalesce(wms.is_late, false) as is_late_in_wms,
        coalesce(erp.is_back_posted, false) or coalesce(wms.is_back_posted, false) as is_back_posted,
        coalesce(erp.reversed_quantity, 0) as erp_reversed_quantity,
        coalesce(wms.reversed_quantity, 0) as wms_reversed_quantity,
        erp.reversal_event_ids as erp_reversal_event_ids,
        wms.reversal_event_ids as wms_reversal_event_ids,
    from rows_of_both
    left join postings as erp
        on erp.kind = 'erp'
        and rows_of_both.plant_id = erp.plant_id
        and rows_of_both.erp_event_id = erp.event_id
    left join postings as wms
        on wms.kind = 'wms'
        and rows_of_both.plant_id = wms.plant_id
        and rows_of_both.wms_event_id = wms.event_id

)

select * from final
