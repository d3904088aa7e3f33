"""EDI X12: interchanges as suppliers send them, and the records and columns that become of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.errors import SourceError
from mfg_assets.estate.systems import Format
from mfg_assets.ingest import compile_errors
from mfg_assets.ingest.connectors.table import Table
from mfg_assets.ingest.connectors.x12_loops import open_x12
from mfg_assets.ingest.formats import layout_of
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.ingest_feed import Feed
from tests.x12_files import ACK_855, ASN_856, SEGMENTS_855, interchange, text, transaction_set


class Opened:
    """The records of one file, as SQL sees them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings, self.number = folder, settings, 0

    def table(self, content: str | bytes, transaction: str | None, loop: str | None = None, **options: Any) -> Table:
        self.number += 1
        path, own = self.folder / f"{self.number}.x12", self.folder / f"own-{self.number}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        own.mkdir()
        form = Format(transaction=transaction, loop=loop, **options)
        return open_x12(path, path.name, layout_of(path.name, form), own)

    def records(self, content: str | bytes, transaction: str, loop: str | None = None, **options: Any) -> list[dict]:
        table = self.table(content, transaction, loop, **options)
        with connect(self.settings, keep_order=True) as connection:
            found = connection.execute(f"select * from ({table.sql}) order by __row").fetchall()
        names = [*table.columns, "__row"]
        return [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in found]

    def values(self, content: str | bytes, transaction: str, loop: str | None, *columns: str, **options: Any) -> list:
        records = self.records(content, transaction, loop, **options)
        return [tuple(record.get(column) for column in columns) for record in records]


@pytest.fixture
def opened(tmp_path: Path, settings: Settings) -> Opened:
    return Opened(tmp_path, settings)


def test_lines_of_an_acknowledgement_with_their_header(opened: Opened) -> None:
    lines = opened.records(ACK_855, "855", "PO1")
    header = {
        "ISA06": "FOUNDRY", "ISA13": "000000101", "GS01": "PR", "ST02": "0001", "BAK02": "AC", "BAK03": "4500012345",
        "REF_VR": "100240", "DTM_097": "20260106", "N1_ST": "Example Pumps Hamburg", "N1_ST04": "P100",
        "N3_ST01": "Werkstrasse 7", "N4_ST01": "Hamburg", "N4_ST04": "DE", "N1_SU04": "100240",
    }  # fmt: skip
    assert [{k: line.get(k) for k in header} for line in lines] == [header] * 3
    assert "N4_SU01" not in lines[0], "an address belongs to the party before it"
    own = [
        {k: v for k, v in line.items() if k[:3] in ("PO1", "PID", "ACK") or k.startswith("DTM_068")} for line in lines
    ]
    assert own == [
        {
            "PO101": "00010", "PO102": "250", "PO103": "EA", "PO104": "12.40", "PO106": "BP", "PO107": "000200",
            "PO108": "VP", "PO109": "F-7741", "PID01": "F", "PID05": "Housing, cast",
            "ACK01": "IA", "ACK02": "250", "ACK03": "EA", "ACK04": "068", "ACK05": "20260130",
        },
        {
            "PO101": "00020", "PO102": "100", "PO103": "EA", "PO104": "3.15", "PO106": "BP", "PO107": "000210",
            "ACK01": "IB", "ACK02": "60", "ACK03": "EA", "ACK04": "068", "ACK05": "20260130",
            "ACK01_2": "IB", "ACK02_2": "40", "ACK03_2": "EA", "ACK04_2": "068", "ACK05_2": "20260220",
            "DTM_068": "20260220",
        },
        {"PO101": "00030", "PO102": "10", "PO103": "EA", "PO104": "88", "PO106": "BP", "PO107": "000220"},
    ]  # fmt: skip


def test_a_loop_in_a_loop(opened: Opened) -> None:
    """Each part of a line is a record; a line without parts is one too, so that none is lost."""
    assert opened.values(ACK_855, "855", "PO1/ACK", "BAK03", "PO101", "PO107", "ACK02", "ACK05", "DTM_068") == [
        ("4500012345", "00010", "000200", "250", "20260130", None),
        ("4500012345", "00020", "000210", "60", "20260130", None),
        ("4500012345", "00020", "000210", "40", "20260220", "20260220"),
        ("4500012345", "00030", "000220", None, None, None),
    ]


def test_items_of_a_shipment_with_all_that_is_above_them(opened: Opened) -> None:
    columns = ("BSN02", "REF_BM", "N1_SF04", "PRF01", "MAN_GM", "LIN01", "LIN03", "SN102", "DTM_011", "HL01", "__row")
    assert opened.values(ASN_856, "856", "HL", *columns) == [
        ("SHP-9001", "BOL-55", "100240", "4500012345", None, "00010", "000200", "200", "20260128", "3", 1),
        ("SHP-9001", "BOL-55", "100240", "4500012345", None, "00020", "000210", "60", "20260129", "4", 2),
        ("SHP-9001", "BOL-55", "100240", "4500012399", "00340123450000000018", "00010", "000200", "50", "20260128",
         "7", 3),
    ]  # fmt: skip


