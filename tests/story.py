"""Three plants and one substitution: the estate of docs/engineering-change.md, written out.

ECO-1042 replaces SEAL-A by SEAL-B in PUMP, each plant at its own local midnight:

- BER (Berlin) from 29 March 2026, the day on which clocks go forward. ERP and MES hold it.
- CHI (Chicago) from 8 March 2026, the day on which clocks go forward there. The ERP holds it, the MES doesn't, although
  it answered that it had processed it. Of an order of 500 SEAL-A, due on 20 April, 200 have come; 40 lie in stock.
- SGN (Ho Chi Minh City) waits by decision: its stock of SEAL-A is under regulation.

Each ERP writes local times without an offset, so that a wrong zone would show as a change on another day. Everything is
looked at on 1 April 2026.

Belongs here: writing the estate, and the delivery in which Chicago's shop floor follows. Doesn't belong here:
expectations.
"""

from __future__ import annotations

from pathlib import Path

from tests.mini import write

ZONES = {"ber": "Europe/Berlin", "chi": "America/Chicago", "sgn": "Asia/Ho_Chi_Minh"}

_ESTATE = """
    name: Three plants
    as_of: "2026-04-01T00:00:00+00:00"
    plants:
      - {id: BER, name: Berlin, timezone: Europe/Berlin, currency: EUR}
      - {id: CHI, name: Chicago, timezone: America/Chicago, currency: USD}
      - {id: SGN, name: Ho Chi Minh City, timezone: Asia/Ho_Chi_Minh, currency: VND}
    roles:
      - {id: change_manager, name: Engineering change manager}
    finding_owners: {"change.*": change_manager, "bom.*": change_manager, "procurement.*": change_manager}
    """

_OWNERSHIP = """
    rules:
      - {attribute: "item.*", owners: [plm]}
      - {attribute: "item_plant.*", owners: [erp]}
      - {attribute: "engineering_change.*", owners: [plm]}
      - {attribute: "engineering_change_item.*", owners: [plm]}
      - {attribute: "engineering_change_plant.*", owners: [plm]}
      - {attribute: "approved_manufacturer.*", owners: [plm]}
      - {attribute: "bom_line.*", owners: [plm, erp, mes]}
      - {attribute: "inventory_balance.*", owners: [erp]}
      - {attribute: "purchase_order.*", owners: [erp]}
      - {attribute: "purchase_order_line.*", owners: [erp]}
    """

_PLM = """
    system: plm
    kind: plm
    plants: [BER, CHI, SGN]
    timezone: UTC
    connector: {type: files, path: ../data/plm, format: csv}
    extracts:
      item:
        from: items.csv
        delivery: delta
        columns: {item_number: item, description: name, base_unit: unit, item_type: type}
      engineering_change:
        from: changes.csv
        delivery: delta
        columns: {change_number: change, title: title, status: status, released_at: released, recorded_at: released}
      engineering_change_item:
        from: change_items.csv
        delivery: delta
        columns:
          change_number: change
          line_id: line
          item_number: old
          action: action
          parent_item_number: parent
          old_component_item_number: old
          new_component_item_number: new
          old_quantity: quantity
          new_quantity: quantity
          unit: unit
      engineering_change_plant:
        from: change_plants.csv
        delivery: delta
        columns:
          change_number: change
          plant_id: plant
          is_applicable: applicable
          planned_effective_from: first_day
          disposition: disposition
          constraint_kind: reason
          release_gate: gate
          deferred_until: until
          recorded_at: "'2026-02-10T09:00:00Z'"
      approved_manufacturer:
        from: sources.csv
        delivery: delta
        columns: {item_number: item, manufacturer: maker, status: status, recorded_at: "'2026-01-15T08:00:00Z'"}
      bom_line:
        from: "bill_*.csv"
        delivery: snapshot
        extracted_at: 'bill_(\\d{8})'
        complete_when: {trailer: {starts_with: "#", row_count: "# (\\\\d+)"}}
        columns:
          parent_item_number: parent
          line_id: line
          component_item_number: component
          quantity: quantity
          unit: unit
          applicable_plants: plants
          effective_from: valid_from
          effective_to: valid_to
          engineering_change_in: change_in
          engineering_change_out: change_out
    """

