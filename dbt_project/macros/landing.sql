{#- The contract behind a landing source, as the derived sources file carries it: kind, key and content columns. -#}
{% macro landing_contract(entity) -%}
    {%- set found = namespace(node=none) -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name == 'landing' and node.name == entity -%}
            {%- set found.node = node -%}
        {%- endfor -%}
        {%- if found.node is none -%}
            {{ exceptions.raise_compiler_error("there is no landing source '" ~ entity ~ "'") }}
        {%- endif -%}
        {%- set meta = found.node.meta or found.node.config.meta -%}
        {%- set platform = [
            'source_system', 'extract_name', 'batch_id', 'source_file', 'source_row', 'recorded_at', 'correlation_id',
            'is_deleted', 'delivery', 'extracted_at', 'batch_sequence', 'is_in_force',
        ] -%}
        {{ return({
            'kind': meta['kind'],
            'key': meta['key'],
            'event_column': meta.get('event_column'),
            'columns': found.node.columns.keys() | reject('in', platform) | list,
        }) }}
    {%- endif -%}
    {{ return({'kind': 'record', 'key': ['source_system'], 'event_column': none, 'columns': []}) }}
{%- endmacro %}


{#-
  What an entity's landed rows say now: one row per source system and contract key, deleted ones left out.

  A record's newest version counts. A snapshot speaks for the instant it was taken, a change for the instant it was
  written (rule 4). A balance's newest report replaces the older (rule 22). Of an event that came several times the
  first stands: a redelivery changes nothing, and other content under the same id is a conflict (rule 32, see
  event_conflict).

  `is_large` picks an event's first row in steps, see one_row_per_event. `touched` is then a condition on landed rows: of the
  events that have such a row, and of no other, the rows are worked out.
-#}
{% macro current_rows(entity, is_large=false, touched=none) -%}
    {%- set relation = source('landing', entity) -%}
    {%- set contract = landing_contract(entity) -%}
    {%- set key = contract['key'] -%}
    {%- if contract['kind'] == 'event' -%}
        {%- set order = ['extracted_at asc', 'batch_sequence asc', 'source_file asc', 'source_row asc'] -%}
    {%- else -%}
        {%- set order = [
            "case when delivery = 'snapshot' then extracted_at else recorded_at end desc",
            'recorded_at desc', 'extracted_at desc', 'batch_sequence desc', 'source_file desc', 'source_row desc',
        ] -%}
        {%- if contract['kind'] == 'balance' and contract['event_column'] -%}
            {%- set order = [contract['event_column'] ~ ' desc'] + order -%}
        {%- endif -%}
    {%- endif -%}
    {% if is_large and contract['kind'] == 'event' %}
    {%- set event = ['source_system'] + key %}
    select landed.*
    from (
        {{ one_row_per_event(relation, event, arrival(), 'min', 'is_in_force', touched) }}
    ) as landed
    where not coalesce(landed.is_deleted, false)
    {% else %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by source_system, {{ key | join(', ') }}
                order by {{ order | join(', ') }}
            ) as version_rank,
        from {{ relation }}
        where is_in_force
    ) as versions
    where version_rank = 1 and not coalesce(is_deleted, false)
    {% endif %}
{%- endmacro %}


{#-
  Of each event one row: the one whose `place` is the least ('min') or greatest ('max'), an expression over the row's columns
  that no two rows of an event share. bench/inventory.py measures this very macro.

  Most events come once, so the places of those that come again are all that is compared and joined. Which may come again, the
  hashes of all events tell: they are much narrower than events, and one of an event that comes once is sorted out by the event
  itself. Only the event makes the group, never the event and what it says: a redelivery may say otherwise, and would count twice.

  With `touched`, a condition, only of the events that have such a row; these are sought once, however often they are read.
-#}
{% macro one_row_per_event(relation, event, place, pick='min', condition='true', touched=none) -%}
    {%- if touched %}
    with candidates as materialized {{ events_touched(relation, event, touched) }}
    {%- set relation = 'candidates' %}
    {%- endif %}
    select versions.*
    from {{ relation }} as versions
    left join (
        select
            {%- for column in event %}
            versions.{{ column }},
            {%- endfor %}
            {{ pick }}({{ place }}) as kept_place,
        from {{ relation }} as versions
        semi join (
            select hash({{ event | join(', ') }}) as event_hash
            from {{ relation }}
            where {{ condition }}
            group by event_hash
            having count(*) > 1
        ) as repeated
            on hash({% for column in event %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) = repeated.event_hash
        where {{ condition }}
        group by {% for column in event %}versions.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        having count(*) > 1
    ) as kept
        on {% for column in event %}versions.{{ column }} = kept.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    where {{ condition }} and (kept.kept_place is null or {{ place }} = kept.kept_place)
{%- endmacro %}


{#- The rows of all events that have a row of which `condition` is true. -#}
{% macro events_touched(relation, event, condition) -%}
    (
        select arrivals.*
        from {{ relation }} as arrivals
        semi join (
            select distinct {{ event | join(', ') }}
            from {{ relation }}
            where {{ condition }}
        ) as touched
            on {% for column in event %}arrivals.{{ column }} = touched.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{%- endmacro %}


{#- Where a landed row stands among all arrivals: no two rows have the same place. -#}
{% macro arrival() -%}
    struct_pack(
        extracted_at := extracted_at, batch_sequence := batch_sequence, source_file := source_file, source_row := source_row
    )
{%- endmacro %}


{#- Events that came again under the same id with other content (rule 32): one row per refused version. -#}
{% macro event_conflicts(entity) -%}
    {%- set relation = source('landing', entity) -%}
    {%- set contract = landing_contract(entity) -%}
    select
        '{{ entity }}' as entity,
        source_system,
        concat_ws('|'{% for column in contract['key'] %}, {{ column }}::varchar{% endfor %}) as event_key,
        first_value(batch_id) over first_come as kept_batch_id,
        first_value(content) over first_come as kept_content,
        batch_id as refused_batch_id,
        content as refused_content,
        source_file,
        source_row,
        correlation_id,
        recorded_at,
    from (
        select
            *,
            to_json({
                {%- for column in contract['columns'] %}'{{ column }}': {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
            })::varchar as content,
        from {{ relation }}
        where is_in_force
        qualify count(*) over (partition by source_system, {{ contract['key'] | join(', ') }}) > 1
    ) as repeated
    window first_come as (
        partition by source_system, {{ contract['key'] | join(', ') }}
        order by extracted_at asc, batch_sequence asc, source_file asc, source_row asc
    )
    qualify content <> kept_content
{%- endmacro %}
