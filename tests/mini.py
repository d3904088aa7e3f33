"""A manufacturer of four items, small enough to work out every result by hand.

Belongs here: writing the estate and changing a file of it. Doesn't belong here: expectations (the tests have them).

One plant P1 in Berlin. PLM gives items and a bill: BIKE is 1 FRAME and 2 WHEEL; WHEEL is 32 SPOKE. ERP gives
balances, WMS movements: FRAME agrees, WHEEL is short by 3 in ERP, SPOKE has one record that the contract refuses.
"""

from __future__ import annotations

from pathlib import Path

ESTATE = {
    "estate.yaml": """
        name: Mini
        plants:
          - {id: P1, name: Plant one, timezone: Europe/Berlin, currency: EUR}
        roles:
          - {id: engineering, name: Engineering}
          - {id: warehouse, name: Warehouse}
        finding_owners: {"bom.*": engineering, "inventory.*": warehouse}
        """,
    "ownership.yaml": """
        rules:
          - {attribute: "item.*", owners: [plm, erp]}
          - {attribute: "item_plant.*", owners: [erp]}
          - {attribute: "bom_header.*", owners: [plm]}
          - {attribute: "bom_line.*", owners: [plm]}
          - {attribute: "inventory_balance.*", owners: [erp]}
        """,
    "systems/plm.yaml": """
        system: plm
        kind: plm
        plants: [P1]
        timezone: UTC
        connector: {type: files, path: ../data/plm, format: csv}
        schedule: "0 5 * * *"
        freshness: 26h
        extracts:
          item:
            from: "items.csv"
            delivery: snapshot
            complete_when: {trailer: {starts_with: "#", row_count: "# (\\\\d+)"}}
            columns: {item_number: number, description: name, base_unit: unit, item_type: type}
          bom_header:
            from: "bill.csv"
            delivery: snapshot
            complete_when: {trailer: {starts_with: "#", row_count: "# (\\\\d+)"}}
            distinct: true
            columns: {parent_item_number: parent, base_quantity: "1", unit: "'EA'"}
          bom_line:
            from: "bill.csv"
            delivery: snapshot
            complete_when: {trailer: {starts_with: "#", row_count: "# (\\\\d+)"}}
            columns:
              parent_item_number: parent
              line_id: line
              component_item_number: component
              quantity: quantity
              unit: unit
              effective_from: valid_from
              effective_to: "try_cast(valid_to as timestamp) + interval 1 day"
        """,
    "systems/erp.yaml": """
        system: erp
        kind: erp
        plants: [P1]
        timezone: Europe/Berlin
        connector: {type: files, path: ../data/erp, format: csv, delimiter: ";", decimal: ","}
        reject_limit: 0.5
        extracts:
          inventory_balance:
            from: "stock_*.csv"
            extracted_at: 'stock_(\\d{8})\\.csv'
            delivery: snapshot
            columns:
              plant_id: "'P1'"
              location: place
              item_number: item
              stock_status: "'unrestricted'"
              ownership: "'own'"
              quantity: quantity
              unit: unit
              as_of: moment
        """,
    "systems/wms.yaml": """
        system: wms
        kind: wms
        plants: [P1]
        timezone: Europe/Berlin
        connector: {type: files, path: ../data/wms, format: csv}
        extracts:
          inventory_movement:
            from: "moves*.csv"
            delivery: events
            columns:
              event_id: id
              movement_type: kind
              movement_class: kind
              item_number: item
              quantity: quantity
              unit: unit
              to_plant_id: "case when kind = 'receipt' then 'P1' end"
              to_location: "case when kind = 'receipt' then place end"
              to_status: "case when kind = 'receipt' then 'unrestricted' end"
              to_ownership: "case when kind = 'receipt' then 'own' end"
              from_plant_id: "case when kind = 'issue' then 'P1' end"
              from_location: "case when kind = 'issue' then place end"
              from_status: "case when kind = 'issue' then 'unrestricted' end"
              from_ownership: "case when kind = 'issue' then 'own' end"
              event_at: moment
        """,
    "codes/units.csv": "system,native,code\n*,EA,EA\n",
}

DATA = {
    "plm/items.csv": """
        number,name,unit,type
        BIKE,City bike,EA,made
        FRAME,Steel frame,EA,bought
        WHEEL,Wheel 28",EA,made
        SPOKE,Spoke 262 mm,EA,bought
        # 4
        """.replace('28"', "28 inch"),
    "plm/bill.csv": """
        parent,line,component,quantity,unit,valid_from,valid_to
        BIKE,10,FRAME,1,EA,2020-01-01T00:00:00,
        BIKE,20,WHEEL,2,EA,2020-01-01T00:00:00,
        WHEEL,10,SPOKE,36,EA,2020-01-01T00:00:00,2024-06-30T00:00:00
        WHEEL,10b,SPOKE,32,EA,2024-07-01T00:00:00,
        # 4
        """,
    "erp/stock_20250301.csv": """
        place;item;quantity;unit;moment
        A1;FRAME;10,0;EA;2025-03-01T00:00:00
        A1;WHEEL;17,0;EA;2025-03-01T00:00:00
        A1;SPOKE;five;EA;2025-03-01T00:00:00
        """,
    "wms/moves.csv": """
        id,kind,item,quantity,unit,place,moment
        M1,receipt,FRAME,12,EA,A1,2025-01-10T08:00:00
        M2,issue,FRAME,2,EA,A1,2025-01-11T08:00:00
        M3,receipt,WHEEL,20,EA,A1,2025-01-12T08:00:00
        M4,receipt,SPOKE,500,EA,A1,2025-01-13T08:00:00
        """,
}


def write_mini(folder: Path) -> Path:
    """Write estate and data under a folder. Returns the estate's folder."""
    for root, files in (("estate", ESTATE), ("data", DATA)):
        for name, text in files.items():
            write(folder / root / name, text)
    return folder / "estate"


def write(path: Path, text: str) -> None:
    """Write an indented text without its common indentation and leading line break."""
    import textwrap

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"))
