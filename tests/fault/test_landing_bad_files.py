"""Files that lie, are damaged or are meant to harm: a clear message or dead letters, and no good record is lost."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.errors import MfgError
from mfg_assets.ingest import current_batches, landing
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, HEADER, Feed, check_counts, refusal


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def survivors(feed: Feed) -> list[str]:
    return [row[0] for row in feed.rows("event_id")]


# Empty, and almost empty


def test_empty(feed: Feed) -> None:
    feed.deliver(b"")
    assert "empty: not even a header" in refusal(feed)


def test_only_blank_lines(feed: Feed) -> None:
    feed.deliver(b"\n\n   \n")
    assert "empty: not even a header" in refusal(feed)


def test_header_only_is_a_delivery_of_nothing(feed: Feed) -> None:
    feed.deliver([])
    batch = feed.batch()
    assert (batch.state, batch.rows_read, batch.rows_landed) == ("landed", 0, 0)


def test_header_without_line_end(feed: Feed) -> None:
    feed.deliver(HEADER)
    assert feed.batch().rows_read == 0


def test_header_only_with_another_mapping_s_columns(feed: Feed) -> None:
    feed.deliver("a,b\n")
    assert "no column 'id'" in refusal(feed)


@pytest.mark.parametrize("content", [b"[]", b'{"rows": []}'])
def test_json_without_records(feed: Feed, content: bytes) -> None:
    feed.extract = {"from": "*.json"}
    feed.options = {"records_path": "rows"} if content.startswith(b"{") else {}
    feed.deliver(content, "a.json")
    batch = feed.batch()
    assert (batch.state, batch.rows_read, batch.reason) == ("landed", 0, None)


# Cut off


def test_truncated_within_a_record(feed: Feed) -> None:
    text = "\n".join([HEADER, *GOOD])
    feed.deliver(text[: -len(",EA,2025-03-03T10:00:00")])
    batch = feed.batch()
    assert survivors(feed) == ["1", "2"]
    assert feed.reasons() == {3: ["malformed_row"]}
    assert any("no line end" in warning for warning in batch.warnings)


def test_truncated_within_a_number_shows_only_by_a_marker(feed: Feed) -> None:
    feed.columns |= {"event_id": "moment", "event_at": "'2025-03-01'", "quantity": "id"}
    text = "moment,id\nA,10\nB,250\n"
    feed.columns |= {"item_number": "moment", "unit": "'EA'"}
    feed.extract = {"delivery": "snapshot", "complete_when": {"control_file": {"pattern": "{stem}.ctl"}}}
    feed.extract["complete_when"]["control_file"] |= {"total": r"SUM (\d+)", "total_of": "id"}
    feed.deliver(text.removesuffix("0\n"))
    feed.deliver("SUM 260", "a.ctl")
    assert "short" in refusal(feed)


def test_json_records_without_an_optional_key_land_with_a_warning(feed: Feed) -> None:
    feed.extract = {"from": "*.jsonl"}
    feed.columns["reversal_of"] = "reversed ->> '$.id'"
    feed.deliver('{"id": "1", "item": "x", "quantity": 1, "unit": "EA", "moment": "2025-03-01"}\n', "a.jsonl")
    batch = feed.batch()
    assert (batch.rows_landed, feed.rows("reversal_of")) == (1, [(None,)])
    assert batch.warnings == ("no record has a value under 'reversed'",)


def test_json_records_without_a_required_key_are_refused(feed: Feed) -> None:
    feed.extract = {"from": "*.jsonl"}
    feed.deliver('{"id": "1", "item": "x", "qty": 1, "unit": "EA", "moment": "2025-03-01"}\n', "a.jsonl")
    assert "no column 'quantity'" in refusal(feed)


def test_truncated_parquet(feed: Feed) -> None:
    import duckdb

    feed.extract = {"from": "*.parquet"}
    path = feed.data / "a.parquet"
    duckdb.sql(f"copy (select range as id, 'x' as item from range(1000)) to '{path}'")
    path.write_bytes(path.read_bytes()[:-20])
    assert "cut off" in refusal(feed)


def test_truncated_gzip(feed: Feed) -> None:
    feed.extract = {"from": "*.gz"}
    feed.deliver(gzip.compress("\n".join([HEADER, *GOOD]).encode())[:-12], "a.csv.gz")
    assert "can't be unpacked" in refusal(feed)


def test_truncated_json(feed: Feed) -> None:
    feed.extract = {"from": "*.json"}
    feed.deliver('[{"id": 1}, {"id": 2', "a.json")
    assert "not JSON" in refusal(feed)


def test_truncated_workbook(feed: Feed) -> None:
    feed.extract = {"from": "*.xlsx"}
    feed.deliver(b"PK\x03\x04 not really", "a.xlsx")
    assert "no workbook" in refusal(feed)


# Quotes


def test_an_unclosed_quote_costs_its_own_record_only(feed: Feed) -> None:
    feed.deliver([GOOD[0], '2,"WHEEL,4,EA,2025-03-02T09:30:00', GOOD[2]])
    feed.batch()
    assert survivors(feed) == ["1", "3"]
    assert feed.reasons() == {2: ["malformed_row"]}


def test_an_unclosed_quote_that_a_later_one_seems_to_close(feed: Feed) -> None:
    later = '4,"RIM",1,EA,2025-03-04T00:00:00'
    feed.deliver([GOOD[0], '2,"WHEEL,4,EA,2025-03-02T09:30:00', GOOD[2], later])
    feed.batch()
    assert survivors(feed) == ["1", "3", "4"]
    assert feed.reasons() == {2: ["malformed_row"]}


def test_a_quote_that_opens_in_one_record_and_closes_in_another_swallows_nothing(feed: Feed) -> None:
    """Such a file has the right number of fields everywhere: only the number of lines shows it."""
    feed.deliver(['1,"FRAME,1,EA,2025-03-01T00:00:00', GOOD[1], '3,SPOKE",1,EA,2025-03-03T00:00:00'])
    feed.batch()
    assert survivors(feed) == ["2", "3"]
    assert feed.reasons() == {1: ["malformed_row"]}


def test_text_after_a_closing_quote(feed: Feed) -> None:
    feed.deliver([GOOD[0], '2,"WHEEL"x,4,EA,2025-03-02T09:30:00', GOOD[2]])
    feed.batch()
    assert (survivors(feed), feed.reasons()) == (["1", "3"], {2: ["malformed_row"]})


# Fields


def test_too_few_and_too_many_fields(feed: Feed) -> None:
    feed.deliver([GOOD[0], "2,WHEEL,4", GOOD[2], GOOD[1] + ",more"])
    batch = feed.batch()
    assert survivors(feed) == ["1", "3"]
    assert feed.reasons() == {2: ["malformed_row"], 4: ["malformed_row"]}
    assert (batch.rows_read, batch.rows_rejected) == (4, 2)
    (few, many) = feed.letters()
    assert "3 fields, 5 are expected" in few["details"][0]
    assert "2,WHEEL,4" in few["payload"]
    assert "6 fields" in many["details"][0]


def test_wrong_delimiter(feed: Feed) -> None:
    feed.deliver("\n".join([HEADER, *GOOD]).replace(",", ";"))
    reason = refusal(feed)
    assert "no column 'id'" in reason
    assert "set delimiter: ';'" in reason


def test_wrong_delimiter_without_a_header(feed: Feed) -> None:
    feed.options = {"column_names": HEADER.split(",")}
    feed.extract = {"reject_limit": 0.05}
    feed.deliver("\n".join(GOOD).replace(",", ";"))
    assert "3 of 3 records (100.0%) were rejected" in refusal(feed)


@pytest.mark.parametrize("header", ["id,item,qty,unit,moment", "id,item,Quantity_2,unit,moment"])
def test_renamed_column(feed: Feed, header: str) -> None:
    feed.deliver("\n".join([header, *GOOD]))
    reason = refusal(feed)
    assert "no column 'quantity', which columns.quantity uses" in reason
    assert header.split(",")[2] in reason


def test_missing_column(feed: Feed) -> None:
    feed.deliver("id,item,unit,moment\n1,FRAME,EA,2025-03-01")
    assert "no column 'quantity'" in refusal(feed)


def test_missing_column_in_one_of_several_files_of_a_batch(feed: Feed) -> None:
    """A join by name would make it null without a word."""
    feed.extract = {"batch_by": "all"}
    feed.columns["reference_number"] = "note"
    feed.deliver(f"{HEADER},note\n{GOOD[0]},x\n", "a.csv")
    feed.deliver([GOOD[1]], "b.csv")
    reason = refusal(feed)
    assert "b.csv has no column 'note'" in reason


def test_extra_column(feed: Feed) -> None:
    feed.deliver("\n".join(["new,id,item,quantity,unit,moment", *(f"x,{line}" for line in GOOD)]))
    assert feed.batch().rows_landed == 3


def test_reordered_columns(feed: Feed) -> None:
    feed.extract = {"batch_by": "all"}
    feed.deliver("unit,moment,quantity,id,item\nEA,2025-03-01,2.5,1,FRAME\n", "a.csv")
    feed.deliver([GOOD[1]], "b.csv")
    feed.batch()
    assert [(i, n) for i, n, _ in feed.rows()] == [("1", "FRAME"), ("2", "WHEEL")]


def test_a_column_twice_in_the_header(feed: Feed) -> None:
    feed.deliver("id,item,quantity,unit,moment,QUANTITY\n1,FRAME,1,EA,2025-03-01,2\n")
    assert "names 'quantity' more than once" in refusal(feed)


def test_an_unused_column_twice_in_the_header(feed: Feed) -> None:
    feed.deliver("id,item,quantity,unit,moment,x,x,,\n1,FRAME,1,EA,2025-03-01,2,3,4,5\n")
    assert feed.batch().rows_landed == 1


# Encodings


def test_wrong_encoding_costs_only_the_records_that_show_it(feed: Feed) -> None:
    feed.deliver("\n".join([HEADER, *GOOD]).replace("WHEEL", "Rad mit Böden").encode("cp1252"))
    feed.batch()
    assert survivors(feed) == ["1", "3"]
    (letter,) = feed.letters()
    assert letter["reasons"] == ["malformed_row"]
    assert "not UTF-8" in letter["details"][0]


def test_wrong_encoding_in_the_header(feed: Feed) -> None:
    feed.deliver(HEADER.replace("item", "Stückzahl").encode("latin-1") + b"\n")
    assert "the header is not utf-8" in refusal(feed)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le"])
def test_utf_16_that_nobody_declared(feed: Feed, codec: str) -> None:
    feed.deliver("\n".join([HEADER, *GOOD]).encode(codec))
    assert "utf-16" in refusal(feed)


@pytest.mark.parametrize("declared", ["latin-1", "cp1252"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_that_is_declared_as_something_else(feed: Feed, declared: str, codec: str) -> None:
    """Every byte is some latin-1 letter, so that it would land as garbage."""
    feed.options = {"encoding": declared}
    feed.deliver("\n".join([HEADER, *GOOD]).replace("WHEEL", "Räder").encode(codec))
    assert f"set encoding: {codec.removesuffix('-sig')}" in refusal(feed)


def test_declared_utf_16_that_is_not(feed: Feed) -> None:
    feed.options = {"encoding": "utf-16"}
    feed.deliver("\n".join([HEADER, *GOOD])[:-1].encode())
    assert refusal(feed)


def test_a_workbook_called_csv(feed: Feed) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archived:
        archived.writestr("xl/workbook.xml", "<workbook/>")
    feed.deliver(out.getvalue())
    assert refusal(feed)


# Values


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,WHEEL,four,EA,2025-03-02", "not_castable"),
        ("2,WHEEL,NaN,EA,2025-03-02", "not_a_number"),
        ("2,WHEEL,-nan,EA,2025-03-02", "not_a_number"),
        ("2,WHEEL,Infinity,EA,2025-03-02", "not_a_number"),
        ("2,WHEEL,-inf,EA,2025-03-02", "not_a_number"),
        (f"2,WHEEL,{'9' * 40},EA,2025-03-02", "not_castable"),
        (f"2,WHEEL,0.{'9' * 6}9,EA,2025-03-02", "not_castable"),
        ("2,WHEEL,4,EA,00/00/0000", "not_castable"),
        ("2,WHEEL,4,EA,31.02.2025", "not_castable"),
        ("2,WHEEL,4,PAIR,2025-03-02", "unknown_unit"),
        ("2,WHEEL,-4,EA,2025-03-02", "out_of_range"),
        (",WHEEL,4,EA,2025-03-02", "missing_required"),
        ("2,  ,4,EA,2025-03-02", "missing_required"),
        (f"2,{'W' * 65},4,EA,2025-03-02", "too_long"),
        ("2,WHEEL,4,EA,2025-03-30T02:30:00", "nonexistent_local_time"),
        ("2,WHEEL,4,EA,2025-10-26T02:30:00", "ambiguous_local_time"),
        ("1,WHEEL,4,EA,2025-03-02", "conflicting_event"),
    ],
)
def test_rule_34_a_value_that_cannot_be_held_is_refused_with_its_reason(feed: Feed, line: str, reason: str) -> None:
    feed.deliver([GOOD[0], line, GOOD[2]])
    batch = feed.batch()
    assert survivors(feed) == ["1", "3"]
    assert feed.reasons() == {2: [reason]}
    assert batch.reject_counts == {reason: 1}
    (letter,) = feed.letters()
    assert letter["details"][0]
    assert letter["dead_letter_id"] == f"{batch.batch_id}-2"


def test_every_fault_of_a_record_is_told_at_once(feed: Feed) -> None:
    feed.deliver([",WHEEL,NaN,PAIR,00/00/0000"])
    feed.batch()
    assert set(feed.reasons()[1]) == {"missing_required", "not_a_number", "unknown_unit", "not_castable"}
    (letter,) = feed.letters()
    assert len(letter["details"]) == 4
    assert '"quantity":"NaN"' in letter["payload"]


@pytest.mark.parametrize("size", [999_000, 1_100_000, 5 << 20, 40 << 20])
@pytest.mark.parametrize("quoted", [True, False])
def test_a_huge_cell_costs_its_own_record_only(feed: Feed, size: int, quoted: bool) -> None:
    cell = "x" * size
    huge = f'2,"{cell}",4,EA,2025-03-02' if quoted else f"2,{cell},4,EA,2025-03-02"
    feed.deliver([GOOD[0], huge, GOOD[2]])
    feed.batch()
    assert survivors(feed) == ["1", "3"]
    (letter,) = feed.letters()
    assert letter["reasons"][0] in ("malformed_row", "too_long")
    assert size < 1_000_000 or len(letter["payload"]) < 20_000


def test_nul_characters(feed: Feed) -> None:
    feed.deliver([GOOD[0], "2,WH\x00EEL,4,EA,2025-03-02", GOOD[2]])
    check_counts(feed.batch())
    assert {"1", "3"} <= set(survivors(feed))


# Rule 33 and 31


@pytest.mark.parametrize(("bad", "limit", "state"), [(1, 0.1, "landed"), (2, 0.1, "refused"), (2, 0.2, "landed")])
def test_rule_33_the_share_of_rejects_decides_over_the_batch(feed: Feed, bad: int, limit: float, state: str) -> None:
    feed.extract = {"reject_limit": limit}
    lines = [f"{i},FRAME,{'x' if i < bad else '1'},EA,2025-03-01" for i in range(10)]
    feed.deliver(lines)
    batch = feed.batch()
    assert batch.state == state
    assert batch.rows_landed == (10 - bad if state == "landed" else 0)
    assert len(feed.letters()) == bad  # those at fault can be shown either way
    assert len(feed.rows()) == batch.rows_landed


def test_rule_33_yesterday_stands_when_today_is_refused(feed: Feed) -> None:
    feed.extract = {"delivery": "snapshot", "reject_limit": 0.1}
    feed.deliver(GOOD, age=1_700_000_000)
    first = feed.batch()
    feed.deliver(["x"], age=1_700_100_000)
    second = feed.batch()
    assert second.state == "refused"
    current = current_batches(feed.manifests())
    assert [(b.manifest.batch_id, b.is_in_force) for b in current] == [(first.batch_id, True)]


def test_a_file_that_changes_while_it_is_read_does_not_land(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    path = feed.deliver(GOOD)
    real = landing.read_delivery

    def slow(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        with path.open("a") as file:
            file.write("4,RIM,1,EA,2025-03-04\n")
        return result

    monkeypatch.setattr(landing, "read_delivery", slow)
    with pytest.raises(MfgError, match="changed while it was read"):
        feed.land()
    assert feed.manifests() == []
    monkeypatch.setattr(landing, "read_delivery", real)
    assert feed.batch().rows_landed == 4
