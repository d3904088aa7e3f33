"""`mfg bom compare`: which two structures are meant, and where they differ.

Belongs here: reading the two sides, helpful answers where one has no bill, the command. Doesn't belong here: comparing
(mfg_assets.bom.compare), layout (`bom_compare_view`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import bom_compare_view, bom_question, context, examples, query
from mfg_assets.cli.output import Format, FormatOption
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    import duckdb

    from mfg_assets.bom import Question, Rules, Structure
    from mfg_assets.bom.lookup import Bill

EXAMPLES = examples.of(
    "mfg bom compare 100017@system=plm_main @system=erp_s4 --plant P200",
    "mfg bom compare FEEDER@revision=1.0.1 @revision=1.1.0 --format csv",
    "mfg bom compare BK-M82S-38@as-of=2013-05-29 @as-of=2013-05-31",
    "mfg bom compare 100017@plant=P100 @plant=P200 --system erp_s4 --all",
    "mfg bom compare 100017@held=2026-01-26T05:00Z @held=2026-02-02T05:00Z --system erp_s4 --plant P200",
)
_KEYS = ("system", "plant", "revision", "as-of", "usage", "alternative", "held")
_SIDE_FIX = f"write ITEM@key=value,key=value with keys {', '.join(_KEYS)}; the second side may leave the item out"


@dataclass(frozen=True)
class _Side:
    """One side as typed: its item and what it says of it."""

    item: str
    says: dict[str, str]


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="ITEM, or ITEM@key=value,…: which of its bills is meant.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one; @key=value,… is of the same item.")],
    plant: Annotated[str | None, typer.Option(help="Plant of sides that don't name one.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Instant at which lines must hold, of sides that don't name one.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="System of sides that don't name one.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of sides that don't name one.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Lines that are the same, too.")] = False,
    is_summarised: Annotated[
        bool, typer.Option("--summarised", help="What both need in the end, instead of how they are built.")
    ] = False,
    max_level: Annotated[int | None, typer.Option(min=1, help="Nothing below this level.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Show where two structures differ: of two systems, plants, revisions, dates, alternatives, or of two items.

    A side says what it means after its item: system, plant, revision, as-of, usage, alternative, held (as the system
    held it at that instant). Lines are paired, converted and tolerated as in the reconciliation.
    """
    from mfg_assets.bom import compare as hold_against
    from mfg_assets.bom import explode, net_requirement

    a = _side(first, None)
    b = _side(second, a.item)
    shared = {"plant": plant, "as-of": as_of, "system": system, "revision": revision}
    with query.published() as connection:
        questions = _question(connection, a, shared), _question(connection, b, shared)
        structures = _structure(connection, questions[0]), _structure(connection, questions[1])
    rules = _rules()
    totals = [explode(structure, side.item).totals() for structure, side in zip(structures, (a, b), strict=True)]
    needs = net_requirement(totals[0], totals[1], rules)
    if is_summarised:
        bom_compare_view.show_needs(needs, questions, structures, output, is_all=is_all)
        return
    found = hold_against(*structures, (a.item, b.item), rules, max_level=max_level)
    bom_compare_view.show_comparison(found, needs, questions, structures, output, is_all=is_all)


def _side(text: str, item: str | None) -> _Side:
    name, at, rest = text.partition("@") if text.startswith("@") else text.rpartition("@")
    if not at or "=" not in rest:
        name, rest = text, ""
    says: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in _KEYS or not equals or not value:
            raise UsageError(Problem(f"{text!r}: {part!r} is not understood", fix=_SIDE_FIX))
        if key in says:
            raise UsageError(Problem(f"{text!r} says {key} twice", fix=_SIDE_FIX))
        says[key] = value
    if not (name or item):
        raise UsageError(Problem(f"{text!r} names no item", fix=_SIDE_FIX))
    return _Side(name or item or "", says)


