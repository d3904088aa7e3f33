"""What the systems hold at the first cut, in shapes from which candidates are easily chosen.

Belongs here: temp tables over `held`. Doesn't belong here: which of their rows a defect befalls (the catalogue).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.inventory import KEEPS_OWN_IDS
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant


def create_views(con: DuckDBPyConnection, options: Options) -> None:
    """Make `plant_zone`, `erp_line` (where ERP and PLM agree), `erp_parent`, `plant_leaf`, `posting`, `change_at`."""
    first = instant(options.first_cut)
    con.execute(
        "create or replace temp table plant_zone as select * from (values ('P100', 'Europe/Berlin'), "
        "('P200', 'Europe/Berlin'), ('P300', 'America/Chicago'), ('P400', 'Asia/Ho_Chi_Minh')) as z (plant_id, zone)"
    )
    con.execute(
        f"""
        create or replace temp table erp_line as
        with current_line as (
            select *
            from held.bom_line
            where visible_from <= {first} and (visible_to is null or {first} < visible_to)
                and (effective_from is null or effective_from <= {first})
                and (effective_to is null or effective_to > {first} + interval 60 day)
                and coalesce(line_type, 'component') = 'component' and not coalesce(is_manufacturing_only, false)
        ),
        released as (
            select
                plant_zone.plant_id, parent_item_number, component_item_number,
                engineering_change_in as plm_change_in, engineering_change_out as plm_change_out
            from current_line
            inner join plant_zone on applicable_plants is null
                or list_contains(string_split(applicable_plants, ','), plant_zone.plant_id)
            where left(source_system, 3) = 'plm'
            qualify count(*) over (partition by plant_zone.plant_id, parent_item_number, component_item_number) = 1
        ),
        own as (
            select *
            from current_line
            where left(source_system, 3) = 'erp'
            qualify count(*) over (partition by plant_id, parent_item_number, component_item_number) = 1
        )
        select
            own.*, released.plm_change_in, released.plm_change_out, plant_zone.zone,
            'bom|' || own.plant_id || '|' || own.parent_item_number as claim,
            json_object(
                'parent_item_number', own.parent_item_number, 'component_item_number', own.component_item_number
            )::varchar as line_key,
            own.visible_from as known_at,
            own.visible_to as until_at,
            own.source_system as system
        from own
        inner join released
            on own.parent_item_number = released.parent_item_number
            and own.component_item_number = released.component_item_number
            and own.plant_id = released.plant_id
        inner join plant_zone on own.plant_id = plant_zone.plant_id
        """
    )
    con.execute(
        """
        create or replace temp table erp_parent as
        select
            plant_id, parent_item_number, any_value(claim) as claim, list(component_item_number) as components,
            count(*) as lines
        from erp_line
        group by plant_id, parent_item_number
        """
    )
    # What else a plant builds in, by the piece: it can turn up in a bill where it doesn't belong.
    con.execute(
        """
        create or replace temp table plant_leaf as
        select plant_id, list(component_item_number order by component_item_number) as leaves
        from (
            select distinct erp_line.plant_id, component_item_number
            from erp_line
            anti join erp_parent on erp_line.plant_id = erp_parent.plant_id
                and erp_line.component_item_number = erp_parent.parent_item_number
            where unit = 'EA' and reference_designators is null
        )
        group by plant_id
        """
    )
    # A system's movements with the stock they touch; ERP and warehouse post the same, under ids of their own.
    own_ids = ", ".join(f"'{system}'" for system in KEEPS_OWN_IDS)
    con.execute(
        f"""
        create or replace temp table posting as
        with sided as (
            select
                movement.*,
                coalesce(to_plant_id, from_plant_id) as plant_id,
                coalesce(to_location, from_location) as location,
                coalesce(to_lot, from_lot) as lot_number,
                (to_plant_id is not null)::integer + (from_plant_id is not null)::integer as sides
            from held.inventory_movement as movement
        )
        select
            sided.*,
            list_distinct(list_filter([
                case when to_plant_id is not null
                    then stock_key(to_location, item_number, to_lot, to_status, to_ownership) end,
                case when from_plant_id is not null
                    then stock_key(from_location, item_number, from_lot, from_status, from_ownership) end
            ], lambda one: one is not null)) as keys,
            source_system as system,
            -- one event has one defect, whichever of its systems is wrong about it; one keeps ids of its own
            coalesce(to_plant_id, from_plant_id) || '|'
            || case
                when source_system in ({own_ids}) then row_id else 'MD' || substr(md5(row_id), 1, 18)
            end as claim,
            -- of two alike receipts of one order line, one missing and one posted twice would be neither; what an order
            -- gave is its own document, since a defect of the order may be that nobody received it at all
            case
                when movement_class = 'receipt' and reference_type = 'production_order'
                    then 'order|' || to_plant_id || '|' || reference_number
                else concat_ws(
                    '|', coalesce(to_plant_id, from_plant_id), item_number, reference_type, reference_number,
                    reference_line, quantity
                )
            end as document,
            visible_from as known_at,
            chance('unlucky stock', coalesce(to_plant_id, from_plant_id) || '/' || item_number) as luck,
            case reference_type
                when 'production_order' then reference_number
                when 'purchase_order' then reference_number || '/' || reference_line
                else coalesce(reference_number, '')
            end as object_key
        from sided
        """
    )
    _changes(con)


def _changes(con: DuckDBPyConnection) -> None:
    # changes at plants, with the lines that ERP and shop floor have because of them
    con.execute(
        """
        create or replace temp table change_at as
        with line as (
            select
                *,
                coalesce(engineering_change_in, engineering_change_out) as change_number,
                engineering_change_in is not null as is_new,
                case left(source_system, 3) when 'erp' then 'erp' when 'mes' then 'mes' end as kind
            from held.bom_line
            where coalesce(engineering_change_in, engineering_change_out) is not null and plant_id is not null
        ),
        -- a line's first version of the change says when the plant knew
        told as (
            select *
            from line
            where kind is not null
            qualify row_number() over (partition by source_system, row_id, change_number order by visible_from) = 1
        ),
        answered as (
            select plant_id, object_key, count(*) as answers
            from held.sync_acknowledgement
            group by all
        )
        select
            change_number, told.plant_id, any_value(parent_item_number) as parent_item_number,
            'bom|' || told.plant_id || '|' || any_value(parent_item_number) as claim,
            any_value(zone) as zone,
            any_value(source_system) filter (kind = 'erp') as erp,
            any_value(source_system) filter (kind = 'mes') as mes,
            max(visible_from) filter (kind = 'erp') as erp_known_at,
            max(visible_from) filter (kind = 'mes') as mes_known_at,
            coalesce(list(row_id order by row_id) filter (kind = 'erp' and is_new), []) as erp_new,
            coalesce(list(row_id order by row_id) filter (kind = 'erp' and not is_new), []) as erp_old,
            coalesce(list(row_id order by row_id) filter (kind = 'mes' and is_new), []) as mes_new,
            coalesce(list(row_id order by row_id) filter (kind = 'mes' and not is_new), []) as mes_old,
            min(component_item_number) filter (is_new) as new_component,
            min(component_item_number) filter (not is_new) as old_component,
            min(unit) filter (kind = 'erp' and is_new) as new_unit,
            coalesce(bool_or(reference_designators is not null), false) as has_designators,
            max(case when is_new then effective_from else effective_to end) as effective_at,
            coalesce(any_value(answered.answers), 0) as acknowledgements
        from told
        inner join plant_zone on told.plant_id = plant_zone.plant_id
        left join answered on told.plant_id = answered.plant_id and told.change_number = answered.object_key
        group by change_number, told.plant_id
        having count(distinct parent_item_number) = 1
        """
    )


def create_macros(con: DuckDBPyConnection) -> None:
    """Make `stock_key(…)`: the business key of a finding about stock."""
    con.execute(
        """
        create or replace macro stock_key(location, item, lot, status, ownership) as json_object(
            'location', location, 'item_number', item, 'lot_number', lot, 'stock_status', status,
            'ownership', coalesce(ownership, 'own')
        )::varchar
        """
    )
