with

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

differing as (

    select
        item_number,
        attribute,
        owned_value,
        conflict,
        system_values,
        unnest(differing_systems) as target_system,
        differing_systems,
    from {{ ref('master_data_comparison') }}
    where entity = 'item' and conflict is distinct from 'tolerate'

),

erps_behind as (

    select distinct
        differing.item_number,
        differing.attribute,
    from differing
    inner join systems on differing.target_system = systems.source_system
    where systems.kind = 'erp'

),

-- rule 36: the owner's value, to whoever has another one; an item is one record of a system, at all of its plants
attributes as (

    select
        differing.target_system,
        systems.kind as target_kind,
        null::varchar as plant_id,
        'item' as object_type,
        differing.item_number as object_key,
        differing.item_number,
        differing.attribute as change_key,
        'correction' as cause,
        []::varchar[] as change_numbers,
        [differing.attribute] as attributes,
        null::timestamptz as effective_from,
        case when differing.conflict = 'block' then ['blocking_conflict'] else [] end
        || case
            when systems.kind = 'mes' and erps_behind.item_number is not null then ['waits_for_erp'] else []
        end as hold_reasons,
        to_json(differing.system_values[differing.target_system])::varchar as before_json,
        to_json(differing.owned_value)::varchar as after_json,
    from differing
    inner join systems on differing.target_system = systems.source_system
    left join erps_behind
        on differing.item_number = erps_behind.item_number
        and differing.attribute = erps_behind.attribute
    where systems.kind in ('erp', 'mes')

),

-- what a change brings in and the plant's ERP has no master data for: it is told of the item, and plans it itself
introduced as (

    select
        gates.erp_system as target_system,
        gates.plant_id,
        readiness.item_number,
        list_sort(list(distinct gates.change_number)) as change_numbers,
        list_sort(list_distinct(flatten(list(list_filter(
            gates.hold_reasons,
            lambda one: one not in ('missing_item_master', 'not_ready_item_master')
        ))))) as hold_reasons,
    from {{ ref('engineering_change_readiness') }} as readiness
    inner join {{ ref('release_gate') }} as gates
        on readiness.change_number = gates.change_number
        and readiness.plant_id = gates.plant_id
    where readiness.check_name = 'item_master' and not readiness.is_met and gates.erp_system is not null
    group by gates.erp_system, gates.plant_id, readiness.item_number

),

masters as (

    select
        introduced.target_system,
        'erp' as target_kind,
        introduced.plant_id,
        'item_plant' as object_type,
        introduced.plant_id || '|' || introduced.item_number as object_key,
        introduced.item_number,
        'item' as change_key,
        'engineering_change' as cause,
        introduced.change_numbers,
        ['item'] as attributes,
        null::timestamptz as effective_from,
        introduced.hold_reasons,
        null::varchar as before_json,
        to_json({
            'description': items.description,
            'base_unit': items.base_unit,
            'item_type': items.item_type,
            'product_family': items.product_family,
            'lifecycle_status': items.lifecycle_status,
            'procurement_type': items.procurement_type,
            'current_revision': items.current_revision
        })::varchar as after_json,
    from introduced
    inner join {{ ref('item') }} as items on introduced.item_number = items.item_number

),

final as (

    select * from attributes
    union all
    select * from masters

)

select * from final
