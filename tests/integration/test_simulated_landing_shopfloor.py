"""What shop floors, warehouses and partners write lands as what they hold, column by column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
import yaml

from mfg_assets.contracts import contract, contracts
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import land_extract, list_dead_letters, read_manifests
from mfg_assets.ingest.landed import landed_sql
from mfg_assets.settings import Settings
from mfg_assets.simulate import export
from mfg_assets.simulate.export import aps, documents, mes_a, mes_b, procurement, qms, tms, wms_a, wms_b, words
from mfg_assets.simulate.export import estate as estate_files
from mfg_assets.simulate.export.feeds import Delivery, Window, due_rows
from mfg_assets.simulate.export.staging import Drop, Faults, Tampering, no_faults
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.sql import identifier
from tests import held_rows

CUT = datetime(2026, 1, 26, 4, tzinfo=UTC)
NEXT = CUT + timedelta(days=7)
WRITE: dict[str, Callable[[Drop], None]] = {
    m.SYSTEM: m.write for m in (mes_a, mes_b, wms_a, wms_b, qms, procurement, aps, tms)
}
PLANTS = {
    "mes_a": ("P100", "P200"),
    "mes_b": ("P300", "P400"),
    "wms_a": ("P100", "P300"),
    "wms_b": ("P200", "P400"),
    "aps": ("P100", "P300"),
}
ALL_PLANTS = ("P100", "P200", "P300", "P400")
# Values that make sense in a place: locations, which wms_b renames, and suppliers, of whom some use EDI.
_LOCATIONS = "['RAW', 'FG', 'LINE-1', 'QC'][1 + i % 4]"
_SUPPLIERS = "'S-' || (100 + i % 5)"
VALUES = {
    "inventory_balance": {"location": "['RAW', 'FG', 'LINE-1', 'QC'][1 + i % 4] || '-' || i"},
    "cycle_count": {"location": _LOCATIONS},
    "inventory_movement": {
        "from_plant_id": "case when i % 3 > 0 then ['P200', 'P400'][1 + i % 2] end",
        "from_location": f"case when i % 3 > 0 then {_LOCATIONS} end",
        "to_plant_id": "case when i % 3 < 2 then 'P200' end",
        "to_location": f"case when i % 3 < 2 then {_LOCATIONS} end",
        "to_status": "case when i % 3 < 2 then 'blocked' end",
        "to_lot": "case when i % 3 < 2 then 'L' || i end",
        "to_ownership": "case when i % 3 < 2 then 'own' end",
    },
    "transfer_order": {"from_location": _LOCATIONS, "to_location": _LOCATIONS},
    "supplier_item": {"supplier_number": _SUPPLIERS},
    "purchase_order": {"supplier_number": _SUPPLIERS},
    # Some answers and notices have several lines, of one order or of several.
    "purchase_order_acknowledgement": {
        "purchase_order_number": "'PURC-' || lpad(cast(i // 3 as varchar), 5, '0')",
        "event_at": "timestamptz '2026-01-20 08:00:00+00' + i // 3 * interval 1 hour",
        "currency": "case when i // 3 % 4 > 0 then 'EUR' end",
    },
    "advance_ship_notice": {
        "supplier_number": "'S-' || (100 + i // 6 % 5)",
        "asn_number": "'ASN-' || (i // 6)",
        "purchase_order_number": "'PURC-0' || (i // 2 % 5)",
        "plant_id": "'P100'",
        "status": "'in_transit'",
        "shipped_at": "timestamptz '2026-01-20 08:00:00+00'",
        "expected_at": "case when i // 6 % 2 = 0 then timestamptz '2026-01-25 08:00:00+00' end",
    },
}
TOGETHER = {"purchase_order_acknowledgement": 3, "advance_ship_notice": 6}


@dataclass
class Simulated:
    """An estate of one system: what it holds, and where its extracts land."""

    con: duckdb.DuckDBPyConnection
    system: str
    out: Path
    settings: Settings

    def deliver(self, cut: datetime, previous: datetime | None = None, faults: Faults = no_faults) -> None:
        WRITE[self.system](Drop(self.con, self.out, Window(cut, previous), faults))

    def estate(self) -> Estate:
        assert [str(problem) for problem in collect_problems(self.out, self.settings)] == []
        return load_estate(self.out)

    def land(self) -> Estate:
        estate = self.estate()
        for extract in estate.systems[self.system].extracts:
            for batch in land_extract(estate, self.system, extract, self.settings).batches:
                assert batch.state == "landed", batch.reason
                assert batch.completeness != "short", batch.completeness_evidence
        assert list_dead_letters(self.settings) == []
        return estate

    def landed(self, entity: str) -> str:
        own = [m for m in read_manifests(self.settings.landing_dir) if m.source_system == self.system]
        return landed_sql(self.settings.landing_dir, contract(entity), own)


def _entities(estate: Estate, system: str) -> dict[str, Delivery]:
    """Entity → delivery."""
    extracts = estate.systems[system].extracts
    return {estate.systems[system].entity_of(name): extracts[name].delivery for name in extracts}


@pytest.fixture(params=sorted(WRITE))
def simulated(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Simulated:
    system = request.param
    out = tmp_path / "estate"
    _write_estate(out, system)
    con = duckdb.connect()
    held_rows.create(con)
    plants = PLANTS.get(system, ALL_PLANTS)
    extracts = yaml.safe_load(_template(system))["extracts"]
    for entity in sorted({"purchase_order", *(extract.get("entity", name) for name, extract in extracts.items())}):
        together = TOGETHER.get(entity, 1)
        held_rows.fill(con, entity, system, plants, CUT, together=together, values=VALUES.get(entity))
    return Simulated(con, system, out, settings)


def _template(system: str) -> str:
    folder = files("mfg_assets.simulate.export") / "templates" / "systems"
    return (folder / f"{system}.yaml").read_text(encoding="utf-8")


def _write_estate(out: Path, system: str) -> None:
    """The system's own template in the smallest estate that it needs."""
    template = _template(system)
    kinds = "plm, erp, mes, wms, procurement, qms, tms, scheduling"
    zones = {"P300": "America/Chicago", "P400": "Asia/Ho_Chi_Minh"}
    plants = "".join(
        f"  - {{id: {p}, name: {p}, timezone: {zones.get(p, 'Europe/Berlin')}, currency: EUR}}\n" for p in ALL_PLANTS
    )
    owned = [name for name, found in contracts().items() if any(column.is_owned for column in found.columns)]
    delivered = [entity for entity in owned if f"  {entity}:\n" in template]
    owner = yaml.safe_load(template)["owner"]
    texts = {
        "estate.yaml": f"name: Test\nplants:\n{plants}roles:\n  - {{id: {owner}, name: Owner}}\n",
        "ownership.yaml": "rules: []\n"
        if not delivered
        else "rules:\n" + "".join(f'  - {{attribute: "{entity}.*", owners: [{kinds}]}}\n' for entity in delivered),
        f"systems/{system}.yaml": template,
    }
    for code_map, owner, native, code in words.code_rows():
        name = f"codes/{code_map}.csv"
        if owner == system:
            texts[name] = texts.get(name, "system,native,code\n") + f"{owner},{native},{code}\n"
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")


