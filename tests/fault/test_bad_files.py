"""Files as they really come: a clear refusal or dead letters, never a trace, never a lost good row.

Belongs here: one damaged file each, landed for real. Doesn't belong here: formats that are merely unusual.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mfg_assets.errors import MfgError
from mfg_assets.estate.loader import load_estate
from mfg_assets.ingest import BatchManifest, LandingResult, land_extract, list_dead_letters
from mfg_assets.settings import Settings
from tests.ingest_feed import landed_rows
from tests.mini import write, write_mini

HEADER = "place;item;quantity;unit;moment\n"
GOOD = (
    "A1;FRAME;10,0;EA;2025-03-01T00:00:00\nA1;WHEEL;17,0;EA;2025-03-01T00:00:00\nA1;SPOKE;5,0;EA;2025-03-01T00:00:00\n"
)
NAME = "stock_20250301.csv"


class Plant:
    """The mini estate with one stock feed whose file each test writes itself."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.estate_dir = write_mini(folder)
        self.stock = folder / "data" / "erp"
        for path in self.stock.iterdir():
            path.unlink()
        self.settings = settings

    def deliver(self, content: str | bytes, name: str = NAME) -> Path:
        path = self.stock / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def change(self, old: str, new: str) -> None:
        path = self.estate_dir / "systems" / "erp.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def land(self) -> LandingResult:
        return land_extract(load_estate(self.estate_dir), "erp", "inventory_balance", self.settings)

    def batch(self) -> BatchManifest:
        result = self.land()
        assert len(result.batches) == 1
        batch = result.batches[0]
        assert batch.rows_read == batch.rows_filtered + batch.rows_received
        assert batch.rows_received == batch.rows_landed + batch.rows_rejected
        return batch

    def landed(self) -> list[tuple[object, ...]]:
        rows = landed_rows(self.settings, "item_number, quantity::double")
        return [(str(item), quantity) for item, quantity in rows]

    def reasons(self) -> list[tuple[str, ...]]:
        return [tuple(letter["reasons"]) for letter in list_dead_letters(self.settings)]


ALL = [("FRAME", 10.0), ("SPOKE", 5.0), ("WHEEL", 17.0)]
WITHOUT_SPOKE = [("FRAME", 10.0), ("WHEEL", 17.0)]


@pytest.fixture
def plant(tmp_path: Path, settings: Settings) -> Plant:
    return Plant(tmp_path, settings)


def test_the_undamaged_file_lands_whole(plant: Plant) -> None:
    plant.deliver(HEADER + GOOD)
    assert plant.batch().state == "landed"
    assert plant.landed() == ALL


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(HEADER.replace(";", ",") + GOOD.replace(";", "\t"), "", id="wrong-delimiter"),
        pytest.param(HEADER.replace("quantity;", "") + GOOD, "quantity", id="missing-column"),
        pytest.param(HEADER.replace("quantity", "qty") + GOOD, "quantity", id="renamed-column"),
        pytest.param(HEADER.replace("unit", "item") + GOOD, "item", id="column-named-twice"),
    ],
)
def test_rule_33_a_file_of_another_shape_is_refused_whole_and_says_why(plant: Plant, content: str, said: str) -> None:
    plant.deliver(content)
    batch = plant.batch()
    assert batch.state == "refused"
    assert said in (batch.reason or "")
    assert NAME in (batch.reason or "")
    assert plant.landed() == []


def test_header_only_is_a_delivery_of_nothing(plant: Plant) -> None:
    plant.deliver(HEADER)
    batch = plant.batch()
    assert (batch.state, batch.rows_read) == ("landed", 0)


def test_an_extra_and_a_moved_column_change_nothing(plant: Plant) -> None:
    plant.deliver(
        "item;colour;moment;unit;quantity;place\n"
        "FRAME;red;2025-03-01T00:00:00;EA;10,0;A1\nWHEEL;;2025-03-01T00:00:00;EA;17,0;A1\n"
        "SPOKE;;2025-03-01T00:00:00;EA;5,0;A1\n"
    )
    assert plant.batch().state == "landed"
    assert plant.landed() == ALL


def test_a_line_cut_in_the_middle_costs_only_itself(plant: Plant) -> None:
    plant.deliver((HEADER + GOOD)[:-30])
    assert plant.batch().state == "landed"
    assert plant.landed() == WITHOUT_SPOKE
    assert plant.reasons() == [("malformed_row",)]


def test_a_file_in_another_encoding_never_lands_wrong_letters(plant: Plant) -> None:
    plant.deliver((HEADER + GOOD.replace("SPOKE", "SPÖKE")).encode("latin-1"))
    plant.batch()
    assert all("\ufffd" not in str(item) for item, _ in plant.landed())
    assert ("FRAME", 10.0) in plant.landed() or plant.landed() == []
    plant.change("format: csv,", "format: csv, encoding: latin-1,")
    assert plant.batch().state == "landed"
    assert ("SPÖKE", 5.0) in plant.landed()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("five", "not_castable"),
        ("NaN", "not_a_number"),
        ("-Infinity", "not_a_number"),
        ("1" * 40, "not_castable"),
        ("0x10", "not_castable"),
        ("", "missing_required"),
    ],
)
def test_rule_34_what_is_no_quantity_is_a_dead_letter_with_its_reason(plant: Plant, value: str, reason: str) -> None:
    plant.deliver(HEADER + GOOD.replace("5,0", value))
    batch = plant.batch()
    assert batch.state == "landed"
    assert plant.landed() == WITHOUT_SPOKE
    letter = list_dead_letters(plant.settings)[0]
    assert letter["reasons"] == [reason]
    assert "quantity" in letter["details"][0]
    assert "SPOKE" in letter["payload"]
    assert letter["source_row"] == 3