_BILL_SYSTEM = """
    system: {system}
    kind: {kind}
    plants: [{plants}]
    timezone: {zone}
    connector: {{type: files, path: ../data/{system}, format: csv}}
    extracts:
      bom_line:
        from: "bill_*.csv"
        delivery: snapshot
        extracted_at: 'bill_(\\d{{8}})'
        complete_when: {{trailer: {{starts_with: "#", row_count: "# (\\\\d+)"}}}}
        columns:
          plant_id: plant
          parent_item_number: parent
          line_id: line
          component_item_number: component
          quantity: quantity
          unit: unit
          effective_from: valid_from
          effective_to: valid_to
          engineering_change_in: change_in
          engineering_change_out: change_out
          recorded_at: written
"""

_ERP_MORE = """      item_plant:
        from: materials.csv
        delivery: delta
        columns:
          item_number: item
          plant_id: plant
          standard_cost: cost
          currency: currency
          recorded_at: "'2026-02-09 08:00'"
      inventory_balance:
        from: stock.csv
        delivery: snapshot
        columns:
          plant_id: plant
          location: place
          item_number: item
          stock_status: "'unrestricted'"
          ownership: "'own'"
          quantity: quantity
          unit: unit
          as_of: moment
      purchase_order_line:
        from: orders.csv
        delivery: delta
        columns:
          purchase_order_number: number
          line_number: line
          item_number: item
          plant_id: plant
          quantity: quantity
          unit: unit
          due_at: due
          unit_price: price
          currency: currency
          received_quantity: received
          status: status
"""

_MES_MORE = """      sync_acknowledgement:
        from: answers.csv
        delivery: events
        columns:
          event_id: id
          target_system: target
          plant_id: plant
          object_type: "'engineering_change'"
          object_key: change
          acknowledgement_state: state
          event_at: moment
"""

_COLUMNS = "plant,parent,line,component,quantity,unit,valid_from,valid_to,change_in,change_out,written"
_OPEN = "{plant},PUMP,10,SEAL-A,2,EA,,,,,2025-05-02T08:00:00"
_TAKEN_OVER = (
    "{plant},PUMP,10,SEAL-A,2,EA,,{day},,ECO-1042,{written}\n{plant},PUMP,20,SEAL-B,2,EA,{day},,ECO-1042,,{written}"
)

_DATA = {
    "plm/items.csv": (
        "item,name,unit,type\nPUMP,Pump,EA,made\nSEAL-A,Seal of the old compound,EA,bought\n"
        "SEAL-B,Seal of the new compound,EA,bought\n"
    ),
    "plm/changes.csv": (
        "change,title,status,released\n"
        "ECO-1042,Replace the seal by one of the new compound,released,2026-02-10T09:00:00Z\n"
    ),
    "plm/change_items.csv": (
        "change,line,parent,action,old,new,quantity,unit\nECO-1042,1,PUMP,replace,SEAL-A,SEAL-B,2,EA\n"
    ),
    # the local midnights in UTC, as PLM writes them
    "plm/change_plants.csv": (
        "change,plant,applicable,first_day,disposition,reason,gate,until\n"
        "ECO-1042,BER,true,2026-03-28T23:00:00Z,use_up,,released,\n"
        "ECO-1042,CHI,true,2026-03-08T06:00:00Z,scrap,,released,\n"
        "ECO-1042,SGN,true,,quarantine,regulated_stock,deferred,2026-06-30T17:00:00Z\n"
    ),
    "plm/sources.csv": "item,maker,status\nSEAL-A,Dicht AG,approved\nSEAL-B,Dicht AG,approved\n",
    "plm/bill_20260331.csv": (
        "parent,line,component,quantity,unit,plants,valid_from,valid_to,change_in,change_out\n"
        "PUMP,10,SEAL-A,2,EA,BER,,2026-03-28T23:00:00Z,,ECO-1042\n"
        "PUMP,20,SEAL-B,2,EA,BER,2026-03-28T23:00:00Z,,ECO-1042,\n"
        "PUMP,11,SEAL-A,2,EA,CHI,,2026-03-08T06:00:00Z,,ECO-1042\n"
        "PUMP,21,SEAL-B,2,EA,CHI,2026-03-08T06:00:00Z,,ECO-1042,\n"
        "PUMP,12,SEAL-A,2,EA,SGN,,,,\n# 5\n"
    ),
    # local times without an offset: midnight of the first day, in Berlin and in Chicago
    "erp_ber/bill_20260331.csv": _TAKEN_OVER.format(plant="BER", day="2026-03-29 00:00", written="2026-02-10 12:00"),
    "erp_chi/bill_20260331.csv": _TAKEN_OVER.format(plant="CHI", day="2026-03-08 00:00", written="2026-02-10 05:00"),
    "erp_sgn/bill_20260331.csv": _OPEN.format(plant="SGN"),
    "mes/bill_20260331.csv": "\n".join(
        (
            _TAKEN_OVER.format(plant="BER", day="2026-03-28T23:00:00Z", written="2026-02-10T12:30:00Z"),
            _OPEN.format(plant="CHI") + "Z",
            _OPEN.format(plant="SGN") + "Z",
        )
    ),
    "mes/answers.csv": (
        "id,target,plant,change,state,moment\n"
        "1,mes,BER,ECO-1042,processed,2026-02-10T12:31:00Z\n"
        "2,mes,CHI,ECO-1042,processed,2026-02-10T12:31:00Z\n"
    ),
}
_STOCK = {"ber": "BER,RAW,SEAL-B,60", "chi": "CHI,RAW,SEAL-A,40", "sgn": "SGN,RAW,SEAL-A,1200"}
_COSTS = {"ber": "1.2,EUR", "chi": "1.5,USD", "sgn": "30000,VND"}
_ORDERS = {"chi": "4500017,10,SEAL-A,CHI,500,EA,2026-04-20 00:00,1.4,USD,200,open\n"}


