"""A small sound estate with source files, and a way to spoil exactly one thing in it.

Belongs here: texts that the estate's tests share. Doesn't belong here: expectations.
"""

from __future__ import annotations

from pathlib import Path

ESTATE = """\
name: Test Works
plants:
  - id: P100
    name: Berlin
    timezone: Europe/Berlin
    currency: EUR
  - id: P200
    name: Lyon
    timezone: Europe/Paris
    currency: EUR
roles:
  - {id: planner, name: Planner}
  - {id: steward, name: Data steward}
defaults:
  reject_limit: 0.02
  schedule: "30 4 * * *"
  freshness: 26h
tolerances:
  bom_line.quantity: {relative: 0.001}
service_levels: {high: 24h, low: 14d}
finding_owners:
  bom.quantity: planner
  inventory.*: steward
"""

OWNERSHIP = """\
rules:
  - attribute: item.*
    owners: [erp]
    steward: steward
  - attribute: bom_line.*
    owners: [erp_eu]
  - attribute: production_order.*
    owners: [mes_p100, erp]
"""

ERP = """\
system: erp_eu
kind: erp
owner: planner
plants: [P100, P200]
timezone: Europe/Berlin
connector: {type: files, path: "${ERP_FOLDER:-data/erp}", format: csv, delimiter: ";"}
schedule: "0 5 * * mon-fri"
extracts:
  item:
    from: "MARA*.csv"
    delivery: snapshot
    complete_when:
      row_count: 2
    columns:
      item_number: MATNR
      description: MAKTX
      base_unit: MEINS
  bom_line:
    from: "STPO.csv"
    delivery: snapshot
    joins:
      - from: "STKO.csv"
        as: head
        on: "src.STLNR = head.STLNR"
    columns:
      parent_item_number: head.MATNR
      plant_id: "'P100'"
      line_id: POSNR
      component_item_number: IDNRK
      quantity: MENGE
      unit: "'ST'"
    where: "MENGE <> ''"
"""

MES = """\
system: mes_p100
kind: mes
plants: [P100]
timezone: Europe/Berlin
connector: {type: files, path: data/mes, format: csv}
extracts:
  orders:
    entity: production_order
    from: "orders_*.csv"
    delivery: delta
    extracted_at: '_(\\d{8})\\.csv$'
    columns:
      production_order_number: order_no
      plant_id: "'P100'"
      item_number: item
      quantity: qty
      unit: uom
      status: {sql: state, codes: order_status}
"""

UNITS = """\
system,native,code
erp_eu,ST,EA
erp_eu,KG,KGM
*,pcs,EA
"""

ORDER_STATUS = """\
system,native,code
mes_p100,NEW,planned
mes_p100,RUN,in_progress
mes_p100,DONE,completed
"""

FILES = {
    "estate.yaml": ESTATE,
    "ownership.yaml": OWNERSHIP,
    "systems/erp_eu.yaml": ERP,
    "systems/mes_p100.yaml": MES,
    "codes/units.csv": UNITS,
    "codes/order_status.csv": ORDER_STATUS,
    "data/erp/MARA_1.csv": "MATNR;MAKTX;MEINS\nA;Frame;ST\nB;Bolt;ST\n",
    "data/erp/STKO.csv": "STLNR;MATNR\n1;A\n",
    "data/erp/STPO.csv": "STLNR;POSNR;IDNRK;MENGE\n1;10;B;4\n",
    "data/mes/orders_20261101.csv": "order_no,item,qty,uom,state\n1,A,5,pcs,NEW\n",
}


def write_estate(folder: Path) -> Path:
    """Write the sound estate into a folder and return it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace the one place where a text stands in a file of the estate."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def line_of(folder: Path, name: str, text: str) -> int:
    """The 1-based line of a file in which a text begins; its last line where it stands more than once."""
    content = (folder / name).read_text(encoding="utf-8")
    return content[: content.rindex(text)].count("\n") + 1
