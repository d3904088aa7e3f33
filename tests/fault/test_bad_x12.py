"""X12 whose envelopes don't agree with what is in them: refused whole, saying where and what."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.ingest_feed import Feed
from tests.x12_files import ACK_855, ASN_856, SEGMENTS_855, interchange, text, transaction_set


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    columns = {
        "event_id": "ISA13 || BAK03 || PO101", "movement_type": "'A'", "item_number": "PO107", "quantity": "PO102",
        "unit": "PO103", "event_at": "'2026-01-05T08:00:00Z'",
    }  # fmt: skip
    options = {"format": "x12", "transaction": "855", "loop": "PO1"}
    return Feed(tmp_path, settings, options=options, extract={"from": "*.x12"}, columns=columns)


def refused(feed: Feed, content: str) -> str:
    feed.deliver(content, "a.x12")
    batch = feed.batch()
    assert (batch.state, feed.rows(), feed.letters()) == ("refused", [], [])
    return batch.reason or ""


def test_the_undamaged_interchange_lands(feed: Feed) -> None:
    feed.deliver(ACK_855, "a.x12")
    assert (feed.batch().reason, len(feed.rows())) == (None, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("IEA*1*000000101", "IEA*1*000000102", "segment 22 (IEA*1*000000102): the control number IEA02 is 000000102, "
         "ISA13 is 000000101"),
        ("IEA*1*", "IEA*2*", "IEA01 says 2 groups, the interchange has 1"),
        ("GE*1*7", "GE*1*8", "the control number GE02 is 8, GS06 is 7"),
        ("GE*1*7", "GE*2*7", "GE01 says 2 transaction sets, the group 7 has 1"),
        ("SE*18*0001", "SE*18*0002", "the control number SE02 is 0002, ST02 is 0001"),
        ("SE*18*0001", "SE*17*0001", "SE01 says 17 segments, the transaction set 0001 has 18"),
        ("SE*18*0001", "SE**0001", "SE01 says nothing segments"),
        ("REF*VR*100240~\n", "", "SE01 says 18 segments, the transaction set 0001 has 17"),
        ("SE*18*0001~\n", "", "stands within the transaction set 0001, which has no end (SE)"),
        ("GE*1*7~\n", "", "stands where a transaction set (ST) or the group's end (GE) was expected"),
        ("GS*PR", "GX*PR", "stands where a group (GS) or the interchange's end (IEA) was expected"),
        ("IEA*1*000000101~\n", "", "the file ends within the interchange 000000101, before IEA: it was cut off"),
        ("IEA*1*000000101~\n", "IEA*1*0000", "segment 22 (IEA*1*0000) has no end: it was cut off"),
        ("ISA*00*", "UNB+UNOC", "'UNB+UNOC"),
        ("*0*P*>", "*0", "the delimiters can't be told, ISA is damaged"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_named(feed: Feed, old: str, new: str, message: str) -> None:
    assert ACK_855.count(old) == 1
    reason = refused(feed, ACK_855.replace(old, new))
    assert message in reason
    assert str(feed.data / "a.x12") in reason


def test_leading_zeros_of_control_numbers_do_not_matter(feed: Feed) -> None:
    feed.deliver(ACK_855.replace("IEA*1*000000101", "IEA*1*101"), "a.x12")
    assert feed.batch().rows_landed == 3


def test_one_bad_interchange_refuses_its_file(feed: Feed) -> None:
    """A file is a batch; which of its interchanges is wrong is said."""
    good = interchange(transaction_set("855", SEGMENTS_855), control="000000102")
    reason = refused(feed, ACK_855 + text(good).replace("GE*1*7", "GE*3*7"))
    assert "interchange 000000102, segment 43 (GE*3*7): GE01 says 3" in reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file holds no interchange"),
        ("\r\n \x1a", "the file holds no interchange"),
        ("item;quantity\n", "'item;quantity' stands where an interchange begins with ISA"),
        (ACK_855 + ACK_855, "the interchange 000000101 of FOUNDRY stands twice in the file"),
        (ACK_855 + "SE*1*1~", "'SE*1*1~' stands where an interchange begins"),
        (text(interchange(transaction_set("855", SEGMENTS_855), transaction_set("855", SEGMENTS_855))),
         "the transaction set 0001 stands twice"),
        (ACK_855.replace("Housing, cast", "x" * 1_100_000), "segment 12 has more than 1,000,000 characters"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_damage_is_named(feed: Feed, content: str, message: str) -> None:
    assert message in refused(feed, content)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HL*4*2*I", "HL*4*9*I", "segment 15 (HL*4*9*I): there is no level '9' before it"),
        ("HL*4*2*I", "HL*3*2*I", "the level '3' stands twice"),
    ],
)
def test_a_hierarchy_that_leads_nowhere(feed: Feed, old: str, new: str, message: str) -> None:
    feed.options = {"format": "x12", "transaction": "856", "loop": "HL"}
    assert message in refused(feed, ASN_856.replace(old, new))


def test_any_cut_of_a_file_is_noticed(feed: Feed) -> None:
    """Whatever is missing at the end, nothing lands: but for the last line end, all of it is needed."""
    content = ACK_855.rstrip("~\n")
    for kept in range(1, len(content), 37):
        feed.deliver(content[:kept], "a.x12", age=1_700_000_000 + kept)
        assert feed.batch().state == "refused"


def test_interchanges_stream_through_bounded_memory(tmp_path: Path) -> None:
    source = tmp_path / "big.x12"
    body = "\n".join(["BAK*00*AC*1*20260105", *(f"PO1*{n}*5*EA*1.5**BP*ITEM{n}" for n in range(200))])
    with source.open("w") as out:
        for n in range(500):
            out.write(text(interchange(transaction_set("855", body), control=f"{n:09}")))
    code = f"""
import resource
from pathlib import Path
import pyarrow.parquet
from mfg_assets.estate.systems import Format
from mfg_assets.ingest.connectors.x12_loops import open_x12
from mfg_assets.ingest.formats import layout_of
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
before = peak()
folder = Path({str(tmp_path / "own")!r})
folder.mkdir()
layout = layout_of("big.x12", Format(transaction="855", loop="PO1"))
open_x12(Path({str(source)!r}), "big.x12", layout, folder)
rows = sum(pyarrow.parquet.read_metadata(f).num_rows for f in folder.iterdir())
print(rows, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False)
    assert done.returncode == 0, done.stderr
    rows, grown = map(int, done.stdout.split())
    assert rows == 100_000
    assert grown < 80, f"{grown} MiB for chunks of 10,000 records"
