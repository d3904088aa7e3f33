"""A real revision history: four released bills of the photon feeder, mapped, run and compared with one another.

What `mfg bom compare` says is held against a reading of the files that shares nothing with the platform.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow
RELEASES = ("1.0.0", "1.0.1", "1.1.0", "1.3.0")


@pytest.fixture(scope="module")
def environment(photon_feeder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`mfg check` and `mfg run` on the estate, once."""
    variables = {
        "MFG_HOME": str(tmp_path_factory.mktemp("photon") / "home"),
        "MFG_ESTATE": str(PROJECT_ROOT / "estates" / "photon_feeder"),
        "PHOTON_FEEDER": str(photon_feeder),
    }
    checked = mfg(variables, "check")
    assert "No problems" in checked
    report = mfg(variables, "run")
    assert "No findings." in report
    return variables


def mfg(variables: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "mfg"), *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        cwd=PROJECT_ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def released(folder: Path, release: str) -> dict[str, Decimal]:
    """Part → quantity, as the file says."""
    with (folder / f"tag_v{release}.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["Part Name"].strip(), Decimal(row["Quantity"])) for row in csv.DictReader(file)]
    assert max(Counter(part for part, _ in rows).values()) == 1
    return dict(rows)


@pytest.mark.parametrize(("a", "b"), list(permutations(RELEASES, 2)))
def test_between_two_releases_exactly_the_true_lines_differ(
    environment: dict[str, str], photon_feeder: Path, a: str, b: str
) -> None:
    before, after = released(photon_feeder, a), released(photon_feeder, b)
    expected = (
        {("removed", part, None) for part in before.keys() - after.keys()}
        | {("added", part, None) for part in after.keys() - before.keys()}
        | {
            ("changed", part, (before[part], after[part]))
            for part in before.keys() & after.keys()
            if before[part] != after[part]
        }
    )
    arguments = ("bom", "compare", f"photon-feeder@revision={a}", f"@revision={b}")
    rows = csv.DictReader(io.StringIO(mfg(environment, *arguments, "--format", "csv")))
    reported = {
        (
            row["change"],
            row["component_item_number"],
            (Decimal(row["a_value"]), Decimal(row["b_value"])) if row["change"] == "changed" else None,
        )
        for row in rows
        if row["attribute"] in ("line", "quantity")
    }
    assert reported == expected


def test_what_is_released_counts_where_no_revision_is_asked_for(
    environment: dict[str, str], photon_feeder: Path
) -> None:
    shown = csv.DictReader(io.StringIO(mfg(environment, "bom", "explode", "photon-feeder", "--format", "csv")))
    newest = released(photon_feeder, "1.3.0")
    assert {row["component_item_number"]: Decimal(row["quantity_per"]) for row in shown} == newest


def test_every_line_of_every_release_is_published_and_none_was_refused(
    environment: dict[str, str], photon_feeder: Path
) -> None:
    sql = "select revision, count(*) as lines from bom_line group by revision order by revision"
    rows = csv.DictReader(io.StringIO(mfg(environment, "query", sql, "--format", "csv")))
    assert {row["revision"]: int(row["lines"]) for row in rows} == {
        release: len(released(photon_feeder, release)) for release in RELEASES
    }
    letters = mfg(environment, "query", "select count(*) as letters from dead_letter", "--format", "csv")
    assert letters.splitlines() == ["letters", "0"]