def test_what_a_system_holds_lands_and_later_what_is_new(simulated: Simulated) -> None:
    simulated.deliver(CUT)
    simulated.deliver(NEXT, CUT)
    estate = simulated.land()
    for entity, delivery in _entities(estate, simulated.system).items():
        both = [due_rows(entity, delivery, simulated.system, w) for w in (Window(CUT), Window(NEXT, CUT))]
        if delivery == "delta":
            assert _count(simulated.con, both[1]) > 0
        _assert_same(simulated.con, entity, " union all ".join(f"({sql})" for sql in both), simulated.landed(entity))


@pytest.mark.parametrize("simulated", ["procurement"], indirect=True)
def test_edi_groups_the_lines_of_an_answer_and_of_a_notice(simulated: Simulated) -> None:
    simulated.deliver(CUT)
    simulated.land()
    sent = {kind: "".join(p.read_text() for p in simulated.out.rglob(f"EDI{kind}_*.x12")) for kind in ("855", "856")}
    for extract, kind, lines in (("acknowledgement_edi", "855", "~PO1*"), ("ship_notice_edi", "856", "~SN1*")):
        entity = simulated.estate().systems[simulated.system].entity_of(extract)
        batches = [m for m in read_manifests(simulated.settings.landing_dir) if m.extract_name == extract]
        landed = _count(
            simulated.con, f"from ({landed_sql(simulated.settings.landing_dir, contract(entity), batches)})"
        )
        assert landed == sent[kind].count(lines)
        assert landed > sent[kind].count("ST*") > 2
    assert sent["856"].count("~PRF*") > sent["856"].count("ST*856")


