"""The scorecard: published findings against the truth, on hand-made tables of both."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.errors import MfgError
from mfg_assets.publish import PublishedTable, publish
from mfg_assets.settings import Settings
from mfg_assets.simulate import truth
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.score import Outcome, Score, score
from mfg_assets.warehouse.session import connect

OPTIONS = Options.of("small")
PLANTED_AT = OPTIONS.cut - timedelta(days=2)
BOM = (
    "finding_id varchar, plant_id varchar, parent_item_number varchar, component_item_number varchar, "
    "finding_class varchar, severity varchar"
)
INVENTORY = (
    "finding_id varchar, plant_id varchar, location varchar, item_number varchar, lot_number varchar, "
    "stock_status varchar, ownership varchar, finding_class varchar, severity varchar, quantity decimal(18, 6)"
)
STOCK_KEY = {
    "location": "0001", "item_number": "A", "lot_number": None, "stock_status": "unrestricted", "ownership": "own",
}  # fmt: skip


def line(parent: str, component: str | None) -> dict[str, object]:
    return {"parent_item_number": parent, "component_item_number": component}


class Case:
    """A simulated estate's truth and a published state, filled by hand."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.out, self.settings = folder / "estate", settings
        self.out.mkdir()
        (self.out / "estate.yaml").write_text("name: Simulated\n")
        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'")
        truth.create(self.con)
        self.tables: dict[str, tuple[str, list[tuple[object, ...]]]] = {
            "bom_finding": (BOM, []),
            "inventory_finding": (INVENTORY, []),
        }

    def plant(
        self,
        table: str,
        domain: str,
        plant_id: str | None,
        key: dict[str, object],
        finding_class: str,
        quantity: str | None = None,
        *,
        at: datetime = PLANTED_AT,
        mended_at: datetime | None = None,
    ) -> None:
        self.con.execute(
            f"insert into truth.{table} values (?, ?, ?, ?, ?, ?, ?, 'a note')",
            [domain, plant_id, json.dumps(key), finding_class, quantity, at, mended_at],
        )

    def report(self, table: str, *row: object) -> None:
        rows = self.tables[table][1]
        rows.append((f"F{len(rows)}", *row))

    def publish(self, as_of: datetime = OPTIONS.cut) -> None:
        truth.write(self.con, self.out, OPTIONS, (OPTIONS.cut,))
        self.settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
        with connect(self.settings, self.settings.warehouse_path) as con:
            con.execute("create schema r")
            for name, (columns, rows) in self.tables.items():
                con.execute(f"create table r.{name} ({columns})")
                if rows:
                    con.executemany(f"insert into r.{name} values ({', '.join('?' * len(rows[0]))})", rows)
        tables = [PublishedTable(name, f"r.{name}", ("finding_id",)) for name in self.tables]
        publish(self.settings, tables, run_id="run", as_of=as_of)

    def score(self) -> Score:
        self.publish()
        return score(self.settings, self.out)


@pytest.fixture
def case(tmp_path: Path, settings: Settings) -> Case:
    return Case(tmp_path, settings)


def kinds(result: Score) -> dict[tuple[str, str], str]:
    return {(o.finding_class, o.business_key): o.kind for o in result.outcomes}


def only(result: Score) -> Outcome:
    (outcome,) = result.outcomes
    return outcome


def test_hits_missed_and_false_ones_are_counted_by_class_and_domain(case: Case) -> None:
    for component in ("A", "B", "C", "D"):
        case.plant("finding", "bom", "P100", line("X", component), "quantity")
    for component in ("A", "B", "C", "E"):
        case.report("bom_finding", "P100", "X", component, "quantity", "high")
    case.report("bom_finding", "P100", "X", "F", "scrap", "medium")
    result = case.score()
    quantity, scrap = result.classes
    assert (quantity.finding_class, quantity.hits, quantity.missed, quantity.false) == ("quantity", 3, 1, 1)
    assert (quantity.recall, quantity.precision) == (0.75, 0.75)
    assert (scrap.planted, scrap.recall, scrap.precision) == (0, None, 0)
    (domain,) = result.domains
    assert (domain.hits, domain.missed, domain.false) == (3, 1, 2)
    assert result.total.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert [o.business_key for o in result.outcomes if o.kind == "missed"] == [json.dumps(line("X", "D"))]


