with

matches as (

    -- One row a posting, so that it joins on columns of both sides.
    select
        plant_id,
        'erp' as kind,
        erp_event_id as event_id,
        match_state,
    from {{ ref('inventory_movement_match') }}
    where erp_event_id is not null
    union all
    select
        plant_id,
        'wms' as kind,
        wms_event_id as event_id,
        match_state,
    from {{ ref('inventory_movement_match') }}
    where wms_event_id is not null

),

postings as (

    select * from {{ ref('inventory_posting') }}

),

consumption as (

    select
        plant_id,
        production_order_number,
        item_number,
        sum(base_quantity) as quantity,
        count(*) as reports,
        string_agg(event_id, ', ' order by event_id) as event_ids,
    from {{ ref('material_consumption') }}
    where coalesce(consumption_kind, 'actual') = 'actual' and event_at <= {{ as_of() }}
    group by plant_id, production_order_number, item_number

),

-- what happened after that a system can't have told yet
horizons as (

    select
        source_system,
        heard_until,
    from {{ ref('feed_horizon') }}
    where entity = 'inventory_movement'

),

counterparts as (

    select distinct
        postings.plant_id,
        postings.kind,
        postings.source_system,
        horizons.heard_until,
    from postings
    left join horizons on postings.source_system = horizons.source_system

),

judged as (

    select
        postings.*,
        matches.match_state,
    from postings
    left join matches
        on postings.plant_id = matches.plant_id
        and postings.kind = matches.kind
        and postings.event_id = matches.event_id
    where postings.posting_state <> 'reversal'

),

-- The same content, document and instant again is the same event again; alike at another instant, it is another event.
alike as (

    select
        *,
        first_value(event_id) over same_event as first_event_id,
        count(*) over same_event - row_number() over same_event as alike_after,
    from judged
    where match_state <> 'reversed'
    window same_event as (
        partition by plant_id, kind, content_key, movement_class, document_key, event_at
        order by (match_state = 'matched') desc, recorded_at asc, event_id asc
        rows between unbounded preceding and unbounded following
    )

),

-- Two deliveries of an order line may be released, or become ours, at one instant: then a change says the same twice. What
-- the document brought in that status, of that owner, tells whether there was enough for both.
changed_again as (

    select *
    from alike
    where event_id <> first_event_id and leaves and comes and document_key is not null

),

of_their_documents as (

    select judged.*
    from judged
    semi join changed_again
        on judged.plant_id = changed_again.plant_id
        and judged.kind = changed_again.kind
        and judged.document_key = changed_again.document_key
        and judged.item_number = changed_again.item_number
    where judged.match_state <> 'reversed'

),

document_legs as (

    {{ stock_legs('of_their_documents', 1, ['kind', 'document_key']) }}

),

left_of_documents as (

    select
        plant_id,
        kind,
        document_key,
        item_number,
        lot_number,
        stock_status,
        ownership,
        sum(quantity) as quantity,
    from document_legs
    group by plant_id, kind, document_key, item_number, lot_number, stock_status, ownership

),

doubles as (

    select
        alike.plant_id,
        alike.kind,
        alike.event_id,
        alike.first_event_id,
    from alike
    left join left_of_documents
        on alike.plant_id = left_of_documents.plant_id
        and alike.kind = left_of_documents.kind
        and alike.document_key = left_of_documents.document_key
        and alike.item_number = left_of_documents.item_number
        and alike.from_lot is not distinct from left_of_documents.lot_number
        and alike.from_status = left_of_documents.stock_status
        and alike.from_ownership = left_of_documents.ownership
    where
        alike.event_id <> alike.first_event_id
        -- of three where two were covered, the last is too many
        and not coalesce(
            alike.leaves and alike.comes and left_of_documents.quantity + alike.alike_after * alike.quantity >= 0, false
        )

),

-- what else one system booked out for an order's component, and the part of it that is no backflush
order_issues as (

    select
        plant_id,
        kind,
        reference_number,
        item_number,
        sum(quantity) as quantity,
        sum(quantity) filter (where movement_class = 'issue') as issued_quantity,
        min(event_id) filter (where movement_class = 'issue') as issue_event_id,
    from judged
    where reference_type = 'production_order' and class_group = 'issue' and match_state <> 'reversed'
    group by plant_id, kind, reference_number, item_number

),

-- one side took the movement back, the other didn't hear of it
taken_back as (

    select
        plant_id,
        kind,
        event_id,
        content_key,
        document_key,
        posted_quantity,
        item_number,
        event_at,
        reversal_event_ids,
    from judged
    where match_state = 'reversed'

),

