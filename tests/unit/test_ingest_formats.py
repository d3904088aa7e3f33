"""The same three records in every format and variant land as the same rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.ingest.connectors import documents
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, HEADER, Feed

RECORDS = [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in GOOD]
EXPECTED = [("1", "FRAME", Decimal("2.5")), ("2", "WHEEL", Decimal(4)), ("3", "SPOKE", Decimal(36))]
TEXT = "\n".join([HEADER, *GOOD]) + "\n"
UMLAUTS = TEXT.replace("FRAME", "Rähmen").replace("WHEEL", "Speichenschlüssel ß")
UMLAUT_ROWS = [("1", "Rähmen", Decimal("2.5")), ("2", "Speichenschlüssel ß", Decimal(4)), EXPECTED[2]]


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def all_landed(feed: Feed, expected: list[tuple[Any, ...]] = EXPECTED) -> None:
    batch = feed.batch()
    assert (batch.reason, feed.letters()) == (None, [])
    assert feed.rows() == expected
    assert feed.rows("source_row") == [(1,), (2,), (3,)]
    assert batch.rows_read == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "||", "~|~", "<-->-->", "^", "¦"])
def test_delimiters(feed: Feed, delimiter: str) -> None:
    feed.options = {"delimiter": delimiter}
    feed.deliver(TEXT.replace(",", delimiter))
    all_landed(feed)


def test_a_tsv_is_tab_delimited_by_its_ending(feed: Feed) -> None:
    feed.extract = {"from": "*.tsv"}
    feed.deliver(TEXT.replace(",", "\t"), "a.tsv")
    all_landed(feed)


@pytest.mark.parametrize("delimiter", [";", "~~~~~~"])
def test_quoted_fields_hold_delimiters_quotes_and_line_ends(feed: Feed, delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    for record in RECORDS:
        writer.writerow([*list(record.values())[:1], f'{record["item"]};"x"\nnext', *list(record.values())[2:]])
    feed.options = {"delimiter": delimiter}
    feed.deliver(out.getvalue().replace(";", delimiter))
    all_landed(feed, [(i, f'{item}{delimiter}"x"\nnext', q) for i, item, q in EXPECTED])


def test_without_quoting_a_quote_is_a_character(feed: Feed) -> None:
    feed.options = {"quote": ""}
    feed.deliver(TEXT.replace("FRAME", '"FR"A').replace("WHEEL", 'WHEEL 28"'))
    all_landed(feed, [("1", '"FR"A', Decimal("2.5")), ("2", 'WHEEL 28"', Decimal(4)), EXPECTED[2]])


def test_another_quote_and_escape(feed: Feed) -> None:
    feed.options = {"quote": "'", "escape": "\\"}
    feed.deliver(TEXT.replace("FRAME", r"'FR\'A,ME'"))
    all_landed(feed, [("1", "FR'A,ME", Decimal("2.5")), *EXPECTED[1:]])


def test_names_for_a_file_without_header(feed: Feed) -> None:
    feed.options = {"column_names": HEADER.split(",")}
    feed.deliver("\n".join(GOOD) + "\n")
    all_landed(feed)


def test_names_instead_of_the_header(feed: Feed) -> None:
    feed.options = {"column_names": HEADER.split(","), "header": True}
    feed.deliver(TEXT.replace(HEADER, "A,B,C,D,E"))
    all_landed(feed)


def test_lines_before_the_header(feed: Feed) -> None:
    feed.options = {"skip_rows": 2}
    feed.deliver("Report of the day\n\n" + TEXT)
    all_landed(feed)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(feed: Feed, end: str, last: bool) -> None:
    text = TEXT.replace("\n", end)
    feed.deliver((text if last else text.removesuffix(end)).encode())
    all_landed(feed)


def test_mixed_line_ends_and_blank_lines(feed: Feed) -> None:
    feed.deliver(f"{HEADER}\r\n{GOOD[0]}\r\n\n{GOOD[1]}\n   \n{GOOD[2]}\r\n\n".encode())
    all_landed(feed)


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        (None, "utf-8"),
        (None, "utf-8-sig"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("cp850", "cp850"),
    ],
)
def test_encodings(feed: Feed, declared: str | None, codec: str) -> None:
    feed.options = {"encoding": declared} if declared else {}
    feed.deliver(UMLAUTS.encode(codec))
    all_landed(feed, UMLAUT_ROWS)


def test_a_letter_on_the_border_of_a_block_survives_transcoding(feed: Feed) -> None:
    feed.options = {"encoding": "utf-16"}
    rows = [f"{i},{'ä' * (i % 7)}x,1,EA,2025-03-01T08:00:00" for i in range(60_000)]
    feed.deliver("\n".join([HEADER, *rows]).encode("utf-16"))
    assert feed.batch().rows_landed == 60_000
    assert set(feed.rows("item_number")) == {(f"{'ä' * n}x",) for n in range(7)}


@pytest.mark.parametrize(
    ("options", "written", "value"),
    [
        ({"decimal": ","}, '"1234,5"', "1234.5"),
        ({"decimal": ",", "thousands": "."}, '"1.234,5"', "1234.5"),
        ({"decimal": ",", "thousands": "."}, '"1.234.567"', "1234567"),
        ({"thousands": ","}, '"1,234.5"', "1234.5"),
        ({"decimal": ",", "thousands": " "}, '"1 234,50"', "1234.5"),
        ({"decimal": ",", "thousands": "'"}, '"1\'234,5"', "1234.5"),
        ({"trailing_minus": True}, "12.50", "12.5"),
        ({}, " 12.50 ", "12.5"),
        ({}, "+7", "7"),
        ({}, "1e3", "1000"),
        ({}, ".5", "0.5"),
        ({}, "0.33333333333333331", "0.333333"),
        ({}, "1.50000000", "1.5"),
    ],
)
def test_numbers(feed: Feed, options: dict[str, Any], written: str, value: str) -> None:
    feed.options = options
    feed.deliver([f"1,FRAME,{written},EA,2025-03-01T08:00:00"])
    feed.batch()
    assert (feed.reasons(), feed.rows("quantity")) == ({}, [(Decimal(value),)])


def test_a_trailing_minus_is_negative(feed: Feed) -> None:
    feed.options = {"trailing_minus": True}
    feed.deliver(["1,FRAME,12.50-,EA,2025-03-01T08:00:00"])
    feed.batch()
    assert feed.reasons() == {1: ["out_of_range"]}  # a movement has no negative quantity, so the sign was seen


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({}, '"1,5"'),  # a decimal comma that nobody declared
        ({"decimal": ","}, "1.5"),  # and a point where a comma is declared
        ({"thousands": ","}, '"1,5"'),  # would be 15 if the mark were merely removed
        ({"decimal": ",", "thousands": "."}, '"1.2345"'),
        ({}, "1_000"),
        ({}, "0x1F"),
        ({}, "12.50-"),
        ({}, "1.2345678"),  # the seventh decimal would be rounded away
        ({}, "0.0000001"),
        ({}, "12 kg"),
        ({}, "1" * 40),
        ({}, "--5"),
    ],
)
def test_rule_34_a_number_that_is_not_one_as_declared_is_refused(
    feed: Feed, options: dict[str, Any], written: str
) -> None:
    feed.options = options
    feed.deliver([f"1,FRAME,{written},EA,2025-03-01T08:00:00"])
    batch = feed.batch()
    assert batch.rows_landed == 0
    assert feed.reasons() == {1: ["not_castable"]}


@pytest.mark.parametrize(
    ("formats", "written", "instant"),
    [
        ([], "2025-03-01T08:00:00", "2025-03-01T07:00:00"),
        ([], "2025-03-01 08:00", "2025-03-01T07:00:00"),
        ([], "2025-03-01", "2025-02-28T23:00:00"),
        ([], "2025-03-01T08:00:00.250", "2025-03-01T07:00:00.250000"),
        ([], "2025-03-01T08:00:00+02:00", "2025-03-01T06:00:00"),
        ([], "2025-03-01T08:00+02", "2025-03-01T06:00:00"),
        ([], "2025-03-01T08:00:00Z", "2025-03-01T08:00:00"),
        ([], "2025-03-01 08:00:00.5-0530", "2025-03-01T13:30:00.500000"),
        (["%d.%m.%Y %H:%M"], "01.03.2025 08:00", "2025-03-01T07:00:00"),
        (["%Y%m%d", "%d/%m/%Y"], "20250301", "2025-02-28T23:00:00"),
        (["%Y%m%d", "%d/%m/%Y"], "01/03/2025", "2025-02-28T23:00:00"),
        (["%Y%m%d"], "2025-03-01T08:00:00", "2025-03-01T07:00:00"),
    ],
)
def test_rule_05_times(feed: Feed, formats: list[str], written: str, instant: str) -> None:
    feed.options = {"date_formats": formats}
    feed.deliver([f"1,FRAME,1,EA,{written}"])
    feed.batch()
    assert feed.reasons() == {}
    assert feed.rows("strftime(event_at at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%f')")[0][0].startswith(instant)


@pytest.mark.parametrize(
    "written",
    ["00/00/0000", "0000-00-00", "2025-02-30", "infinity", "epoch", "25-03-01", "2025-13-01", "today", "45717", "now"],
)
def test_rule_34_a_date_that_is_none_is_refused(feed: Feed, written: str) -> None:
    feed.options = {"date_formats": ["%d/%m/%Y"]}
    feed.deliver([f"1,FRAME,1,EA,{written}", *GOOD[1:]])
    batch = feed.batch()
    assert (batch.rows_landed, feed.reasons()) == (2, {1: ["not_castable"]})


def test_null_words(feed: Feed) -> None:
    feed.options = {"null_words": ["NULL", "00.00.0000"], "date_formats": ["%d.%m.%Y"]}
    feed.columns["posting_date"] = "item"
    feed.columns["item_number"] = "id"
    feed.deliver(["1,00.00.0000,1,EA,2025-03-01", "2,NULL,1,EA,2025-03-01", "3,,1,EA,2025-03-01"])
    feed.batch()
    assert (feed.reasons(), feed.rows("posting_date")) == ({}, [(None,), (None,), (None,)])


def fixed_text() -> str:
    return "".join(f"{r['id']:<3}{r['item']:<8}{r['quantity']:>8}{r['unit']:<3}{r['moment']:<20}\n" for r in RECORDS)


FIELDS = [
    {"name": name, "start": start, "width": width}
    for name, start, width in (("id", 1, 3), ("item", 4, 8), ("quantity", 12, 8), ("unit", 20, 3), ("moment", 23, 20))
]


@pytest.mark.parametrize("change", [str, lambda t: t.replace("\n", "\r\n"), lambda t: "\n" + t + "\n"])
def test_fixed_width(feed: Feed, change: Any) -> None:
    feed.options = {"format": "fixed_width", "fields": FIELDS}
    feed.deliver(change(fixed_text()).encode())
    all_landed(feed)


def test_fixed_width_counts_characters_not_bytes(feed: Feed) -> None:
    feed.options = {"format": "fixed_width", "fields": FIELDS, "encoding": "cp1252"}
    feed.deliver(fixed_text().replace("FRAME ", "RÄHMEN").encode("cp1252"))
    all_landed(feed, [("1", "RÄHMEN", Decimal("2.5")), *EXPECTED[1:]])


def test_a_fixed_width_file_that_ends_within_a_field_loses_that_record_only(feed: Feed) -> None:
    feed.options = {"format": "fixed_width", "fields": FIELDS}
    feed.deliver(fixed_text()[:-8])
    batch = feed.batch()
    assert (batch.rows_landed, feed.reasons()) == (2, {3: ["malformed_row"]})


def test_parquet(feed: Feed) -> None:
    feed.extract = {"from": "*.parquet"}
    feed.deliver(b"", "a.parquet")
    columns = "id::int as id, item, quantity::decimal(9,2) as quantity, unit, moment::timestamp as moment"
    path = feed.deliver(TEXT, "a.txt")
    duckdb.sql(f"copy (select {columns} from read_csv('{path}')) to '{feed.data / 'a.parquet'}'")
    all_landed(feed)


def test_parquet_floats_are_keys_and_quantities_without_binary_noise(feed: Feed) -> None:
    feed.extract = {"from": "*.parquet"}
    first = "(4711.0::double, 0.1::double + 0.2::double, timestamp '2025-03-01 08:00')"
    values = f"{first}, (2.0, 'nan'::double, '2025-03-01')"
    duckdb.sql(f"copy (select * from (values {values}) t(id, quantity, moment)) to '{feed.data / 'a.parquet'}'")
    feed.columns |= {"unit": "'EA'", "item_number": "id"}
    feed.batch()
    assert feed.rows() == [("4711", "4711", Decimal("0.3"))]
    assert feed.reasons() == {2: ["not_a_number"]}


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("a.json", json.dumps(RECORDS), None),
        ("a.json", json.dumps({"data": {"rows": RECORDS}, "count": 3}, indent=2), "data.rows"),
        ("a.jsonl", "\n".join(map(json.dumps, RECORDS)), None),
        ("a.ndjson", "\n\n".join(map(json.dumps, RECORDS)) + "\n", None),
        ("a.json", "\n".join(map(json.dumps, RECORDS)), None),
        ("a.jsonl", "\n".join(map(json.dumps, RECORDS)).replace('"4"', "4").replace('"2.5"', "2.50"), None),
    ],
)
def test_json(feed: Feed, name: str, text: str, path: str | None) -> None:
    feed.extract = {"from": "a.*"}
    feed.options = {"records_path": path} if path else {}
    feed.deliver(text, name)
    all_landed(feed)


def test_json_values_keep_every_digit_and_nested_ones_stay_json(feed: Feed) -> None:
    feed.extract = {"from": "a.*"}
    feed.columns |= {"reference_number": "nested ->> '$.deep[0]'", "movement_type": '"a/b~c"'}
    record = '{"id": 12345678901234567890, "item": "x", "quantity": 123456789012.123456, "unit": "EA", '
    rest = '"moment": "2025-03-01", "nested": {"deep": ["D1"]}, "a/b~c": true}'
    feed.deliver(record + rest, "a.jsonl")
    feed.batch()
    assert feed.letters() == []
    assert feed.rows("event_id, quantity, reference_number, movement_type") == [
        ("12345678901234567890", Decimal("123456789012.123456"), "D1", "true")
    ]


def test_many_digits_in_a_text_are_no_number_that_loses_some(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise AssertionError("each line is read by Python")

    monkeypatch.setattr(documents, "_with_texts", slow)
    feed.extract = {"from": "a.*"}
    feed.columns |= {"reference_number": "hash"}
    record = '{"id": 1, "item": "x", "quantity": 1.5, "unit": "EA", "moment": "2025-03-01", '
    feed.deliver(record + '"hash": "12345678901234567890"}', "a.jsonl")
    feed.batch()
    assert feed.rows("quantity, reference_number") == [(Decimal("1.5"), "12345678901234567890")]


def test_a_line_that_is_no_json_costs_only_itself(feed: Feed) -> None:
    feed.extract = {"from": "a.*"}
    lines = [json.dumps(r) for r in RECORDS]
    feed.deliver("\n".join([lines[0], lines[1][:-9], "[1, 2]", lines[2]]), "a.jsonl")
    batch = feed.batch()
    assert (batch.rows_read, batch.rows_landed) == (4, 2)
    assert feed.reasons() == {2: ["malformed_row"], 3: ["malformed_row"]}


def test_excel(feed: Feed) -> None:
    from datetime import datetime

    from openpyxl import Workbook

    feed.extract = {"from": "*.xlsx"}
    feed.options = {"sheet": "Moves", "skip_rows": 1}
    book = Workbook()
    book.create_sheet("Cover", 0).append(["another sheet"])
    sheet = book.create_sheet("Moves")
    sheet.append(["Moves of the day"])
    sheet.append(HEADER.split(","))
    for r in RECORDS:
        sheet.append([int(r["id"]), r["item"], float(r["quantity"]), r["unit"], datetime.fromisoformat(r["moment"])])
    book.save(feed.data / "a.xlsx")
    all_landed(feed)


def zipped(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def test_gzip(feed: Feed) -> None:
    feed.extract = {"from": "*.gz"}
    feed.deliver(gzip.compress(TEXT.encode()), "a.csv.gz")
    all_landed(feed)


def test_zip(feed: Feed) -> None:
    feed.extract = {"from": "*.zip"}
    feed.deliver(zipped({"folder/": "", "folder/b.csv": TEXT}), "a.zip")
    all_landed(feed)
    assert feed.rows("source_file")[0] == ("a.zip",)


def test_the_members_of_an_archive_are_one_batch(feed: Feed) -> None:
    feed.extract = {"from": "*.zip"}
    pages = {f"page{i}.csv": f"{HEADER}\n{line}\n" for i, line in enumerate(GOOD)}
    feed.deliver(zipped(pages), "a.zip")
    batch = feed.batch()
    assert batch.rows_landed == 3
    assert feed.rows("source_file, source_row, event_id") == [
        ("a.zip/page0.csv", 1, "1"),
        ("a.zip/page1.csv", 1, "2"),
        ("a.zip/page2.csv", 1, "3"),
    ]


def test_globs_reach_into_folders(feed: Feed) -> None:
    feed.extract = {"from": "**/move_*.csv"}
    for i, line in enumerate(GOOD):
        feed.deliver([line], f"day{i}/move_1.csv")
    feed.deliver("not for us", "day0/other.csv")
    assert len(feed.land().batches) == 3
    assert feed.rows() == EXPECTED
    assert {m.files[0].name for m in feed.manifests()} == {f"day{i}/move_1.csv" for i in range(3)}


def test_options_of_an_extract_stand_over_those_of_its_system(feed: Feed) -> None:
    feed.options = {"delimiter": ";", "encoding": "latin-1", "quote": ""}
    feed.extract = {"options": {"delimiter": "|", "encoding": "utf-8"}}
    feed.deliver(UMLAUTS.replace(",", "|"))
    all_landed(feed, UMLAUT_ROWS)
