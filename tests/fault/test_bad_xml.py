"""XML as it must not come: refused with a clear message, in bounded memory and without looking anywhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.ingest_feed import Feed

RECORD = (
    "<e><id>{}</id><item>FRAME</item><quantity>1</quantity><unit>EA</unit><moment>2026-01-05T08:00:00Z</moment></e>"
)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings, options={"format": "xml", "records_path": "d/e"}, extract={"from": "*.xml"})


def document(*records: str, before: str = "") -> str:
    return f'<?xml version="1.0"?>{before}<d>{"".join(records)}</d>'


def refused(feed: Feed, content: str | bytes) -> str:
    feed.deliver(content, "a.xml")
    batch = feed.batch()
    assert (batch.state, feed.rows(), feed.letters()) == ("refused", [], [])
    return batch.reason or ""


def test_the_undamaged_document_lands(feed: Feed) -> None:
    feed.deliver(document(RECORD.format(1), RECORD.format(2)), "a.xml")
    assert (feed.batch().reason, len(feed.rows())) == (None, 2)


def test_billion_laughs(feed: Feed) -> None:
    text = document(RECORD.format("&l9;"), before=f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>')
    assert "it declares a document type (DOCTYPE)" in refused(feed, text)


def test_an_external_entity_is_not_fetched(feed: Feed) -> None:
    secret = feed.root / "secret.txt"
    secret.write_text("4711")
    reason = refused(
        feed, document(RECORD.format("&x;"), before=f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]>')
    )
    assert "it declares a document type" in reason
    assert "4711" not in reason


def test_an_external_document_type_is_not_fetched(feed: Feed) -> None:
    assert "DOCTYPE" in refused(feed, document(RECORD.format(1), before='<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d">'))


def test_an_entity_that_nobody_declared(feed: Feed) -> None:
    assert "not well-formed XML: undefined entity" in refused(feed, document(RECORD.format("&nbsp;")))


@pytest.mark.parametrize("kept", [0, 1, 30, 95, 180])
def test_a_document_that_was_cut_off(feed: Feed, kept: int) -> None:
    whole = document(RECORD.format(1), RECORD.format(2))
    assert "not well-formed XML: " in refused(feed, whole[:kept])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (document(RECORD.format(1)).replace("</item>", "</itm>"), "mismatched tag"),
        (document(RECORD.format(1)) + document(), "junk after document element"),
        ("id,item,quantity\n1,FRAME,2\n", "syntax error"),
        (document(RECORD.format("\x00")), "not well-formed (invalid token)"),
        (document(RECORD.format("ä")).encode("latin-1"), "not well-formed (invalid token)"),
        (document("<e>" * 300 + "</e>" * 300), "elements lie more than 200 deep"),
        (document(*(f"<e><c{n}/></e>" for n in range(2_100))), "brings the column number 2,001"),
        (document(f'<e a="{"x" * (17 << 20)}"/>'), "a tag has more than 16 MiB"),
        (document("<f/>"), "'e' is missing (there: f)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damage_is_named(feed: Feed, content: str | bytes, message: str) -> None:
    reason = refused(feed, content)
    assert message in reason
    assert str(feed.data / "a.xml") in reason


def test_a_record_beyond_all_measure_costs_only_itself(feed: Feed) -> None:
    feed.deliver(document(RECORD.format(1), RECORD.format("9" * 1_100_000), RECORD.format(3)), "a.xml")
    batch = feed.batch()
    assert (batch.rows_read, batch.rows_landed) == (3, 2)
    assert feed.reasons() == {2: ["malformed_row"]}
    assert [row[0] for row in feed.rows()] == ["1", "3"]


def test_records_stream_through_bounded_memory(tmp_path: Path) -> None:
    """In a process of its own, because a peak never falls."""
    source = tmp_path / "big.xml"
    with source.open("w") as out:
        out.write("<d>")
        out.writelines(RECORD.format(f"{n}-{'x' * 1000}") for n in range(50_000))
        out.write("</d>")
    assert source.stat().st_size > 50 << 20
    code = f"""
import resource, sys
from pathlib import Path
import pyarrow.parquet
from mfg_assets.estate.systems import Format
from mfg_assets.ingest.connectors.xml_records import open_xml
from mfg_assets.ingest.formats import layout_of
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
before = peak()
folder = Path({str(tmp_path / "own")!r})
folder.mkdir()
open_xml(Path({str(source)!r}), "big.xml", layout_of("big.xml", Format(records_path="d/e")), folder)
rows = sum(pyarrow.parquet.read_metadata(f).num_rows for f in folder.iterdir())
print(rows, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, done.stderr
    rows, grown = map(int, done.stdout.split())
    assert rows == 50_000
    assert grown < 60, f"{grown} MiB for chunks of 8 MiB"