def _bill(rows: str) -> str:
    return f"{_COLUMNS}\n{rows}\n# {len(rows.splitlines())}\n"


def write_story(folder: Path) -> Path:
    """Write estate and extracts; returns the estate's folder."""
    estate = folder / "estate"
    files = {"estate.yaml": _ESTATE, "ownership.yaml": _OWNERSHIP, "systems/plm.yaml": _PLM}
    files["codes/units.csv"] = "system,native,code\n*,EA,EA\n"
    for plant, zone in ZONES.items():
        system = _BILL_SYSTEM.format(system=f"erp_{plant}", kind="erp", plants=plant.upper(), zone=zone)
        files[f"systems/erp_{plant}.yaml"] = system + _ERP_MORE
    files["systems/mes.yaml"] = (
        _BILL_SYSTEM.format(system="mes", kind="mes", plants="BER, CHI, SGN", zone="UTC") + _MES_MORE
    )
    for name, content in files.items():
        write(estate / name, content)
    data = {name: _bill(rows) if "/bill_" in name and "plm" not in name else rows for name, rows in _DATA.items()}
    for plant in ZONES:
        code = plant.upper()
        data[f"erp_{plant}/materials.csv"] = "item,plant,cost,currency\n" + "".join(
            f"{item},{code},{_COSTS[plant]}\n" for item in ("SEAL-A", "SEAL-B")
        )
        data[f"erp_{plant}/stock.csv"] = f"plant,place,item,quantity,unit,moment\n{_STOCK[plant]},EA,2026-03-31 00:00\n"
        data[f"erp_{plant}/orders.csv"] = (
            "number,line,item,plant,quantity,unit,due,price,currency,received,status\n" + _ORDERS.get(plant, "")
        )
    for name, content in data.items():
        write(folder / "data" / name, content)
    return estate


def chicago_follows(estate: Path) -> None:
    """The shop floor's next delivery: Chicago follows on the evening of 31 March, Berlin goes back that afternoon."""
    rows = "\n".join(
        (
            _OPEN.format(plant="BER").replace("2025-05-02T08:00:00", "2026-03-31T18:00:00Z"),
            _TAKEN_OVER.format(plant="CHI", day="2026-03-08T06:00:00Z", written="2026-03-31T20:00:00Z"),
            _OPEN.format(plant="SGN") + "Z",
        )
    )
    write(estate.parent / "data" / "mes" / "bill_20260401.csv", _bill(rows))
