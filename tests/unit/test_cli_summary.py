"""A run's summary and its progress, as text that a person reads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mfg_assets.cli.progress import reporter
from mfg_assets.cli.summary_view import render
from mfg_assets.summary import FailedCheck, FindingCount, Progress, PublicationFacts, RunSummary, SystemLanding

AS_OF = datetime(2025, 3, 1, 6, tzinfo=UTC)
FACTS = PublicationFacts("000002-abcd", "abcd", ["item", "bom_line"], 1200, 3, 40, Path("/home/published/current"))
LANDED = [
    SystemLanding("erp", "item", "item", 1000, 990, 10, 2, 0),
    SystemLanding("erp", "supplier", "supplier", 5, 5, 0, 1, 0),
    SystemLanding("erp", "item_cost", "item_cost"),
    SystemLanding("wms", "inventory_movement", "inventory_movement", 500, 0, 0, 0, 1, ["12 % rejected, 5 % allowed"]),
    SystemLanding("plm", "item", "item"),
]


def shown(capsys: pytest.CaptureFixture[str], summary: RunSummary) -> list[str]:
    render(summary, "Mini")
    return capsys.readouterr().out.splitlines()


def words(lines: list[str], start: str) -> list[str]:
    return next(line for line in lines if line.startswith(start)).split()


def test_a_published_run_reads_from_what_landed_to_what_is_next(capsys: pytest.CaptureFixture[str]) -> None:
    summary = RunSummary(
        run_id="7f3a",
        state="published",
        as_of=AS_OF,
        landed=LANDED,
        findings=[
            FindingCount("inventory", "unexplained", "high", 12, Decimal("3400.4"), "EUR"),
            FindingCount("bom", "quantity", "medium", 1, None, None),
            FindingCount("procurement", "late", "low", 2, Decimal(100), "USD"),
        ],
        checks=[
            FailedCheck("pattern", "canonical.item", "warning", 4),
            FailedCheck("key", "canonical.bom", "blocking"),
        ],
        publication=FACTS,
        layer_seconds={"extract": 1.25, "canonical": 2.5},
        next_steps=["mfg dead-letters list --system erp", "mend the 12 differences"],
    )
    lines = shown(capsys, summary)
    assert lines[:2] == ["Published a new version", "Mini, as of 2025-03-01 06:00:00+00:00, run 7f3a"]
    assert words(lines, "erp") == ["erp", "1,005", "995", "10"]
    assert words(lines, "wms") == ["wms", "500", "0", "1"]
    assert words(lines, "plm") == ["plm", "nothing", "new"]
    assert "  wms.inventory_movement: 12 % rejected, 5 % allowed" in lines
    assert words(lines, "inventory") == ["inventory", "unexplained", "high", "12", "3,400", "EUR"]
    assert "15 findings." in lines
    assert words(lines, "blocking") == ["blocking", "canonical.bom", "key"]
    assert words(lines, "warning") == ["warning", "canonical.item", "pattern", "4"]
    assert "000002-abcd: 2 tables changed, 1,200 rows added, 40 changed, 3 removed" in lines
    assert words(lines, "together") == ["together", "3.8", "s"]
    assert lines[-2:] == ["1. mfg dead-letters list --system erp", "2. mend the 12 differences"]
    headings = [
        "Landed",
        "Where the systems disagree",
        "Checks that did not hold",
        "Published",
        "Time",
        "What to do next",
    ]
    assert [line for line in lines if line in headings] == headings


def test_a_run_without_news_says_so_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, RunSummary("", "unchanged", AS_OF, landed=LANDED[2:3], publication=FACTS))
    assert lines[0] == "Nothing has changed: the published version stands"
    assert "Nothing new in 1 extract." in lines
    assert "000002-abcd stays in force." in lines
    assert "Time" not in lines


def test_a_first_run_that_failed_has_nothing_published(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, RunSummary("1", "failed", AS_OF, failures=["dbt: no room \x1b[2J[/bold]"]))
    assert "Nothing is published yet." in lines
    assert "- dbt: no room \\x1b[2J[/bold]" in lines


@pytest.mark.parametrize(
    ("summary", "is_clean"),
    [
        (RunSummary("", "unchanged", AS_OF), True),
        (RunSummary("", "published", AS_OF, checks=[FailedCheck("c", "t", "warning", 1)]), True),
        (RunSummary("", "refused", AS_OF), False),
        (RunSummary("", "failed", AS_OF), False),
        (RunSummary("", "published", AS_OF, failures=["plm.item: no file"]), False),
        (RunSummary("", "published", AS_OF, landed=LANDED), False),
    ],
)
def test_a_run_is_clean_when_nothing_stopped(summary: RunSummary, is_clean: bool) -> None:
    assert summary.is_clean is is_clean


def test_elsewhere_than_on_a_terminal_progress_is_plain_lines_of_what_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with reporter() as on_event:
        on_event(Progress("extract", "erp.item", "started"))
        on_event(Progress("extract", "erp.item", "done", "1,000 rows received"))
        on_event(Progress("warehouse", "stg_item", "done"))
        on_event(Progress("extract", "plm.item", "failed", "no file \x1b[2J"))
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert first.endswith("extract    erp.item: 1,000 rows received")
    assert second.endswith("extract    plm.item: failed: no file \\x1b[2J")


def test_a_long_build_says_that_it_moves(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 29.0, 30.5, 40.0, 60.4, 60.6])
    monkeypatch.setattr("mfg_assets.cli.progress.time.monotonic", lambda: next(clock))
    with reporter() as on_event:
        for number in range(5):
            on_event(Progress("warehouse", f"model_{number}", "done"))
    assert capsys.readouterr().err.splitlines() == [
        "  30.5 s  warehouse  model_1: 2 done",
        "  60.6 s  warehouse  model_4: 5 done",
    ]
