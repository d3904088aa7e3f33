"""`mfg simulate`: its short form, what it refuses to overwrite, and an estate that is whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.estate.loader import load_estate
from mfg_assets.simulate import simulation, truth
from mfg_assets.simulate.options import Options
from tests import running

SMALL = ["--items", "160", "--days", "7", "--scale", "small"]


def mfg(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated estate, made once; tests that change it make their own."""
    out = tmp_path_factory.mktemp("made") / "estate"
    result = mfg("--home", str(out.parent / "home"), "simulate", str(out), *SMALL, "--defect-rate", "0.02")
    assert result.exit_code == 0, result.output
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_short_form_is_the_long_one() -> None:
    assert mfg("simulate", "out", "--help").stdout == mfg("simulate", "new", "out", "--help").stdout


def test_the_estate_is_sound_and_has_its_present(made: Path) -> None:
    estate = load_estate(made)
    assert estate.now() == Options.of("small", days=7).cut
    assert len(estate.systems) == 12
    assert {entry.name for entry in made.iterdir()} == simulation.WRITTEN


def test_the_readme_tells_of_plants_systems_and_defects(made: Path) -> None:
    text = (made / "README.md").read_text()
    assert "Hamburg" in text
    assert "`erp_legacy`" in text
    assert "| inventory |" in text


def test_the_truth_has_the_columns_of_the_interface_and_only_what_is_in_force(made: Path) -> None:
    world = truth.read_world(made)
    assert world.cuts == (world.options.cut,)
    path = made / truth.FOLDER / truth.FINDINGS
    columns = [row[0] for row in duckdb.sql(f"describe from '{path}'").fetchall()]
    assert columns[:6] == ["domain", "plant_id", "business_key", "finding_class", "quantity", "planted_at"]
    (outside,) = duckdb.execute(
        f"select count(*) from '{path}' where planted_at > $1 or mended_at <= $1", [world.options.cut]
    ).fetchall()
    assert outside == (0,)


def test_no_extract_leads_to_the_truth(made: Path) -> None:
    for system in load_estate(made).systems.values():
        place = getattr(system.connector, "path", None) or getattr(system.connector, "url", "")
        assert truth.FOLDER not in str(place)
        assert ".." not in str(place)


def test_two_processes_write_the_same_bytes_and_advancing_keeps_what_was_there(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    arguments = ["--home", str(tmp_path / "home"), "simulate"]
    # in a process of its own, with other hashes and another number of threads
    other = {"PYTHONHASHSEED": "4711", "MFG_THREADS": "1"}
    assert running.mfg(other, *arguments, str(again), *SMALL, "--defect-rate", "0.02").returncode == 0
    before = contents(again)
    assert before == contents(made)
    result = mfg(*arguments, "advance", str(again), "--days", "2")
    assert result.exit_code == 0, result.output
    after = contents(again)
    grown = (".yaml", "README.md", ".parquet", ".json", ".csv", ".sqlite", ".db")
    kept = {name for name in before if name.startswith("extracts/") and not name.endswith((".sqlite", ".db"))}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert any(name.startswith("extracts/") for name in set(after) - set(before))
    assert all(name.endswith(grown) for name in before if before[name] != after[name])
    world = truth.read_world(again)
    assert (len(world.cuts), world.options.advanced_days, world.options.previous_days) == (2, 2, 0)
    assert load_estate(again).now() == world.options.cut
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["notes.txt", "estate.yaml"])
def test_a_folder_that_is_no_simulated_estate_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("mine")
    result = mfg("--home", str(tmp_path / "home"), "simulate", str(tmp_path / "mine"), *SMALL)
    assert result.exit_code == 2
    assert "not a simulated estate" in result.stderr
    assert contents(tmp_path / "mine") == {name: b"mine"}


def test_a_simulated_estate_with_something_else_in_it_is_left_alone(made: Path, tmp_path: Path) -> None:
    import shutil

    out = tmp_path / "estate"
    shutil.copytree(made, out)
    (out / ".mfg").mkdir()
    result = mfg("--home", str(tmp_path / "home"), "simulate", str(out), *SMALL)
    assert result.exit_code == 2
    assert ".mfg" in result.stderr


def test_a_killed_simulation_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "estate"
    # After everything is written, before it takes its place: as late as it can be.
    monkeypatch.setattr(simulation, "_replace", killed)
    monkeypatch.setattr(simulation, "build", _nothing_wrong)
    stopped = mfg("--home", str(tmp_path / "home"), "simulate", str(out), *SMALL)
    assert stopped.exit_code == 130
    assert not out.exists()


def test_an_advance_that_was_killed_is_brought_to_its_end_by_the_same_call(made: Path, tmp_path: Path) -> None:
    import shutil

    whole, halved = tmp_path / "whole", tmp_path / "halved"
    for copy in (whole, halved):
        shutil.copytree(made, copy)
    part = tmp_path / "part"
    shutil.copytree(made, part)
    (part / "README.md").write_text("later")
    # Killed after the first file: the note stays, and the world is that of before.
    note = halved / truth.FOLDER / truth.ADVANCING
    note.write_text("{}")
    (halved / "README.md").write_text("later")
    assert truth.read_world(halved) == truth.read_world(whole)
    simulation._add(halved, part)
    assert not note.exists()
    assert (halved / "README.md").read_text() == "later"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "out", "--scale", "tiny"], "no scale"),
        (["simulate", "out", "--plants", "5"], "--plants"),
        (["simulate", "out", "--defect-rate", "2"], "--defect-rate"),
        (["simulate", "advance", "nowhere"], "not a simulated estate"),
        (["simulate", "score", "nowhere"], "not a simulated estate"),
        (["simulate", "--nonsense"], "No such option"),
    ],
)
def test_wrong_use_exits_2_with_a_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = mfg(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_advancing_by_nothing_is_refused(made: Path, home: Path) -> None:
    result = mfg("simulate", "advance", str(made), "--days", "0")
    assert result.exit_code == 2
    assert "--days" in result.stderr


def test_options_survive_their_file() -> None:
    options = Options.of("small", seed=7, plants=2, defect_rate=0.03).later(3).later(4)
    assert Options.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert (options.advanced_days, options.previous_days) == (7, 3)


def _nothing_wrong(con: duckdb.DuckDBPyConnection, options: Options, *_: object) -> None:
    """Empty systems: quick, and enough where only the files' fate matters."""
    from mfg_assets.simulate import chance, held

    chance.create_macros(con, options.seed)
    held.create(con)
    truth.create(con)
