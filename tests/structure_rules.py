"""A manufacturer whose every bill is there for one rule, small enough to work out each result by hand.

Belongs here: writing the estate. Doesn't belong here: expectations (tests/integration/test_structure_rules.py).

One plant P1 in Berlin, looked at on 2026-03-01 at 08:00 UTC. PLM owns the bills. The ERP keeps a few of its own, in
local time and with inclusive ends, and says what is a phantom and made in which lots.
"""

from __future__ import annotations

from pathlib import Path

from tests.mini import write

ESTATE = {
    "estate.yaml": """
        name: Rules
        as_of: "2026-03-01T08:00:00+00:00"
        plants:
          - {id: P1, name: Plant one, timezone: Europe/Berlin, currency: EUR}
        roles:
          - {id: engineering, name: Engineering}
          - {id: planning, name: Planning}
        finding_owners: {"bom.*": engineering}
        """,
    "ownership.yaml": """
        rules:
          - {attribute: "item.*", owners: [plm]}
          - {attribute: "item_plant.*", owners: [erp]}
          - {attribute: "item_revision.*", owners: [plm]}
          - {attribute: "item_unit_conversion.*", owners: [plm]}
          - {attribute: "bom_header.*", owners: [plm, erp]}
          - {attribute: "bom_line.*", owners: [plm, erp]}
        """,
    "systems/plm.yaml": """
        system: plm
        kind: plm
        plants: [P1]
        timezone: UTC
        reject_limit: 0.5
        connector: {type: files, path: ../data/plm, format: csv}
        extracts:
          item:
            from: "items.csv"
            delivery: snapshot
            columns: {item_number: number, description: number, base_unit: unit, item_type: type}
          item_revision:
            from: "revisions.csv"
            delivery: snapshot
            columns: {item_number: number, revision: revision, revision_sequence: place}
          item_unit_conversion:
            from: "units.csv"
            delivery: snapshot
            columns: {item_number: number, alternative_unit: unit, numerator: up, denominator: down}
          bom_header:
            from: "heads.csv"
            delivery: snapshot
            columns:
              parent_item_number: parent
              alternative: alternative
              revision: revision
              base_quantity: base
              unit: "'EA'"
              status: status
              lot_size_from: lot_from
              lot_size_to: lot_to
          bom_line:
            from: "lines*.csv"
            delivery: snapshot
            columns:
              parent_item_number: parent
              alternative: alternative
              revision: revision
              line_id: line
              position: position
              component_item_number: component
              quantity: quantity
              unit: unit
              is_fixed_quantity: fixed
              component_scrap: scrap
              scrap_method: method
              assembly_scrap: assembly_scrap
              is_net: net
              alternate_group: alternates
              alternate_priority: priority
              usage_probability: probability
              line_type: type
              reference_designators: places
              effective_from: valid_from
              effective_to: valid_to
        """,
    "systems/erp.yaml": """
        system: erp
        kind: erp
        plants: [P1]
        timezone: Europe/Berlin
        connector: {type: files, path: ../data/erp, format: csv}
        extracts:
          item_plant:
            from: "plants.csv"
            delivery: snapshot
            columns: {item_number: number, plant_id: "'P1'", is_phantom: phantom, lot_size: lot}
          bom_line:
            from: "lines.csv"
            delivery: snapshot
            columns:
              parent_item_number: parent
              line_id: line
              position: line
              component_item_number: component
              quantity: quantity
              unit: unit
              component_scrap: scrap
              reference_designators: places
              effective_from: valid_from
              effective_to: "try_cast(valid_to as timestamp) + interval 1 day"
              is_manufacturing_only: packing
          inventory_movement:
            from: "moves.csv"
            delivery: events
            columns:
              event_id: id
              movement_type: "'receipt'"
              movement_class: "'receipt'"
              item_number: item
              quantity: quantity
              unit: unit
              to_plant_id: "'P1'"
              to_location: "'A1'"
              to_status: "'unrestricted'"
              to_ownership: "'own'"
              reference_type: "'purchase_order'"
              reference_number: document
              event_at: moved
              posting_date: posted
              recorded_at: written
        """,
    "systems/wms.yaml": """
        system: wms
        kind: wms
        plants: [P1]
        timezone: Europe/Berlin
        connector: {type: files, path: ../data/wms, format: csv}
        extracts:
          inventory_movement:
            from: "moves.csv"
            delivery: events
            columns:
              event_id: id
              movement_type: "'receipt'"
              movement_class: "'receipt'"
              item_number: item
              quantity: quantity
              unit: unit
              to_plant_id: "'P1'"
              to_location: "'A1'"
              to_status: "'unrestricted'"
              to_ownership: "'own'"
              reference_type: "'purchase_order'"
              reference_number: document
              event_at: moved
              recorded_at: written
        """,
    "codes/units.csv": "system,native,code\n*,EA,EA\n*,ST,EA\n*,KG,KGM\n*,G,GRM\n*,M,MTR\n*,CAN,XCX\n*,BAG,XBG\n",
}

