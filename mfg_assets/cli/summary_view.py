"""A run's summary as a plant engineer wants to read it.

Belongs here: layout. Doesn't belong here: gathering what it shows (summary_facts).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from mfg_assets.cli.output import cell, console, print_table, show
from mfg_assets.exceptions.model import SEVERITIES, QueueCount
from mfg_assets.summary import FindingCount, RunSummary, SystemLanding

if TYPE_CHECKING:
    from rich.text import Text

_HEADLINES = {
    "published": ("Published a new version", "bold green"),
    "unchanged": ("Nothing has changed: the published version stands", "bold"),
    "refused": ("The publication was refused: readers keep the version before", "bold red"),
    "failed": ("The run failed: readers keep the version before", "bold red"),
}
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "blocking": "bold red"}


def render(summary: RunSummary, estate_name: str) -> None:
    """Print the summary to standard output."""
    headline, style = _HEADLINES[summary.state]
    out = console()
    out.print(cell(headline, style=style))
    as_of = summary.as_of.isoformat(sep=" ", timespec="seconds")
    show(f"{estate_name}, as of {as_of}" + (f", run {summary.run_id}" if summary.run_id else ""))
    _landed(summary.landed)
    _findings(summary.findings)
    _exceptions(summary.exceptions)
    _checks(summary)
    _publication(summary)
    _times(summary)
    _section("What went wrong", summary.failures, "bold red")
    _section("What to do next", summary.next_steps, "bold", numbered=True)


def _heading(text: str, style: str = "bold") -> None:
    show()
    console().print(cell(text, style=style))


def _landed(landed: Sequence[SystemLanding]) -> None:
    _heading("Landed")
    new = [one for one in landed if one.batches_new or one.batches_refused]
    if not new:
        show(f"Nothing new in {_count(len(landed), 'extract')}.")
        return
    rows: list[list[Text]] = []
    for system in dict.fromkeys(one.system for one in landed):
        of_system = [one for one in new if one.system == system]
        if not of_system:
            rows.append([cell(system), cell("nothing new"), *[cell("")] * 4])
            continue
        rows.append(_landing_row(system, "", of_system, "bold"))
        rows += [_landing_row("", one.extract, [one], "") for one in of_system]
    print_table(
        ("system", "extract", "received", "landed", "rejected", "refused batches"),
        rows,
        (False, False, True, True, True, True),
    )
    for one in new:
        for reason in one.refusal_reasons:
            show(f"  {one.system}.{one.extract}: {reason}")


def _landing_row(system: str, extract: str, landed: Sequence[SystemLanding], style: str) -> list[Text]:
    rejected, refused = sum(o.rows_rejected for o in landed), sum(o.batches_refused for o in landed)
    return [
        cell(system, style=style),
        cell(extract, style=style),
        cell(f"{sum(o.rows_received for o in landed):,}", style=style),
        cell(f"{sum(o.rows_landed for o in landed):,}", style=style),
        cell(f"{rejected:,}" if rejected else "", style="yellow"),
        cell(f"{refused:,}" if refused else "", style="bold red"),
    ]


def _findings(findings: Sequence[FindingCount]) -> None:
    _heading("Where the systems disagree")
    if not findings:
        show("No findings.")
        return
    rows = [
        [
            cell(f.domain),
            cell(f.finding_class),
            cell(f.severity, style=_SEVERITY_STYLES.get(f.severity, "")),
            cell(f"{f.count:,}"),
            cell(_money(f.value, f.currency)),
        ]
        for f in findings
    ]
    print_table(("domain", "class", "severity", "findings", "value at stake"), rows, (False, False, False, True, True))
    # No sum of values: shares of one difference may oppose each other, and one cause can show in two domains.
    show(f"{_count(sum(f.count for f in findings), 'finding')}.")


def _exceptions(counts: Sequence[QueueCount]) -> None:
    _heading("Exceptions")
    if not counts:
        show("None is open.")
        return
    names = ("opened", "reopened", "resolved", "still_open", "overdue")
    ordered = sorted(counts, key=lambda one: (SEVERITIES.index(one.severity), one.domain))
    rows = [
        [cell(one.domain), cell(one.severity, style=_SEVERITY_STYLES.get(one.severity, ""))]
        + [cell(f"{number:,}" if (number := getattr(one, name)) else "") for name in names]
        for one in ordered
    ]
    together = [cell(f"{sum(getattr(one, name) for one in counts):,}", style="bold") for name in names]
    rows.append([cell("together", style="bold"), cell(""), *together])
    print_table(
        ("domain", "severity", "opened", "reopened", "resolved", "open", "overdue"), rows, (False, False) + (True,) * 5
    )


def _checks(summary: RunSummary) -> None:
    if not summary.checks:
        return
    _heading("Checks that did not hold")
    rows = [
        [
            cell(c.severity, style=_SEVERITY_STYLES.get(c.severity, "yellow")),
            cell(c.table),
            cell(c.name),
            cell("" if c.failed_rows is None else f"{c.failed_rows:,}"),
        ]
        for c in sorted(summary.checks, key=lambda c: (c.severity, c.table, c.name))
    ]
    print_table(("severity", "table", "check", "rows"), rows, (False, False, False, True))


def _publication(summary: RunSummary) -> None:
    _heading("Published")
    facts = summary.publication
    if facts is None:
        show("Nothing is published yet.")
        return
    if summary.state == "published":
        show(
            f"{facts.version}: {_count(len(facts.tables_changed), 'table')} changed, {facts.rows_added:,} rows added, "
            f"{facts.rows_changed:,} changed, {facts.rows_removed:,} removed"
        )
    else:
        show(f"{facts.version} stays in force.")
    show(str(facts.path))


def _times(summary: RunSummary) -> None:
    if not summary.layer_seconds:
        return
    _heading("Time")
    rows = [[cell(layer), cell(f"{seconds:.1f} s")] for layer, seconds in summary.layer_seconds.items()]
    rows.append([cell("together", style="bold"), cell(f"{sum(summary.layer_seconds.values()):.1f} s", style="bold")])
    print_table(("layer", "seconds"), rows, (False, True))


def _section(title: str, lines: Sequence[str], style: str, *, numbered: bool = False) -> None:
    if not lines:
        return
    _heading(title, style)
    for number, line in enumerate(lines, start=1):
        show(f"{number}. {line}" if numbered else f"- {line}")


def _money(value: Decimal | None, currency: str | None) -> str:
    return "" if value is None else f"{value:,.0f} {currency or ''}".strip()


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
