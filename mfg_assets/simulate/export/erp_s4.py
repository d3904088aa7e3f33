"""erp_s4: the German plants' ERP in the cloud. Master data and stock as Parquet, papers as pages of CSV.

Belongs here: the dialect of erp_s4, its files and its part of the estate. Doesn't belong here: names and words
(`dialects/`).

Material numbers have 18 places with leading zeros, revisions are counted, periods end before their end date and never
on 9999-12-31, times are local.
"""

from __future__ import annotations

from typing import Any

from mfg_assets.simulate.export.clocks import local_day, local_time
from mfg_assets.simulate.export.dialect import Dialect
from mfg_assets.simulate.export.feeds import Delivery, native_rows
from mfg_assets.simulate.export.staging import Drop, Relation, stage, unstage
from mfg_assets.simulate.export.writers import write_delimited, write_parquet, write_text

SYSTEM, ZONE = "erp_s4", "Europe/Berlin"
PAGE_ROWS = 20_000
_STAMP = r"_(\d{8}T\d{6}Z)"
_FOREVER = "9999-12-31"

# Entity → what the interface calls it.
PARQUET: dict[str, tuple[str, Delivery]] = {
    "item": ("MARA", "snapshot"),
    "item_plant": ("MARC", "snapshot"),
    "bom_header": ("STKO", "snapshot"),
    "bom_line": ("STPO", "snapshot"),
    "routing_operation": ("PLPO", "snapshot"),
    "inventory_balance": ("MCHB", "snapshot"),
    "production_order_component": ("RESB", "delta"),
    "inventory_movement": ("MATDOC", "events"),
}
PAGES: dict[str, tuple[str, Delivery]] = {
    "item_unit_conversion": ("A_ProductUnitsOfMeasure", "snapshot"),
    "plant_location": ("A_StorageLocation", "snapshot"),
    "supplier": ("A_Supplier", "snapshot"),
    "supplier_item": ("A_PurchasingInfoRecord", "snapshot"),
    "purchase_order": ("A_PurchaseOrder", "delta"),
    "purchase_order_line": ("A_PurchaseOrderItem", "delta"),
    "purchase_requisition": ("A_PurchaseRequisitionItem", "delta"),
    "production_order": ("A_ProductionOrder", "delta"),
    "sales_order_line": ("A_SalesOrderItem", "delta"),
    "reservation": ("A_ReservationDocumentItem", "delta"),
    "transfer_order": ("A_TransferOrderItem", "delta"),
    "change_log": ("A_ChangeDocumentItem", "events"),
}


def _day(expression: str) -> str:
    return local_day(expression, ZONE, "%Y-%m-%d")


DIALECT = Dialect(
    system=SYSTEM,
    # Only numbers of digits are filled up.
    item=lambda sql: f"case when regexp_full_match({sql}, '[0-9]{{1,17}}') then lpad({sql}, 18, '0') else {sql} end",
    item_back=lambda name: f"ltrim({name}, '0')",
    instant=lambda sql: local_time(sql, ZONE),
    day=_day,
    end=lambda sql: f"coalesce({_day(sql)}, '{_FOREVER}')",
    end_back=lambda name: f"nullif({name}, '{_FOREVER}')",
    date=lambda sql: f"cast({sql} as varchar)",
    revision_digits=2,
)


def write(drop: Drop) -> None:
    """Write one delivery."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    for entity, (name, delivery) in PARQUET.items():
        relation = _staged(drop, entity, delivery)
        write_parquet(drop.connection, relation, folder / f"{name}_{stamp}.parquet")
        unstage(drop, relation)
    for entity, (name, delivery) in PAGES.items():
        relation = _staged(drop, entity, delivery)
        for page, offset in enumerate(range(0, max(relation.rows, 1), PAGE_ROWS)):
            stem = f"{name}_{stamp}_page{page + 1:03d}"
            rows = min(PAGE_ROWS, relation.rows - offset)
            write_delimited(drop.connection, relation, folder / f"{stem}.csv", page=(offset, PAGE_ROWS))
            # Whatever is claimed besides what is there, the first page claims.
            claimed = rows if page else rows + relation.claimed_rows - relation.rows
            write_text(folder / f"{stem}.ctl", f"entity={name}\nrecords={claimed}\n")
        unstage(drop, relation)


def system_file() -> dict[str, Any]:
    """`systems/erp_s4.yaml`."""
    extracts = {
        entity: {
            "from": f"{name}_*.parquet",
            "delivery": delivery,
            "extracted_at": _STAMP,
            **({"complete_when": {"footer": "parquet"}} if delivery == "snapshot" else {}),
            "columns": DIALECT.mapping(entity, delivery),
        }
        for entity, (name, delivery) in PARQUET.items()
    }
    control = {"control_file": {"pattern": "{stem}.ctl", "row_count": r"records=(\d+)"}}
    extracts |= {
        entity: {
            "from": f"{name}_*.csv",
            "delivery": delivery,
            "batch_by": _STAMP,
            "extracted_at": _STAMP,
            **({"complete_when": control} if delivery == "snapshot" else {}),
            "columns": DIALECT.mapping(entity, delivery),
            "options": {"format": "csv"},
        }
        for entity, (name, delivery) in PAGES.items()
    }
    return {
        "system": SYSTEM,
        "kind": "erp",
        "name": "ERP in the cloud, Germany",
        "description": (
            "Master data, bills and stock come as Parquet, papers as pages of CSV, as an interface gives them. "
            "Material numbers have 18 places, revisions are counted from 01, times are those of Berlin."
        ),
        "owner": "planner",
        "plants": ["P100", "P200"],
        "timezone": ZONE,
        "daylight_saving": {"gap": "shift", "fold": "earlier"},
        "connector": {"type": "files", "path": f"extracts/{SYSTEM}", "format": "parquet"},
        "schedule": "0 5 * * *",
        "extracts": extracts,
    }


def _staged(drop: Drop, entity: str, delivery: Delivery) -> Relation:
    return stage(drop, SYSTEM, entity, native_rows(DIALECT.feed(entity, delivery), SYSTEM, drop.window))