@pytest.mark.parametrize("simulated", ["mes_b"], indirect=True)
def test_the_last_day_comes_in_hourly_drops_of_one_delivery(simulated: Simulated) -> None:
    simulated.deliver(CUT)
    drops = sorted(path.name for path in simulated.out.rglob("Confirm_*.csv"))
    assert drops[-1] == "Confirm_20260126T040000Z_before.csv"
    assert drops[:-1] == [f"Confirm_20260126T040000Z_20260125T{hour}.csv" for hour in ("04", "12", "20")]
    (batch,) = land_extract(simulated.estate(), "mes_b", "production_confirmation", simulated.settings).batches
    assert len(batch.files) == len(drops)


@pytest.mark.parametrize("simulated", ["wms_b", "procurement", "tms"], indirect=True)
def test_long_documents_come_in_pages_of_one_delivery(simulated: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "SHEET_ROWS", 20)
    monkeypatch.setattr(documents, "PAGE_RECORDS", 20)
    simulated.deliver(CUT)
    estate = simulated.land()
    assert len(list(simulated.out.rglob("*_p03.*"))) > 0
    for entity, delivery in _entities(estate, simulated.system).items():
        due = due_rows(entity, delivery, simulated.system, Window(CUT))
        _assert_same(simulated.con, entity, due, simulated.landed(entity))
    batches = read_manifests(simulated.settings.landing_dir)
    assert [b.extract_name for b in batches if b.delivery == "snapshot" and b.completeness != "proven"] == []


@pytest.mark.parametrize("simulated", ["wms_b"], indirect=True)
def test_the_workbook_opens_in_excels_own_terms(simulated: Simulated) -> None:
    import openpyxl

    simulated.deliver(CUT)
    (path,) = simulated.out.rglob("Stock_*.xlsx")
    sheet = openpyxl.load_workbook(path)["Stock"]
    title, empty, header, first, *_ = sheet.iter_rows(values_only=True)
    assert title[0] == "Stock on hand, 26 January 2026"
    assert not any(empty)
    cells = dict(zip(header, first, strict=True))
    assert isinstance(cells["On Hand"], float | int)
    assert isinstance(cells["As Of"], datetime)


@pytest.mark.parametrize("plants", [1, 4])
def test_check_has_nothing_to_say_about_the_estate_of_all_systems(
    plants: int, tmp_path: Path, settings: Settings
) -> None:
    options = Options(plants=plants)
    con = duckdb.connect()
    held_rows.create(con)
    estate_files.write(tmp_path, options, CUT)
    estate = load_estate(tmp_path)
    for system, file in estate.systems.items():
        for entity in _entities(estate, system):
            held_rows.fill(con, entity, system, tuple(file.plants), CUT, rows=14, values=VALUES.get(entity))
    export.write(con, tmp_path, options, CUT, None)
    assert [str(problem) for problem in collect_problems(tmp_path, settings)] == []
    assert set(WRITE) - set(estate.systems) == (set() if plants == 4 else {"mes_b", "wms_b"})


