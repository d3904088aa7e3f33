"""Defects of buying: orders, suppliers, their answers and notices.

Belongs here: entries of the catalogue of the domains procurement and supplier. Doesn't belong here: receipts that were
not posted (`inventory`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import brought_in
from mfg_assets.simulate.defects.master_data import differs
from mfg_assets.simulate.defects.model import (
    Consequence,
    Defect,
    change_event,
    copy_row,
    replace_values,
)

_OF_LINE = (Consequence("procurement", "json_object('object_key', object_key)::varchar"),)
_OF_ITEM = Consequence("procurement", "json_object('item_number', item_number)::varchar", is_everywhere=True)

_SUPPLIED_BY = (
    "unnest((select list(distinct json_object('change_number', change_at.change_number)::varchar) from change_at "
    "inner join held.supplier_item as terms on change_at.new_component = terms.item_number "
    "where terms.supplier_number = chosen.supplier_number))"
)
"""Keys of the changes that bring in what the supplier makes."""

_CURRENT = "visible_from <= $first and (visible_to is null or $first < visible_to)"


def _lines(where: str, quantity: str = "line.quantity", more: str = "") -> str:
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
    inner join (select * from held.purchase_order where {_CURRENT}) as orders
        on line.source_system = orders.source_system and line.purchase_order_number = orders.purchase_order_number
    where line.visible_from <= $first and (line.visible_to is null or $first < line.visible_to) and ({where})
    """


def _terms(where: str, more: str = "") -> str:
    return f"""
    select
        'terms|' || terms.supplier_number || '/' || terms.item_number as claim, terms.visible_from as known_at,
        terms.visible_to as until_at, site.plant_id, cast(null as decimal(18, 6)) as quantity,
        terms.source_system as system, terms.row_id, terms.item_number, terms.supplier_number{more},
        terms.supplier_number || '/' || terms.item_number as object_key,
        [json_object(
            'object_key', terms.supplier_number || '/' || terms.item_number, 'item_number', terms.item_number
        )::varchar] as keys
    from (select * from held.supplier_item where source_system = 'procurement' and {_CURRENT}) as terms
    inner join (
        select item_number, min(plant_id) as plant_id
        from held.purchase_order_line
        where {_CURRENT}
        group by item_number
        having count(distinct plant_id) = 1
    ) as site on terms.item_number = site.item_number
    where {where}
    """


_EVERY_HOLDER = (
    "select held_terms.source_system, held_terms.row_id, planted_at, mended_at from chosen "
    "inner join (select distinct source_system, row_id, supplier_number, item_number from held.supplier_item) "
    "as held_terms on chosen.supplier_number = held_terms.supplier_number "
    "and chosen.item_number = held_terms.item_number"
)

_ANSWERS = """
with ended as (
    select purchase_order_number, line_number, min(visible_from) as ended_at
    from held.purchase_order_line
    where status = 'complete'
    group by all
)
select
    'line|' || answer.purchase_order_number || '/' || answer.line_number as claim, answer.visible_from as known_at,
    ended.ended_at as until_at, line.plant_id, answer.promised_quantity,
    answer.promised_quantity as quantity, answer.source_system as system,
    answer.row_id, line.item_number, answer.purchase_order_number || '/' || answer.line_number as object_key,
    [json_object(
        'object_key', answer.purchase_order_number || '/' || answer.line_number, 'item_number', line.item_number
    )::varchar] as keys
from held.purchase_order_acknowledgement as answer
inner join (
    select distinct purchase_order_number, line_number, plant_id, item_number from held.purchase_order_line
) as line on answer.purchase_order_number = line.purchase_order_number and answer.line_number = line.line_number
left join ended on answer.purchase_order_number = ended.purchase_order_number and answer.line_number = ended.line_number
where answer.acknowledgement_status = 'accepted' and (ended.ended_at is null or ended.ended_at > $first)
"""


def _answered(finding_class: str, does: str, values: dict[str, str], quantity: str = "promised_quantity") -> Defect:
    return Defect(
        "procurement",
        finding_class,
        does,
        "procurement purchase_order_acknowledgement",
        f"select * replace (cast({quantity} as decimal(18, 6)) as quantity) from ({_ANSWERS})",
        (
            change_event(
                "purchase_order_acknowledgement",
                {"acknowledgement_status": "'changed'", **values},
                "select system as source_system, row_id from chosen",
            ),
        ),
        kind="event",
        consequences=_OF_LINE,
    )


_SUPPLIERS = f"""
select
    'supplier|' || supplier_number as claim, visible_from as known_at, visible_to as until_at,
    cast(null as varchar) as plant_id, cast(null as decimal(18, 6)) as quantity, source_system as system, row_id,
    supplier_number, '9' || substr(supplier_number, 2) as other_number,
    [json_object('supplier_a', least(supplier_number, '9' || substr(supplier_number, 2)),
        'supplier_b', greatest(supplier_number, '9' || substr(supplier_number, 2)))::varchar] as keys
from held.supplier
where source_system = 'procurement' and {_CURRENT} and left(supplier_number, 1) <> '9'
"""
_WEEKS_AGO = "to_days(cast(ceil(epoch(held_row.due_at - planted_at) / 86400) as integer) + 20)"
_COPIED = "select system as source_system, row_id, planted_at, mended_at, other_number from chosen"
_NEW_NUMBER = {"supplier_number": "held_row.other_number", "row_id": "held_row.other_number"}

