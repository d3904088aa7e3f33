{%- set kinds = ['plm', 'erp', 'mes'] -%}
{#- attribute, column shown, class, severity, what to do; {systems} are those that differ -#}
{%- set differences = [
    ('quantity', 'quantity_per', 'quantity', 'high',
        'Correct the quantity in {systems} to the released one, or raise an engineering change.'),
    ('unit', 'source_unit', 'unit', 'info', 'Nothing is wrong while the units convert; use one unit to keep it so.'),
    ('is_fixed_quantity', 'is_fixed_quantity', 'fixed_quantity', 'medium',
        'Agree whether the quantity is per order or per piece, and correct {systems}.'),
    ('component_scrap', 'scrap_fraction', 'scrap', 'medium', 'Agree on the scrap allowance, and correct {systems}.'),
    ('assembly_scrap', 'assembly_scrap_fraction', 'scrap', 'medium',
        'Agree on the scrap of the whole assembly, and correct {systems}.'),
    ('is_phantom', 'is_phantom', 'phantom_flag', 'medium',
        'Agree whether the component is built to stock at this plant, and correct {systems}.'),
    ('alternate_group', 'alternate_group', 'alternate_priority', 'medium',
        'Agree whether the component is an alternate, or demand is doubled or lost; correct {systems}.'),
    ('alternate_priority', 'alternate_priority', 'alternate_priority', 'medium',
        'Agree which alternate is used first, and correct {systems}.'),
    ('usage_probability', 'usage_probability', 'alternate_priority', 'medium',
        'Agree how often the alternate is used, and correct {systems}.'),
    ('component_revision', 'component_revision', 'revision', 'high', 'Bring {systems} to the released revision.'),
    ('effective_from', 'effective_from', 'effectivity', 'medium',
        'Align the dates in {systems}, or the plant changes over on another day than engineering meant.'),
    ('effective_to', 'effective_to', 'effectivity', 'medium',
        'Align the dates in {systems}, or the plant changes over on another day than engineering meant.'),
    ('reference_designators', 'reference_designators', 'reference_designators', 'medium',
        'Align the reference designators in {systems}.'),
    ('position', 'position', 'position_only', 'info', 'Nothing to do: a renumbered position changes no requirement.'),
] -%}

with

comparison as (

    select * from {{ ref('bom_comparison') }}

),

restructure as (

    select * from {{ ref('bom_restructure') }}

),

missing as (

    select * from {{ ref('bom_line_missing') }}

),

rules as (

    {{ attribute_rules('bom_line') }}

),

moved_lines as (

    select
        compared_kind,
        plant_id,
        parent_item_number,
        component_item_number,
    from restructure
    where row_kind = 'line'
    group by compared_kind, plant_id, parent_item_number, component_item_number

),

-- rule 17: a quantity that is made up for elsewhere in the structure is judged there
compared as (

    select
        comparison.*,
        erp_moves.component_item_number is not null as is_moved_erp,
        mes_moves.component_item_number is not null as is_moved_mes,
    from comparison
    left join moved_lines as erp_moves
        on comparison.plant_id = erp_moves.plant_id
        and comparison.parent_item_number = erp_moves.parent_item_number
        and comparison.component_item_number = erp_moves.component_item_number
        and erp_moves.compared_kind = 'erp'
    left join moved_lines as mes_moves
        on comparison.plant_id = mes_moves.plant_id
        and comparison.parent_item_number = mes_moves.parent_item_number
        and comparison.component_item_number = mes_moves.component_item_number
        and mes_moves.compared_kind = 'mes'

),

needed as (

    select
        *,
        case when not is_equal then component_item_number end as unequal_item_number,
    from restructure
    where row_kind = 'requirement'

),

restructured as (

    select
        plant_id,
        parent_item_number,
        unequal_item_number as component_item_number,
        case when unequal_item_number is null then 'structural_equivalent' else 'net_requirement' end as finding_class,
        'structure' as attribute,
        case when unequal_item_number is null then 'info' else 'high' end as severity,
        max(ref_quantity) filter (not is_equal)::varchar as plm_value,
        max(other_quantity) filter (not is_equal and compared_kind = 'erp')::varchar as erp_value,
        max(other_quantity) filter (not is_equal and compared_kind = 'mes')::varchar as mes_value,
        cast(max(abs(ref_quantity - other_quantity)) filter (not is_equal) as decimal(38, 12)) as quantity_at_stake,
        list_sort(list(distinct compared_kind)) as compared_kinds,
    from needed
    group by plant_id, parent_item_number, unequal_item_number

),

moved_together as (

    select
        plant_id,
        parent_item_number,
        list_sort(list(distinct component_item_number)) as lines,
    from restructure
    where row_kind = 'line'
    group by plant_id, parent_item_number

),

structural as (

    select
        restructured.plant_id,
        restructured.parent_item_number,
        restructured.component_item_number,
        restructured.finding_class,
        restructured.attribute,
        restructured.severity,
        restructured.plm_value,
        restructured.erp_value,
        restructured.mes_value,
        restructured.quantity_at_stake,
        case
            when restructured.component_item_number is null
                then 'Nothing to do: another structure, and the same pieces are needed.'
            else 'Correct the quantity: the structures differ on purpose, what they need must not.'
        end as suggested_action,
        to_json({
            'compared_with': restructured.compared_kinds, 'lines': moved.lines
        })::varchar as evidence,
    from restructured
    left join moved_together as moved
        on restructured.plant_id = moved.plant_id
        and restructured.parent_item_number = moved.parent_item_number
    -- what is equal but for some pieces is no equal structure
    where
        restructured.component_item_number is not null
        or not exists (
            select 1 from restructured as unequal
            where
                unequal.plant_id = restructured.plant_id
                and unequal.parent_item_number = restructured.parent_item_number
                and unequal.component_item_number is not null
        )

),

-- one row per line and attribute, whoever differs
differing_attributes as (

    select
        *,
        unnest(list_distinct(erp_differences || mes_differences)) as attribute,
        len(list_filter(erp_differences || mes_differences, lambda one: one not in ('position', 'unit'))) as real_differences,
    from compared

),

differing_systems as (

    select
        *,
        list_contains(erp_differences, attribute) and not (attribute = 'quantity' and is_moved_erp) as is_erp,
        list_contains(mes_differences, attribute) and not (attribute = 'quantity' and is_moved_mes) as is_mes,
        concat_ws(' and ', case when is_erp then erp_source_system end, case when is_mes then mes_source_system end)
            as systems,
        coalesce(plm_quantity_per, erp_quantity_per) as reference_quantity,
        greatest(
            abs(reference_quantity - case when is_erp then erp_quantity_per end),
            abs(reference_quantity - case when is_mes then mes_quantity_per end)
        ) as quantity_difference,
    from differing_attributes
    where
        -- a line that differs otherwise isn't merely renumbered, and two ends of one period are one difference
        not (attribute = 'position' and real_differences > 0)
        and not (attribute = 'effective_to' and list_contains(erp_differences || mes_differences, 'effective_from'))

),

-- rule 36: what the estate tolerates is nobody's work
ruled as (

    select
        differing_systems.*,
        rules.conflict,
    from differing_systems
    left join rules
        on differing_systems.plant_id = rules.plant_id
        and differing_systems.attribute = rules.attribute
    where
        (differing_systems.is_erp or differing_systems.is_mes)
        and coalesce(rules.conflict, 'report') <> 'tolerate'

),

differing as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        {{ by_attribute(differences, "'{class}'") }} as finding_class,
        attribute,
        case when conflict = 'block' then 'critical' else {{ by_attribute(differences, "'{severity}'") }} end
            as severity,
        {% for kind in kinds -%}
            {{ by_attribute(differences, '' ~ kind ~ '_{column}::varchar') }} as {{ kind }}_value,
        {% endfor -%}
        case when attribute = 'quantity' then quantity_difference end as quantity_at_stake,
        replace({{ by_attribute(differences, "'{action}'") }}, '{systems}', systems) as suggested_action,
        to_json({
            'plm_line': plm_line_id, 'erp_line': erp_line_id,
            'mes_line': mes_line_id, 'systems': systems,
            'occurrence': occurrence
        })::varchar as evidence,
    from ruled

),

