"""`mfg bom`: one item's structure, from the published state.

Belongs here: options, layout, helpful answers to a mistyped number. Doesn't belong here: the structure itself (bom).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import bom_all, bom_question, bom_view, examples, query
from mfg_assets.cli.bom_compare import EXAMPLES, compare
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, say
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    import duckdb

    from mfg_assets.bom import Question

app = typer.Typer(name="bom", help="Bills of material: explosion, where-used and comparison.", no_args_is_help=True)

Item = Annotated[str, typer.Argument(help="Item number.")]
Plant = Annotated[str | None, typer.Option(help="Plant; may be left out where only one has the item.")]
AsOf = Annotated[
    str | None,
    typer.Option(help="Instant at which lines must hold; default the instant of the published state."),
]
System = Annotated[str | None, typer.Option(help="Lines of this system; default the reconciled ones.")]
Summarised = Annotated[bool, typer.Option("--summarised", help="One row per item, summed over all ways to it.")]
MaxLevel = Annotated[int | None, typer.Option(min=1, help="Nothing below this level.")]


@app.callback()
def _group() -> None:
    """Bills of material from the published state."""


@app.command(
    epilog=examples.of(
        "mfg bom explode BK-M82S-38",
        "mfg bom explode BK-M82S-38 --summarised --quantity 50 --format csv",
        "mfg bom explode BK-M82S-38 --as-of 2013-05-30 --system plm --max-level 2",
    )
)
def explode(
    item: Item,
    plant: Plant = None,
    as_of: AsOf = None,
    system: System = None,
    revision: Annotated[
        str | None, typer.Option(help="This revision's bill, also when not in force (unless --as-of is given).")
    ] = None,
    quantity: Annotated[str | None, typer.Option(help="How many are ordered; default 1.")] = None,
    summarised: Summarised = False,
    max_level: MaxLevel = None,
    output: FormatOption = Format.table,
) -> None:
    """Show what an item is made of: phantoms opened, scrap and fixed quantities included, one of each alternates."""
    from mfg_assets.bom import explode as walk_down
    from mfg_assets.bom import read_structure

    order = _quantity(quantity)
    with query.published() as connection:
        question = bom_question.ask(connection, item, plant, as_of, system, revision, order, is_down=True)
        structure = read_structure(connection, question, is_down=True)
        if not structure.edges:
            _explain_nothing_below(connection, question)
        found = walk_down(structure, item, order=Fraction(order or 1), max_level=max_level)
        bom_view.show_walk(found, question, output, is_summarised=summarised)
    if found.cycles:
        raise typer.Exit(STOPPED)


@app.command(
    name="where-used",
    epilog=examples.of(
        "mfg bom where-used BB-7421",
        "mfg bom where-used BB-7421 --summarised",
        "mfg bom where-used BB-7421 --as-of 2013-05-30 --format csv",
    ),
)
def where_used(
    item: Item,
    plant: Plant = None,
    as_of: AsOf = None,
    system: System = None,
    revision: Annotated[
        str | None, typer.Option(help="Only lines that take this revision of the item, or any.")
    ] = None,
    summarised: Summarised = False,
    max_level: MaxLevel = None,
    output: FormatOption = Format.table,
) -> None:
    """Show what holds an item, all the way up, and how much of it one piece of each holds."""
    from mfg_assets.bom import read_structure
    from mfg_assets.bom import where_used as walk_up

    with query.published() as connection:
        question = bom_question.ask(connection, item, plant, as_of, system, revision, None, is_down=False)
        structure = read_structure(connection, question, is_down=False)
        if not structure.edges:
            say(f"{item} is in no bill at {question.plant_id} at {bom_view.instant(question.as_of)}.")
        found = walk_up(structure, item, max_level=max_level)
        bom_view.show_walk(found, question, output, is_summarised=summarised)
    if found.cycles:
        raise typer.Exit(STOPPED)


app.command(epilog=EXAMPLES)(compare)
app.command(name="explode-all", epilog=bom_all.EXAMPLES)(bom_all.explode_all)


def _quantity(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        quantity = Decimal("nan")
    if not quantity.is_finite() or quantity <= 0 or quantity >= 10**12:
        raise UsageError(
            Problem(f"--quantity: {text!r} is not a quantity above 0", fix="use a number such as 50 or 2.5")
        )
    return quantity


def _explain_nothing_below(connection: duckdb.DuckDBPyConnection, question: Question) -> None:
    from mfg_assets.bom import lookup

    own = [
        bill
        for bill in lookup.bills(connection, question.item)
        if question.system is None or bill.source_system == question.system
    ]
    here = [bill for bill in own if bill.plant_id == question.plant_id]
    if question.revision is not None and question.revision not in {bill.revision for bill in here}:
        known = sorted({bill.revision for bill in here if bill.revision is not None})
        raise UsageError(
            Problem(
                f"{question.item} has no bill of revision {question.revision!r} at {question.plant_id}",
                fix=f"one of: {', '.join(known)}" if known else "its bills carry no revision; leave --revision out",
            )
        )
    if not own:
        say(f"{question.item} has no bill: nothing is below it. `mfg bom where-used {question.item}` looks upwards.")
    elif not here:
        elsewhere = ", ".join(sorted({bill.plant_id for bill in own}))
        say(f"{question.item} has no bill at {question.plant_id}, but at {elsewhere}.")
    else:
        say(
            f"No line of {question.item} holds at {question.plant_id} at {bom_view.instant(question.as_of)}. There are:"
        )
        for bill in here:
            start = bom_view.instant(bill.effective_from) if bill.effective_from else "ever"
            end = bom_view.instant(bill.effective_to) if bill.effective_to else "open end"
            say(f"    {bill.source_system} {bill.revision or ''}".rstrip() + f" from {start} to {end}")