def test_another_level_of_the_hierarchy(opened: Opened) -> None:
    assert opened.values(ASN_856, "856", "HL_O", "BSN02", "PRF01", "LIN01") == [
        ("SHP-9001", "4500012345", None),
        ("SHP-9001", "4500012399", None),
    ]


def test_levels_in_any_order_find_their_own_parents(opened: Opened) -> None:
    """Both orders first, then their items."""
    orders = "BSN*00*S1*20260128\nHL*1**S\nHL*2*1*O\nPRF*A\nHL*3*1*O\nPRF*B\n"
    body = f"{orders}HL*4*2*I\nLIN*1\nHL*5*3*I\nLIN*2\nHL*6*2*I\nLIN*3"
    content = text(interchange(transaction_set("856", body)))
    assert opened.values(content, "856", "HL", "LIN01", "PRF01") == [("1", "A"), ("2", "B"), ("3", "A")]


def test_whole_transaction_sets_without_loops(opened: Opened) -> None:
    body = "AK1*PO*1\nAK2*850*0001\nAK5*A\nAK2*850*0002\nAK3*PO1*4\nAK5*R*5\nAK9*P*2*2*1"
    content = text(interchange(transaction_set("997", body), kind="FA"))
    assert opened.values(content, "997", None, "AK102", "AK202", "AK202_2", "AK501_2", "AK901") == [
        ("1", "0001", "0002", "R", "P")
    ]
    assert opened.values(content, "997", "AK2", "AK102", "AK202", "AK501", "AK301", "AK901") == [
        ("1", "0001", "A", None, None),
        ("1", "0002", "R", "PO1", None),
    ]


@pytest.mark.parametrize(("code", "loop", "start"), [("850", "PO1", "BEG"), ("860", "POC", "BCH")])
def test_orders_and_their_changes(opened: Opened, code: str, loop: str, start: str) -> None:
    body = f"{start}*00*SA*4500012345**20260105\n{loop}*1*5*EA\n{loop}*2*7*EA\nCTT*2*12"
    content = text(interchange(transaction_set(code, body)))
    assert opened.values(content, code, loop, f"{start}03", f"{loop}02") == [("4500012345", "5"), ("4500012345", "7")]
    assert opened.table(content, code, loop).warnings == ()


@pytest.mark.parametrize("end", ["~", "~\n", "~\r\n", "\n", "\r\n", "'", "\x1c"])
@pytest.mark.parametrize("separator", ["*", "|", "\x1d", "+", "^"])
def test_each_interchange_says_its_delimiters(opened: Opened, separator: str, end: str) -> None:
    content = text(interchange(transaction_set("855", SEGMENTS_855)), end).replace("*", separator)
    content = content.replace("Foundry Ltd", "Foundry & Söhne")
    assert opened.values(content, "855", "PO1", "PO107", "N1_SU") == [
        ("000200", "Foundry & Söhne"), ("000210", "Foundry & Söhne"), ("000220", "Foundry & Söhne")
    ]  # fmt: skip


def test_several_interchanges_each_with_its_own_delimiters(opened: Opened) -> None:
    first = text(interchange(transaction_set("855", SEGMENTS_855)))
    second = text(interchange(transaction_set("855", SEGMENTS_855, "0002"), control="000000102"), "!\r\n")
    content = f"\ufeff{first}\n\n{second.replace('*', '|')}\x1a"
    assert opened.values(content, "855", "PO1", "ISA13", "ST02", "PO101", "__row") == [
        ("000000101", "0001", "00010", 1), ("000000101", "0001", "00020", 2), ("000000101", "0001", "00030", 3),
        ("000000102", "0002", "00010", 4), ("000000102", "0002", "00020", 5), ("000000102", "0002", "00030", 6),
    ]  # fmt: skip


def test_several_groups_and_sets(opened: Opened) -> None:
    one = interchange(transaction_set("855", SEGMENTS_855), transaction_set("855", SEGMENTS_855, "0002"))
    other = interchange(transaction_set("997", "AK1*PO*1\nAK9*A*1*1*1"), kind="FA")
    group = [segment.replace("*7*X", "*8*X").replace("GE*1*7", "GE*1*8") for segment in other[1:-1]]
    content = text([*one[:-1], *group, "IEA*2*000000101"])
    table = opened.table(content, "855", "PO1")
    assert table.warnings == ("1.x12: transaction sets 997 left out: 1",)
    assert len(opened.records(content, "855", "PO1")) == 6


