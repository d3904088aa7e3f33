"""`mfg check`: each mistake gives exactly one problem, at its file and line, with its fix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mfg_assets.errors import EstateError
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.settings import Settings
from tests.contract.estate_files import edit, line_of, write_estate

ERP, MES = "systems/erp_eu.yaml", "systems/mes_p100.yaml"


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return write_estate(tmp_path / "estate")


@dataclass(frozen=True)
class Mistake:
    """One entry of estate_mistakes.yaml; its head says what the fields mean."""

    name: str
    file: str
    old: str
    new: str
    at: str
    message: str
    fix: str = ""
    where: str | None = None


MISTAKES = [
    Mistake(**entry) for entry in YAML(typ="safe", pure=True).load(Path(__file__).with_name("estate_mistakes.yaml"))
]


def found(estate: Path, settings: Settings, *, sources: bool) -> list[tuple[str, int | None, str, str | None]]:
    problems = collect_problems(estate, settings, sources=sources, environ={})
    return [
        ("" if p.path is None else p.path.relative_to(estate).as_posix(), p.line, p.message, p.fix) for p in problems
    ]


def test_the_sound_estate_has_no_problem(estate: Path, settings: Settings) -> None:
    assert found(estate, settings, sources=False) == []
    assert load_estate(estate, {}).plant_ids == ("P100", "P200")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_one_mistake_is_one_problem(estate: Path, settings: Settings, mistake: Mistake) -> None:
    edit(estate, mistake.file, mistake.old, mistake.new)
    problems = found(estate, settings, sources=False)
    assert len(problems) == 1, problems
    file, line, message, fix = problems[0]
    where = mistake.where or mistake.file
    assert (file, line) == (where, line_of(estate, where, mistake.at)), message
    assert message.startswith(mistake.message)
    assert mistake.fix in (fix or "")


def test_all_mistakes_of_one_file_are_reported_together(estate: Path, settings: Settings) -> None:
    """Also those that only show when the faulty parts are left out, and none that follows from another."""
    for old, new in (
        ('delimiter: ";"', 'delimeter: ";"'),
        ("plants: [P100, P200]", "plants: [P100, P300]"),
        ("base_unit: MEINS", "base_units: MEINS"),
        ("    delivery: snapshot\n    joins", "    joins"),
        ("owner: planner", "owner: nobody"),
    ):
        edit(estate, ERP, old, new)
    assert [(file, line, message) for file, line, message, _ in found(estate, settings, sources=True)] == [
        (ERP, 3, "there is no role 'nobody'"),
        (ERP, 4, "there is no plant 'P300'"),
        (ERP, 6, "unknown key 'delimeter'"),
        (ERP, 14, "the required column 'base_unit' of item is not mapped"),
        (ERP, 17, "item has no column 'base_units'"),
        (ERP, 18, "the key 'delivery' is missing"),
    ]


def test_all_files_are_reported_together(estate: Path, settings: Settings) -> None:
    edit(estate, "estate.yaml", "name: Test Works", "name: [Test Works")
    edit(estate, "ownership.yaml", "rules:", "rule:")
    edit(estate, MES, "kind: mes", "kind: mess")
    edit(estate, "codes/units.csv", "KGM", "KILO")
    (estate / "systems" / "wms.yml").write_text("system: wms\n", encoding="utf-8")
    (estate / "owners.yaml").write_text("rules: []\n", encoding="utf-8")
    messages = {file: message for file, _, message, _ in found(estate, settings, sources=False)}
    assert messages["estate.yaml"].startswith("not valid YAML")
    assert messages["ownership.yaml"] == "unknown key 'rule'"
    assert messages[MES] == "kind: 'mess' is not one of plm, erp, mes, wms, tms, qms, procurement, scheduling"
    assert messages["codes/units.csv"] == "'KILO' is no unit of UNECE Recommendation 20"
    assert messages["systems/wms.yml"] == messages["owners.yaml"] == "this file is never read"


def test_a_broken_estate_file_makes_no_plant_or_role_unknown(estate: Path, settings: Settings) -> None:
    edit(estate, "estate.yaml", "name: Test Works", "name: [Test Works")
    assert [file for file, *_ in found(estate, settings, sources=True)] == ["estate.yaml"]


def test_an_empty_folder_says_what_belongs_there(tmp_path: Path, settings: Settings) -> None:
    assert [(p.path, p.message) for p in collect_problems(tmp_path, settings)] == [
        (tmp_path / "estate.yaml", "the file is missing"),
        (tmp_path / "systems", "there is no system"),
    ]
    (missing,) = collect_problems(tmp_path / "absent", settings)
    assert missing.message == "the estate folder does not exist"


def test_loading_refuses_with_every_problem(estate: Path) -> None:
    edit(estate, MES, "quantity: qty", "quantty: qty")
    edit(estate, "codes/units.csv", "KGM", "KILO")
    with pytest.raises(EstateError) as raised:
        load_estate(estate, {})
    assert [(p.path, p.line) for p in raised.value.problems] == [
        (estate / MES, 12),
        (estate / MES, 16),
        (estate / "codes/units.csv", 3),
    ]


def test_a_variable_may_hold_a_secret_so_its_value_is_never_shown(estate: Path, settings: Settings) -> None:
    edit(estate, MES, "kind: mes", "kind: ${KIND}")
    problems = collect_problems(estate, settings, sources=False, environ={"KIND": "hunter2"})
    assert [p.message for p in problems] == [
        "kind: '${KIND}' is not one of plm, erp, mes, wms, tms, qms, procurement, scheduling"
    ]
    assert "hunter2" not in "".join(map(str, problems))


def test_variables_reach_the_model(estate: Path) -> None:
    edit(estate, "estate.yaml", "reject_limit: 0.02", "reject_limit: ${LIMIT:-0.5}")
    read = load_estate(estate, {"ERP_FOLDER": "/data/erp"})
    assert read.systems["erp_eu"].connector.model_dump()["path"] == "/data/erp"
    assert read.reject_limit("erp_eu", "item") == 0.5


def test_short_forms_of_a_mapping_mean_sql(estate: Path) -> None:
    edit(estate, ERP, "      unit: \"'ST'\"", "      unit: \"'ST'\"\n      is_deleted: false\n      position: 10")
    columns = load_estate(estate, {}).extract("erp_eu", "bom_line").columns
    assert (columns["is_deleted"].sql, columns["position"].sql, columns["quantity"].sql) == ("false", "10", "MENGE")
