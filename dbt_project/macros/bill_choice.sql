{#-
  Which bill, which of its lines and how much of each: rules 2, 7, 10, 11, 12, 13 and 18 in one place, for whoever asks at
  whatever instant. effective_bom_line and item_structure ask for the run's instant, component_demand for each order's.
-#}


{#- Whether a line of bom_line_at_plant can count for production at an instant (rules 1 and 3). -#}
{% macro may_count(lines, instant) -%}
    {{ is_effective(lines ~ '.effective_from', lines ~ '.effective_to', instant) }}
        and {{ lines }}.line_type <> 'text'
        and ({{ lines }}.usage is null or {{ lines }}.usage in ('production', 'universal', 'engineering'))
        -- a superseded bill whose period is closed is what held in that period
        and (
            coalesce({{ lines }}.header_status, 'released') = 'released'
            or ({{ lines }}.header_status = 'superseded' and {{ lines }}.effective_to is not null)
        )
{%- endmacro %}


{#-
  The order of an item's bills, the first of which is used (rule 13): usage, the lot-size range that holds the quantity,
  then the lower alternative. Inside a `group by` over the bill's lines.
-#}
{% macro bill_order(lot_quantity) -%}
    case coalesce(usage, 'production') when 'production' then 1 when 'universal' then 2 else 3 end asc,
    usage asc nulls last,
    bool_or(
        {{ lot_quantity }} >= coalesce(lot_size_from, 0)
        and (lot_size_to is null or {{ lot_quantity }} <= lot_size_to)
    ) desc,
    try_cast(alternative as bigint) asc nulls last,
    alternative asc nulls first,
    -- rule 18: the order of revisions is given, never read off their names
    max(revision_sequence) desc nulls last,
    max(effective_from) desc nulls last,
    revision desc nulls last
{%- endmacro %}


{#- What makes two lines the same line, as the system declares it (rule 7). -#}
{% macro line_identity_key(lines, systems) -%}
    case {{ systems }}.line_identity
        -- alternates of one group may share their position
        when 'position'
            then
                coalesce({{ lines }}.position, {{ lines }}.line_id)
                || case when {{ lines }}.alternate_group is null then '' else ' ' || {{ lines }}.component_item_number end
        when 'reference_designator' then coalesce({{ lines }}.reference_designators, {{ lines }}.line_id)
        else {{ lines }}.component_item_number || ' at ' || coalesce({{ lines }}.operation_sequence::varchar, '')
    end
{%- endmacro %}


{#- The order of overlapping versions of one line, the first of which counts (rule 2). -#}
{% macro overlap_order() -%}
    case when overlap_winner = 'latest_recorded' then recorded_at end desc nulls last,
    effective_from desc nulls last,
    recorded_at desc,
    line_id desc
{%- endmacro %}


{#- Whether a member may be taken at all: one with a probability of 0 never (rule 12). -#}
{% macro may_be_member() -%}
    (alternate_group is null or coalesce(usage_probability, 1) > 0)
{%- endmacro %}


{#- The order of the members of a group of alternates, the first of which is taken (rule 12). -#}
{% macro alternate_order() -%}
    alternate_priority asc nulls last,
    usage_probability desc nulls last,
    component_item_number asc,
    line_id asc
{%- endmacro %}


{#-
  quantity_per with both scraps, each by its method (rule 10). A net line leaves out the assembly's, and so does a fixed
  quantity, which doesn't grow with the number of assemblies started.
-#}
{% macro quantity_with_scrap() -%}
    {%- set assembly = 'case when is_net or is_fixed_quantity then 0 else coalesce(assembly_scrap_fraction, 0) end' -%}
    case
        when coalesce(scrap_fraction, 0) = 0 and {{ assembly }} = 0 then cast(quantity_per as decimal(38, 12))
        when scrap_method = 'divide'
            then {{ decimal_divide(
                'quantity_per', '(1 - coalesce(scrap_fraction, 0)) * (1 - ' ~ assembly ~ ')', 12, 12) }}
        else cast(try(
            quantity_per
            * cast((1 + coalesce(scrap_fraction, 0)) * (1 + {{ assembly }}) as decimal(18, 12))
        ) as decimal(38, 12))
    end
{%- endmacro %}


{#- Whether a component is passed through: the line's own word, then the plant's, then the item's (rule 11). -#}
{% macro is_phantom_component(lines, item_plants, items) -%}
    coalesce({{ lines }}.is_phantom, {{ item_plants }}.is_phantom, {{ items }}.item_type = 'phantom', false)
{%- endmacro %}


{#-
  A line's quantity per one piece of the parent in base units, by one division of exact numbers (rules 8 and 19), from its
  quantity, header_base_quantity and the factors of component and parent. Rule 9: a fixed quantity is per order, so the
  base quantity doesn't divide it. Null where something is missing or doesn't fit.
-#}
{% macro quantity_per_parent() -%}
    case
        when coalesce(is_fixed_quantity, false) then {{ scale_quantity('quantity', 'component_numerator', 'component_denominator') }}
        else {{ decimal_divide(
            'cast(quantity as decimal(38, 6)) * component_numerator::decimal(18, 0) * parent_denominator::decimal(18, 0)',
            'cast(header_base_quantity as decimal(38, 6)) * component_denominator::decimal(18, 0)'
            ~ ' * parent_numerator::decimal(18, 0)',
            12, 6) }}
    end
{%- endmacro %}
