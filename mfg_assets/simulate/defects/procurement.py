"""Defects of buying: orders, suppliers and their terms.

Belongs here: entries of the catalogue of the domains procurement and supplier. Doesn't belong here: what suppliers
answer and deliver (`deliveries`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import brought_in
from mfg_assets.simulate.defects.master_data import differs
from mfg_assets.simulate.defects.model import (
    Consequence,
    Defect,
    copy_row,
    replace_throughout,
    replace_values,
)

OF_LINE = (Consequence("procurement", "json_object('object_key', object_key)::varchar"),)
OF_ITEM = Consequence("procurement", "json_object('item_number', item_number)::varchar", is_everywhere=True)

OF_LIFECYCLE = (
    OF_ITEM,
    differs("item_number"),
    Consequence("bom", "json_object('component_item_number', item_number)::varchar", is_everywhere=True),
)
"""Of an item that PLM says is not to be used any more."""

_SUPPLIED_BY = (
    "unnest((select list(distinct json_object('change_number', change_at.change_number)::varchar) from change_at "
    "inner join held.supplier_item as terms on change_at.new_component = terms.item_number "
    "where terms.supplier_number = chosen.supplier_number))"
)
"""Keys of the changes that bring in what the supplier makes."""

CURRENT = "visible_from <= $first and (visible_to is null or $first < visible_to)"


def order_lines(where: str, quantity: str = "line.quantity", more: str = "") -> str:
    """An ERP's lines of purchase orders at the first cut."""
    return f"""
    select
        'line|' || line.purchase_order_number || '/' || line.line_number as claim, line.visible_from as known_at,
        line.visible_to as until_at, line.plant_id, cast({quantity} as decimal(18, 6)) as quantity,
        line.source_system as system, line.row_id, line.item_number, orders.supplier_number,
        line.purchase_order_number || '/' || line.line_number as object_key{more},
        [json_object(
            'object_key', line.purchase_order_number || '/' || line.line_number, 'item_number', line.item_number
        )::varchar] as keys
    from held.purchase_order_line as line
    inner join (select * from held.purchase_order where {CURRENT}) as orders
        on line.source_system = orders.source_system and line.purchase_order_number = orders.purchase_order_number
    where line.visible_from <= $first and (line.visible_to is null or $first < line.visible_to) and ({where})
    """


def terms_at(where: str, more: str = "") -> str:
    """Terms of suppliers for items that one plant orders, as the portal has them at the first cut."""
    return f"""
    select
        'terms|' || terms.supplier_number || '/' || terms.item_number as claim, terms.visible_from as known_at,
        terms.visible_to as until_at, site.plant_id, cast(null as decimal(18, 6)) as quantity,
        terms.source_system as system, terms.row_id, terms.item_number, terms.supplier_number{more},
        terms.supplier_number || '/' || terms.item_number as object_key,
        [json_object(
            'object_key', terms.supplier_number || '/' || terms.item_number, 'item_number', terms.item_number
        )::varchar] as keys
    from (select * from held.supplier_item where source_system = 'procurement' and {CURRENT}) as terms
    inner join (
        select item_number, min(plant_id) as plant_id
        from held.purchase_order_line
        where {CURRENT}
        group by item_number
        having count(distinct plant_id) = 1
    ) as site on terms.item_number = site.item_number
    where {where}
    """


EVERY_HOLDER = (
    "select held_terms.source_system, held_terms.row_id, planted_at, mended_at from chosen "
    "inner join (select distinct source_system, row_id, supplier_number, item_number from held.supplier_item) "
    "as held_terms on chosen.supplier_number = held_terms.supplier_number "
    "and chosen.item_number = held_terms.item_number"
)

_SUPPLIERS = f"""
select
    'supplier|' || supplier_number as claim, visible_from as known_at, visible_to as until_at,
    cast(null as varchar) as plant_id, cast(null as decimal(18, 6)) as quantity, source_system as system, row_id,
    supplier_number, '9' || substr(supplier_number, 2) as other_number,
    [json_object('supplier_a', least(supplier_number, '9' || substr(supplier_number, 2)),
        'supplier_b', greatest(supplier_number, '9' || substr(supplier_number, 2)))::varchar] as keys
from held.supplier
where source_system = 'procurement' and {CURRENT} and left(supplier_number, 1) <> '9'
"""
_COPIED = "select system as source_system, row_id, planted_at, mended_at, other_number from chosen"
_NEW_NUMBER = {"supplier_number": "held_row.other_number", "row_id": "held_row.other_number"}


def _withdrawn(status: str) -> Defect:
    return Defect(
        "procurement",
        f"{status}_item",
        f"An order is open for an item that is {status}.",
        "plm item",
        f"""
        select
            'item|*|' || line.item_number as claim, line.known_at, line.until_at, line.plant_id, line.quantity,
            line.object_key, line.keys, line.item_number, plm.source_system as system, plm.row_id
        from ({order_lines("line.status = 'open'")}) as line
        inner join (select * from held.item where {CURRENT}) as plm on line.item_number = plm.item_number
            and left(plm.source_system, 3) = 'plm' and coalesce(plm.lifecycle_status, 'active') = 'active'
        qualify count(*) over (partition by line.item_number) = 1
        """,
        (replace_values("item", {"lifecycle_status": f"'{status}'"}),),
        share=0.3,
        consequences=OF_LIFECYCLE,
    )