@pytest.mark.parametrize(
    "reported",
    [
        ("P200", "X", "A", "quantity"),
        ("P100", "Y", "A", "quantity"),
        ("P100", "X", "B", "quantity"),
        ("P100", "X", None, "quantity"),
        ("P100", "X", "A", "scrap"),
    ],
)
def test_another_plant_key_or_class_is_no_hit(case: Case, reported: tuple[str | None, ...]) -> None:
    case.plant("finding", "bom", "P100", line("X", "A"), "quantity")
    case.report("bom_finding", *reported, "high")
    assert sorted(o.kind for o in case.score().outcomes) == ["false", "missed"]


def test_null_parts_of_a_key_agree_with_null_only(case: Case) -> None:
    case.plant("finding", "bom", "P100", line("X", None), "revision")
    case.report("bom_finding", "P100", "X", None, "revision", "high")
    assert only(case.score()).kind == "hit"


def test_the_order_of_a_keys_parts_does_not_matter(case: Case) -> None:
    case.plant("finding", "bom", "P100", {"component_item_number": "A", "parent_item_number": "X"}, "quantity")
    case.report("bom_finding", "P100", "X", "A", "quantity", "high")
    assert only(case.score()).kind == "hit"


def test_a_class_that_nobody_reports_and_a_table_that_is_not_there_are_missed_not_hidden(case: Case) -> None:
    case.plant("finding", "change", "P100", {"change_number": "ECO-1"}, "partial_update")
    case.plant("finding", "bom", "P100", line("X", "A"), "net_requirement")
    result = case.score()
    assert {(c.domain, c.finding_class, c.missed) for c in result.classes} == {
        ("change", "partial_update", 1),
        ("bom", "net_requirement", 1),
    }
    assert result.total.recall == 0
    assert "engineering_change_plant_status" in result.unpublished
    assert "bom_finding" not in result.unpublished


def test_a_look_alike_that_is_reported_counts_as_false_and_is_named(case: Case) -> None:
    case.plant("near_miss", "bom", "P100", line("X", "A"), "quantity")
    case.report("bom_finding", "P100", "X", "A", "scrap", "medium")
    result = case.score()
    assert only(result).kind == "near_miss"
    assert result.total.false == 1


def test_what_follows_from_something_planted_is_neither_a_hit_nor_false(case: Case) -> None:
    case.plant("finding", "bom", "P100", line("X", "A"), "quantity")
    case.plant("consequence", "bom", "P100", {"parent_item_number": "X"}, "net_requirement")
    case.report("bom_finding", "P100", "X", "A", "quantity", "high")
    case.report("bom_finding", "P100", "X", "LEAF", "net_requirement", "high")
    case.report("bom_finding", "P100", "Y", "LEAF", "net_requirement", "high")
    case.report("bom_finding", "P200", "X", "LEAF", "net_requirement", "high")
    result = case.score()
    assert (result.total.hits, result.total.consequences, result.total.false) == (1, 1, 2)


def test_a_change_that_something_else_blocks_is_not_missed_as_overdue(case: Case) -> None:
    columns = "finding_id varchar, plant_id varchar, change_number varchar, status varchar, blocking_reasons varchar[]"
    case.tables["engineering_change_plant_status"] = (columns, [])
    for plant in ("P100", "P200"):
        case.plant("finding", "change", plant, {"change_number": "EC1"}, "overdue")
    case.plant("consequence", "change", "P100", {"change_number": "EC1"}, "no_approved_source")
    case.report("engineering_change_plant_status", "P100", "EC1", "blocked", ["no_approved_source"])
    case.report("engineering_change_plant_status", "P200", "EC1", "blocked", ["bom_cycle"])
    assert {(o.plant_id, o.finding_class, o.kind) for o in case.score().outcomes} == {
        ("P100", "overdue", "consequence"), ("P100", "no_approved_source", "consequence"),
        ("P200", "overdue", "missed"), ("P200", "bom_cycle", "false"),
    }  # fmt: skip


