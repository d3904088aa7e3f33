"""What a person sees in Dagster's UI after a run: groups per layer, lineage, counts and samples."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mfg_assets.settings import PROJECT_ROOT
from tests.browser.chromium import PATIENCE_MS, browser_page
from tests.running import Home

pytestmark = pytest.mark.browser


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def address(mini_copy: Callable[[str], Home]) -> Iterator[str]:
    """`mfg dev` over a home in which one run has been made."""
    folder, environment = mini_copy("ui")
    port = _free_port()
    with (folder / "dev.log").open("w") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "mfg"), "dev", "--port", str(port)],
            env=os.environ | environment,
            cwd=PROJECT_ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/server_info", process, folder / "dev.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a loopback address made above
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the UI did not come up:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with browser_page() as page:
        yield page


def _show(page: Page, name: str) -> None:
    """Keep a screenshot where MFG_SCREENSHOTS names a folder."""
    if folder := os.environ.get("MFG_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_the_asset_groups_are_layers_and_systems(page: Page, address: str) -> None:
    page.goto(f"{address}/asset-groups")
    for group in ("extract_plm", "extract_erp", "extract_wms", "landing", "staging", "published"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    _show(page, "groups")


def test_a_built_table_shows_its_row_count_and_where_it_comes_from(page: Page, address: str) -> None:
    page.goto(f"{address}/assets/reconciliation/structure_item?view=overview")
    expect(page.get_by_text("structure_item").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("sample").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("BIKE").first).to_be_visible(timeout=PATIENCE_MS)
    _show(page, "structure_item")


def test_lineage_of_a_published_table_reaches_the_extracts(page: Page, address: str) -> None:
    page.goto(f"{address}/assets/published/item_requirement?view=lineage&lineageScope=upstream&lineageDepth=20")
    for text in ("bom_line", "item_requirement"):
        expect(page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(3000)
    _show(page, "lineage")


def test_runs_schedules_and_sensors_are_there(page: Page, address: str) -> None:
    page.goto(f"{address}/runs")
    expect(page.get_by_text("Success").first).to_be_visible(timeout=PATIENCE_MS)
    page.goto(f"{address}/automation")
    for name in ("plm_schedule", "files_arrived", "follow_landings", "publication_refused"):
        expect(page.get_by_text(name).first).to_be_visible(timeout=PATIENCE_MS)
    _show(page, "automation")
