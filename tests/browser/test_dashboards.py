"""The dashboards in a real Superset: imported, every chart drawn with rows in it, filtered, drilled, gone at the end.

With MFG_SCREENSHOTS naming a folder, a picture of every dashboard is kept there; MFG_DASHBOARDS_HOME shows another home
than the simulated one made here (docs/dashboards/*.png are made so from `make demo`).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboards.look import log_in, look
from dashboards.model import Page as Dashboard
from dashboards.pages import PAGES
from dashboards.pages.control_tower import CONTROL_TOWER
from dashboards.start import ENVIRONMENT, Superset
from mfg_assets.settings import PROJECT_ROOT
from tests.browser.chromium import PATIENCE_MS, browser_page
from tests.running import mfg

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


@dataclass(frozen=True)
class Started:
    """`make dashboards` at work: what it said, its process, and the folder for everything that it makes."""

    superset: Superset
    process: subprocess.Popen[str]
    folder: Path


@pytest.fixture(scope="module")
def started(home: Path) -> Iterator[Started]:
    """The command that `make dashboards` ends with, over a home."""
    assert (ENVIRONMENT / "bin" / "gunicorn").exists(), "`make test-browser` installs Superset"
    # PostgreSQL doesn't run as root, so whoever it runs as has to reach the folder.
    folder = Path(tempfile.mkdtemp(prefix="mfg-dashboards-"))
    folder.chmod(0o755)
    command = [sys.executable, "-m", "dashboards.start", "--home", str(home.absolute()), "--port", "0"]
    with (folder.with_suffix(".err")).open("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if line.startswith("Ctrl-C"):
                    break
            address = re.search(r"(http://127\.0\.0\.1:\d+)/", said)
            password = re.search(r"Password: +(\S+)", said)
            errors.seek(0)
            assert address, said + errors.read()
            assert password, said
            yield Started(Superset(address[1], "admin", password[1]), process, folder)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)
            folder.with_suffix(".err").unlink()


@pytest.fixture(scope="module")
def running(started: Started) -> Superset:
    return started.superset


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
    matrix.locator("tr").filter(has_text="P200").locator("td.pvtVal").first.click(button="right")
    # A menu that is still unfolding doesn't notice the mouse: hover until the second one is there.
    by = page.locator(".ant-dropdown-menu-submenu-title").filter(has_text="Drill to detail by")
    choice = page.locator(".ant-dropdown-menu-sub .ant-dropdown-menu-item").filter(has_text="Drill to detail by all")
    for _ in range(20):
        page.wait_for_timeout(1_000)
        if choice.count():
            break
        page.mouse.move(1, 1)
        by.hover()
    # Dispatched, because the way of the mouse from one menu to the other closes both.
    choice.dispatch_event("click", timeout=PATIENCE_MS)
    detail = page.get_by_role("dialog").filter(has_text="Drill to detail")
    expect(detail.get_by_text("P200").nth(2)).to_be_visible(timeout=PATIENCE_MS)
    shown = detail.inner_text()
    assert "P200" in shown
    assert "P100" not in shown, "rows of the plant that was chosen, and of no other"
    assert "BOM" in shown
    assert "Routing" not in shown


def test_ctrl_c_leaves_neither_process_nor_file(started: Started) -> None:
    """The last test of the module: nothing is there after it."""
    places = (str(started.folder), started.superset.address.removeprefix("http://"))
    assert len(_processes(*places)) >= 2, "PostgreSQL and Superset"
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(60) == 0
    assert _processes(*places) == []
    assert list(started.folder.iterdir()) == []


def _processes(*texts: str) -> list[str]:
    listed = subprocess.run(["ps", "-eww", "-o", "stat,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line[0] != "Z" and any(text in line for text in texts)]