@pytest.mark.parametrize(
    "moment", ["00/00/0000", "2025-02-30T00:00:00", "yesterday", "2025-03-30T02:30:00", "2025-10-26T02:30:00"]
)
def test_rule_05_a_date_that_is_none_or_not_sure_is_a_dead_letter(plant: Plant, moment: str) -> None:
    plant.deliver(HEADER + GOOD.replace("5,0;EA;2025-03-01T00:00:00", f"5,0;EA;{moment}"))
    assert plant.batch().state == "landed"
    assert plant.landed() == WITHOUT_SPOKE
    expected = {"2025-03-30T02:30:00": "nonexistent_local_time", "2025-10-26T02:30:00": "ambiguous_local_time"}
    assert plant.reasons() == [(expected.get(moment, "not_castable"),)]


def test_rule_21_an_unknown_unit_is_never_taken_for_pieces(plant: Plant) -> None:
    plant.deliver(HEADER + GOOD.replace("5,0;EA", "5,0;STK"))
    plant.batch()
    assert plant.landed() == WITHOUT_SPOKE
    assert plant.reasons() == [("unknown_unit",)]


def test_a_key_that_stands_twice_in_a_snapshot_costs_the_second(plant: Plant) -> None:
    plant.deliver(HEADER + GOOD + "A1;FRAME;99,0;EA;2025-03-01T00:00:00\n")
    assert plant.batch().state == "landed"
    assert plant.landed() == ALL
    assert plant.reasons() == [("duplicate_key",)]


def test_a_cell_of_five_megabytes_costs_only_its_record(plant: Plant) -> None:
    plant.deliver(HEADER + GOOD.replace("SPOKE", "S" * 5_000_000))
    assert plant.batch().state == "landed"
    assert plant.landed() == WITHOUT_SPOKE
    assert len(plant.reasons()) == 1


def test_a_quote_that_is_never_closed_swallows_nothing(plant: Plant) -> None:
    plant.deliver(HEADER + GOOD.replace("A1;WHEEL", 'A1;"WHEEL'))
    plant.batch()
    assert not any("\n" in str(item) for item, _ in plant.landed())
    assert plant.reasons() or not plant.landed()


def test_a_bomb_is_refused_before_it_fills_the_disk(plant: Plant) -> None:
    plant.change('"stock_*.csv"', '"stock_*"')
    plant.change(r"stock_(\d{8})\.csv", r"stock_(\d{8})")
    zeros = b"0" * (1 << 20)
    with gzip.open(plant.stock / "stock_20250301.csv.gz", "wb") as bomb:
        for _ in range(400):
            bomb.write(zeros)
    with zipfile.ZipFile(plant.stock / "stock_20250302.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stock.csv", zeros * 400)
    batches = plant.land().batches
    assert [b.state for b in batches] == ["refused", "refused"]
    assert plant.landed() == []
    assert not list((plant.settings.home_path / "tmp").rglob("*.csv*"))


@pytest.mark.parametrize(
    "name", ['stock_20250301 it\'s "odd".csv', "stock_20250301[xy]*?.csv", "stock_20250301;drop table.csv"]
)
def test_an_odd_file_name_is_only_a_name(plant: Plant, name: str) -> None:
    plant.change(r"stock_(\d{8})\.csv", r"stock_(\d{8})")
    plant.deliver(HEADER + GOOD, name)
    (plant.stock / "x.csv").write_text("not this one")
    assert plant.batch().state == "landed"
    assert plant.landed() == ALL


def test_a_pattern_and_a_link_that_lead_out_of_the_folder_read_nothing(plant: Plant, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "stock_20250301.csv"
    write(outside, HEADER + GOOD)
    (plant.stock / NAME).symlink_to(outside)
    with pytest.raises(MfgError):
        plant.land()
    assert plant.landed() == []
    plant.change('"stock_*.csv"', '"../../elsewhere/stock_*.csv"')
    with pytest.raises(MfgError):
        plant.land()
    assert plant.landed() == []


def test_an_expression_can_read_no_other_file(plant: Plant, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("EA")
    plant.change("unit: unit", f"unit: \"(select content from read_text('{secret}'))\"")
    plant.deliver(HEADER + GOOD)
    batch = plant.batch()
    assert batch.state == "refused"
    assert plant.landed() == []


def test_a_parquet_file_cut_short_is_refused_whole(plant: Plant) -> None:
    plant.change("format: csv,", "format: parquet,")
    plant.change('"stock_*.csv"', '"stock_*.parquet"')
    plant.change(r"\.csv'", r"\.parquet'")
    path = plant.stock / "stock_20250301.parquet"
    rows = {"place": ["A1"] * 3, "item": ["FRAME", "WHEEL", "SPOKE"], "quantity": [10.0, float("nan"), float("inf")]}
    pq.write_table(pa.table({**rows, "unit": ["EA"] * 3, "moment": ["2025-03-01T00:00:00"] * 3}), path)
    plant.change("reject_limit: 0.5", "reject_limit: 1.0")
    assert plant.batch().reject_counts == {"not_a_number": 2}
    assert plant.landed() == [("FRAME", 10.0)]
    path.write_bytes(path.read_bytes()[:-20])
    assert plant.batch().state == "refused"
    assert plant.landed() == [("FRAME", 10.0)]
