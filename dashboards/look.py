"""Look at every dashboard as a person does: headless Chromium, log in, open, wait until every chart is drawn.

Belongs here: driving the browser, and telling what it saw. Doesn't belong here: judging it (tests/browser).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Response, expect

from dashboards.model import Page as Dashboard
from dashboards.start import Superset

PATIENCE_MS = 120_000
WIDTH = 1600


@dataclass
class Seen:
    """What one dashboard showed."""

    charts: int = 0
    errors: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    answers: int = 0


def log_in(page: Page, running: Superset) -> None:
    """Log in by the form.

    The session is a cookie: an answer that is still on its way when the form is sent would put the old one back.
    """
    for _ in range(3):
        page.goto(f"{running.address}/login/")
        page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
        page.locator("input[name=username], #username").first.fill(running.user)
        page.locator("input[name=password], #password").first.fill(running.password)
        page.locator("button[type=submit]").first.click()
        page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
        if "/login" not in page.url:
            return
    raise AssertionError(f"nobody could log in: {page.inner_text('body')}")


def look(page: Page, running: Superset, dashboard: Dashboard, picture: Path | None = None) -> Seen:
    """Open a dashboard, wait until everything is drawn, and tell what is there.

    Args:
        page: a browser's page that is logged in.
        running: where Superset is.
        dashboard: what to open.
        picture: where to keep a picture of all of it.
    """
    seen = Seen()

    def _answer(response: Response) -> None:
        if "/api/v1/chart/data" not in response.url:
            return
        seen.answers += 1
        if response.status != 200:
            slice_ = parse_qs(urlsplit(response.url).query).get("form_data", [""])[0]
            seen.errors.append(f"{response.status} for {slice_}: {response.text()[:500]}")

    page.on("response", _answer)
    try:
        # Tall enough for all of it, so that nothing waits for being scrolled to.
        page.set_viewport_size({"width": WIDTH, "height": 1000})
        page.goto(f"{running.address}/superset/dashboard/{dashboard.slug}/")
        charts = page.locator("[data-test=chart-container], .chart-container")
        expect(page.locator(".dashboard-chart-id, [data-test=chart-grid-component]").first).to_be_visible(
            timeout=PATIENCE_MS
        )
        expect(page.locator("[data-test=chart-grid-component]")).to_have_count(
            len(dashboard.charts), timeout=PATIENCE_MS
        )
        expect(page.locator("[data-test=chart-grid-component] [data-test=loading-indicator]")).to_have_count(
            0, timeout=PATIENCE_MS
        )
        expect(charts.first).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(2_500)
        expect(page.locator("[data-test=chart-grid-component] [data-test=loading-indicator]")).to_have_count(
            0, timeout=PATIENCE_MS
        )
        for place in page.locator("[data-test=chart-grid-component]").all():
            seen.charts += 1
            name = place.locator("[data-test=slice-header], .header-title").first.inner_text().strip()
            said = place.inner_text()
            if place.locator(".ant-alert-error, [data-test=chart-error], .error-boundary").count():
                seen.errors.append(f"{name}: {said}")
            if "No results were returned" in said or "No data" in said or place.locator(".ant-empty").count():
                seen.empty.append(name)
        if picture:
            height = page.evaluate(
                "Math.max(...[...document.querySelectorAll('.grid-container,[data-test=grid-content]')]"
                ".map(e => e.getBoundingClientRect().bottom + window.scrollY))"
            )
            page.set_viewport_size({"width": WIDTH, "height": int(height) + 40})
            page.wait_for_timeout(2_500)
            page.screenshot(path=str(picture))
    finally:
        page.remove_listener("response", _answer)
    return seen