-- rule 16: as many places as pieces, where nothing else about quantity or places is wrong already
designator_sets as (

    {% for kind in kinds -%}
        select
            plant_id,
            parent_item_number,
            component_item_number,
            '{{ kind }}' as kind,
            {{ kind }}_line_id as line_id,
            {{ kind }}_quantity_per as quantity_per,
            {{ kind }}_reference_designators as designators,
            occurrence,
        from comparison
        where
            {{ kind }}_reference_designators is not null
            and {{ kind }}_unit in ('EA', 'C62', 'H87')
            and not {{ kind }}_is_fixed_quantity
            and not list_has_any(erp_differences || mes_differences, ['quantity', 'reference_designators'])
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

miscounted as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        'reference_designators' as finding_class,
        'reference_designators' as attribute,
        'medium' as severity,
        {% for kind in kinds -%}
            max(designators) filter (kind = '{{ kind }}') as {{ kind }}_value,
        {% endfor -%}
        cast(max(abs(quantity_per - len({{ designator_set('designators') }}))) as decimal(38, 12)) as quantity_at_stake,
        'Give as many reference designators as pieces, or correct the quantity.' as suggested_action,
        to_json({
            'systems': list_sort(list(distinct kind)), 'lines': list_sort(list(distinct line_id)),
            'quantity': max(quantity_per)
        })::varchar as evidence,
    from designator_sets
    where quantity_per <> len({{ designator_set('designators') }})
    group by plant_id, parent_item_number, component_item_number, occurrence

),

findings as (

    select * from missing
    union all
    select * from structural
    union all
    select * from differing
    union all
    select * from miscounted

),

final as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        finding_class,
        attribute,
        severity,
        plm_value,
        erp_value,
        mes_value,
        quantity_at_stake,
        suggested_action,
        evidence,
    from findings

)

select * from final
