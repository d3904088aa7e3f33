"""qms: quality management of all plants. Semicolon files of a German product, with decimal commas.

Belongs here: the native relations of qms. Doesn't belong here: its mapping (templates/systems/qms.yaml).

Its times are those of Berlin, with a flag for summer time beside each, which tells the doubled hour of autumn apart.
"""

from __future__ import annotations

from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import clock, number, offset
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_delimited

SYSTEM = "qms"
_ZONE = "Europe/Berlin"


def _time(name: str, column: str) -> dict[str, str]:
    summer = f"case {offset(column, repr(_ZONE))} when '+02:00' then 'S' when '+01:00' then 'W' end"
    return {
        name: clock(column, _ZONE, "%d.%m.%Y %H:%M:%S"),
        f"{name}_SZ": f"case when {column} is not null then {summer} end",
    }


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


def _comma(column: str) -> str:
    return f"replace({number(column)}, '.', ',')"


_UNIT = _word("units", "unit")
_CHANGED = {**_time("GEAENDERT", "recorded_at"), "LOESCHKZ": "case when is_deleted then 'X' end"}

HOLD = Feed(
    "quality_hold",
    "delta",
    {
        "SPERRE": "hold_id",
        "WERK": "plant_id",
        "LAGERORT": "location",
        "ARTIKEL": "item_number",
        "CHARGE": "lot_number",
        "MENGE": _comma("quantity"),
        "ME": _UNIT,
        "STATUS": _word("hold_status", "status"),
        "GRUND": "reason",
        "MELDUNG": "nonconformance_id",
        **_time("GESPERRT", "placed_at"),
        **_time("FREIGABE", "released_at"),
        **_CHANGED,
    },
)
NONCONFORMANCE = Feed(
    "nonconformance",
    "delta",
    {
        "MELDUNG": "nonconformance_id",
        "WERK": "plant_id",
        "ARTIKEL": "item_number",
        "CHARGE": "lot_number",
        "AUFTRAG": "production_order_number",
        "LIEFERANT": "supplier_number",
        "MENGE": _comma("quantity"),
        "ME": _UNIT,
        "FEHLER": "defect_code",
        "ENTSCHEID": _word("disposition", "disposition"),
        "STATUS": _word("nonconformance_status", "status"),
        **_time("GEMELDET", "raised_at"),
        **_time("ERLEDIGT", "closed_at"),
        **_CHANGED,
    },
)


def write(drop: Drop) -> None:
    """Write holds and nonconformances that are new or have changed."""
    for name, feed in {"Sperren": HOLD, "Meldungen": NONCONFORMANCE}.items():
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        path = drop.folder(SYSTEM) / f"{name}_{drop.window.stamp}.csv"
        write_delimited(drop.connection, rows, path, delimiter=";")
        unstage(drop, rows)
