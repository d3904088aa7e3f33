"""A walk over a structure as an indented tree, a table, JSON or CSV.

Belongs here: layout. Doesn't belong here: walking (bom).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from mfg_assets.cli.output import Format, cell, emit, print_table, say, show

if TYPE_CHECKING:
    from mfg_assets.bom import Question, Walk

_STEP_COLUMNS = (
    "level",
    "depth",
    "item_number",
    "description",
    "quantity",
    "unit",
    "note",
    "quantity_per",
    "is_fixed_quantity",
    "scrap_fraction",
    "scrap_method",
    "position",
    "line_id",
    "source_system",
    "parent_item_number",
    "component_item_number",
    "bom_revision",
    "component_revision",
    "alternate_group",
    "effective_from",
    "effective_to",
)
_TOTAL_COLUMNS = (
    "item_number",
    "description",
    "kind",
    "quantity",
    "unit",
    "level_min",
    "level_max",
    "paths",
    "is_leaf",
    "is_complete",
)


def instant(value: datetime) -> str:
    """An instant in UTC to the second, or only its date at midnight."""
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC" if (utc.hour, utc.minute, utc.second) != (0, 0, 0) else f"{utc:%Y-%m-%d} UTC"


def number(value: Decimal | None) -> str:
    """A quantity without trailing zeros; nothing where it is unknown."""
    if value is None:
        return ""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_walk(walk: Walk, question: Question, output: Format, *, is_summarised: bool) -> None:
    """Print the walk; cycles and unknown quantities go to standard error, in words."""
    if output is Format.table:
        _show_header(walk, question)
        if is_summarised:
            _show_totals(walk)
        else:
            _show_tree(walk)
    elif is_summarised:
        end = "is_leaf" if walk.is_down else "is_top"
        columns = [end if column == "is_leaf" else column for column in _TOTAL_COLUMNS]
        emit(columns, _total_rows(walk), output)
    else:
        emit(_STEP_COLUMNS, _step_rows(walk), output)
    _warn(walk)


def _show_header(walk: Walk, question: Question) -> None:
    description = walk.structure.descriptions.get(walk.item, "")
    source = question.system or "the reconciled bills"
    revision = f", revision {question.revision}" if question.revision else ""
    show(f"{walk.item}  {description}".rstrip())
    holds = (
        f"as of {instant(question.as_of)}" if question.is_at_instant else f"its parts as of {instant(question.as_of)}"
    )
    show(f"{question.plant_id}, {source}{revision}, {holds}")
    show()


def _show_tree(walk: Walk) -> None:
    rows = [
        [
            cell(str(step.level)),
            cell("· " * (step.depth - 1) + step.item, style="" if step.edge.is_chosen else "dim"),
            cell(walk.structure.descriptions.get(step.item)),
            cell(number(step.quantity)),
            cell(step.edge.unit if walk.is_down else walk.unit),
            cell(step.note, style="yellow"),
        ]
        for step in walk.steps()
    ]
    if not rows:
        return
    held = "quantity" if walk.is_down else f"{walk.item} in one"
    print_table(
        ("level", "item", "description", held, "unit", "note"),
        rows,
        (True, False, False, True, False, False),
    )


def _show_totals(walk: Walk) -> None:
    rows = [
        [
            cell(total.item),
            cell(walk.structure.descriptions.get(total.item, "")),
            cell(number(total.quantity)),
            cell(total.unit),
            cell(
                f"{total.level_min}" if total.level_min == total.level_max else f"{total.level_min}-{total.level_max}"
            ),
            cell(str(total.paths)),
            cell(_total_note(total.kind, total.is_end, total.is_complete, is_down=walk.is_down)),
        ]
        for total in walk.totals()
    ]
    if rows:
        held = "quantity" if walk.is_down else f"{walk.item} in one"
        columns = ("item", "description", held, "unit", "level", "ways", "note")
        print_table(columns, rows, (False, False, True, False, True, True, False))


def _total_note(kind: str, is_end: bool, is_complete: bool, *, is_down: bool) -> str:
    notes = [] if kind == "component" else [kind.replace("_", "-")]
    if is_end and not is_down:
        notes.append("top")
    if not is_end and is_down:
        notes.append("has a bill")
    if not is_complete:
        notes.append("incomplete")
    return ", ".join(notes)


def _total_rows(walk: Walk) -> Iterator[tuple[object, ...]]:
    for t in walk.totals():
        yield (
            t.item,
            walk.structure.descriptions.get(t.item),
            t.kind,
            t.quantity,
            t.unit,
            t.level_min,
            t.level_max,
            t.paths,
            t.is_end,
            t.is_complete,
        )


def _step_rows(walk: Walk) -> Iterator[tuple[object, ...]]:
    for step in walk.steps():
        edge = step.edge
        yield (
            step.level,
            step.depth,
            step.item,
            walk.structure.descriptions.get(step.item),
            step.quantity,
            edge.unit if walk.is_down else walk.unit,
            step.note,
            edge.quantity_per,
            edge.is_fixed,
            edge.scrap,
            edge.scrap_method,
            edge.position,
            edge.line_id,
            edge.source_system,
            edge.parent,
            edge.component,
            edge.revision,
            edge.component_revision,
            edge.alternate_group,
            edge.effective_from,
            edge.effective_to,
        )


def _warn(walk: Walk) -> None:
    for path in walk.cycles:
        say(f"cycle: {' > '.join(path)}; its last step is not followed, so quantities through it are incomplete")
    for edge in walk.unknown():
        say(
            f"quantity unknown: {edge.parent} > {edge.component} (line {edge.line_id}, {edge.source_system}): "
            "its unit has no conversion; see bom_line_refused"
        )
