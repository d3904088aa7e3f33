"""What `mfg check` finds by opening source files: folders, patterns, and expressions against real headers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfg_assets.estate.check import collect_problems
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.contract.estate_files import edit, line_of, write_estate

ERP, MES = "systems/erp_eu.yaml", "systems/mes_p100.yaml"


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return write_estate(tmp_path / "estate")


def only(estate: Path, settings: Settings, **environ: str) -> tuple[str, int | None, str, str]:
    problems = collect_problems(estate, settings, environ=environ)
    assert len(problems) == 1, [str(p) for p in problems]
    (one,) = problems
    assert one.path is not None
    return one.path.relative_to(estate).as_posix(), one.line, one.message, one.fix or ""


def test_the_sound_estate_has_no_problem(estate: Path, settings: Settings) -> None:
    assert collect_problems(estate, settings, environ={}) == []


def test_missing_folder(estate: Path, settings: Settings) -> None:
    edit(estate, MES, "path: data/mes", "path: data/mess")
    file, line, message, fix = only(estate, settings)
    assert (file, line) == (MES, line_of(estate, MES, "connector:"))
    assert message == f"the folder {estate / 'data/mess'} does not exist"
    assert fix == "correct the path"


def test_missing_folder_that_a_variable_names(estate: Path, settings: Settings) -> None:
    file, _, message, fix = only(estate, settings, ERP_FOLDER="/nowhere/erp")
    assert (file, message) == (ERP, "the folder /nowhere/erp does not exist")
    assert fix == "set the variable in ${ERP_FOLDER:-data/erp}, or correct the path"


def test_pattern_that_matches_no_file(estate: Path, settings: Settings) -> None:
    edit(estate, ERP, 'from: "MARA*.csv"', 'from: "MARA_?.cvs"')
    file, line, message, fix = only(estate, settings)
    assert (file, line) == (ERP, line_of(estate, ERP, "MARA_?"))
    assert message == f"no file in {estate / 'data/erp'} matches 'MARA_?.cvs'"
    assert fix == "did you mean MARA_1.csv?"


def test_pattern_of_a_join_that_matches_no_file(estate: Path, settings: Settings) -> None:
    edit(estate, ERP, 'from: "STKO.csv"', 'from: "header_*.txt"')
    file, line, message, fix = only(estate, settings)
    assert (file, line) == (ERP, line_of(estate, ERP, "header_*"))
    assert message == f"no file in {estate / 'data/erp'} matches 'header_*.txt'"
    assert fix == "correct the pattern; the folder holds MARA_1.csv, STKO.csv, STPO.csv"


def test_empty_folder(estate: Path, settings: Settings) -> None:
    (estate / "data/mes/orders_20261101.csv").unlink()
    assert only(estate, settings)[3].startswith("the folder holds no file")


@pytest.mark.parametrize(
    ("key", "new", "message"),
    [
        ("extracted_at", "extracted_at: '_(x+)'", "orders_20261101.csv: the name holds no time"),
        ("batch_by", "batch_by: '^(.*)_page'", "orders_20261101.csv: the name doesn't match batch_by"),
    ],
)
def test_file_names_that_do_not_fit(estate: Path, settings: Settings, key: str, new: str, message: str) -> None:
    edit(estate, MES, "extracted_at: '_(\\d{8})\\.csv$'", new)
    file, line, found, _ = only(estate, settings)
    assert (file, line) == (MES, line_of(estate, MES, f"{key}:"))
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "at", "where", "fix"),
    [
        ("quantity: MENGE", "quantity: MENG", "quantity: MENG", "columns.quantity: ", "did you mean MENGE?"),
        ("line_id: POSNR", "line_id: zzzzzz", "zzzzzz", "columns.line_id: ", "the file has the columns "),
        ("MENGE <> ''", "MENGE <>", "where:", "where: ", "correct the SQL expression"),
        ("src.STLNR = head.STLNR", "src.STLNR = head.STLN", "on:", "joins[0].on: ", "did you mean STLNR?"),
        ("quantity: MENGE", "quantity: MENGE, POSNR) from src --", "MENGE,", "columns.quantity: ", "correct the SQL"),
        ("quantity: MENGE", "quantity: max(MENGE)", "max", "columns.quantity: ", "correct the SQL"),
        ("quantity: MENGE", "quantity: no_such_function(MENGE)", "no_such", "columns.quantity: ", "correct the SQL"),
    ],
)
def test_expression_that_does_not_compile(
    estate: Path, settings: Settings, old: str, new: str, at: str, where: str, fix: str
) -> None:
    edit(estate, ERP, old, new)
    file, line, message, found_fix = only(estate, settings)
    assert (file, line) == (ERP, line_of(estate, ERP, at)), message
    assert message.startswith(where)
    assert found_fix.startswith(fix)


def test_all_expressions_of_an_extract_are_reported_together(estate: Path, settings: Settings) -> None:
    edit(estate, ERP, "quantity: MENGE", "quantity: MENG")
    edit(estate, ERP, "line_id: POSNR", "line_id: POSNRR")
    edit(estate, ERP, "MENGE <> ''", "MENGGE <> ''")
    problems = collect_problems(estate, settings, environ={})
    assert [p.message.split(":")[0] for p in problems] == ["columns.line_id", "columns.quantity", "where"]


def test_the_expression_of_a_control_total_is_tried(estate: Path, settings: Settings) -> None:
    control = "control_file: {pattern: '{stem}.ctl', total: '(.*)', total_of: MENGGE}"
    edit(estate, ERP, "      row_count: 2\n", f"      {control}\n")
    file, line, message, _ = only(estate, settings)
    assert (file, line) == (ERP, line_of(estate, ERP, "control_file"))
    assert message.startswith("complete_when.control_file.total_of: ")


def test_a_renamed_column_is_found_by_the_header(estate: Path, settings: Settings) -> None:
    edit(estate, "data/mes/orders_20261101.csv", "order_no,", "orderno,")
    file, line, _, fix = only(estate, settings)
    assert (file, line, fix) == (MES, line_of(estate, MES, "production_order_number"), "did you mean orderno?")


def test_problems_elsewhere_in_the_file_do_not_hide_expressions(estate: Path, settings: Settings) -> None:
    edit(estate, ERP, "owner: planner", "ovner: planner")
    edit(estate, ERP, "unit: \"'ST'\"", "unit: \"'ST'\"\n      nonsense: POSNR")
    edit(estate, ERP, "quantity: MENGE", "quantity: MENG")
    messages = [p.message for p in collect_problems(estate, settings, environ={})]
    assert messages[:1] == ["unknown key 'ovner'"]
    assert [m.split(":")[0] for m in messages[1:]] == ["columns.quantity", "bom_line has no column 'nonsense'"]


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x00garbage"], ids=["empty", "garbage"])
def test_a_file_that_cannot_be_read_is_a_problem_at_its_pattern(
    estate: Path, settings: Settings, content: bytes
) -> None:
    (estate / "data/mes/orders_20261101.csv").write_bytes(content)
    problems = collect_problems(estate, settings, environ={})
    assert problems
    assert {(p.path, p.line) for p in problems} <= {
        (estate / MES, line) for line in range(line_of(estate, MES, "orders:"), line_of(estate, MES, "status:") + 1)
    }


ESTATES = sorted(p.parent.name for p in (PROJECT_ROOT / "estates").glob("*/estate.yaml"))


@pytest.mark.parametrize("name", ESTATES)
def test_our_own_estates_are_sound(name: str, settings: Settings) -> None:
    assert [str(p) for p in collect_problems(PROJECT_ROOT / "estates" / name, settings, sources=False)] == []


@pytest.mark.parametrize(("name", "folder"), [("adventureworks", "parquet"), ("adventureworks_tsv", "tsv")])
def test_the_real_estates_fit_their_files(adventureworks: Path, settings: Settings, name: str, folder: str) -> None:
    environ = {"ADVENTUREWORKS": str(adventureworks / folder), "ADVENTUREWORKS_TSV": str(adventureworks / folder)}
    problems = collect_problems(PROJECT_ROOT / "estates" / name, settings, environ=environ)
    assert [str(p) for p in problems] == []
