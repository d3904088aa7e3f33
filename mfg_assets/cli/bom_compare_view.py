"""A comparison of two structures as an indented tree, a table of needs, JSON or CSV.

Belongs here: layout. Doesn't belong here: comparing (mfg_assets.bom.compare).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from mfg_assets.cli.bom_view import instant, number
from mfg_assets.cli.output import Format, cell, emit, print_table, show

if TYPE_CHECKING:
    from rich.text import Text

    from mfg_assets.bom import Change, Comparison, Edge, Need, Question, Row, Structure

__all__ = ["instant", "show_comparison", "show_needs"]

_COLUMNS = (
    "change",
    "level",
    "path",
    "parent_item_number",
    "component_item_number",
    "description",
    "attribute",
    "a_value",
    "b_value",
    "a_quantity_per",
    "b_quantity_per",
    "unit",
    "a_line_id",
    "b_line_id",
    "a_position",
    "b_position",
    "a_source_system",
    "b_source_system",
)
_NEED_COLUMNS = (
    "item_number",
    "description",
    "a_quantity",
    "b_quantity",
    "difference",
    "unit",
    "is_equal",
    "is_complete",
)
_MARK = {"added": "+", "removed": "-", "changed": "~", "position_only": "#", "same": ""}
_STYLE = {"added": "green", "removed": "red", "changed": "yellow", "position_only": "dim", "same": "dim"}
_WORD = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "position_only": "position only",
    "same": "equal",
}


def show_comparison(
    found: Comparison,
    needs: Sequence[Need],
    questions: Sequence[Question],
    structures: Sequence[Structure],
    output: Format,
    *,
    is_all: bool,
) -> None:
    """Print what differs: a row per attribute as JSON or CSV, a row per line as a tree.

    `is_all` keeps lines that are the same; the tree always has those on the way to a difference.
    """
    names = _descriptions(structures)
    if output is not Format.table:
        emit(_COLUMNS, _rows(found, names, is_all=is_all), output)
        return
    _show_sides(questions, names)
    rows = list(found.rows if is_all else found.relevant())
    if rows:
        print_table(
            ("", "item", "description", "A", "B", "unit", "what differs"),
            [_tree_row(row, names) for row in rows],
            (False, False, False, True, True, False, False),
        )
        show()
    counts = found.counts()
    told = [f"{count:,} {_WORD[status]}" for status, count in counts.items() if count]
    show(f"{', '.join(told)}." if told else "Neither has a line.")
    unequal, unknown = _unequal(needs)
    if unequal:
        show(f"The net requirement differs in {unequal:,} of {len(needs):,} items (--summarised shows them).")
    elif not unknown and any(count for status, count in counts.items() if status in ("added", "removed", "changed")):
        show(f"The net requirement is the same, all {len(needs):,} items of it: the structures are equivalent.")


def show_needs(
    needs: Sequence[Need],
    questions: Sequence[Question],
    structures: Sequence[Structure],
    output: Format,
    *,
    is_all: bool,
) -> None:
    """Print what one piece takes in the end on either side; `is_all` keeps what is the same."""
    names = _descriptions(structures)
    rows = [need for need in needs if is_all or not need.is_equal]
    if output is not Format.table:
        values = (
            (n.item, names.get(n.item), n.a, n.b, _difference(n), n.unit, n.is_equal, n.is_complete) for n in rows
        )
        emit(_NEED_COLUMNS, values, output)
        return
    _show_sides(questions, names)
    if rows:
        print_table(
            ("item", "description", "A", "B", "difference", "unit", "note"),
            [
                [
                    cell(n.item),
                    cell(names.get(n.item)),
                    cell(number(n.a)),
                    cell(number(n.b)),
                    cell("" if n.is_equal else number(_difference(n)), style="yellow"),
                    cell(n.unit),
                    cell("" if n.is_complete else "incomplete", style="yellow"),
                ]
                for n in rows
            ],
            (False, False, True, True, True, False, False),
        )
        show()
    unequal, unknown = _unequal(needs)
    show(f"{unequal:,} of {len(needs):,} items differ in what one piece takes of them.")
    if unknown:
        show(f"{unknown:,} can't be told: a cycle or an unknown quantity lies on the way to them.")


def _unequal(needs: Sequence[Need]) -> tuple[int, int]:
    return sum(not n.is_equal for n in needs), sum(n.is_equal and not n.is_complete for n in needs)


def _difference(need: Need) -> Decimal:
    return (need.b or Decimal(0)) - (need.a or Decimal(0))


def _descriptions(structures: Sequence[Structure]) -> dict[str, str]:
    return {item: text for structure in structures for item, text in structure.descriptions.items()}


def _show_sides(questions: Sequence[Question], names: dict[str, str]) -> None:
    a, b = questions
    if a.item == b.item:
        show(f"{a.item}  {names.get(a.item, '')}".rstrip())
    for letter, question in zip("AB", questions, strict=True):
        item = "" if a.item == b.item else f"{question.item}  {names.get(question.item, '')}".rstrip() + ", "
        show(f"{letter}  {item}{_told(question)}")
    show()


def _told(question: Question) -> str:
    parts = [question.plant_id, question.system or "the reconciled bills"]
    parts += [f"revision {question.revision}"] if question.revision else []
    parts += [f"usage {question.usage}"] if question.usage else []
    parts += [f"alternative {question.alternative}"] if question.alternative else []
    parts += [f"as of {instant(question.as_of)}"] if question.is_at_instant else []
    parts += [f"as held on {instant(question.held_at)}"] if question.held_at else []
    return ", ".join(parts)


def _tree_row(row: Row, names: dict[str, str]) -> list[Text]:
    line, style = row.line, _STYLE[row.status]
    what = ", ".join(_change(change) for change in row.changes) if row.changes else ""
    note = {"added": "only in B", "removed": "only in A"}.get(row.status, what)
    if row.status == "position_only":
        note += " (position only)"
    if row.is_repeated:
        note = "; ".join(filter(None, (note, "its own lines are above")))
    return [
        cell(_MARK[row.status], style=style),
        cell("· " * (row.depth - 1) + line.component, style=style),
        cell(names.get(line.component), style=style),
        cell(_quantity(row.a), style=style),
        cell(_quantity(row.b), style=style),
        cell(line.unit, style=style),
        cell(note, style=style),
    ]


def _quantity(edge: Edge | None) -> str:
    if edge is None:
        return ""
    return "?" if edge.quantity_per is None else number(edge.quantity_per)


def _change(change: Change) -> str:
    return f"{change.attribute} {_value(change.a)} → {_value(change.b)}"


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return number(value)
        case datetime():
            return instant(value)
        case _:
            return str(value)


def _rows(found: Comparison, names: dict[str, str], *, is_all: bool) -> Iterator[tuple[object, ...]]:
    for row in found.rows:
        if row.status == "same" and not is_all:
            continue
        line = row.line
        whole = [("line", row.a and row.a.component, row.b and row.b.component)] if not row.changes else []
        for attribute, a, b in [*whole, *((c.attribute, c.a, c.b) for c in row.changes)]:
            yield (
                row.status,
                row.depth,
                " > ".join(row.path),
                row.path[-1],
                line.component,
                names.get(line.component),
                attribute,
                a,
                b,
                row.a and row.a.quantity_per,
                row.b and row.b.quantity_per,
                line.unit,
                row.a and row.a.line_id,
                row.b and row.b.line_id,
                row.a and row.a.position,
                row.b and row.b.position,
                row.a and row.a.source_system,
                row.b and row.b.source_system,
            )