facts as (

    select
        judged.plant_id,
        judged.kind,
        judged.source_system,
        judged.event_id,
        judged.item_number,
        judged.movement_class,
        judged.class_group,
        judged.quantity,
        judged.unit,
        judged.leaves,
        judged.comes,
        judged.from_location,
        judged.from_lot,
        judged.from_status,
        judged.from_ownership,
        judged.to_location,
        judged.to_lot,
        judged.to_status,
        judged.to_ownership,
        judged.serial_number,
        judged.reference_type,
        judged.reference_number,
        judged.reference_line,
        judged.event_at,
        judged.recorded_at,
        judged.correlation_id,
        other.source_system as other_system,
        other.heard_until as other_heard_until,
        coalesce(judged.event_at > other.heard_until, false) as is_within_latency,
        doubles.first_event_id as double_of,
        -- a receipt that takes out of stock, an issue that brings in: wrong by itself, without anybody to compare with
        coalesce(
            case
                when judged.movement_class = 'receipt' then judged.leaves and not judged.comes
                when judged.movement_class in ('issue', 'backflush', 'scrap') then judged.comes and not judged.leaves
            end, false
        ) as is_against_its_class,
        by_id.reversal_event_ids as other_reversal_event_ids,
        by_id.event_id as other_event_id,
        order_issues.issue_event_id,
        consumption.event_ids as consumption_event_ids,
        -- rule 29: one consumption per confirmation and component; the shop floor's own report replaces the backflush
        judged.movement_class = 'backflush'
        and (
            order_issues.issued_quantity > 0
            or (consumption.quantity > 0 and order_issues.quantity - judged.quantity >= consumption.quantity)
        ) as is_second_consumption,
    from judged
    inner join counterparts as other
        on judged.plant_id = other.plant_id
        and judged.kind <> other.kind
    left join doubles
        on judged.plant_id = doubles.plant_id
        and judged.kind = doubles.kind
        and judged.event_id = doubles.event_id
    left join taken_back as by_id
        on judged.plant_id = by_id.plant_id
        and judged.kind <> by_id.kind
        and judged.item_number = by_id.item_number
        and (
            judged.event_id = by_id.event_id
            or (judged.document_key = by_id.document_key and judged.event_at = by_id.event_at)
        )
    left join order_issues
        on judged.plant_id = order_issues.plant_id
        and judged.kind = order_issues.kind
        and case when judged.reference_type = 'production_order' then judged.reference_number end
        = order_issues.reference_number
        and judged.item_number = order_issues.item_number
    left join consumption
        on judged.plant_id = consumption.plant_id
        and case when judged.reference_type = 'production_order' then judged.reference_number end
        = consumption.production_order_number
        and judged.item_number = consumption.item_number
    where judged.match_state in ('erp_only', 'wms_only')
    qualify row_number() over (
        partition by judged.plant_id, judged.kind, judged.event_id order by by_id.event_id asc nulls last
    ) = 1

),

final as (

    select
        *,
        case
            when is_within_latency then 'cutoff_timing'
            when other_reversal_event_ids is not null and kind = 'wms' then 'unposted_in_wms'
            when other_reversal_event_ids is not null then 'unposted_in_erp'
            when double_of is not null then 'duplicate_posting'
            when coalesce(is_second_consumption, false) then 'backflush_double_count'
            when movement_class = 'adjustment' and reference_number is null then 'unexplained'
            when coalesce(from_status = 'in_transit', false) or coalesce(to_status = 'in_transit', false)
                then 'in_transit_timing'
            when class_group = 'count' and reference_number is not null then 'count_not_posted'
            when movement_class = 'scrap' then 'scrap_not_posted'
            when leaves and comes and from_status <> to_status then 'status_mismatch'
            when leaves and comes and from_ownership <> to_ownership then 'ownership_mismatch'
            when kind = 'wms' then 'unposted_in_erp'
            else 'unposted_in_wms'
        end as finding_class,
        case
            when is_within_latency then 'within_latency'
            when other_reversal_event_ids is not null then 'reversal_not_posted'
            when double_of is not null then 'posted_twice'
            when coalesce(is_second_consumption, false) then 'backflush_beside_actual'
            when movement_class = 'adjustment' and reference_number is null then 'undocumented_adjustment'
            else 'not_posted'
        end as cause,
        -- whether the movement took place: then it belongs to the ledger, although one system lacks it. Of a reversal that
        -- only one of them has, the warehouse is believed.
        (kind = 'wms' or other_reversal_event_ids is null)
        and not is_against_its_class
        and double_of is null
        and not coalesce(is_second_consumption, false)
        and (kind = 'wms' or movement_class <> 'adjustment' or reference_number is not null) as is_genuine,
    from facts

)

select * from final
