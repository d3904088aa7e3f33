"""EDI of the purchasing portal: ANSI X12 855 (acknowledgement) and 856 (ship notice), release 004010.

Belongs here: segments, envelopes, control numbers and counts. Doesn't belong here: which suppliers use EDI, and the
portal's other feeds (`procurement`).

Each supplier sends one interchange of a kind for a delivery, with one functional group; none where there is nothing to
say, but for the first delivery, in which the interchange is an empty one that tries the line. Times are UTC with
hundredths of a second, the finest that X12 knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mfg_assets.simulate.export.feeds import Feed
from mfg_assets.simulate.export.native import number
from mfg_assets.simulate.export.staging import Drop, Relation
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_lines
from mfg_assets.warehouse.sql import literal

_PORTAL = "procurement"
_BUYER = "AQUALIFT"
_VERSION = "004010"
_END = "~"
_COUNTED_FROM = datetime(2026, 1, 1, tzinfo=UTC)


def _time(column: str) -> str:
    """`20260105081500` and two digits of hundredths."""
    utc = f"timezone('UTC', {column})"
    return f"strftime({utc}, '%Y%m%d%H%M%S') || left(strftime({utc}, '%f'), 2)"


ANSWER = Feed(
    "purchase_order_acknowledgement",
    "events",
    {
        "supplier": "ordered_from",
        "id": "event_id",
        "order": "purchase_order_number",
        "line": "line_number",
        "answer": word(_PORTAL, "acknowledgement_status", "acknowledgement_status"),
        "promised": _time("promised_at"),
        "quantity": number("promised_quantity"),
        "unit": word(_PORTAL, "units", "unit"),
        "price": number("unit_price"),
        "currency": "currency",
        "answered": _time("event_at"),
        "received": _time("recorded_at"),
    },
)
NOTICE = Feed(
    "advance_ship_notice",
    "delta",
    {
        "supplier": "supplier_number",
        "notice": "asn_number",
        "line": "line_number",
        "order": "purchase_order_number",
        "order_line": "purchase_order_line_number",
        "site": "plant_id",
        "article": "item_number",
        "quantity": number("quantity"),
        "unit": word(_PORTAL, "units", "unit"),
        "lot": "lot_number",
        "shipped": _time("shipped_at"),
        "expected": _time("expected_at"),
        "state": word(_PORTAL, "ship_notice_status", "status"),
        "purpose": "case when is_deleted then '01' else '00' end",
        "received": _time("recorded_at"),
    },
)


def write_answers(drop: Drop, rows: Relation, suppliers: list[str]) -> None:
    """Write each supplier's 855: a transaction set for each order and answer, a PO1 loop for each of its lines."""
    line = _text(
        (
            _segment("PO1", '"line"', "", "unit", "price"),
            _segment("REF", "'TN'", "id"),
            _segment("ACK", "answer", "quantity", "unit"),
            _dated("068", "promised"),
        )
    )
    head = _text(
        (
            _segment("BAK", "'00'", "'AC'", '"order"', "left(answered, 8)"),
            _optional("currency", _segment("CUR", "'SE'", "currency")),
            _dated("009", "answered"),
            _dated("050", "received"),
        )
    )
    loops = f"""
        select
            supplier, received, "order", answered, currency,
            string_agg({line}, '' order by "line", id) as loops,
            count(*) as levels
        from ({{rows}})
        group by all
    """
    places = 'received, "order", answered, currency'
    for place, supplier in enumerate(suppliers, start=1):
        _write(drop, rows, supplier, place, "855", "PR", loops, head, places)


