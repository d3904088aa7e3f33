"""The dashboards in a real Superset: imported, every chart drawn with rows in it, filtered, drilled, gone at the end.

With MFG_SCREENSHOTS naming a folder, a picture of every dashboard is kept there; MFG_DASHBOARDS_HOME shows another home
than the simulated one made here (docs/dashboards/*.png are made so from `make demo`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from dashboards import datasets
from dashboards.look import log_in, look
from dashboards.model import Page as Dashboard
from dashboards.model import kind
from dashboards.pages import PAGES
from dashboards.pages.control_tower import CONTROL_TOWER
from dashboards.start import ACCOUNT, ENVIRONMENT, Superset, superset
from tests.browser.chromium import PATIENCE_MS, browser_page
from tests.integration.conftest import mfg

pytestmark = pytest.mark.browser
# So that every chart has something to show: defects of all kinds at a small manufacturer, over two deliveries.
SIMULATED = ("--scale", "small", "--seed", "1", "--defect-rate", "0.02")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if chosen := os.environ.get("MFG_DASHBOARDS_HOME"):
        return Path(chosen)
    folder = tmp_path_factory.mktemp("dashboards")
    estate, home = str(folder / "estate"), folder / "home"
    environment = {"MFG_ESTATE": estate, "MFG_HOME": str(home)}
    for command in (
        ("simulate", estate, *SIMULATED),
        ("run",),
        ("simulate", "advance", estate, "--days", "7"),
        ("run",),
    ):
        done = mfg(environment, *command, timeout=900)
        # A short delivery is among the planted faults; the run that refuses it ends with 1.
        assert done.returncode in ((0, 1) if command == ("run",) else (0,)), done.stdout + done.stderr
    return home


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[Superset]:
    assert (ENVIRONMENT / "bin" / "gunicorn").exists(), "`make test-browser` installs Superset"
    with superset(home, port=0) as started:
        yield started


@pytest.fixture(scope="module")
def page(running: Superset) -> Iterator[Page]:
    with browser_page() as page:
        log_in(page, running)
        yield page


@pytest.mark.parametrize("dashboard", PAGES, ids=lambda one: one.slug)
def test_every_chart_is_drawn_and_none_is_empty(page: Page, running: Superset, dashboard: Dashboard) -> None:
    kept = os.environ.get("MFG_SCREENSHOTS")
    seen = look(page, running, dashboard, Path(kept) / f"{dashboard.slug}.png" if kept else None)
    assert seen.errors == []
    assert seen.charts == len(dashboard.charts)
    # Each chart has asked the database; the filters ask besides.
    assert seen.answers >= len(dashboard.charts)
    assert seen.empty == []


def test_a_plant_is_chosen_and_the_matrix_shows_it_alone(page: Page, running: Superset) -> None:
    look(page, running, CONTROL_TOWER)
    matrix = page.locator("[data-test=chart-grid-component]").filter(has_text="Aligned, by plant and domain")
    expect(matrix.get_by_text("P200", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".filter-item-wrapper, [data-test=form-item-value]").first.locator(".ant-select").first.click()
    page.locator(".ant-select-item-option").filter(has_text="P100").first.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Apply").click()
    expect(matrix.get_by_text("P200", exact=True)).to_have_count(0, timeout=PATIENCE_MS)
    expect(matrix.get_by_text("P100", exact=True)).to_be_visible(timeout=PATIENCE_MS)


def test_a_number_is_drilled_to_its_rows(page: Page, running: Superset) -> None:
    look(page, running, CONTROL_TOWER)
    matrix = page.locator("[data-test=chart-grid-component]").filter(has_text="Aligned, by plant and domain")
    matrix.locator("td.pvtVal").first.click(button="right")
    page.get_by_text("Drill to detail", exact=False).first.hover()
    page.get_by_text("Drill to detail", exact=True).first.click()
    detail = page.locator(".ant-modal").filter(has_text="Drill to detail")
    expect(detail.get_by_text("P100").first).to_be_visible(timeout=PATIENCE_MS)
    expect(detail.get_by_text("ASSEMBLY", exact=False).first).to_be_visible(timeout=PATIENCE_MS)


def test_columns_have_the_types_that_the_bundle_says(running: Superset) -> None:
    wrong = []
    with psycopg.connect(running.database.replace("+psycopg2", "")) as connection:
        for dataset in datasets.ALL:
            described = connection.execute(f"select * from ({dataset.sql}) as q limit 0").description or []  # pyright: ignore[reportArgumentType, reportCallIssue]
            for column in described:
                name = column.type_display.partition("(")[0].removesuffix("tz")
                is_number = name in ("numeric", "int4", "int8", "int2", "float8")
                found = "NUMERIC" if is_number else {"timestamp": "TIMESTAMP", "bool": "BOOLEAN"}.get(name, "TEXT")
                if found != kind(column.name):
                    wrong.append(f"{dataset.name}.{column.name} is {name}, the bundle says {kind(column.name)}")
    assert wrong == []


def test_the_account_of_the_dashboards_may_only_read(running: Superset) -> None:
    with psycopg.connect(running.database.replace("+psycopg2", ""), autocommit=True) as connection:
        assert connection.execute("select count(*) > 0 from mfg.kpi").fetchone() == (True,)
        for refused in ("delete from mfg.kpi", "create table mfg.mine ()", "select * from mfg_private.served"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)
        assert connection.execute("select rolsuper from pg_roles where rolname = %s", [ACCOUNT]).fetchone() == (False,)


def test_nothing_stays_behind(home: Path) -> None:
    with superset(home, port=0) as started:
        port = started.address.rpartition(":")[2]
        assert _processes(f"127.0.0.1:{port}")
    assert not _processes(f"127.0.0.1:{port}")


def _processes(text: str) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if text in line and not line.startswith("Z")]
