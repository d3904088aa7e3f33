"""The words of the shop floor's, the warehouses' and the partners' systems for what the contracts call by codes.

Belongs here: code → native word, by system and code map; the rows that the estate's code maps need to lead back.
Doesn't belong here: how values are written (`native`), the ERP's and PLM's own words (their modules).
"""

from __future__ import annotations

from mfg_assets.warehouse.sql import literal

# UNECE Recommendation 20 codes that a manufacturer's masters hold. A unit without a word is written as its code, and is
# refused on landing as any unit that the estate's map doesn't know.
_UNIT_CODES = "EA KGM GRM MTR MMT CMT LTR MLT MTK FOT INH LBR ONZ GLL SET PR XBX HUR MIN SEC DAY"
_UNIT_WORDS = {
    "mes_a": "pcs kg g m mm cm l ml m2 ft in lb oz gal set pair box h min s d",
    "mes_b": "PCS KGS GRS MTS MMS CMS LTS MLS SQM FTS INS LBS OZS GLS SETS PRS BXS HRS MINS SECS DYS",
    "wms_a": "PC KG G M MM CM L ML M2 FT IN LB OZ GAL SET PAIR BOX H MIN S D",
    "wms_b": "piece kilogram gram metre millimetre centimetre litre millilitre sqmetre foot inch pound ounce gallon "
    "set pair carton hour minute second day",
    "qms": "Stk kg g m mm cm l ml m² ft in lb oz gal Satz Paar Karton Std Min Sek Tag",
    # ANSI X12 data element 355, which the JSON feeds of the same portal use too.
    "procurement": "EA KG GR MR MM CM LT ML SM FT IN LB OZ GA ST PR BX HR MJ 03 DA",
    "aps": "each kilo gram meter mm cm liter ml sqm feet inch pound ounce gallon set pair box hours mins secs days",
    "tms": "PCE KGM GRM MTR MMT CMT LTR MLT MTK FOT INH LBR ONZ GLL SET NPR BX HUR MIN SEC DAY",
}

_PRODUCTION_STATUS = "planned released in_progress completed closed cancelled"
_STOCK_STATUS = "unrestricted quality_inspection blocked returns in_transit"
_OWNERSHIP = "own supplier_consignment customer subcontractor"
_MOVEMENT = "receipt issue transfer count adjustment backflush status_change scrap return reversal"
_REFERENCE = "production_order purchase_order sales_order transfer_order count"
_LOCATION = "storage line_side inspection transit subcontractor customer"
_TRANSFER = "open in_transit received closed cancelled"
_BILL_STATUS = "in_work released superseded obsolete"
_USAGE = "engineering production universal costing service sales"
_LINE_TYPE = "component by_product co_product consumable text"
_ACK_STATE = "sent received processed rejected failed"
_SHIPMENT = "planned picked shipped delivered cancelled"
_SUPPLIER = "active blocked inactive"
_ACK_STATUS = "accepted changed rejected"
_NOTICE = "announced in_transit received cancelled"
_HOLD = "open released scrapped"
_NONCONFORMANCE = "open in_review decided closed cancelled"
_DISPOSITION = "use_as_is rework repair scrap return_to_supplier"


def _pairs(codes: str, words: str) -> dict[str, str]:
    return dict(zip(codes.split(), words.split(), strict=True))