def _question(connection: duckdb.DuckDBPyConnection, side: _Side, shared: dict[str, str | None]) -> Question:
    says = {**{key: value for key, value in shared.items() if value is not None}, **side.says}
    asked = bom_question.ask(
        connection,
        side.item,
        says.get("plant"),
        says.get("as-of"),
        says.get("system"),
        says.get("revision"),
        None,
        is_down=True,
    )
    asked = replace(asked, usage=says.get("usage"), alternative=says.get("alternative"))
    if "held" not in says:
        return asked
    if asked.system is None:
        raise UsageError(
            Problem("held= asks what a system held, and no system is named", fix="add system= or --system")
        )
    held_at = bom_question.instant_of(connection, says["held"], asked.plant_id, context.estate_if_chosen())
    _require_history(connection, asked, held_at)
    return replace(asked, held_at=held_at)


def _require_history(connection: duckdb.DuckDBPyConnection, question: Question, held_at: datetime) -> None:
    known = connection.execute("select 1 from duckdb_tables() where table_name = 'bom_line_history'").fetchone()
    if known is None:
        raise UsageError(Problem("no history of bills is published", fix="mfg run"))
    row = connection.execute(
        "select min(first_told_at) from bom_line_history where source_system = $system and plant_id = $plant",
        {"system": question.system, "plant": question.plant_id},
    ).fetchone()
    if row is None or row[0] is None or row[0] > held_at:
        first = f"its first delivery is of {bom_compare_view.instant(row[0])}" if row and row[0] else "it has none"
        raise UsageError(
            Problem(
                f"nothing is known of what {question.system} held for {question.plant_id} at that time",
                fix=first,
            )
        )


def _structure(connection: duckdb.DuckDBPyConnection, question: Question) -> Structure:
    """The side's structure. Raises UsageError where the item has no bill there, with what there is."""
    from mfg_assets.bom import lookup, read_structure

    structure = read_structure(connection, question, is_down=True)
    if any(edge.parent == question.item for edge in structure.edges):
        return structure
    whose = question.system or "the reconciled bills"
    bills = lookup.bills(connection, question.item)
    there = [bill for bill in bills if bill.plant_id == question.plant_id]
    own = [bill for bill in there if question.system in (None, bill.source_system)]
    asked = f"{question.item} has no bill at {question.plant_id} in {whose}"
    if not bills:
        fix = f"nothing is below it; `mfg bom where-used {question.item}` looks upwards"
    elif not there:
        fix = f"it has bills at {', '.join(sorted({bill.plant_id for bill in bills}))}"
    elif not own:
        fix = f"these have one: {', '.join(sorted({bill.source_system for bill in there}))}"
    else:
        wanted = {"revision": question.revision, "usage": question.usage, "alternative": question.alternative}
        named = ", ".join(f"{key} {value}" for key, value in wanted.items() if value is not None)
        when = f"in force on {bom_compare_view.instant(question.as_of)}" if question.is_at_instant else ""
        asked = " ".join(filter(None, (asked, f"of {named}" if named else "", when)))
        fix = "there are: " + "; ".join(_told(bill) for bill in own)
    raise UsageError(Problem(asked, fix=fix))


def _told(bill: Bill) -> str:
    start = bom_compare_view.instant(bill.effective_from) if bill.effective_from else "ever"
    end = bom_compare_view.instant(bill.effective_to) if bill.effective_to else "open end"
    names = [bill.source_system]
    names += [f"revision {bill.revision}"] if bill.revision is not None else []
    names += [f"usage {bill.usage}"] if bill.usage is not None else []
    names += [f"alternative {bill.alternative}"] if bill.alternative is not None else []
    return f"{' '.join(names)} from {start} to {end}"


def _rules() -> Rules:
    """What the chosen estate declares; without one everything must agree exactly."""
    from mfg_assets.bom import Rules

    estate = context.estate_if_chosen()
    if estate is None:
        return Rules()
    tolerances = {
        name.removeprefix("bom_line."): (Decimal(str(t.absolute)), Decimal(str(t.relative)))
        for name, t in estate.file.tolerances.items()
        if name.startswith("bom_line.")
    }
    delivered = {
        s.system: frozenset(c for name, e in s.extracts.items() if s.entity_of(name) == "bom_line" for c in e.columns)
        for s in estate.systems.values()
    }
    return Rules(
        tolerances,
        {s.system: s.line_identity for s in estate.systems.values()},
        {system: columns for system, columns in delivered.items() if columns},
    )