@pytest.mark.parametrize("simulated", ["mes_a", "mes_b", "wms_a", "wms_b", "procurement", "aps"], indirect=True)
def test_a_snapshot_that_lost_a_row_is_refused(simulated: Simulated) -> None:
    simulated.deliver(CUT, faults=_lose_a_row)
    estate = simulated.estate()
    for name, extract in estate.systems[simulated.system].extracts.items():
        (batch, *_) = land_extract(estate, simulated.system, name, simulated.settings).batches
        is_snapshot = extract.delivery == "snapshot"
        assert (batch.state, batch.completeness) == (("refused", "short") if is_snapshot else ("landed", "unproven"))


def _lose_a_row(con: duckdb.DuckDBPyConnection, system: str, entity: str, relation: str) -> Tampering:
    claimed = _count(con, f"from {relation}")
    con.execute(f"delete from {relation} where rowid = (select max(rowid) from {relation})")
    return Tampering(claimed_rows=claimed)


@pytest.mark.parametrize("simulated", ["mes_a", "mes_b", "wms_a", "qms", "aps"], indirect=True)
def test_a_line_that_makes_no_sense_costs_only_itself(simulated: Simulated) -> None:
    # Queues hold messages of several entities.
    also_in_a_queue = {"production_operation", "production_order_component", "material_consumption"}
    also_in_a_queue |= {"downtime_event", "dispatch_list", "sync_acknowledgement"}

    def spoil(_: duckdb.DuckDBPyConnection, system: str, entity: str, __: str) -> Tampering:
        is_whole = system == "mes_a" and entity in also_in_a_queue
        return Tampering() if is_whole else Tampering(lines=("no record of this system",))

    simulated.deliver(CUT, faults=spoil)
    estate = simulated.estate()
    for name, extract in estate.systems[simulated.system].extracts.items():
        (batch,) = land_extract(estate, simulated.system, name, simulated.settings).batches
        assert (batch.state, batch.reject_counts) == ("landed", {"malformed_row": 1})
        assert batch.completeness == ("proven" if extract.delivery == "snapshot" else "unproven")


def test_the_same_holdings_give_the_same_bytes(simulated: Simulated, tmp_path: Path) -> None:
    simulated.deliver(CUT)
    first = _bytes(simulated.out)
    again = Simulated(simulated.con, simulated.system, tmp_path / "again", simulated.settings)
    again.deliver(CUT)
    assert first == _bytes(again.out)
    assert len(first) > 0


def test_a_system_that_holds_nothing_delivers_empty_files(
    tmp_path: Path, settings: Settings, simulated: Simulated
) -> None:
    con = duckdb.connect()
    held_rows.create(con)
    # Whoever has a catalogue may be asked to send EDI before there is an order.
    held_rows.fill(con, "supplier_item", "procurement", ALL_PLANTS, CUT, values=VALUES["supplier_item"])
    empty = Simulated(con, simulated.system, simulated.out, settings)
    empty.deliver(CUT)
    estate = empty.land()
    for entity in _entities(estate, empty.system).keys() - {"supplier_item"}:
        assert _count(con, empty.landed(entity)) == 0


def _bytes(out: Path) -> dict[str, bytes]:
    folder = out / "extracts"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _assert_same(con: duckdb.DuckDBPyConnection, entity: str, due: str, landed: str) -> None:
    """Both have the same rows, each as often, in all columns of the contract and in those that the source may fill."""
    columns = ", ".join(
        identifier(c) for c in (*(c.name for c in contract(entity).columns), "recorded_at", "is_deleted")
    )
    for expected, found, what in ((due, landed, "not landed"), (landed, due, "not held")):
        rows = con.execute(
            f"select {columns} from ({expected}) except all select {columns} from ({found}) order by all limit 3"
        )
        names = [d[0] for d in rows.description or ()]
        assert [dict(zip(names, row, strict=True)) for row in rows.fetchall()] == [], f"{entity}: {what}"
    assert _count(con, due) > 0, entity


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return con.execute(f"select count(*) from ({query})").fetchall()[0][0]