PROCUREMENT: tuple[Defect, ...] = (
    Defect(
        "procurement",
        "inactive_supplier",
        "Orders are open at a supplier that is inactive.",
        "procurement and erp supplier",
        _lines("line.status = 'open'").replace(
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
    Defect(
        "procurement",
        "obsolete_item",
        "An order is open for an item that is obsolete.",
        "plm item",
        f"""
        select
            'item|*|' || line.item_number as claim, line.known_at, line.until_at, line.plant_id, line.quantity,
            line.object_key, line.keys, line.item_number, plm.source_system as system, plm.row_id
        from ({_lines("line.status = 'open'")}) as line
        inner join (select * from held.item where {_CURRENT}) as plm on line.item_number = plm.item_number
            and left(plm.source_system, 3) = 'plm' and coalesce(plm.lifecycle_status, 'active') = 'active'
        qualify count(*) over (partition by line.item_number) = 1
        """,
        (replace_values("item", {"lifecycle_status": "'obsolete'"}),),
        share=0.3,
        consequences=(
            _OF_ITEM,
            differs("item_number"),
            Consequence("bom", "json_object('component_item_number', item_number)::varchar", is_everywhere=True),
        ),
    ),
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
        from ({_lines("line.status = 'open'")}) as line
        inner join (select * from held.approved_manufacturer where {_CURRENT}) as approval
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
            _OF_ITEM,
            Consequence("change", brought_in("item_number"), "no_approved_source", is_everywhere=True),
        ),
    ),
    Defect(
        "procurement",
        "order_unit_without_conversion",
        "An item is ordered in boxes, and nobody says what a box of it is.",
        "procurement and erp supplier_item",
        _terms(
            "coalesce(terms.order_unit, 'EA') = 'EA' and not exists (select 1 from held.item_unit_conversion as own "
            "where own.item_number = terms.item_number)"
        ),
        (replace_values("supplier_item", {"order_unit": "'XBX'"}, _EVERY_HOLDER),),
        share=0.5,
        consequences=(_OF_ITEM,),
    ),
    Defect(
        "procurement",
        "lead_time_changed",
        "A supplier needs half as long again and three weeks more.",
        "procurement supplier_item",
        _terms("terms.lead_time_days > 0"),
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
        _terms("terms.lead_time_days >= 21"),
        (replace_values("supplier_item", {"lead_time_days": "held_row.lead_time_days + 1"}),),
        share=0.5,
        consequences=(differs("object_key", "lead_time_days"),),
        is_near_miss=True,
        name="immaterial",
    ),
    Defect(
        "procurement",
        "asn_without_order",
        "A supplier announces goods for an order that there is not.",
        "procurement advance_ship_notice",
        f"""
        select
            'notice|' || asn_number || '/' || line_number as claim, visible_from as known_at, visible_to as until_at,
            plant_id, quantity, source_system as system, row_id, item_number,
            asn_number || '/' || line_number as object_key, purchase_order_number,
            [json_object('object_key', asn_number || '/' || line_number, 'item_number', item_number)::varchar] as keys
        from held.advance_ship_notice
        where {_CURRENT} and purchase_order_number is not null
        """,
        (
            replace_values(
                "advance_ship_notice", {"purchase_order_number": "'9' || substr(held_row.purchase_order_number, 2)"}
            ),
        ),
        consequences=(
            *_OF_LINE,
            Consequence("procurement", "json_object('object_key', '9' || substr(purchase_order_number, 2))::varchar"),
        ),
    ),
    _answered(
        "price_changed",
        "The supplier confirmed a price a tenth above the ordered one.",
        {"unit_price": "cast(held_row.unit_price * 1.1 as decimal(18, 6))"},
    ),
    _answered(
        "date_changed",
        "The supplier promised two weeks later than asked.",
        {"promised_at": "held_row.promised_at + interval 14 day"},
    ),
    _answered(
        "quantity_changed",
        "The supplier promised half of what was ordered.",
        {"promised_quantity": "cast(held_row.promised_quantity / 2 as decimal(18, 6))"},
        "promised_quantity / 2",
    ),
    Defect(
        "procurement",
        "over_receipt",
        "More was received than ordered.",
        "erp purchase_order_line",
        _lines("line.status = 'complete' and line.quantity >= 10", "ceil(line.quantity * 0.2)"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "received_quantity": "held_row.received_quantity + ceil(held_row.quantity * 0.2)",
                    "stocked_quantity": "held_row.stocked_quantity + ceil(held_row.quantity * 0.2)",
                },
            ),
        ),
        consequences=_OF_LINE,
    ),
    Defect(
        "procurement",
        "short_receipt",
        "A line is complete although less was received than ordered.",
        "erp purchase_order_line",
        _lines("line.status = 'complete' and line.quantity >= 10", "ceil(line.quantity * 0.2)"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "received_quantity": "held_row.received_quantity - ceil(held_row.quantity * 0.2)",
                    "stocked_quantity": "held_row.stocked_quantity - ceil(held_row.quantity * 0.2)",
                },
            ),
        ),
        consequences=_OF_LINE,
    ),
    Defect(
        "procurement",
        "late_receipt",
        "Goods that were due weeks ago have not come.",
        "erp purchase_order_line",
        _lines("line.status = 'open' and coalesce(line.received_quantity, 0) = 0 and line.due_at is not null"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "due_at": f"held_row.due_at - {_WEEKS_AGO}",
                    "promised_at": "case when held_row.promised_at is not null "
                    f"then held_row.due_at - {_WEEKS_AGO} end",
                },
            ),
        ),
        consequences=_OF_LINE,
    ),
)
