{#- attribute of a difference → columns of bom_line_history of which it is made -#}
{%- set made_of = {
    'quantity': ['quantity_per', 'is_fixed_quantity'],
    'is_fixed_quantity': ['is_fixed_quantity'],
    'component_scrap': ['scrap_fraction', 'scrap_method'],
    'assembly_scrap': ['assembly_scrap_fraction'],
    'is_phantom': ['is_phantom'],
    'alternate_group': ['alternate_group'],
    'alternate_priority': ['alternate_priority', 'alternate_group'],
    'usage_probability': ['usage_probability'],
    'component_revision': ['component_revision'],
    'effective_from': ['effective_from', 'effective_to'],
    'effective_to': ['effective_to'],
    'reference_designators': ['reference_designators'],
    'unit': ['source_unit', 'quantity_per'],
} -%}
{%- set line_key = 'source_system, plant_id, parent_item_number, usage, alternative, revision, line_id' -%}

with

history as (

    select * from {{ ref('bom_line_history') }}

),

differences as (

    select * from {{ ref('bom_line_difference') }}
    where severity <> 'info'

),

refused as (

    select * from {{ ref('bom_line_refused') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}
    where kind in ('erp', 'mes')

),

batches as (

    select
        kept.source_system,
        kept.extracted_at,
    from {{ source('platform', 'current_batch') }} as kept
    inner join {{ source('platform', 'batch_manifest') }} as manifests on kept.batch_id = manifests.batch_id
    where manifests.entity = 'bom_line'

),

changes as (

    select
        change_number,
        released_at,
    from {{ ref('engineering_change') }}
    where released_at is not null and coalesce(status, 'released') not in ('cancelled', 'withdrawn', 'rejected')

),

change_items as (

    select * from {{ ref('engineering_change_item') }}

),

change_plants as (

    select * from {{ ref('engineering_change_plant') }}

),

versions as (

    select
        history.*,
        systems.kind,
        lag(history.component_item_number) over by_time as component_before,
        lag(history.quantity_per) over by_time as quantity_before,
        min(history.recorded_from) over (
            partition by history.source_system, history.plant_id, history.parent_item_number
        ) as bill_recorded_from,
    from history
    inner join systems on history.source_system = systems.source_system
    window by_time as (
        partition by
            history.source_system,
            history.plant_id,
            history.parent_item_number,
            history.usage,
            history.alternative,
            history.revision,
            history.line_id
        order by history.version_number asc
    )

),

-- what an ERP or MES did to a line. What the first delivery had was done later than the rest of its bill, or is no change
alterations as (

    select
        *,
        component_item_number as altered_item_number,
        case when began_as = 'changed' and coalesce(component_before = component_item_number, true) then 'changed' else 'added' end
            as act,
        first_told_at as seen_at,
        recorded_from as altered_at,
        case
            when
                began_as <> 'changed'
                or list_has_any(changed_attributes, ['engineering_change_in', 'component_item_number'])
                then engineering_change_in
            when list_contains(changed_attributes, 'engineering_change_out') then engineering_change_out
        end as named_change,
    from versions
    where began_as <> 'initial' or recorded_from > bill_recorded_from + interval 1 day
    union all
    select
        *,
        component_item_number as altered_item_number,
        'removed' as act,
        told_until as seen_at,
        recorded_to as altered_at,
        engineering_change_out as named_change,
    from versions
    where ended_as = 'removed'
    union all
    select
        *,
        component_before as altered_item_number,
        'removed' as act,
        first_told_at as seen_at,
        recorded_from as altered_at,
        engineering_change_in as named_change,
    from versions
    where began_as = 'changed' and component_before <> component_item_number

),

dated as (

    select
        {{ line_key }},
        kind,
        altered_item_number,
        act,
        seen_at,
        altered_at,
        named_change,
        changed_attributes,
        quantity_before,
        quantity_per,
        case
            when began_as = 'initial' and act <> 'removed' then '-infinity'::timestamptz
            else coalesce((
                select max(batches.extracted_at)
                from batches
                where batches.source_system = alterations.source_system and batches.extracted_at < alterations.seen_at
            ), '-infinity'::timestamptz)
        end as not_seen_at,
    from alterations

),

-- rule 37: a released change behind it is named by the line, or is about it and came into force since it was last seen
-- otherwise
authorities as (

    select
        changes.change_number,
        change_plants.plant_id,
        change_items.parent_item_number,
        change_items.item_number,
        change_items.old_component_item_number,
        change_items.new_component_item_number,
        changes.released_at,
        change_plants.planned_effective_from,
    from changes
    inner join change_items on changes.change_number = change_items.change_number
    inner join change_plants on changes.change_number = change_plants.change_number
    where coalesce(change_plants.is_applicable, true)

),

unauthorised as (

    select dated.*
    from dated
    where
        not exists (
            select 1 from changes
            where changes.change_number = dated.named_change
        )
        and not exists (
            select 1 from authorities
            where
                authorities.plant_id = dated.plant_id
                and authorities.parent_item_number = dated.parent_item_number
                and (
                    coalesce(authorities.old_component_item_number, authorities.new_component_item_number) is null
                    or dated.altered_item_number in (
                        authorities.old_component_item_number,
                        authorities.new_component_item_number,
                        authorities.item_number
                    )
                )
                and authorities.released_at <= dated.seen_at
                and (
                    authorities.released_at > dated.not_seen_at
                    or (
                        authorities.planned_effective_from > dated.not_seen_at
                        and authorities.planned_effective_from <= dated.seen_at
                    )
                )
        )

),

-- what is as engineering has it is right, whoever changed it: only what still disagrees is to be reported
standing as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        finding_class,
        attribute,
        plm_value,
        erp_value,
        mes_value,
        quantity_at_stake,
        string_split(evidence ->> '$.systems', ' and ') as differing_systems,
        evidence ->> '$.erp_line' as erp_line_id,
        evidence ->> '$.mes_line' as mes_line_id,
    from differences
    union all
    select
        refused.plant_id,
        refused.parent_item_number,
        refused.component_item_number,
        'unit' as finding_class,
        'unit' as attribute,
        null as plm_value,
        case when systems.kind = 'erp' then refused.source_unit end as erp_value,
        case when systems.kind = 'mes' then refused.source_unit end as mes_value,
        null as quantity_at_stake,
        [refused.source_system] as differing_systems,
        null as erp_line_id,
        null as mes_line_id,
    from refused
    inner join systems on refused.source_system = systems.source_system

),

matched as (

    select
        unauthorised.*,
        standing.component_item_number,
        standing.finding_class as standing_class,
        standing.attribute,
        standing.plm_value,
        standing.erp_value,
        standing.mes_value,
        standing.quantity_at_stake,
    from unauthorised
    inner join standing
        on unauthorised.plant_id = standing.plant_id
        and unauthorised.parent_item_number = standing.parent_item_number
        and (unauthorised.altered_item_number = standing.component_item_number or standing.attribute = 'structure')
    where
        case
            when standing.attribute = 'structure' then unauthorised.act in ('added', 'removed')
            when standing.finding_class = 'missing_in_plm'
                then
                    unauthorised.line_id = case unauthorised.kind
                        when 'erp' then standing.erp_line_id else standing.mes_line_id
                    end
                    and (
                        unauthorised.act = 'added'
                        or list_has_any(unauthorised.changed_attributes, ['effective_from', 'effective_to'])
                    )
            when standing.attribute = 'line'
                then
                    unauthorised.kind = 'erp'
                    and (
                        unauthorised.act = 'removed'
                        or list_has_any(unauthorised.changed_attributes, ['effective_from', 'effective_to'])
                    )
            else
                unauthorised.act = 'changed'
                and coalesce(list_contains(standing.differing_systems, unauthorised.source_system), true)
                and list_has_any(unauthorised.changed_attributes, case standing.attribute
                    {% for attribute, columns in made_of.items() -%}
                        when '{{ attribute }}' then {{ columns }}
                    {% endfor -%}
                    else []::varchar[]
                end)
        end

),

-- the newest alteration of a line explains how it stands
newest as (

    select *
    from matched
    qualify rank() over (
        partition by source_system, plant_id, parent_item_number, component_item_number
        order by altered_at desc
    ) = 1

),

final as (

    select
        source_system,
        plant_id,
        parent_item_number,
        component_item_number,
        'unauthorised_change' as finding_class,
        array_to_string(list_sort(list(distinct attribute)), ', ') as attribute,
        'high' as severity,
        any_value(plm_value) as plm_value,
        any_value(erp_value) as erp_value,
        any_value(mes_value) as mes_value,
        max(quantity_at_stake) as quantity_at_stake,
        'Take the alteration back in ' || source_system || ', or raise an engineering change for it.' as suggested_action,
        to_json({
            'source_system': source_system,
            'lines': list_sort(list(distinct line_id)),
            'act': list_sort(list(distinct act)),
            'altered_at': max(altered_at),
            'seen_at': max(seen_at),
            'quantity_before': max(quantity_before),
            'quantity': max(quantity_per)
        })::varchar as evidence,
        max(altered_at) as altered_at,
        max(seen_at) as seen_at,
        bool_or(standing_class = 'missing_in_plm') as is_missing_in_plm,
    from newest
    group by source_system, plant_id, parent_item_number, component_item_number

)

select * from final
