"""The README of a simulated estate: the story, in its own numbers.

Belongs here: text for whoever opens the folder. Doesn't belong here: documentation of the simulator
(docs/simulation.md).
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options

_SYSTEMS = (
    (
        "plm_main",
        "PLM of all plants",
        "JSON Lines for each release, XML of all structures each night, revisions A…Z, AA",
    ),
    ("erp_s4", "ERP of P100 and P200", "Parquet and CSV pages, material numbers of 18 digits, local times"),
    ("erp_legacy", "ERP of P300", "fixed width and semicolons, cp1252, `12.50-`, `MM/DD/YY`, numbers of its own"),
    ("erp_asia", "ERP of P400", "tables of a database"),
    ("mes_a", "MES of P100 and P200", "event messages as JSON Lines"),
    ("mes_b", "MES of P300 and P400", "CSV, hourly on the last day"),
    ("wms_a", "warehouse of P100 and P300", "movement events and nightly balances"),
    ("wms_b", "warehouse of P200 and P400", "a logistics partner's Excel and CSV files"),
    ("qms", "quality of all plants", "holds and nonconformances"),
    ("procurement", "purchasing of all plants", "JSON, and EDI X12 of two suppliers"),
    ("aps", "scheduling of P100 and P300", "planned operations and the versions they assumed"),
    ("tms", "freight of all plants", "shipments as JSON pages"),
)
# The system is there from this many plants on.
_FROM_PLANTS = {"erp_legacy": 3, "erp_asia": 4, "mes_b": 3, "wms_b": 2}
_PLANTS = ("P100 Hamburg", "P200 Leipzig", "P300 Dallas", "P400 Ho Chi Minh City")


def text(con: DuckDBPyConnection, options: Options, cuts: tuple[datetime, ...]) -> str:
    """The README in Markdown.

    Args:
        con: has what the systems hold, and the truth.
        options: of the newest delivery.
        cuts: instants of all deliveries.
    """
    served = [row for row in _SYSTEMS if options.plants >= _FROM_PLANTS.get(row[0], 1)]
    planted = con.execute(
        "select domain, count(*), count(distinct finding_class) from truth.finding "
        "where planted_at <= $cut and (mended_at is null or $cut < mended_at) group by domain order by domain",
        {"cut": options.cut},
    ).fetchall()
    mended = con.execute("select count(*) from truth.finding where mended_at <= $cut", {"cut": options.cut}).fetchone()
    defects = (
        "\n".join(f"| {domain} | {count:,} | {classes} |" for domain, count, classes in planted)
        if planted
        else "| none | 0 | 0 |"
    )
    counted = "\n".join(
        f"| {label} | {_total(con, entity):,} |"
        for label, entity in (
            ("items", "item"),
            ("bill lines, over all systems", "bom_line"),
            ("engineering changes", "engineering_change"),
            ("production orders", "production_order"),
            ("purchase order lines", "purchase_order_line"),
            ("movements of stock", "inventory_movement"),
            ("consumptions", "material_consumption"),
            ("confirmations", "production_confirmation"),
        )
    )
    systems = "\n".join(f"| `{system}` | {what} | {how} |" for system, what, how in served)
    deliveries = "\n".join(f"- {cut:%Y-%m-%d %H:%M} UTC" for cut in cuts)
    return f"""# Aqualift Pumps and Drives

A manufacturer that doesn't exist, written by `mfg simulate` with seed {options.seed}: the same options give the same
files.

Aqualift makes industrial pumps and drives with their electronics: castings and fasteners, cable by the metre, paint by
the litre, boards with reference designators, firmware, serialised motors, lots of chemicals, a regulated product line,
stock that is still the supplier's, a subcontractor. Its plants: {", ".join(_PLANTS[: options.plants])}. Its systems
speak no common language:

| system | is | and writes |
|---|---|---|
{systems}

They are told of the same events at different times, and that is all right. What isn't: somebody changed a bill in the
ERP without an engineering change, a receipt was posted twice, a lot was confused, a supplier exists twice. In later
deliveries some of it is mended and some is new.

## Deliveries

{deliveries}

`estate.yaml` looks at the estate from the newest one (`as_of`). The next: `mfg simulate advance FOLDER --days 7`.

| at the newest | rows known to some system |
|---|---|
{counted}

## What is wrong

| domain | findings planted | classes |
|---|---|---|
{defects}

{mended[0] if mended else 0:,} earlier ones are mended. `ground_truth/` says which, with look-alikes that are no
defects. Nothing reads that folder but the second of these:

    mfg --estate FOLDER run
    mfg simulate score FOLDER
"""


def _total(con: DuckDBPyConnection, entity: str) -> int:
    row = con.execute(f"select count(distinct (source_system, row_id)) from held.{entity}").fetchone()
    return int(row[0]) if row else 0
