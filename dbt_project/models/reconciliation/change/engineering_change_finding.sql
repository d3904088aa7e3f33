with

statuses as (

    select * from {{ ref('engineering_change_plant_status') }}

),

reasons as (

    select * from {{ ref('engineering_change_reason') }}

),

-- what of the change's components is still there or on order: what it costs to leave it as it is
stakes as (

    select
        change_number,
        plant_id,
        sum(value) filter (where relation = 'component') as value_at_stake,
        any_value(currency) as currency,
        count(distinct currency) as currencies,
    from {{ ref('engineering_change_impact') }}
    group by change_number, plant_id

),

classes as (

    select
        change_number,
        plant_id,
        reason as finding_class,
        detail,
        correlation_ids,
    from reasons
    union all
    select
        change_number,
        plant_id,
        status as finding_class,
        case
            when effectivity_kind in ('serial', 'lot')
                then array_to_string(units_built_otherwise, ', ') || ' should have been built to it and took the old.'
            when status = 'overdue'
                then
                    'Since ' || strftime(timezone(timezone, effective_from), '%Y-%m-%d %H:%M')
                    || ' the plant should work to it; ' || concat_ws(
                        ' and ',
                        case when erp_state <> 'holds' then erp_system end,
                        case when mes_state <> 'holds' then mes_system end
                    ) || ' can''t be seen to hold it.'
            else concat_ws(
                ' and ',
                case when erp_state <> 'holds' then erp_system end,
                case when mes_state <> 'holds' then mes_system end
            ) || ' held it and no longer does.'
        end as detail,
        list_distinct(erp_evidence || mes_evidence) as correlation_ids,
    from statuses
    where status in ('overdue', 'deviated')

),

final as (

    select
        {{ finding_id('classes.finding_class', ["'change'", 'classes.plant_id', 'classes.change_number']) }} as finding_id,
        classes.plant_id,
        classes.change_number,
        classes.finding_class,
        case
            when classes.finding_class in ('bom_cycle', 'partial_update', 'deviated') then 'critical'
            when classes.finding_class in (
                'overdue', 'unauthorised_change', 'missing_item_master', 'unit_incompatible'
            ) then 'high'
            -- what only has to be there by its day can wait until that is near
            when not statuses.effective_from <= {{ as_of() }} then 'low'
            else 'medium'
        end as severity,
        {{ owner_role('change', 'classes.finding_class') }} as owner_role,
        statuses.status,
        statuses.parent_item_number,
        statuses.effective_from,
        -- values in several currencies have no sum
        case when stakes.currencies = 1 then cast(stakes.value_at_stake as decimal(28, 6)) end as value_at_stake,
        case when stakes.currencies = 1 then stakes.currency end as currency,
        case classes.finding_class
            when 'bom_cycle' then 'Take the line that leads back to the assembly out of the bill.'
            when 'partial_update'
                then 'Stop building the assembly until both systems hold the same bill, then send the change again.'
            when 'unauthorised_change' then 'Take the alteration back, or raise a change for it.'
            when 'missing_item_master' then 'Have the plant''s master data of the component made before the change''s day.'
            when 'unit_incompatible' then 'Enter the conversion to the base unit, or use a unit that has one.'
            when 'effectivity_conflict' then 'Give the lines the day that engineering planned, or have the plan altered.'
            when 'open_orders_on_old_revision' then 'Have the orders read the bill again, or move them before the change.'
            when 'target_unavailable' then 'Bring the system back and send the change again; its answer was a failure.'
            when 'no_approved_source' then 'Have a source approved for the component, or name another one.'
            when 'regulated_stock' then 'Decide with quality what becomes of the stock, and enter it as disposition.'
            when 'overdue' then 'Send the change to the plant''s systems again, or have its day moved.'
            when 'deviated' then 'Find out who took it back, and send the change again.'
        end as suggested_action,
        to_json({
            'status': statuses.status,
            'detail': classes.detail,
            'erp': statuses.erp_system,
            'erp_state': statuses.erp_state,
            'mes': statuses.mes_system,
            'mes_state': statuses.mes_state,
            'effective_from': statuses.effective_from,
            'correlation_ids': classes.correlation_ids
        })::varchar as evidence,
    from classes
    inner join statuses
        on classes.change_number = statuses.change_number
        and classes.plant_id = statuses.plant_id
    left join stakes
        on classes.change_number = stakes.change_number
        and classes.plant_id = stakes.plant_id

)

select * from final