_LINE_COLUMNS = (
    *("parent", "alternative", "revision", "line", "position", "component", "quantity", "unit", "fixed", "scrap"),
    *("method", "assembly_scrap", "net", "alternates", "priority", "probability", "type", "places"),
    *("valid_from", "valid_to"),
)
SWITCH = "2026-03-01T08:00:00"


def _line(parent: str, line: str, component: str, quantity: str = "1", unit: str = "EA", **more: str) -> str:
    values = {"parent": parent, "line": line, "component": component, "quantity": quantity, "unit": unit} | more
    values.setdefault("position", line)
    return ",".join(values.get(column, "") for column in _LINE_COLUMNS)


LINES = [
    # 1 and 3: SEAL-A ends at the very instant at which SEAL-B starts, and at which the estate is looked at
    _line("PUMP", "10", "SEAL-A", valid_to=SWITCH),
    _line("PUMP", "11", "SEAL-B", valid_from=SWITCH),
    # 2: both versions hold; the one that starts later counts
    _line("PUMP", "20", "BOLT", "3", valid_from="2025-01-01T00:00:00"),
    _line("PUMP", "21", "BOLT", "4", valid_from="2026-01-01T00:00:00"),
    # 7: renumbered in ERP
    _line("GEAR", "10", "BOLT", "2"),
    _line("GEAR", "20", "NUT", "2"),
    # 8 and 9: per 100 pieces, and one set-up part per order
    _line("CABLE", "10", "CLIP", "250"),
    _line("CABLE", "20", "SETUP", "1", fixed="true"),
    # 10
    _line("PANEL", "10", "RES", "10", scrap="0.05", method="multiply", assembly_scrap="0.2"),
    _line("PANEL", "20", "CAP", "10", scrap="0.05", method="divide", assembly_scrap="0.2"),
    _line("PANEL", "30", "FUSE", "10", scrap="0.05", method="multiply", assembly_scrap="0.2", net="true"),
    _line("RACK", "10", "PANEL", "3", scrap="0.1", method="multiply"),
    # 11: KIT is a phantom at P1
    _line("BOX", "10", "KIT", "2"),
    _line("BOX", "20", "SUB"),
    _line("KIT", "10", "NUT", "3"),
    _line("SUB", "10", "NUT", "5"),
    # 12: the first choice is never procured
    _line("GLUED", "10", "GLUE-A", "2", alternates="G", priority="1", probability="0"),
    _line("GLUED", "20", "GLUE-B", "2", alternates="G", priority="2", probability="1"),
    # 13: made in lots of 500
    _line("MIX", "10", "SUGAR", "1", alternative="1"),
    _line("MIX", "10", "SUGAR", "2", alternative="2"),
    # 14
    _line("TABLE", "10", "PLANK", "5"),
    _line("TABLE", "20", "PLANK", "2", type="by_product"),
    # 15
    _line("LOOP-A", "10", "LOOP-B", "2"),
    _line("LOOP-B", "10", "LOOP-A", "1"),
    _line("BIG", "10", "LOOP-A", "1"),
    _line("BIG", "20", "NUT", "7"),
    # 16: the same five places in other words, and three of which ERP has two
    _line("BOARD", "10", "RES", "5", places="R1-R4 R7"),
    _line("BOARD", "20", "CAP", "3", places="C1-C3"),
    # 17: ERP has what the phantom holds in its place, and a carton that is manufacturing's own
    _line("CART", "10", "KIT", "2"),
    # 18: AA follows Z
    _line("VALVE", "10", "DISC", "1", revision="Z"),
    _line("VALVE", "10", "DISC", "2", revision="AA"),
    # 19: own factor, global factor, none
    _line("DOOR", "10", "PAINT", "500", "G"),
    _line("GATE", "10", "PAINT", "2", "CAN"),
    _line("FENCE", "10", "PAINT", "3", "M"),
    _line("FENCE", "20", "NUT", "4"),
    # 20: three bags of a third each are exactly one
    _line("SACK", "10", "SAND", "3", "BAG"),
    # 21: ERP's word for a piece, and a word that no code map knows
    _line("LAMP", "10", "BOLT", "6", "ST"),
    _line("LAMP", "20", "NUT", "1", "HANDFUL"),
    # 36: ERP says another scrap
    _line("CHAIR", "10", "PLANK", "4", scrap="0.02", method="multiply"),
]

