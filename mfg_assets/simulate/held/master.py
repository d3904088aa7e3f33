"""Master data as each system holds it: items, plants' items, revisions, units, suppliers, locations, documents.

Belongs here: who has which record from when on. Doesn't belong here: structures (`structure`), changes (`changes`).
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held.versions import add_states


def fill(con: DuckDBPyConnection, cut: datetime) -> None:
    """Fill the tables of master data with what systems knew up to the cut."""
    con.execute(
        """
        create or replace temp table holder as
        select 'plm_main' as source_system, item_number from world.item
        union all
        select distinct plant.erp, site.item_number
        from world.item_plant as site
        inner join world.plant as plant using (plant_id)
        """
    )
    for entity, states in _STATES.items():
        add_states(con, entity, cut, states)
    add_states(con, "item_revision", cut, _REVISIONS)


# Rows that never change: they were there before the world began.
_ITEM = """
    select
        item.item_number, item.description, item.base_unit, item.item_type, item.product_family, item.lifecycle_status,
        item.procurement_type, item.is_lot_tracked, item.is_serial_tracked, item.is_sold, item.net_weight,
        item.net_weight_unit, item.drawing_number, item.is_regulated, item.is_hazardous, item.is_export_controlled,
        item.is_rohs_compliant, holder.source_system, item.item_number as row_id, 'item ' || item.item_number
            as founding
    from world.item as item
    inner join holder using (item_number)
"""

_ITEM_PLANT = """
    select
        site.item_number, site.plant_id, site.planning_status, site.lead_time_days, site.safety_stock, site.lot_size,
        site.is_phantom, site.is_backflushed, site.standard_cost, site.currency, site.storage_location,
        site.mrp_controller, plant.erp as source_system, site.item_number || '|' || site.plant_id as row_id,
        'site ' || site.item_number as founding
    from world.item_plant as site
    inner join world.plant as plant using (plant_id)
"""

_UNITS = """
    select
        units.item_number, units.unit as alternative_unit, units.numerator, units.denominator, holder.source_system,
        units.item_number || '|' || units.unit as row_id, 'item ' || units.item_number as founding
    from world.item_unit as units
    inner join holder using (item_number)
"""

# Numbers of the older system: two letters of what it is, and its own count.
_CROSS_REFERENCES = """
    select
        'erp_legacy' as system,
        upper(left(item.category, 2)) || '-' || (50000 + item.ordinal) as native_id,
        item.item_number,
        'native_number' as kind,
        'erp_legacy' as source_system,
        'erp_legacy|' || upper(left(item.category, 2)) || '-' || (50000 + item.ordinal) as row_id,
        'item ' || item.item_number as founding
    from world.item as item
    inner join holder using (item_number)
    where holder.source_system = 'erp_legacy'
"""

_SUPPLIED = """
    select 'procurement' as source_system, supplier_number, item_number from world.supplier_item
    union all
    select distinct plant.erp, terms.supplier_number, terms.item_number
    from world.supplier_item as terms
    inner join world.item_plant as site using (item_number)
    inner join world.plant as plant using (plant_id)
    where site.sourcing in ('buy', 'subcontract')
"""

_SUPPLIERS = f"""
    select
        supplier.* exclude (currency, trade, trade_rank), knows.source_system, supplier.supplier_number as row_id,
        'supplier ' || supplier.supplier_number as founding
    from world.supplier as supplier
    inner join (select distinct source_system, supplier_number from ({_SUPPLIED})) as knows using (supplier_number)
"""

_SUPPLIER_ITEMS = f"""
    select
        terms.* exclude (is_first_source),
        founded_at('terms ' || terms.supplier_number || '|' || terms.item_number) as last_changed_at,
        knows.source_system,
        terms.supplier_number || '|' || terms.item_number as row_id,
        'terms ' || terms.supplier_number || '|' || terms.item_number as founding
    from world.supplier_item as terms
    inner join ({_SUPPLIED}) as knows using (supplier_number, item_number)
"""

_APPROVED = """
    select
        *,
        'plm_main' as source_system,
        item_number || '|' || supplier_number || '|' || manufacturer || '|' || manufacturer_part_number || '|'
            as row_id,
        'approval ' || item_number as founding
    from world.approved_manufacturer
"""

_DOCUMENTS = """
    select
        *,
        'plm_main' as source_system,
        item_number || '|' || document_number || '|' || version as row_id,
        'document ' || document_number as founding
    from world.document
"""

_LOCATIONS = """
    select
        places.plant_id, places.location, places.name, places.kind, keeper.source_system,
        places.plant_id || '|' || places.location as row_id, 'location ' || places.plant_id as founding
    from world.location as places
    inner join (
        select plant_id, unnest([erp, wms]) as source_system from world.plant
    ) as keeper using (plant_id)
"""

_REASONS = """
    select reasons.*, shop.mes as source_system, reasons.reason_code as row_id, 'reasons' as founding
    from (values
        ('SC01', 'Out of tolerance'), ('SC02', 'Surface damaged'), ('SC03', 'Failed the test'),
        ('SC04', 'Wrong material'), ('DT01', 'Breakdown'), ('DT02', 'Tool change'), ('DT03', 'No material'),
        ('DT04', 'No operator'), ('DT05', 'Cleaning')
    ) as reasons (reason_code, name)
    cross join (select distinct mes from world.plant) as shop
"""


def _founded(rows: str) -> str:
    return f"""
        select * exclude (founding), founded_at(founding) as happened_at, 1 as rank, false as ends from ({rows})
    """


_STATES = {
    "item": _founded(_ITEM),
    "item_plant": _founded(_ITEM_PLANT),
    "item_unit_conversion": _founded(_UNITS),
    "item_cross_reference": _founded(_CROSS_REFERENCES),
    "supplier": _founded(_SUPPLIERS),
    "supplier_item": _founded(_SUPPLIER_ITEMS),
    "approved_manufacturer": _founded(_APPROVED),
    "document": _founded(_DOCUMENTS),
    "plant_location": _founded(_LOCATIONS),
    "reason_code": _founded(_REASONS),
}

# A revision is released; its end is known when the next is released; then it is superseded on that day.
_REVISIONS = """
    with told as (
        select
            revision.*,
            coalesce(change.released_at, revision.effective_from, founded_at('item ' || revision.item_number))
                as released_at
        from world.item_revision as revision
        left join world.engineering_change as change using (change_number)
    ),
    followed as (
        select *, lead(released_at) over (partition by item_number order by revision_sequence) as next_released_at
        from told
    ),
    states as (
        select followed.*, states.rank,
            case states.rank when 1 then released_at when 2 then next_released_at else effective_to end as happened_at
        from followed
        cross join (select unnest([1, 2, 3]) as rank) as states
        where states.rank = 1 or next_released_at is not null
    )
    select
        item_number, revision, revision_sequence,
        case when rank = 3 then 'superseded' else 'released' end as status,
        effective_from,
        case when rank > 1 then effective_to end as effective_to,
        change_number as engineering_change_number,
        supersedes,
        'plm_main' as source_system,
        item_number || '|' || revision as row_id,
        happened_at,
        rank,
        false as ends
    from states
    -- the end is known on the day itself: one state less
    where not (rank = 2 and next_released_at >= effective_to)
"""