def test_of_what_looks_like_one_thing_another_may_be_true(case: Case) -> None:
    case.plant("near_miss", "bom", "P100", line("X", "A"), "quantity")
    case.plant("consequence", "bom", "P100", {"parent_item_number": "X"}, "*")
    case.report("bom_finding", "P100", "X", "A", "scrap", "medium")
    case.report("bom_finding", "P100", "X", "A", "quantity", "medium")
    assert {(o.finding_class, o.kind) for o in case.score().outcomes} == {
        ("scrap", "consequence"), ("quantity", "near_miss")
    }  # fmt: skip


def test_what_is_said_for_information_is_not_false_and_still_a_hit_where_planted(case: Case) -> None:
    case.plant("finding", "bom", "P100", line("X", "A"), "position_only")
    case.plant("near_miss", "bom", "P100", line("X", "A"), "position_only")
    case.report("bom_finding", "P100", "X", "A", "position_only", "info")
    case.report("bom_finding", "P100", "X", "B", "unit", "info")
    result = case.score()
    assert {o.kind for o in result.outcomes} == {"hit", "information"}
    assert result.total.precision == 1


def test_several_causes_in_one_key_each_with_its_quantity(case: Case) -> None:
    row = ("P100", *STOCK_KEY.values())
    case.plant("finding", "inventory", "P100", STOCK_KEY, "unposted_in_erp", "5")
    case.plant("finding", "inventory", "P100", STOCK_KEY, "duplicate_posting", "3")
    case.report("inventory_finding", *row, "unposted_in_erp", "high", "-5")
    case.report("inventory_finding", *row, "duplicate_posting", "high", "8")
    result = case.score()
    assert result.total.hits == 2
    assert (result.total.right_quantities, result.total.compared_quantities) == (1, 2)


def test_what_is_called_unexplained_beyond_what_was_planted_so_is_a_share_of_the_planted_stock(case: Case) -> None:
    row = ("P100", *STOCK_KEY.values())
    elsewhere = ("P200", *STOCK_KEY.values())
    case.plant("finding", "inventory", "P100", STOCK_KEY, "unposted_in_erp", "90")
    case.plant("finding", "inventory", "P100", STOCK_KEY, "unexplained", "10")
    case.report("inventory_finding", *row, "unposted_in_erp", "high", "-90")
    case.report("inventory_finding", *row, "unexplained", "high", "12")
    # A rest where nothing was planted counts in full, whatever it follows from.
    case.report("inventory_finding", *elsewhere, "unexplained", "high", "3")
    assert case.score().unexplained == pytest.approx(0.05)


def test_without_planted_stock_there_is_no_share_that_is_unexplained(case: Case) -> None:
    assert case.score().unexplained is None


def test_only_what_is_in_force_at_the_cut_counts(case: Case) -> None:
    at = OPTIONS.cut
    case.plant("finding", "bom", "P100", line("X", "A"), "quantity", mended_at=at)
    case.plant("finding", "bom", "P100", line("X", "B"), "quantity", at=at + timedelta(seconds=1))
    case.plant("finding", "bom", "P100", line("X", "C"), "quantity", mended_at=at + timedelta(seconds=1))
    assert json.loads(only(case.score()).business_key)["component_item_number"] == "C"


