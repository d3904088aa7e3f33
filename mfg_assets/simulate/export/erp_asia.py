"""erp_asia: the Vietnamese plant's small ERP, a database that is read where it stands.

Belongs here: the dialect of erp_asia, its tables and its part of the estate. Doesn't belong here: names and words
(`dialects/`).

Tables of master data and stock show what is; those of papers and events keep every version, with the local time at
which it was written, by which a reader takes what is new. The file is written anew each time, with all there was.
"""

from __future__ import annotations

import re
from typing import Any

from mfg_assets.settings import environment
from mfg_assets.simulate.export.clocks import local_time
from mfg_assets.simulate.export.dialect import Dialect, native_name
from mfg_assets.simulate.export.feeds import Delivery, Window, native_rows
from mfg_assets.simulate.export.postgres import write_postgres
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.writers import write_sqlite

SYSTEM, ZONE = "erp_asia", "Asia/Ho_Chi_Minh"
FILE = f"{SYSTEM}.sqlite"
# Where the estate reads; with the URL of a PostgreSQL database, the simulation writes there instead of a file.
URL_VARIABLE = "ERP_ASIA_URL"

# Entity → table.
TABLES: dict[str, tuple[str, Delivery]] = {
    "item": ("hang_hoa", "snapshot"),
    "item_plant": ("hang_hoa_nha_may", "snapshot"),
    "item_unit_conversion": ("quy_doi_don_vi", "snapshot"),
    "bom_header": ("dinh_muc", "snapshot"),
    "bom_line": ("dinh_muc_chi_tiet", "snapshot"),
    "routing_operation": ("quy_trinh", "snapshot"),
    "inventory_balance": ("ton_kho", "snapshot"),
    "plant_location": ("kho", "snapshot"),
    "supplier": ("nha_cung_cap", "snapshot"),
    "supplier_item": ("bang_gia_mua", "snapshot"),
    "purchase_order": ("don_mua", "delta"),
    "purchase_order_line": ("don_mua_chi_tiet", "delta"),
    "purchase_requisition": ("yeu_cau_mua", "delta"),
    "production_order": ("lenh_san_xuat", "delta"),
    "production_order_component": ("lenh_san_xuat_vat_tu", "delta"),
    "sales_order_line": ("don_ban_chi_tiet", "delta"),
    "reservation": ("giu_hang", "delta"),
    "transfer_order": ("phieu_chuyen_kho", "delta"),
    "inventory_movement": ("the_kho", "events"),
    "change_log": ("nhat_ky_thay_doi", "events"),
}


def _time(expression: str) -> str:
    return local_time(expression, ZONE)


DIALECT = Dialect(
    system=SYSTEM,
    item=lambda sql: f"'VN-' || {sql}",
    item_back=lambda name: f"regexp_replace({name}, '^VN-', '')",
    instant=_time,
    day=_time,
    end=_time,
    end_back=lambda name: name,
    date=lambda sql: f"cast({sql} as varchar)",
    flags=("1", "0"),
)


def write(drop: Drop) -> None:
    """Write one delivery: the database as it is at the cut.

    Raises:
        UsageError: the PostgreSQL database that ERP_ASIA_URL names can't be written.
    """
    window = Window(drop.window.cut)
    relations = {
        table: stage(drop, SYSTEM, entity, native_rows(DIALECT.feed(entity, delivery), SYSTEM, window))
        for entity, (table, delivery) in TABLES.items()
    }
    indexes = {table: _cursor(entity) for entity, (table, delivery) in TABLES.items() if delivery != "snapshot"}
    url = environment().get(URL_VARIABLE, "")
    if url.startswith("postgresql"):
        write_postgres(drop.connection, relations, re.sub(r"^postgresql\+\w+", "postgresql", url), indexes)
    else:
        write_sqlite(drop.connection, relations, drop.folder(SYSTEM) / FILE, indexes)
    unstage(drop, *relations.values())


def system_file() -> dict[str, Any]:
    """`systems/erp_asia.yaml`."""
    return {
        "system": SYSTEM,
        "kind": "erp",
        "name": "ERP, Vietnam",
        "description": (
            "A small ERP, read from its database. Tables of papers and events keep every version; cap_nhat_luc is when "
            "it was written, by the clock of Vietnam."
        ),
        "owner": "planner",
        "plants": ["P400"],
        "timezone": ZONE,
        "connector": {"type": "sql", "url": f"${{{URL_VARIABLE}:-sqlite:///extracts/{SYSTEM}/{FILE}}}"},
        "schedule": "0 5 * * *",
        "extracts": {
            entity: {
                "from": table,
                "delivery": delivery,
                **({"cursor": {"column": _cursor(entity)}} if delivery != "snapshot" else {}),
                **({"freshness": _SELDOM[entity]} if entity in _SELDOM else {}),
                "columns": DIALECT.mapping(entity, delivery),
            }
            for entity, (table, delivery) in TABLES.items()
        },
    }


# Of a table that is read by a cursor the newest row tells the feed's age, and of these rows there are few.
_SELDOM = {"change_log": "90d", "transfer_order": "30d"}


def _cursor(entity: str) -> str:
    return native_name(SYSTEM, entity, "recorded_at")
