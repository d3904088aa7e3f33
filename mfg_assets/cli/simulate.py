"""`mfg simulate`: a manufacturer that doesn't exist, its later deliveries, and how much of what is wrong was found.

Belongs here: options and layout. Doesn't belong here: the simulation and the comparison (simulate).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mfg_assets.cli import context, examples
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, console, emit, say, show
from mfg_assets.safe import json_text
from mfg_assets.simulate.options import MOST_PLANTS, SCALES, Options

if TYPE_CHECKING:
    from mfg_assets.simulate.score import Count, Score
    from mfg_assets.simulate.simulation import Delivered

_NEW = "new"
_COUNT_COLUMNS = (
    "domain",
    "class",
    "planted",
    "found",
    "missed",
    "false",
    "follows",
    "precision",
    "recall",
    "f1",
    "quantities",
)
_STATUS_COLUMNS = ("status of a change at a plant", "changes", "right")
_OUTCOME_COLUMNS = (
    "outcome",
    "domain",
    "finding_class",
    "plant_id",
    "business_key",
    "quantity",
    "reported_quantity",
    "note",
)


class FolderFirst(TyperGroup):
    """`mfg simulate OUT` is short for `mfg simulate new OUT`: what is not one of the commands is a folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where it was left out."""
        if args and args[0] not in {*self.commands, "--help", "-h"}:
            args = [_NEW, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=FolderFirst,
    name="simulate",
    help="A simulated manufacturer with known defects, and how many of them were found.",
    no_args_is_help=True,
    epilog=examples.of(
        "mfg simulate demo                                  # short for mfg simulate new demo",
        "mfg --estate demo run",
        "mfg simulate score demo",
        "mfg simulate advance demo --days 7",
    ),
)

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the simulated estate.")]


@app.callback()
def _group() -> None:
    """A simulated manufacturer: `mfg simulate OUT` writes one; `mfg simulate new --help` shows its options."""


@app.command(
    _NEW,
    epilog=examples.of(
        "mfg simulate demo",
        "mfg simulate demo --scale small --seed 7 --defect-rate 0.02",
        "mfg simulate clean --defect-rate 0",
        "mfg simulate new ./advance                         # a folder named like a command",
    ),
)
def new(
    out: Out,
    seed: Annotated[int, typer.Option(help="The same seed and options give the same bytes.")] = 1,
    plants: Annotated[int, typer.Option(help=f"How many plants, 1 to {MOST_PLANTS}.")] = MOST_PLANTS,
    items: Annotated[int | None, typer.Option(help="How many items; default the scale's.")] = None,
    days: Annotated[int | None, typer.Option(help="Days of history; default the scale's.")] = None,
    defect_rate: Annotated[
        float | None, typer.Option(help="Share of what each kind of defect can befall; 0 for none, default 0.01.")
    ] = None,
    scale: Annotated[str, typer.Option(help=f"{', '.join(SCALES)}.")] = "demo",
) -> None:
    """Write an estate: extracts of all systems, its YAML and code maps, the truth, and a README."""
    from mfg_assets.simulate.simulation import simulate

    options = Options.of(scale, seed=seed, plants=plants, items=items, days=days, defect_rate=defect_rate)
    with _steps() as on_step:
        delivered = simulate(options, out, context.settings(), on_step)
    _tell(delivered, out)


@app.command(
    epilog=examples.of(
        "mfg simulate advance demo --days 7",
        "mfg simulate advance demo --releases .mfg/releases   # what was released to the systems is adopted",
    )
)
def advance(
    out: Out,
    days: Annotated[int, typer.Option(help="How many days later the next delivery comes.")] = 1,
    releases: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Release messages in this folder are taken over by their systems."),
    ] = None,
) -> None:
    """Add the next delivery of the same world: what changed, what was mended, what newly went wrong."""
    from mfg_assets.simulate.simulation import advance as go_on

    with _steps() as on_step:
        delivered = go_on(out, days, context.settings(), on_step, releases=releases)
    _tell(delivered, out)


@app.command(
    epilog=examples.of(
        "mfg simulate score demo",
        "mfg simulate score demo --min-recall 0.9 --min-precision 0.95",
        "mfg simulate score demo --format csv > outcomes.csv",
    )
)
def score(
    out: Out,
    min_recall: Annotated[float | None, typer.Option(min=0, max=1, help="Exit with 1 below this recall.")] = None,
    min_precision: Annotated[float | None, typer.Option(min=0, max=1, help="Exit with 1 below this precision.")] = None,
    min_statuses: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit with 1 below this share of right statuses of changes.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="List at most this many missed and false ones; 0 for all.")] = 50,
    output: FormatOption = Format.table,
) -> None:
    """Compare the published findings with the truth: precision and recall by domain and class."""
    from mfg_assets.simulate.score import score as compare

    result = compare(context.settings(), out)
    match output:
        case Format.table:
            _show(result, limit)
        case Format.csv:
            emit(_OUTCOME_COLUMNS, (_outcome_row(o) for o in result.outcomes), output)
        case Format.json:
            show(json_text(_as_json(result)))
    if not result.reaches(min_recall, min_precision, min_statuses):
        accuracy = result.statuses.accuracy if result.statuses is not None else None
        values = {
            "recall": (result.total.recall, min_recall),
            "precision": (result.total.precision, min_precision),
            "statuses": (accuracy, min_statuses),
        }
        below = [
            f"{name} {_share(value)} is below {_share(limit)}"
            for name, (value, limit) in values.items()
            if value is not None and limit is not None and value < limit
        ]
        say("; ".join(below))
        raise typer.Exit(STOPPED)


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """What is being done, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    with console(sys.stderr).status("") as status:
        yield status.update


