"""Commands in this process: exit codes, formats, words for people, and hostile data on a real published snapshot."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.settings import Settings
from tests.bills import publish_bills


def mfg(*arguments: str, **more: str) -> Result:
    return CliRunner().invoke(app, list(arguments), **more)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with small bills published, made once; tests get copies."""
    home = tmp_path_factory.mktemp("kept") / "home"
    publish_bills(Settings(home=home))  # pyright: ignore[reportCallIssue]
    return home


@pytest.fixture
def published(kept: Path, home: Path) -> Path:
    """The folder of a published version with small bills, in this test's own home."""
    shutil.copytree(kept, home, symlinks=True)
    return (home / "published" / "current").resolve()


def rows_of(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


COMMANDS = [
    ["check"],
    ["run"],
    ["dev"],
    ["query"],
    ["bom", "explode"],
    ["bom", "where-used"],
    ["bom", "compare"],
    ["lot", "trace"],
    ["dead-letters", "list"],
    ["dead-letters", "show"],
    ["publish", "status"],
    ["doctor"],
    ["contracts"],
    ["simulate", "new"],
    ["simulate", "advance"],
    ["simulate", "score"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(command: list[str]) -> None:
    result = mfg(*command, "--help")
    assert result.exit_code == 0
    assert f"mfg {' '.join(command)}" in result.stdout.split("Examples:")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command"),
        (["bom", "explode"], "Missing argument"),
        (["run", "--systm", "erp"], "No such option"),
        (["bom", "explode", "BIKE", "--max-level", "0"], "max-level"),
        (["query", "select 1", "--format", "xml"], "xml"),
        (["--estate"], "requires an argument"),
    ],
)
def test_wrong_use_exits_2_with_a_sentence(home: Path, arguments: list[str], words: str) -> None:
    result = mfg(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_without_an_estate_check_says_how_to_choose_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MFG_ESTATE", raising=False)
    result = mfg("check")
    assert result.exit_code == 2
    assert "MFG_ESTATE" in result.stderr


def test_a_setting_that_is_no_number_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFG_THREADS", "many")
    result = mfg("publish", "status")
    assert result.exit_code == 2
    assert "MFG_THREADS" in result.stderr
    assert "'many'" in result.stderr


@pytest.mark.parametrize("arguments", [["query", "select 1"], ["bom", "explode", "BIKE"]])
def test_before_the_first_publication_readers_are_told_to_run(home: Path, arguments: list[str]) -> None:
    result = mfg(*arguments)
    assert result.exit_code == 1
    assert "nothing is published" in result.stderr
    assert "mfg run" in result.stderr


def test_query_prints_all_three_formats(published: Path) -> None:
    sql = "select item_number, 1.50::decimal(9, 2) as price, null as nothing from item where item_number = 'RIM'"
    assert mfg("query", sql).stdout.splitlines()[1].split() == ["RIM", "1.50"]
    assert json.loads(mfg("query", sql, "--format", "json").stdout) == [
        {"item_number": "RIM", "price": 1.5, "nothing": None}
    ]
    assert mfg("query", sql, "-f", "csv").stdout == "item_number,price,nothing\nRIM,1.50,\n"


def test_query_without_sql_lists_the_tables(published: Path) -> None:
    assert {row["table"] for row in rows_of(mfg("query", "--format", "csv"))} == {
        "bom_line",
        "item",
        "publication",
        "reconciled_bom_line",
    }


def test_query_says_when_a_table_is_cut(published: Path) -> None:
    result = mfg("query", "select range as n from range(250)")
    assert len(result.stdout.splitlines()) == 101
    assert "first 100 rows" in result.stderr
    assert len(mfg("query", "select range as n from range(250)", "--limit", "0").stdout.splitlines()) == 251


@pytest.mark.parametrize(
    "sql",
    [
        "insert into item values ('X', 'x', 'made')",
        "create table stolen as select 1",
        "create temp table t as select 1",
        "drop table item",
        "copy item to '{folder}/out.csv'",
        "copy (select 1) to '{folder}/home/tmp/out.csv'",
        "attach '{folder}/other.duckdb'",
        "export database '{folder}/dump'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "call enable_logging()",
        "pragma enable_profiling",
        "select 1; select 2",
        "",
    ],
)
def test_query_only_reads(published: Path, tmp_path: Path, sql: str) -> None:
    before = {p for p in tmp_path.rglob("*") if "tmp" not in p.parent.name}
    result = mfg("query", sql.format(folder=tmp_path))
    assert result.exit_code == 2, result.output
    assert "fix:" in result.stderr
    assert {p for p in tmp_path.rglob("*") if "tmp" not in p.parent.name} == before
    assert not list(tmp_path.rglob("out.csv"))


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{secret}')",
        "select * from read_csv('{secret}')",
        "select * from '{secret}'",
        "select * from glob('{folder}/*')",
        "select * from read_parquet('https://example.invalid/a.parquet')",
        "select * from read_blob('/etc/passwd')",
    ],
)
def test_query_reaches_no_file_and_no_network(published: Path, tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("token\nhunter2\n")
    result = mfg("query", sql.format(secret=secret, folder=tmp_path))
    assert result.exit_code == 2
    assert "hunter2" not in result.output


def test_query_explains_a_mistake_in_the_sql(published: Path) -> None:
    result = mfg("query", "select * from itm")
    assert result.exit_code == 2
    assert "itm does not exist" in result.stderr
    assert "lists the tables" in result.stderr
    assert "Traceback" not in result.output


def test_terminal_escapes_and_markup_in_data_are_shown_as_text(published: Path) -> None:
    for arguments in (["query", "from item"], ["bom", "explode", "FRAME"], ["bom", "where-used", "TUBE-A"]):
        result = mfg(*arguments)
        assert result.exit_code == 0
        assert "\x1b" not in result.output
        assert "\x07" not in result.output
        assert "[bold]Tube[/bold] \\x1b]0;owned\\x07\\x1b[2J" in result.stdout


def test_formulas_in_data_are_neutralised_in_csv_and_numbers_stay(published: Path) -> None:
    descriptions = {row["item_number"]: row["description"] for row in rows_of(mfg("query", "from item", "-f", "csv"))}
    assert descriptions["TUBE-B"] == '\'=HYPERLINK("http://evil.example","tube")'
    assert descriptions["BELL"] == "'-1+1"
    chip = next(r for r in rows_of(mfg("bom", "explode", "FRAME", "-f", "csv")) if r["item_number"] == "CHIP")
    assert chip["quantity"] == "-0.100000"
    tube = next(r for r in rows_of(mfg("bom", "explode", "FRAME", "-f", "csv")) if r["item_number"] == "TUBE-B")
    assert tube["description"].startswith("'=")


@pytest.mark.parametrize("item", ["x' or 1=1 --", "'; drop table item; --", "$item", "\x1b[2J", "[bold]BIKE", "%", ""])
def test_an_item_number_is_never_sql_markup_or_a_pattern(published: Path, item: str) -> None:
    for command in ("explode", "where-used"):
        result = mfg("bom", command, item)
        assert result.exit_code == 2
        assert "there is no item" in result.stderr
        assert result.stdout == ""
        assert "\x1b" not in result.output


@pytest.mark.parametrize("option", ["--system", "--plant", "--revision"])
def test_other_options_are_values_too(published: Path, option: str) -> None:
    arguments = ["bom", "explode", "GATE", option, "x' or 1=1 --"]
    result = mfg(*arguments)
    assert result.exit_code == 2
    assert "fix: one of:" in result.stderr


def test_an_unknown_item_is_answered_with_its_neighbours(published: Path) -> None:
    result = mfg("bom", "explode", "whel")
    assert result.exit_code == 2
    assert "did you mean WHEEL" in result.stderr


def test_an_item_of_several_plants_needs_one(published: Path) -> None:
    result = mfg("bom", "explode", "BIKE")
    assert result.exit_code == 2
    assert "--plant: P1, P2" in result.stderr
    assert mfg("bom", "explode", "BIKE", "--plant", "P2").exit_code == 0


def test_the_tree_is_indented_by_depth(published: Path) -> None:
    shown = mfg("bom", "explode", "BIKE", "--plant", "P1").stdout.splitlines()
    assert shown[:3] == ["BIKE  City bike", "P1, the reconciled bills, as of 2025-03-01 UTC", ""]
    assert [line.split()[:3] for line in shown[4:8]] == [
        ["1", "FRAME", "1"],
        ["2", "·", "TUBE-A"],
        ["2", "·", "TUBE-B"],
        ["2", "·", "CHIP"],
    ]


def test_the_order_quantity_scales_all_but_what_is_fixed(published: Path) -> None:
    arguments = ["bom", "explode", "BIKE", "--plant", "P1", "--summarised", "--quantity", "10", "--format", "csv"]
    found = {row["item_number"]: row["quantity"] for row in rows_of(mfg(*arguments))}
    assert (found["SPOKE"], found["GREASE"], found["CHIP"]) == ("800.000000", "0.050000", "-1.000000")
    assert "BAG" not in found


@pytest.mark.parametrize("quantity", ["0", "-1", "nan", "inf", "many", "1e40"])
def test_an_order_needs_a_quantity(published: Path, quantity: str) -> None:
    result = mfg("bom", "explode", "GATE", "--quantity", quantity)
    assert result.exit_code == 2
    assert "--quantity" in result.stderr


def test_rule_15_a_cycle_is_reported_with_its_path_and_stops_a_script(published: Path) -> None:
    result = mfg("bom", "explode", "LOOP-A", "--format", "json")
    assert result.exit_code == 1
    assert "cycle: LOOP-A > LOOP-B > LOOP-A" in result.stderr
    assert [row["item_number"] for row in json.loads(result.stdout)] == ["LOOP-B", "LOOP-A", "SCREW"]


def test_an_item_without_a_bill_is_no_mistake(published: Path) -> None:
    result = mfg("bom", "explode", "SPOKE", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert "where-used SPOKE" in result.stderr


def test_a_bill_that_does_not_hold_yet_names_its_periods(published: Path) -> None:
    result = mfg("bom", "explode", "GATE", "--revision", "B", "--as-of", "2020-01-01")
    assert result.exit_code == 0
    assert "plm B from 2024-07-01 UTC to open end" in result.stderr


def test_where_used_sums_what_one_piece_of_each_parent_holds(published: Path) -> None:
    rows = rows_of(mfg("bom", "where-used", "SPOKE", "--summarised", "--format", "csv"))
    assert [(r["item_number"], r["quantity"], r["level_max"], r["is_top"]) for r in rows] == [
        ("WHEEL", "40.000000", "1", "false"),
        ("BIKE", "80.000000", "2", "true"),
    ]


def test_publish_status_shows_what_is_in_force(published: Path) -> None:
    result = mfg("publish", "status")
    assert result.exit_code == 0
    assert f"In force: {published.name}" in result.stdout
    assert [r["state"] for r in rows_of(mfg("publish", "status", "-f", "csv"))] == ["in force"]


def test_publish_status_says_that_a_later_one_was_refused(published: Path, settings: Settings) -> None:
    from mfg_assets.publish import record_refusal

    record_refusal(settings, "run-2", ["canonical.item.key_holds \x1b[2J"], now=datetime(2100, 1, 1, tzinfo=UTC))
    shown = mfg("publish", "status").stdout
    assert "readers still see this version" in shown
    assert "key_holds \\x1b[2J" in shown


def test_contracts_prints_what_a_plant_engineer_needs_to_know() -> None:
    rows = {row["column"]: row for row in rows_of(mfg("contracts", "bom_line", "--format", "csv"))}
    assert rows["quantity"]["type"].startswith("DECIMAL")
    assert rows["component_item_number"]["required"] == "yes"
    assert all(row["description"] for row in rows.values())
    assert "item" in {row["entity"] for row in rows_of(mfg("contracts", "--format", "csv"))}


def test_contracts_suggests_for_a_mistyped_entity() -> None:
    result = mfg("contracts", "bomline")
    assert result.exit_code == 2
    assert "did you mean bom_line" in result.stderr


def test_an_unexpected_error_is_one_sentence_and_a_log(published: Path, settings: Settings) -> None:
    # A version whose database lacks what every version has: nobody planned for that.
    database = published / "marts.duckdb"
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        connection.execute("alter table bom_line drop column plant_id")
    result = mfg("bom", "explode", "BIKE")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    (log,) = settings.logs_dir.glob("mfg-*.log")
    assert str(log) in result.stderr
    assert "Traceback" in log.read_text()