def test_components_and_empty_elements(opened: Opened) -> None:
    body = "BAK*00*AC*1*20260105\nPO1*1**EA\nMEA**WT*2.5*KG>1>\nSLN*1**I"
    (record,) = opened.records(text(interchange(transaction_set("855", body))), "855", "PO1")
    assert {k: v for k, v in record.items() if k.startswith(("PO1", "MEA"))} == {
        "PO101": "1", "PO103": "EA", "MEA02": "WT", "MEA03": "2.5", "MEA04": "KG>1>", "MEA04.1": "KG", "MEA04.2": "1",
    }  # fmt: skip
    assert record["ISA16"] == ">"


def test_a_line_of_its_own_date_has_nothing_of_the_header_s(opened: Opened) -> None:
    """Nearer segments count whole: the line's place of delivery has no number, so it must not get the header's."""
    body = "BAK*00*AC*1*20260105\nN1*ST*Hamburg*92*P100\nPO1*1*5*EA\nN1*ST*Bremen\nPO1*2*5*EA"
    content = text(interchange(transaction_set("855", body)))
    assert opened.values(content, "855", "PO1", "N1_ST", "N1_ST04") == [("Bremen", None), ("Hamburg", "P100")]


def test_what_is_odd_but_no_reason_to_refuse_is_said(opened: Opened) -> None:
    body = "BAK*00*RJ*4500012345*20260105"
    content = text(interchange(transaction_set("855", body), transaction_set("855", f"{SEGMENTS_855}9", "0002")))
    assert opened.table(content, "855", "PO1").warnings == (
        "1.x12: transaction sets 855 without PO1: 1",
        "1.x12: transaction sets whose CTT01 is not the number of their lines: 1",
    )


def test_the_encoding_can_be_declared(opened: Opened) -> None:
    content = ACK_855.replace("Foundry", "Gießerei").encode("latin-1")
    with pytest.raises(SourceError, match="it is not utf-8"):
        opened.records(content, "855", "PO1")
    assert opened.values(content, "855", "PO1", "N1_SU", encoding="latin-1")[0] == ("Gießerei Ltd",)


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(
        tmp_path,
        settings,
        options={"format": "x12", "transaction": 855, "date_formats": ["%Y%m%d"]},
        extract={"from": "*.edi", "options": {"loop": "PO1/ACK"}, "where": "ACK02 is not null"},
        columns={
            "event_id": "BAK03 || '/' || PO101 || '/' || coalesce(ACK05, '')",
            "movement_type": "ACK01",
            "item_number": "PO107",
            "quantity": "ACK02",
            "unit": "ACK03",
            "event_at": "coalesce(DTM_068, ACK05)",
            "reference_number": "BAK03",
        },
    )


def test_land_an_acknowledgement(feed: Feed) -> None:
    feed.deliver(ACK_855, "a.edi")
    batch = feed.batch()
    assert (batch.reason, batch.rows_read, batch.rows_filtered, batch.rows_landed) == (None, 4, 1, 3)
    assert feed.rows("event_id, item_number, quantity") == [
        ("4500012345/00010/20260130", "000200", Decimal(250)),
        ("4500012345/00020/20260130", "000210", Decimal(60)),
        ("4500012345/00020/20260220", "000210", Decimal(40)),
    ]


BARE = "BAK*00*AC*4500012399*20260105\nPO1*1*5*EA***BP*000200\nACK*IA*5*EA"


def test_segments_that_a_file_has_not_are_null(feed: Feed) -> None:
    """Neither is a column renamed nor a mapping wrong where a partner leaves out what is optional."""
    feed.deliver(text(interchange(transaction_set("855", BARE))), "a.edi")
    assert compile_errors(feed.estate(), "src", "feed", feed.settings) == []
    batch = feed.batch()
    assert (batch.state, batch.rows_read, batch.warnings) == ("landed", 1, ())
    assert feed.letters()[0]["reasons"] == ["missing_required"], "it has no date"
    feed.deliver(text(interchange(transaction_set("855", "BAK*00*RJ*4500012399*20260105"))), "a.edi", age=1_700_000_000)
    assert feed.batch().rows_read == 0


def test_files_of_one_batch_need_not_have_the_same_segments(feed: Feed) -> None:
    feed.extract["batch_by"] = "all"
    feed.deliver(text(interchange(transaction_set("855", BARE), control="9")), "a.edi")
    feed.deliver(ACK_855, "b.edi")
    batch = feed.batch()
    assert (batch.reason, batch.rows_read, batch.rows_landed) == (None, 5, 3)


def test_a_name_that_no_standard_has_is_a_mistake(feed: Feed) -> None:
    feed.columns["reference_number"] = "BAK3"
    feed.deliver(ACK_855, "a.edi")
    ((where, message),) = compile_errors(feed.estate(), "src", "feed", feed.settings)
    assert where == "columns.reference_number"
    assert "BAK3" in message