def _tell(delivered: Delivered, out: Path) -> None:
    show(f"{out}: delivery of {delivered.cut.isoformat(sep=' ', timespec='minutes')}")
    show(f"  {delivered.files:,} files, {delivered.bytes / 1e6:,.1f} MB, in {delivered.seconds:.1f} s")
    show(f"  {delivered.findings:,} findings are to be found, {delivered.near_misses:,} look-alikes are not to be")
    show(f"Next: mfg --estate {out} run; mfg simulate score {out}")


def _show(result: Score, limit: int) -> None:
    show(f"Version {result.version}, as of {result.as_of.isoformat(sep=' ', timespec='minutes')}")
    show()
    emit(_COUNT_COLUMNS, (_count_row(c) for c in (*result.classes, *result.domains, result.total)), Format.table)
    if result.statuses is not None and result.statuses.rows:
        show()
        emit(
            _STATUS_COLUMNS,
            (*result.statuses.by_status, ("*", len(result.statuses.rows), result.statuses.right)),
            Format.table,
        )
    if result.impact:
        right = sum(one.is_right for one in result.impact)
        show(f"Impact of changes: {right} of {len(result.impact)} quantities are right")
    if result.unexplained is not None:
        show(f"Unexplained stock that wasn't planted so: {result.unexplained:.2%} of the planted quantity")
    if result.unpublished:
        show()
        show(f"Not published, so all of their findings are missed: {', '.join(result.unpublished)}")
    wrong = [o for o in result.outcomes if o.kind in ("missed", "false", "near_miss")]
    if wrong:
        show()
        emit(_OUTCOME_COLUMNS, (_outcome_row(o) for o in wrong), Format.table, limit=limit or None)
    if result.impact and not all(one.is_right for one in result.impact):
        show()
        emit(
            ("change", "plant", "object_type", "item", "quantity", "reported"),
            (astuple(one) for one in result.impact if not one.is_right),
            Format.table,
            limit=limit or None,
        )
    mistaken = [row for row in result.statuses.rows if not row.is_right] if result.statuses is not None else []
    if mistaken:
        show()
        emit(
            ("change", "plant", "right", "reported"),
            ((row.change_number, row.plant_id, " or ".join(row.accepted), row.reported) for row in mistaken),
            Format.table,
            limit=limit or None,
        )


def _count_row(count: Count) -> tuple[object, ...]:
    return (
        count.domain,
        count.finding_class,
        count.planted,
        count.hits,
        count.missed,
        count.false,
        count.consequences,
        _share(count.precision),
        _share(count.recall),
        _share(count.f1),
        f"{count.right_quantities}/{count.compared_quantities}" if count.compared_quantities else "",
    )


def _outcome_row(outcome: Any) -> tuple[object, ...]:
    return (
        outcome.kind,
        outcome.domain,
        outcome.finding_class,
        outcome.plant_id,
        outcome.business_key,
        outcome.quantity,
        outcome.reported_quantity,
        outcome.note,
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _as_json(result: Score) -> dict[str, object]:
    def count(one: Count) -> dict[str, object]:
        return {**asdict(one), "planted": one.planted, "precision": one.precision, "recall": one.recall, "f1": one.f1}

    return {
        "as_of": result.as_of,
        "version": result.version,
        "total": count(result.total),
        "domains": [count(one) for one in result.domains],
        "classes": [count(one) for one in result.classes],
        "unpublished": list(result.unpublished),
        "outcomes": [asdict(one) for one in result.outcomes],
        "unexplained": result.unexplained,
        "impact": None
        if result.impact is None
        else {
            "quantities": len(result.impact),
            "right": sum(one.is_right for one in result.impact),
            "wrong": [asdict(one) for one in result.impact if not one.is_right],
        },
        "statuses": None
        if result.statuses is None
        else {
            "changes": len(result.statuses.rows),
            "right": result.statuses.right,
            "accuracy": result.statuses.accuracy,
            "wrong": [asdict(row) for row in result.statuses.rows if not row.is_right],
        },
    }