PROCUREMENT: tuple[Defect, ...] = (
    Defect(
        "procurement",
        "inactive_supplier",
        "Orders are open at a supplier that is inactive.",
        "procurement and erp supplier",
        order_lines("line.status = 'open'").replace(
            "'line|' || line.purchase_order_number || '/' || line.line_number as claim",
            "'supplier|' || orders.supplier_number as claim",
        ),
        (
            replace_values(
                "supplier",
                {"status": "'inactive'"},
                "select supplier.source_system, supplier.row_id, planted_at, mended_at from chosen "
                "inner join (select distinct source_system, row_id, supplier_number from held.supplier) as supplier "
                "on chosen.supplier_number = supplier.supplier_number",
            ),
        ),
        share=0.3,
        consequences=(
            Consequence("procurement", "'{}'", "inactive_supplier", is_everywhere=True),
            Consequence("change", _SUPPLIED_BY, "no_approved_source", is_everywhere=True),
        ),
    ),
    Defect(
        "supplier",
        "supplier_duplicate",
        "A supplier has a second number, its name a little otherwise.",
        "procurement supplier",
        _SUPPLIERS,
        (
            copy_row(
                "supplier",
                {
                    **_NEW_NUMBER,
                    "name": "replace(replace(upper(held_row.name), 'GMBH', 'G.M.B.H.'), ' AND ', ' & ')",
                    "duns_number": "null",
                    "street": "replace(replace(held_row.street, 'strasse', 'str.'), ' Road', ' Rd.')",
                },
                _COPIED,
            ),
        ),
        share=5,
    ),
    Defect(
        "supplier",
        "supplier_duplicate",
        "Another firm with almost the same name in another town.",
        "procurement supplier",
        _SUPPLIERS,
        (
            copy_row(
                "supplier",
                {
                    **_NEW_NUMBER,
                    "name": "held_row.name || ' International'",
                    "tax_id": "'FR' || (100000000 + chance_int('namesake tax', held_row.supplier_number, 899999999))",
                    "duns_number": "cast(1e8::bigint + chance_int('namesake', held_row.row_id, 8e8) as varchar)",
                    "street": "'Rue du Port ' || (1 + chance_int('namesake street', held_row.supplier_number, 90))",
                    "city": "'Nantes'",
                    "postal_code": "'44000'",
                    "country": "'FR'",
                    "bank_hash": "sha256('bank of the namesake of ' || held_row.supplier_number)",
                    "email_domain": "'intl-' || held_row.supplier_number || '.fr'",
                },
                _COPIED,
            ),
        ),
        share=5,
        is_near_miss=True,
        name="namesake",
    ),
    _withdrawn("obsolete"),
    _withdrawn("superseded"),
    Defect(
        "procurement",
        "unapproved_source",
        "An order is open at a supplier that engineering approved no more.",
        "plm approved_manufacturer",
        f"""
        select
            'approval|' || line.item_number as claim, line.known_at, line.until_at, line.plant_id, line.quantity,
            line.object_key, line.keys, line.item_number, any_value(approval.source_system) as system,
            list(approval.row_id) as rows
        from ({order_lines("line.status = 'open'")}) as line
        inner join (select * from held.approved_manufacturer where {CURRENT}) as approval
            on line.item_number = approval.item_number and line.supplier_number = approval.supplier_number
        group by all
        """,
        (
            replace_values(
                "approved_manufacturer",
                {"status": "'revoked'"},
                "select system as source_system, unnest(rows) as row_id, planted_at, mended_at from chosen",
            ),
        ),
        share=0.5,
        consequences=(
            OF_ITEM,
            Consequence("change", brought_in("item_number"), "no_approved_source", is_everywhere=True),
        ),
    ),
    Defect(
        "procurement",
        "order_unit_without_conversion",
        "An item is ordered in boxes, and nobody says what a box of it is.",
        "procurement and erp supplier_item",
        terms_at(
            "coalesce(terms.order_unit, 'EA') = 'EA' and not exists (select 1 from held.item_unit_conversion as own "
            "where own.item_number = terms.item_number)"
        ),
        (replace_throughout("supplier_item", {"order_unit": "'XBX'"}, EVERY_HOLDER),),
        share=0.5,
        consequences=(OF_ITEM,),
    ),
    Defect(
        "procurement",
        "lead_time_changed",
        "A supplier needs half as long again and three weeks more.",
        "procurement supplier_item",
        terms_at("terms.lead_time_days > 0"),
        (replace_values("supplier_item", {"lead_time_days": "cast(held_row.lead_time_days * 1.5 + 21 as integer)"}),),
        share=0.5,
        # every plant that plans the item has to hear of it, not only the one that has ordered it
        consequences=(
            Consequence(
                "procurement",
                "json_object('object_key', object_key)::varchar",
                "lead_time_changed",
                is_everywhere=True,
            ),
            differs("object_key", "lead_time_days"),
        ),
    ),
    Defect(
        "procurement",
        "lead_time_changed",
        "A supplier needs a day longer than three weeks or more.",
        "procurement supplier_item",
        terms_at("terms.lead_time_days >= 21"),
        (replace_values("supplier_item", {"lead_time_days": "held_row.lead_time_days + 1"}),),
        share=0.5,
        consequences=(differs("object_key", "lead_time_days"),),
        is_near_miss=True,
        name="immaterial",
    ),
)
