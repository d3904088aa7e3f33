"""`mfg` from extract to answer, as processes, on the estate of four items."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.mini import write_mini
from tests.running import Home

MFG = str(Path(sys.executable).parent / "mfg")


class Estate:
    """A home and an estate in one folder, and `mfg` on them."""

    def __init__(self, folder: Path) -> None:
        self.estate, self.home = folder / "estate", folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MFG_")}
        return {**kept, "MFG_HOME": str(self.home), "MFG_ESTATE": str(self.estate)}

    def mfg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([MFG, *arguments], env=self.environment, capture_output=True, text=True, check=False)

    def json(self, *arguments: str) -> Any:
        done = self.mfg(*arguments, "--format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def estate(mini_copy: Callable[[str], Home]) -> Estate:
    """The estate after its first run."""
    return Estate(mini_copy("pipeline")[0])


def test_a_first_run_publishes_and_says_what_landed(mini_pass: Path) -> None:
    first = json.loads((mini_pass / "run.json").read_text())
    lines = first["out"].splitlines()
    assert lines[0] == "Published a new version"
    assert next(line for line in lines if line.startswith("erp")).split() == ["erp", "3", "2", "1"]
    assert any(line.startswith("What to do next") for line in lines)
    assert "Traceback" not in first["err"]
    assert "\x1b" not in first["out"] + first["err"]
    progress = re.compile(r" *[\d.]+ s  \w+ ")
    assert [line for line in first["err"].splitlines() if not progress.match(line)] == [], "a line that nobody wants"


def test_a_second_run_lands_nothing_publishes_nothing_and_says_so(estate: Estate) -> None:
    before = estate.json("publish", "status")
    again = estate.json("run")
    assert again["state"] == "unchanged"
    assert sum(one["rows_received"] for one in again["landed"]) == 0
    assert estate.json("publish", "status") == before


def test_the_refused_record_can_be_shown(estate: Estate) -> None:
    (letter,) = estate.json("dead-letters", "list")
    shown = estate.mfg("dead-letters", "show", letter["dead_letter_id"])
    assert "five" in shown.stdout
    assert "not_castable" in shown.stdout


def test_the_explosion_on_demand_equals_the_published_one(estate: Estate) -> None:
    published = estate.json("query", "select * from item_requirement order by all")
    assert {row["root_item_number"] for row in published} == {"BIKE", "WHEEL"}
    for root in ("BIKE", "WHEEL"):
        on_demand = estate.json("bom", "explode", root, "--summarised")
        assert {(r["item_number"], r["quantity"], r["level_min"], r["level_max"], r["paths"]) for r in on_demand} == {
            (r["component_item_number"], r["quantity_per_root"], r["level_min"], r["level_max"], r["paths"])
            for r in published
            if r["root_item_number"] == root
        }


@pytest.mark.parametrize(
    ("as_of", "spokes"),
    [("2024-06-30T23:59:59+00:00", 72), ("2024-07-01T00:00:00+00:00", 64)],
)
def test_rule_01_the_last_instant_of_an_ended_line_and_the_first_of_the_next(
    estate: Estate, as_of: str, spokes: int
) -> None:
    rows = estate.json("bom", "explode", "BIKE", "--summarised", "--as-of", as_of)
    assert {r["item_number"]: Decimal(str(r["quantity"])) for r in rows}["SPOKE"] == spokes


def test_doctor_finds_a_fresh_home_in_order(estate: Estate) -> None:
    wrong = [f for f in json.loads(estate.mfg("doctor", "--format", "json").stdout) if f["state"] == "wrong"]
    assert wrong == []


def test_an_unknown_system_or_plant_is_wrong_use(estate: Estate) -> None:
    done = estate.mfg("run", "--system", "sap", "--plant", "P9")
    assert done.returncode == 2
    assert "there is no system 'sap'" in done.stderr
    assert "there is no plant 'P9'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_beside_another_is_refused_with_its_process(estate: Estate) -> None:
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(estate.home / "run.lock")],
        stdin=subprocess.PIPE,
    )
    try:
        time.sleep(0.5)
        done = estate.mfg("run")
        assert done.returncode == 1
        assert "another run" in done.stderr
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.slow
def test_an_interrupted_run_ends_without_a_trace_and_the_next_one_works(tmp_path: Path) -> None:
    write_mini(tmp_path)
    estate = Estate(tmp_path)
    running = subprocess.Popen(
        [MFG, "run"], env=estate.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (estate.home / "landing").is_dir() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Interrupted." in errors
    assert not (estate.home / "published" / "current").exists(), "a pass that was stopped half-way was published"
    assert estate.mfg("run").returncode == 0