def test_feeds_that_went_wrong_are_found_in_dead_letters_conflicts_and_batches(case: Case) -> None:
    def record(system: str, entity: str, number: str) -> dict[str, object]:
        return {"source_system": system, "entity": entity, "record": number}

    case.tables["dead_letter"] = (
        "dead_letter_id varchar, source_system varchar, entity varchar, reasons varchar[], payload varchar, "
        "state varchar",
        [
            ("D1", "mes_a", "material_consumption", ["unknown_unit"], '{"eventId": "E-7", "uom": "??"}', "open"),
            ("D2", "mes_a", "material_consumption", ["unknown_unit"], '{"eventId": "E-8", "uom": "??"}', "open"),
            ("D3", "mes_a", "material_consumption", ["unknown_unit"], '{"eventId": "E-9", "uom": "??"}', "discarded"),
        ],
    )
    case.tables["event_conflict"] = (
        "finding_id varchar, source_system varchar, entity varchar, event_key varchar",
        [("C1", "mes_a", "material_consumption", "E-5")],
    )
    case.tables["batch_manifest"] = (
        "batch_id varchar, source_system varchar, entity varchar, completeness varchar, extracted_at timestamptz, "
        "state varchar",
        [
            ("B1", "wms_a", "inventory_balance", "short", datetime(2026, 1, 26, 4, tzinfo=UTC), "refused"),
            ("B2", "wms_a", "inventory_balance", "proven", datetime(2026, 1, 27, 4, tzinfo=UTC), "landed"),
        ],
    )
    case.plant("finding", "record", None, record("mes_a", "material_consumption", "E-7"), "unknown_unit")
    case.plant("finding", "record", None, record("mes_a", "material_consumption", "E-5"), "conflicting_event")
    case.plant(
        "finding", "record", None, record("wms_a", "inventory_balance", "2026-01-26T04:00:00Z"), "short_snapshot"
    )
    columns = {"dead_letter": "dead_letter_id", "event_conflict": "finding_id", "batch_manifest": "batch_id"}
    result = _score_with_keys(case, columns)
    assert (result.total.hits, result.total.missed, result.total.false) == (3, 0, 1)
    (false,) = (o for o in result.outcomes if o.kind == "false")
    assert json.loads(false.business_key)["record"] == "D2"


def _score_with_keys(case: Case, keys: dict[str, str]) -> Score:
    truth.write(case.con, case.out, OPTIONS, (OPTIONS.cut,))
    case.settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with connect(case.settings, case.settings.warehouse_path) as con:
        con.execute("create schema r")
        for name in keys:
            columns, rows = case.tables[name]
            con.execute(f"create table r.{name} ({columns})")
            con.executemany(f"insert into r.{name} values ({', '.join('?' * len(rows[0]))})", rows)
    tables = [PublishedTable(name, f"r.{name}", (key,)) for name, key in keys.items()]
    publish(case.settings, tables, run_id="run", as_of=OPTIONS.cut)
    return score(case.settings, case.out)


def test_a_publication_of_another_instant_is_not_compared(case: Case) -> None:
    case.publish(as_of=OPTIONS.cut + timedelta(days=1))
    with pytest.raises(MfgError, match="as of"):
        score(case.settings, case.out)


def test_nothing_published_and_no_simulated_estate_are_said_so(case: Case, tmp_path: Path) -> None:
    with pytest.raises(MfgError, match="not a simulated estate"):
        score(case.settings, tmp_path)
    truth.write(case.con, case.out, OPTIONS, (OPTIONS.cut,))
    with pytest.raises(MfgError, match="nothing is published"):
        score(case.settings, case.out)


def test_an_interrupted_advance_is_not_scored(case: Case) -> None:
    case.publish()
    (case.out / truth.FOLDER / truth.ADVANCING).write_text("{}")
    with pytest.raises(MfgError, match="interrupted"):
        score(case.settings, case.out)


def mfg(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ([], 0),
        (["--min-recall", "0.5", "--min-precision", "1"], 0),
        (["--min-recall", "0.51"], 1),
        (["--min-precision", "1"], 0),
        (["--min-recall", "1.5"], 2),
    ],
)
def test_the_gate(case: Case, limits: list[str], code: int) -> None:
    for component in ("A", "B"):
        case.plant("finding", "bom", "P100", line("X", component), "quantity")
    case.report("bom_finding", "P100", "X", "A", "quantity", "high")
    case.publish()
    result = mfg("simulate", "score", str(case.out), *limits)
    assert result.exit_code == code, result.output


def test_the_gate_is_open_where_there_is_nothing_to_find_and_nothing_reported(case: Case) -> None:
    case.publish()
    assert mfg("simulate", "score", str(case.out), "--min-recall", "1", "--min-precision", "1").exit_code == 0