DATA = {
    "plm/items.csv": "number,unit,type\n"
    + "".join(
        f"{item},{'KG' if item in ('PAINT', 'SAND') else 'EA'},made\n"
        for item in sorted({"CARTON"} | {word for line in LINES for word in (line.split(",")[0], line.split(",")[5])})
    ),
    "plm/revisions.csv": "number,revision,place\nVALVE,Z,1\nVALVE,AA,2\n",
    "plm/units.csv": "number,unit,up,down\nPAINT,CAN,5,2\nSAND,BAG,1,3\n",
    "plm/heads.csv": "parent,alternative,revision,base,status,lot_from,lot_to\n"
    + "".join(
        ",".join(
            (
                *key,
                "100" if key[0] == "CABLE" else "1",
                "released",
                *{"1": ("0", "99"), "2": ("100", "")}.get(key[1], ("", "")),
            )
        )
        + "\n"
        for key in sorted({tuple(line.split(",")[:3]) for line in LINES})
    ),
    "plm/lines.csv": ",".join(_LINE_COLUMNS) + "\n" + "\n".join(LINES) + "\n",
    "erp/plants.csv": "number,phantom,lot\nKIT,true,\nMIX,false,500\n",
    "erp/lines.csv": """
        parent,line,component,quantity,unit,scrap,places,valid_from,valid_to,packing
        GEAR,10,NUT,2,EA,,,,,
        GEAR,20,BOLT,2,EA,,,,,
        BOARD,10,RES,5,EA,,R7 R1 R2 R3 R4,,,
        BOARD,20,CAP,3,EA,,C1 C2 C4,,,
        CART,10,NUT,6,EA,,,,,
        CART,20,CARTON,1,EA,,,,,true
        CHAIR,10,PLANK,4,EA,0.05,,,,
        TRAY,10,BOLT,1,EA,,,2025-01-01T00:00:00,2026-02-28T00:00:00,
        TRAY,20,NUT,1,EA,,,2026-03-01T00:00:00,,
        """,
    # 6: goods that came on the last evening of January, which ERP heard of in February and posted back
    "erp/moves.csv": """
        id,item,quantity,unit,document,moved,posted,written
        E1,NUT,8,EA,PO-1,2026-01-31T22:00:00,2026-01-31,2026-02-02T08:00:00
        """,
    "wms/moves.csv": """
        id,item,quantity,unit,document,moved,written
        W1,NUT,8,EA,PO-1,2026-01-31T22:00:00,2026-01-31T22:01:00
        """,
}


def write_rules(folder: Path) -> Path:
    """Write estate and data under a folder. Returns the estate's folder."""
    for root, files in (("estate", ESTATE), ("data", DATA)):
        for name, text in files.items():
            write(folder / root / name, text)
    return folder / "estate"
