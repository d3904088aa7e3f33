"""procurement: the purchasing portal of all plants. JSON from the portal; two suppliers answer by EDI instead.

Belongs here: the native relations of the portal, and which suppliers use EDI. Doesn't belong here: the EDI interchanges
(`edi`), the mapping (templates/systems/procurement.yaml).
"""

from __future__ import annotations

from dataclasses import replace

from mfg_assets.simulate.export import edi
from mfg_assets.simulate.export.documents import write_json_pages
from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import number, utc
from mfg_assets.simulate.export.staging import Drop, no_faults, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_json_lines, write_text

SYSTEM = "procurement"
EDI_SUPPLIERS = 2

# Those with the longest catalogue when orders begin: they have many messages, and are the same at every later cut.
_EDI_SUPPLIERS = f"""
    select supplier_number
    from held.supplier_item
    where source_system = '{SYSTEM}'
      and visible_from < interval 2 day + coalesce(
        (select min(visible_from) from held.purchase_order),
        (select min(visible_from) from held.supplier_item where source_system = '{SYSTEM}')
      )
    group by supplier_number
    order by count(distinct item_number) desc, supplier_number
    limit {EDI_SUPPLIERS}
"""
_ORDER_SUPPLIERS = """
    select purchase_order_number, arg_min(supplier_number, visible_from) as ordered_from
    from held.purchase_order
    group by purchase_order_number
"""


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


def _by_edi(supplier: str) -> str:
    """Condition: the supplier (SQL of its number) uses EDI."""
    return f"coalesce({supplier} in ({_EDI_SUPPLIERS}), false)"


_CHANGED = {"changedOn": utc("recorded_at"), "withdrawn": "is_deleted"}
# The supplier of an acknowledgement is that of its order.
_ORDERED_FROM = f"left join ({_ORDER_SUPPLIERS}) as ordered using (purchase_order_number)"

SUPPLIER = Feed(
    "supplier",
    "snapshot",
    {
        "vendorId": "supplier_number",
        "legalName": "name",
        "taxId": "tax_id",
        "duns": "duns_number",
        "street": "street",
        "city": "city",
        "zip": "postal_code",
        "country": "country",
        "bankFingerprint": "bank_hash",
        "state": _word("supplier_status", "status"),
        "mailDomain": "email_domain",
        "rating": "credit_rating",
        "preferred": "is_preferred",
        "changedOn": utc("recorded_at"),
    },
)
CATALOGUE = Feed(
    "supplier_item",
    "snapshot",
    {
        "vendorId": "supplier_number",
        "article": "item_number",
        "vendorArticle": "supplier_part_number",
        "orderUnit": _word("units", "order_unit"),
        "leadTimeDays": "lead_time_days",
        "minimum": number("minimum_quantity"),
        "maximum": number("maximum_quantity"),
        "onOrder": number("on_order_quantity"),
        "price": number("price"),
        "currency": "currency",
        "lastReceipt": utc("last_receipt_at"),
        "lastReceiptPrice": number("last_receipt_price"),
        "lastChange": utc("last_changed_at"),
        "changedOn": utc("recorded_at"),
    },
)
ACKNOWLEDGEMENT = Feed(
    "purchase_order_acknowledgement",
    "events",
    {
        "id": "event_id",
        "order": "purchase_order_number",
        "position": "line_number",
        "answer": _word("acknowledgement_status", "acknowledgement_status"),
        "promisedFor": utc("promised_at"),
        "quantity": number("promised_quantity"),
        "unit": _word("units", "unit"),
        "price": number("unit_price"),
        "currency": "currency",
        "answeredOn": utc("event_at"),
        "receivedOn": utc("recorded_at"),
    },
)
NOTICE = Feed(
    "advance_ship_notice",
    "delta",
    {
        "notice": "asn_number",
        "position": "line_number",
        "vendorId": "supplier_number",
        "order": "purchase_order_number",
        "orderPosition": "purchase_order_line_number",
        "site": "plant_id",
        "article": "item_number",
        "quantity": number("quantity"),
        "unit": _word("units", "unit"),
        "batch": "lot_number",
        "shippedOn": utc("shipped_at"),
        "expectedOn": utc("expected_at"),
        "state": _word("ship_notice_status", "status"),
        **_CHANGED,
    },
)


def write(drop: Drop) -> None:
    """Write the portal's documents with their control files, and the answers of suppliers that use it."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    for name, array, feed in (("Vendors", "vendors", SUPPLIER), ("Catalogue", "articles", CATALOGUE)):
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        pages = write_json_pages(
            drop.connection,
            rows,
            folder,
            f"{name}_{stamp}",
            head=f'{{"{array}": ',
            tail="}",
        )
        for path, records in pages:
            write_text(path.with_suffix(".ctl"), f"records: {records}\n")
        unstage(drop, rows)
    for name, feed, joins, supplier in (
        ("Answers", ACKNOWLEDGEMENT, _ORDERED_FROM, "ordered_from"),
        ("Notices", NOTICE, "", "supplier_number"),
    ):
        query = native_rows(feed, SYSTEM, drop.window, joins=joins, where=f"not {_by_edi(supplier)}")
        rows = stage(drop, SYSTEM, feed.entity, query)
        write_json_lines(drop.connection, rows, folder / f"{name}_{stamp}.jsonl")
        unstage(drop, rows)
    _write_edi(drop)


def _write_edi(drop: Drop) -> None:
    """Interchanges of the suppliers that use EDI. No fault spoils one: a reader refuses a damaged interchange whole."""
    suppliers = [row[0] for row in drop.connection.execute(_EDI_SUPPLIERS).fetchall()]
    sound = replace(drop, faults=no_faults)
    for feed, joins, supplier, write_sets in (
        (edi.ANSWER, _ORDERED_FROM, "ordered_from", edi.write_answers),
        (edi.NOTICE, "", "supplier_number", edi.write_notices),
    ):
        query = native_rows(feed, SYSTEM, drop.window, joins=joins, where=_by_edi(supplier))
        rows = stage(sound, SYSTEM, feed.entity, query, name=f"edi_{feed.entity}")
        write_sets(drop, rows, sorted(suppliers))
        unstage(drop, rows)