def test_the_three_formats_list_missed_and_false_ones_with_their_keys(case: Case) -> None:
    case.plant("finding", "bom", "P100", line("X", "A"), "quantity")
    case.report("bom_finding", "P100", "X", "B", "scrap", "high")
    case.publish()
    table = mfg("simulate", "score", str(case.out))
    assert table.exit_code == 0
    assert '"component_item_number":' in table.stdout
    assert "missed" in table.stdout
    content = json.loads(mfg("simulate", "score", str(case.out), "--format", "json").stdout)
    assert {o["kind"] for o in content["outcomes"]} == {"missed", "false"}
    assert content["total"]["recall"] == 0
    csv = mfg("simulate", "score", str(case.out), "--format", "csv").stdout
    assert len(csv.splitlines()) == 3


STATUS = "finding_id varchar, change_number varchar, plant_id varchar, status varchar, blocking_reasons varchar[]"


def expect(case: Case, change: str, plant: str, status: str, *others: str) -> None:
    case.con.execute(
        "insert into truth.change_status values (?, ?, ?, ?, [])", [change, plant, status, [*others, status]]
    )


def test_statuses_of_changes_are_compared_plant_by_plant(case: Case) -> None:
    case.tables["engineering_change_plant_status"] = (STATUS, [])
    for change, plant, right, reported in (
        ("EC1", "P100", ("synchronised",), "synchronised"),
        ("EC1", "P200", ("blocked", "overdue"), "overdue"),
        ("EC2", "P100", ("pending",), "overdue"),
        ("EC2", "P200", ("in_progress",), None),
    ):
        expect(case, change, plant, *right)
        if reported is not None:
            case.report("engineering_change_plant_status", change, plant, reported, [])
    case.report("engineering_change_plant_status", "EC3", "P100", "pending", [])
    statuses = case.score().statuses
    assert statuses is not None
    assert (statuses.right, len(statuses.rows), statuses.accuracy) == (2, 5, 0.4)
    assert {(row.change_number, row.plant_id): row.accepted for row in statuses.rows if not row.is_right} == {
        ("EC2", "P100"): ("pending",),
        ("EC2", "P200"): ("in_progress",),
        ("EC3", "P100"): (),
    }
    assert ("blocked", 1, 1) in statuses.by_status
    shown = mfg("--home", str(case.settings.home_path), "simulate", "score", str(case.out), "--min-statuses", "0.5")
    assert shown.exit_code == 1
    assert "statuses 0.400 is below 0.500" in shown.output
    assert "(no such change)" in shown.output


def test_statuses_that_nobody_publishes_are_not_compared(case: Case) -> None:
    expect(case, "EC1", "P100", "pending")
    assert case.score().statuses is None


IMPACT = (
    "finding_id varchar, change_number varchar, plant_id varchar, object_type varchar, object_key varchar, "
    "item_number varchar, quantity decimal(28, 6), unit varchar"
)


def test_impact_is_compared_by_kind_of_object_and_item_to_the_last_digit(case: Case) -> None:
    told = (("stock", "12.5"), ("purchase_order_line", "0"), ("reservation", "3"), ("production_order", None))
    for object_type, quantity in told:
        case.con.execute(
            "insert into truth.change_impact values ('EC1', 'P100', ?, 'A', ?, 'EA')", [object_type, quantity]
        )
    case.tables["engineering_change_impact"] = (IMPACT, [])
    for object_type, key, item, quantity in (
        ("stock", "RAW", "A", "10.25"),
        ("stock", "QC", "A", "2.25"),
        ("stock", "RAW", "B", "7"),
        ("reservation", "R1", "A", "2.999999"),
        # doubtful: whatever is published is left out
        ("production_order", "17", "A", "99"),
    ):
        case.report("engineering_change_impact", "EC1", "P100", object_type, key, item, quantity, "EA")
    impact = case.score().impact
    assert impact is not None
    # of B, of which the truth knows nothing, something is published
    assert {(one.object_type, one.item_number): one.is_right for one in impact} == {
        ("stock", "A"): True,
        ("stock", "B"): False,
        ("purchase_order_line", "A"): True,
        ("reservation", "A"): False,
    }
    shown = mfg("--home", str(case.settings.home_path), "simulate", "score", str(case.out))
    assert "2 of 4 quantities are right" in shown.output
