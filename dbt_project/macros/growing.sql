{#-
  Large tables of events grow: only what new batches brought, and what a changed item or unit makes otherwise, is worked out.

  What a row is depends on the landed rows, on the native numbers and units of items, and on the SQL itself. What those were
  when the table was last built is kept in the schema `platform`, written in the same transaction. Where the SQL changed, or a
  batch that counted counts no longer, the table is built anew.
-#}


{#- A relation that keeps what the table was built from: `batch`, `native`, `unit` or `code`. -#}
{% macro built_from(what) -%}
    platform.built__{{ this.identifier }}__{{ what }}
{%- endmacro %}


{#- The batches, numbers and units of now, as `built_from` keeps them. -#}
{% macro what_it_is_built_from() -%}
    {{ return({
        'batch': "select counting.batch_id from " ~ source('platform', 'current_batch') ~ " as counting inner join "
            ~ source('platform', 'batch_manifest') ~ " as manifest on counting.batch_id = manifest.batch_id "
            ~ "where counting.is_in_force and manifest.entity = '" ~ model.name ~ "'",
        'native': "select source_system, native_id, item_number from " ~ ref('item_native_id'),
        'unit': "select items.item_number, items.base_unit, units.unit, units.numerator, units.denominator from " ~ ref('item')
            ~ " as items left join " ~ ref('item_unit') ~ " as units on items.item_number = units.item_number",
        'code': "select '" ~ growing_code() ~ "' as fingerprint",
    }) }}
{%- endmacro %}


{#- What the rows depend on besides data, as a short text. -#}
{% macro growing_code() -%}
    {{ return(local_md5(model.get('raw_code', '') ~ current_rows(model.name, is_large=true) ~ with_base_unit('rows_now'))) }}
{%- endmacro %}


{#- Whether this build may go on from what is there. -#}
{% macro grows() -%}
    {%- if not execute or not is_incremental() -%} {{ return(false) }} {%- endif -%}
    {%- set found = run_query(
        "select count(*) from duckdb_tables() where schema_name = 'platform' and starts_with(table_name, 'built__"
        ~ this.identifier ~ "__')"
    ).rows[0][0] -%}
    {%- if found < 4 -%} {{ return(false) }} {%- endif -%}
    {%- set code = run_query("select max(fingerprint) from " ~ built_from('code')).rows[0][0] -%}
    {%- if code != growing_code() -%} {{ return(false) }} {%- endif -%}
    {%- set gone = run_query(
        "select count(*) from (select batch_id from " ~ built_from('batch') ~ " except ("
        ~ what_it_is_built_from()['batch'] ~ "))"
    ).rows[0][0] -%}
    {{ return(gone == 0) }}
{%- endmacro %}


{#-
  The staged rows to work out: all, or those that may have changed since. Those are the events of new batches, which landed rows
  tell, and the rows of items that have another number or unit now, which staged ones tell: that costs as much as all, so it is
  asked only where there are such items.
-#}
{% macro rows_to_build(entity) -%}
    {#- named here because they are only read where the table grows -#}
    {%- set staged = ref('stg_' ~ entity) -%}
    {%- set native_ids = ref('item_native_id') -%}
    {%- set now = what_it_is_built_from() -%}
    {%- if not grows() %}
    select *
    from {{ staged }}
    {%- else %}
    {%- set is_new = 'batch_id in (' ~ now['batch'] ~ ' except select batch_id from ' ~ built_from('batch') ~ ')' %}
    with

    arrived as (

        select
            landed.* replace (coalesce(native_ids.item_number, landed.item_number) as item_number),
            landed.item_number as native_item_number,
        from (
            {{ current_rows(entity, is_large=true, touched=is_new) }}
        ) as landed
        left join {{ native_ids }} as native_ids
            on landed.source_system = native_ids.source_system
            and landed.item_number = native_ids.native_id

    )

    select * from arrived
    {%- if differs_since('native') or differs_since('unit') %}
    union all by name
    select staged.*
    from {{ staged }} as staged
    anti join arrived
        on staged.source_system = arrived.source_system
        and staged.event_id = arrived.event_id
    where
        (staged.source_system || '|' || staged.native_item_number) in (
            select source_system || '|' || native_id from ({{ changes_since('native') }})
        )
        or staged.item_number in (select item_number from ({{ changes_since('unit') }}))
    {%- endif %}
    {%- endif %}
{%- endmacro %}


{#- What of `native` or `unit` is otherwise than when the table was last built. -#}
{% macro changes_since(what) -%}
    {%- set now = what_it_is_built_from()[what] -%}
    (({{ now }}) except select * from {{ built_from(what) }})
    union all
    (select * from {{ built_from(what) }} except ({{ now }}))
{%- endmacro %}

{% macro differs_since(what) -%}
    {{ return(run_query("select count(*) from (" ~ changes_since(what) ~ ")").rows[0][0] > 0) }}
{%- endmacro %}


{#- Before: a table that can't be gone on from is emptied. After: what it was built from is kept. -#}
{% macro empty_unless_it_grows() -%}
    {%- if execute and is_incremental() and not grows() %} delete from {{ this }} {% endif -%}
{%- endmacro %}

{% macro keep_what_it_was_built_from() -%}
    {%- for what, sql in what_it_is_built_from().items() %}
    create or replace table {{ built_from(what) }} as {{ sql }};
    {%- endfor %}
{%- endmacro %}
