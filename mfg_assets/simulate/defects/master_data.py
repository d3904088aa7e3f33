"""Defects of master data: a system's record differs from what the owner of the attribute says, or names nothing.

Belongs here: entries of the catalogue about records of items, suppliers and documents. Doesn't belong here: what
plans and orders suffer from it (`bom`, `change`, `procurement`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import OWN_ROW, Consequence, Defect, copy_row, replace_values

_CURRENT = "visible_from <= $first and (visible_to is null or $first < visible_to)"


def differs(object_key: str, attribute: str | None = None) -> Consequence:
    """What follows from a record that only one of its systems has changed."""
    only = f", 'attribute', '{attribute}'" if attribute else ""
    return Consequence("master_data", f"json_object('object_key', {object_key}{only})::varchar", is_everywhere=True)


def _records(entity: str, claim: str, object_key: str, attribute: str, where: str) -> str:
    return f"""
    select
        {claim} as claim, visible_from as known_at, visible_to as until_at, cast(null as varchar) as plant_id,
        [json_object(
            'object_type', '{entity}', 'object_key', {object_key}, 'attribute', '{attribute}',
            'source_system', source_system
        )::varchar] as keys,
        cast(null as decimal(18, 6)) as quantity, source_system as system, row_id
    from held.{entity}
    where {_CURRENT} and {where}
    """


MASTER_DATA: tuple[Defect, ...] = (
    Defect(
        "master_data",
        "differs_from_owner",
        "The ERP pays a supplier into another account than purchasing knows.",
        "erp supplier",
        _records(
            "supplier",
            "'supplier|' || supplier_number",
            "supplier_number",
            "bank_hash",
            "left(source_system, 3) = 'erp' and bank_hash is not null and left(supplier_number, 1) <> '9'",
        ),
        (replace_values("supplier", {"bank_hash": "sha256('another account of ' || held_row.supplier_number)"}),),
        name="bank_account",
    ),
    Defect(
        "master_data",
        "unresolved_identifier",
        "The PLM has a document of an item that nobody knows.",
        "plm document",
        _records(
            "document",
            "'document|' || row_id",
            "'9' || substr(item_number, 2)",
            "item_number",
            "left(source_system, 3) = 'plm' and kind = 'drawing'",
        ),
        (
            copy_row(
                "document",
                {
                    "item_number": "'9' || substr(held_row.item_number, 2)",
                    "row_id": "'9' || substr(held_row.row_id, 2)",
                },
                OWN_ROW,
            ),
        ),
    ),
    Defect(
        "master_data",
        "differs_from_owner",
        "The ERP describes an item otherwise than engineering.",
        "erp item",
        _records(
            "item",
            "'item|*|' || item_number",
            "item_number",
            "description",
            "left(source_system, 3) = 'erp' and len(description) > 8",
        ),
        (replace_values("item", {"description": "'Old ' || substr(held_row.description, 5)"}),),
        name="description",
    ),
    Defect(
        "master_data",
        "differs_from_owner",
        "The ERP weighs an item two thousandths heavier, which is within tolerance.",
        "erp item",
        _records(
            "item",
            "'item|*|' || item_number",
            "item_number",
            "net_weight",
            "left(source_system, 3) = 'erp' and net_weight >= 1",
        ),
        (replace_values("item", {"net_weight": "cast(held_row.net_weight * 1.002 as decimal(18, 6))"}),),
        is_near_miss=True,
        name="within_tolerance",
    ),
)
