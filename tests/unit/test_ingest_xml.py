"""XML: which values a record gets and under which names."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.errors import SourceError
from mfg_assets.estate.systems import Format
from mfg_assets.ingest.connectors.table import Table
from mfg_assets.ingest.connectors.xml_records import open_xml
from mfg_assets.ingest.formats import layout_of
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.ingest_feed import Feed

BOMS = """\
<?xml version="1.0" encoding="utf-8"?>
<structures site="P1">
  <bom id="100"><number> PUMP </number><header><rev>A</rev></header>
    <line pos="10"><item>BOLT</item><qty uom="EA"> 4 </qty><note/></line>
    <line pos="20"><item>SEAL</item><qty uom="KG">0.5</qty><refdes>R1</refdes><refdes>R2</refdes></line>
  </bom>
  <bom id="200"><number>MOTOR</number><line pos="10"><item>Rotor &amp; Stator</item><qty uom="EA">1</qty></line></bom>
</structures>
"""


class Opened:
    """The records of one document, as SQL sees them."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings, self.number = folder, settings, 0

    def table(self, text: str | bytes, records_path: str | None, **options: Any) -> Table:
        self.number += 1
        path, own = self.folder / f"{self.number}.xml", self.folder / f"own-{self.number}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        own.mkdir()
        return open_xml(path, path.name, layout_of(path.name, Format(records_path=records_path, **options)), own)

    def records(self, text: str | bytes, records_path: str, **options: Any) -> list[dict[str, Any]]:
        table = self.table(text, records_path, **options)
        with connect(self.settings, keep_order=True) as connection:
            found = connection.execute(f"select * from ({table.sql}) order by __row").fetchall()
        names = [*table.columns, "__row"]
        records = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in found]
        assert [record.pop("__row") for record in records] == list(range(1, len(records) + 1))
        return records


@pytest.fixture
def opened(tmp_path: Path, settings: Settings) -> Opened:
    return Opened(tmp_path, settings)


def test_values_of_the_record_and_of_what_stands_around_it(opened: Opened) -> None:
    around = {"structures.@site": "P1", "bom.@id": "100", "bom.number": "PUMP", "bom.header/rev": "A"}
    assert opened.records(BOMS, "structures/bom/line") == [
        {**around, "@pos": "10", "item": "BOLT", "qty": "4", "qty/@uom": "EA"},
        {**around, "@pos": "20", "item": "SEAL", "qty": "0.5", "qty/@uom": "KG", "refdes": '["R1", "R2"]'},
        {
            "structures.@site": "P1", "bom.@id": "200", "bom.number": "MOTOR",
            "@pos": "10", "item": "Rotor & Stator", "qty": "1", "qty/@uom": "EA",
        },
    ]  # fmt: skip
    assert "note" in opened.table(BOMS, "/structures/bom/line").columns, "an empty element is a column without values"


def test_namespaces_are_left_out_of_names(opened: Opened) -> None:
    plain = opened.records(BOMS, "structures/bom/line")
    spaced = BOMS.replace("<structures ", '<p:structures xmlns="urn:x" xmlns:p="urn:plm" p:kind="full" ')
    spaced = spaced.replace("</structures>", "</p:structures>").replace("<line pos", "<p:line p:pos")
    spaced = spaced.replace("</line>", "</p:line>")
    assert opened.records(spaced, "structures/bom/line") == [{"structures.@kind": "full", **r} for r in plain]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252"])
def test_the_document_says_its_encoding(opened: Opened, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><a><b>Größe µ</b></a>'
    assert opened.records(text.encode(encoding), "a/b") == [{"text()": "Größe µ"}]


def test_an_encoding_that_the_parser_does_not_know_can_be_declared(opened: Opened) -> None:
    text = '<?xml version="1.0" encoding="shift_jis"?><a><b>歯車</b></a>'
    with pytest.raises(SourceError, match="encoding"):
        opened.records(text.encode("shift_jis"), "a/b")
    assert opened.records(text.encode("shift_jis"), "a/b", encoding="shift_jis") == [{"text()": "歯車"}]


def test_cdata_comments_and_mixed_text(opened: Opened) -> None:
    text = "<a><!-- <b>no</b> --><b>x<![CDATA[<&>]]><!-- -->y<?pi?></b><b>one <i>two</i> three</b></a>"
    assert opened.records(text, "a/b") == [{"text()": "x<&>y"}, {"text()": "one  three", "i": "two"}]


def test_null_words(opened: Opened) -> None:
    text = "<a><b><q>NULL</q><r>0</r></b></a>"
    assert opened.records(text, "a/b", null_words=["NULL"]) == [{"r": "0"}]


def test_names_that_differ_in_capitals_only_are_kept_apart_and_not_to_be_used(opened: Opened) -> None:
    table = opened.table("<a><b><Qty>1</Qty><qty>2</qty></b></a>", "a/b")
    assert (list(table.columns), table.ambiguous) == (["Qty", "qty_2"], frozenset({"qty"}))


def test_a_record_within_a_record_of_that_name_is_part_of_it(opened: Opened) -> None:
    assert opened.records("<a><b><b>1</b><c>2</c></b></a>", "a/b") == [{"b": "1", "c": "2"}]


def test_values_around_records_that_are_not_one_value_must_not_be_used(opened: Opened) -> None:
    table = opened.table("<a><n>1</n><n>2</n><m>0</m><b>x</b><m>9</m><late>3</late></a>", "a/b")
    assert table.ambiguous == frozenset({"a.n", "a.m"})
    assert table.warnings == ("1.xml: not read, because it comes after the records it stands around: a.late",)


def test_a_document_without_records_has_none(opened: Opened) -> None:
    for text in ("<structures/>", "<structures><bom/></structures>", "<structures><bom>\n</bom></structures>"):
        assert opened.records(text, "structures/bom/line") == []


@pytest.mark.parametrize(
    ("records_path", "message"),
    [
        ("bom/line", "the document is a <structures>, records_path begins with 'bom'"),
        ("structures/boms/line", "'boms' is missing (there: bom)"),
        ("structures/bom/lines", "'lines' is missing (there: number, header, line)"),
        (None, "XML needs records_path"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(opened: Opened, records_path: str | None, message: str) -> None:
    with pytest.raises(SourceError) as raised:
        opened.table(BOMS, records_path)
    assert message in str(raised.value)


def test_land_a_bill(tmp_path: Path, settings: Settings) -> None:
    feed = Feed(
        tmp_path,
        settings,
        options={"format": "xml", "records_path": "structures/bom/line"},
        columns={
            "event_id": '"bom.@id" || \'-\' || "@pos"',
            "movement_type": "'M'",
            "item_number": "item",
            "quantity": "qty",
            "unit": '"qty/@uom"',
            "event_at": "'2026-01-01T00:00:00Z'",
            "to_location": "refdes",
        },
        extract={"from": "*.xml*"},
    )
    feed.deliver(gzip.compress(BOMS.encode()), "a.xml.gz")
    batch = feed.batch()
    assert (batch.reason, batch.rows_read, batch.rows_landed) == (None, 3, 3)
    assert feed.rows("event_id, item_number, quantity, unit, to_location, source_row") == [
        ("100-10", "BOLT", Decimal(4), "EA", None, 1),
        ("100-20", "SEAL", Decimal("0.5"), "KGM", '["R1", "R2"]', 2),
        ("200-10", "Rotor & Stator", Decimal(1), "EA", None, 3),
    ]
