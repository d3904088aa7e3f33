"""Kill -9 in landing and in publication: the next run succeeds, and readers never saw half a version.

In dbt it is `test_run_story` that kills a run. `test_landing_kill` and `test_publication_kill` stop at every step.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from mfg_assets.settings import Settings
from mfg_assets.summary_facts import publication_facts
from tests.killing import kill_a_run, reading
from tests.mini import DATA, write
from tests.running import Home, mfg


@pytest.fixture(scope="module")
def home(mini_copy: Callable[[str], Home]) -> Home:
    """A published mini estate. The tests of this module change its data one after another."""
    return mini_copy("kill")


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "wheels"), [("landing", 2), ("publication", 3)])
def test_a_run_killed_at_a_phase_is_made_good_by_the_next(phase: str, wheels: int, home: Home) -> None:
    folder, environment = home
    root = folder / "home"
    before = publication_facts(Settings(home=root))
    assert before is not None
    stock = DATA["erp/stock_20250301.csv"].replace("17,0", f"{wheels},0")
    write(folder / "data" / "erp" / f"stock_2025030{wheels}.csv", stock)
    with reading(root):
        kill_a_run(environment, phase)
        if phase != "publication":
            assert publication_facts(Settings(home=root)) == before, "nothing half-built was published"
        done = mfg(environment, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(root / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select erp_quantity from inventory_comparison where item_number = 'WHEEL'"
        ).fetchall()
    assert [float(quantity) for (quantity,) in found] == [float(wheels)]