def write_notices(drop: Drop, rows: Relation, suppliers: list[str]) -> None:
    """Write each supplier's 856: a transaction set for each notice, its orders and items as a hierarchy of levels."""
    order = _text((_segment("HL", "order_level", "'1'", "'O'"), _segment("PRF", '"order"')))
    item = _text(
        (
            _optional("starts_order", order),
            _segment("HL", "item_level", "order_level", "'I'"),
            _segment("LIN", "order_line", "'BP'", "article"),
            _segment("SN1", '"line"', "quantity", "unit"),
            _optional("lot", _segment("REF", "'LT'", "lot")),
        )
    )
    head = _text(
        (
            _segment("BSN", "purpose", "notice", "left(received, 8)", "substr(received, 9, 6)"),
            _dated("011", "shipped"),
            _dated("017", "expected"),
            _dated("050", "received"),
            _segment("HL", "'1'", "", "'S'"),
            _segment("REF", "'ACC'", "state"),
            _segment("N1", "'SU'", "", "'92'", "supplier"),
            _optional("site", _segment("N1", "'ST'", "", "'92'", "site")),
        )
    )
    group = "supplier, received, notice, purpose, shipped, expected, state, site"
    loops = f"""
        with item as (
            select
                *,
                row_number() over (partition by {group} order by "order", "line") as item_place,
                dense_rank() over (partition by {group} order by "order") as order_place
            from ({{rows}})
        ),

        level as (
            select
                *,
                -- level 1 is the shipment, then each order stands before its items
                item_place + order_place + 1 as item_level,
                min(item_place) over (partition by {group}, "order") + order_place as order_level
            from item
        ),

        marked as (select *, case when item_level = order_level + 1 then '1' end as starts_order from level)

        select
            {group},
            string_agg({item}, '' order by item_place) as loops,
            max(item_level) as levels
        from marked
        group by all
    """
    places = "received, notice, purpose, shipped, expected, state, site"
    for place, supplier in enumerate(suppliers, start=1):
        _write(drop, rows, supplier, place, "856", "SH", loops, head, places)


def _write(
    drop: Drop,
    rows: Relation,
    supplier: str,
    place: int,
    kind: str,
    function: str,
    loops: str,
    head: str,
    places: str,
) -> None:
    """One supplier's interchange of a kind."""
    own = f"select * from {rows.name} where supplier = {literal(supplier)}"
    start = "'ST*" + kind + "*' || set_number || '~'"
    body = f"{start} || {head} || loops || 'CTT*' || levels || '~'"
    sets = f"""
        with numbered as (
            select *, lpad(cast(row_number() over (order by {places}) as varchar), 6, '0') as set_number
            from ({loops.format(rows=own)})
        ),

        written as (select set_number, {body} as body from numbered)

        select body || 'SE*' || (length(body) - length(replace(body, '~', '')) + 1) || '*' || set_number || '~' as line
        from written
        order by set_number
    """
    counted = drop.connection.execute(f"select count(*) from ({sets})").fetchone()
    count = counted[0] if counted else 0
    if count == 0 and drop.window.previous is not None:
        return
    path = drop.folder(_PORTAL) / f"EDI{kind}_{supplier}_{drop.window.stamp}.x12"
    head_lines, tail_lines = _envelope(drop.window.cut, supplier, place, kind, function, count)
    write_lines(drop.connection, sets, path, head=head_lines, tail=tail_lines)


def _text(parts: Sequence[str]) -> str:
    return f"({' || '.join(parts)})"


def _segment(name: str, *elements: str) -> str:
    """SQL of a segment; its elements are SQL, or empty. Empty ones at its end are left out."""
    values = "".join(f" || '*' || coalesce(cast({sql} as varchar), '')" if sql else " || '*'" for sql in elements)
    return f"rtrim('{name}'{values}, '*') || '{_END}'"


def _dated(qualifier: str, time: str) -> str:
    """SQL of a DTM segment, nothing where there is no time."""
    return _optional(time, _segment("DTM", literal(qualifier), f"left({time}, 8)", f"substr({time}, 9)", "'UT'"))


def _optional(column: str, segment: str) -> str:
    return f"case when {column} is not null then {segment} else '' end"


def _envelope(
    cut: datetime, supplier: str, place: int, kind: str, function: str, sets: int
) -> tuple[list[str], list[str]]:
    """Segments before and after the transaction sets. The control number never comes twice from a supplier."""
    hours = int((cut - _COUNTED_FROM).total_seconds() // 3600)
    control = f"{hours:06d}{place:02d}{kind[-1]}"
    isa = "*".join(
        (
            *("ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{supplier:15.15}", "ZZ", f"{_BUYER:15}"),
            *(f"{cut:%y%m%d}", f"{cut:%H%M}", "U", _VERSION[:5], control, "0", "P", ">"),
        )
    )
    if sets == 0:
        return [isa + _END], [f"IEA*0*{control}{_END}"]
    group = int(control)
    gs = f"GS*{function}*{supplier}*{_BUYER}*{cut:%Y%m%d}*{cut:%H%M}*{group}*X*{_VERSION}"
    return [isa + _END, gs + _END], [f"GE*{sets}*{group}{_END}", f"IEA*1*{control}{_END}"]