_WORDS: dict[str, dict[str, dict[str, str]]] = {
    "mes_a": {
        "production_order_status": _pairs(_PRODUCTION_STATUS, "NEW RELEASED RUNNING DONE CLOSED ABORTED"),
        "bill_status": _pairs(_BILL_STATUS, "DRAFT ACTIVE OLD VOID"),
        "bill_usage": _pairs(_USAGE, "ENG MFG ALL COST SERVICE SALES"),
        "line_type": _pairs(_LINE_TYPE, "IN OUT_BY OUT_CO AUX NOTE"),
        "scrap_method": {"multiply": "ON_TOP", "divide": "OF_INPUT"},
        "consumption_kind": {"actual": "SCANNED", "backflush": "CALCULATED"},
        "acknowledgement_state": _pairs(_ACK_STATE, "SENT RECEIVED PROCESSED REJECTED FAILED"),
    },
    "mes_b": {
        "production_order_status": _pairs(_PRODUCTION_STATUS, "0 10 20 30 40 90"),
        "bill_status": _pairs(_BILL_STATUS, "W R S O"),
        "bill_usage": _pairs(_USAGE, "E P U C S X"),
        "line_type": _pairs(_LINE_TYPE, "C B O U T"),
        "scrap_method": {"multiply": "M", "divide": "D"},
        "consumption_kind": {"actual": "A", "backflush": "B"},
        "acknowledgement_state": _pairs(_ACK_STATE, "S R P J F"),
        "plants": {"P100": "DE1", "P200": "DE2", "P300": "TX1", "P400": "HCM"},
    },
    "wms_a": {
        "stock_status": _pairs(_STOCK_STATUS, "AVL QI BLK RET TRN"),
        "ownership": _pairs(_OWNERSHIP, "OWN VMI CUS SUB"),
        "movement_class": _pairs(_MOVEMENT, "RCV ISS TRF CNT ADJ BFL STS SCR RTN REV"),
        "reference_type": _pairs(_REFERENCE, "WO PO SO TO IC"),
        "location_kind": _pairs(_LOCATION, "STK LIN INS TRN SUB CUS"),
        "transfer_status": _pairs(_TRANSFER, "OPN SHP RCD CLS CAN"),
        "shipment_status": _pairs(_SHIPMENT, "PLN PCK SHP DLV CAN"),
        "plants": {"P100": "WH01", "P200": "WH02", "P300": "WH03", "P400": "WH04"},
    },
    "wms_b": {
        "stock_status": _pairs(_STOCK_STATUS, "Available Inspection Blocked Returned Transit"),
        "ownership": _pairs(_OWNERSHIP, "Principal Vendor Customer Contractor"),
        "movement_class": _pairs(_MOVEMENT, "In Out Move Count Correct Auto Regrade Dispose Back Cancel"),
        "reference_type": _pairs(_REFERENCE, "Job Purchase Sale Transfer Stocktake"),
        "location_kind": _pairs(_LOCATION, "Rack Line QC Dock Contractor Customer"),
        "transfer_status": _pairs(_TRANSFER, "Open Sent Arrived Closed Void"),
        "shipment_status": _pairs(_SHIPMENT, "Planned Picked Gone Delivered Void"),
        "plants": {"P100": "DE-HAM", "P200": "DE-02", "P300": "US-01", "P400": "VN-01"},
    },
    "qms": {
        "hold_status": _pairs(_HOLD, "gesperrt frei verschrottet"),
        "nonconformance_status": _pairs(_NONCONFORMANCE, "offen Bewertung entschieden erledigt storniert"),
        "disposition": _pairs(_DISPOSITION, "Sonderfreigabe Nacharbeit Reparatur Ausschuss Rücksendung"),
    },
    "procurement": {
        "supplier_status": _pairs(_SUPPLIER, "ACTIVE ON_HOLD CLOSED"),
        # ANSI X12 data element 668.
        "acknowledgement_status": _pairs(_ACK_STATUS, "IA IC IR"),
        "ship_notice_status": _pairs(_NOTICE, "PLANNED SHIPPED ARRIVED VOIDED"),
    },
    "aps": {},
    "tms": {"shipment_status": _pairs(_SHIPMENT, "PLN PUP ITR DEL CNL")},
}
# Systems that count revisions, 1 for A, 27 for AA; three letters are more changes than an item lives to see.
_COUNTING = ("mes_a", "mes_b")
_REVISIONS = 26 * 5


def word(system: str, code_map: str, expression: str) -> str:
    """SQL of a system's word for the code that an expression gives; a code without a word stays, so that it is seen."""
    words = _words(system, code_map)
    cases = " ".join(f"when {literal(code)} then {literal(native)}" for code, native in words.items())
    return f"case {expression} {cases} else {expression} end"


def code_rows() -> list[tuple[str, str, str, str]]:
    """(code map, system, native, code) of all words of these systems, sorted."""
    rows = [
        (code_map, system, native, code)
        for system in _WORDS
        for code_map in ("units", *_WORDS[system])
        for code, native in _words(system, code_map).items()
    ]
    rows += [("revisions", system, str(n), _letters(n)) for system in _COUNTING for n in range(1, _REVISIONS + 1)]
    return sorted(rows)


def _words(system: str, code_map: str) -> dict[str, str]:
    if code_map == "units":
        return _pairs(_UNIT_CODES, _UNIT_WORDS[system])
    return _WORDS[system][code_map]


def _letters(number: int) -> str:
    high, low = divmod(number - 1, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)
