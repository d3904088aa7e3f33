with

comparison as (

    select * from {{ ref('master_data_comparison') }}

),

unresolved as (

    select * from {{ ref('unresolved_identifier') }}

),

systems as (

    select
        source_system,
        owner_role,
    from {{ source('estate', 'system') }}

),

contested as (

    select
        *,
        unnest(differing_systems) as source_system,
    from comparison
    -- rule 36: what the estate tolerates is nobody's work
    where conflict <> 'tolerate'

),

-- rule 36: the owner's value stands; another system's is a finding for the one who keeps that system's records
differing as (

    select
        contested.entity as object_type,
        contested.object_key,
        contested.item_number,
        contested.plant_id,
        'differs_from_owner' as finding_class,
        contested.attribute,
        contested.source_system,
        case when contested.conflict = 'block' then 'critical' else 'medium' end as severity,
        coalesce(contested.steward, systems.owner_role) as steward,
        contested.owned_value,
        contested.value_source,
        contested.system_values[contested.source_system] as system_value,
        contested.conflict = 'block' as is_blocking,
        'Correct ' || contested.attribute || ' in ' || contested.source_system || ' to the value of '
        || contested.value_source || ', which owns it, or mend it there.' as suggested_action,
        to_json({ 'values': contested.system_values, 'conflict': contested.conflict })::varchar as evidence,
    from contested
    left join systems on contested.source_system = systems.source_system

),

unknown as (

    select
        unresolved.entity as object_type,
        unresolved.identifier as object_key,
        case when unresolved.identifies = 'item' then unresolved.identifier end as item_number,
        unresolved.plant_id,
        'unresolved_identifier' as finding_class,
        unresolved.attribute,
        unresolved.source_system,
        'high' as severity,
        systems.owner_role as steward,
        null as owned_value,
        null as value_source,
        unresolved.identifier as system_value,
        false as is_blocking,
        'Create the ' || unresolved.identifies || ', add it to the cross-reference, or correct the number in '
        || unresolved.source_system || '.' as suggested_action,
        to_json({
            'identifies': unresolved.identifies, 'records': unresolved.records, 'correlation_id': unresolved.correlation_id
        })::varchar as evidence,
    from unresolved
    left join systems on unresolved.source_system = systems.source_system

),

findings as (

    select * from differing
    union all
    select * from unknown

),

final as (

    select
        {{ finding_id('finding_class', [
            'object_type', 'object_key', 'plant_id', 'attribute', 'source_system']) }} as finding_id,
        object_type,
        object_key,
        item_number,
        plant_id,
        finding_class,
        attribute,
        source_system,
        severity,
        coalesce(steward, {{ owner_role('master_data', 'finding_class') }}) as owner_role,
        owned_value,
        value_source,
        system_value,
        is_blocking,
        suggested_action,
        evidence,
    from findings

)

select * from final
