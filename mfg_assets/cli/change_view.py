"""Changes as lists, timelines per plant, and what-ifs: for people, or as rows.

Belongs here: layout. Doesn't belong here: reading (change).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mfg_assets.cli.output import Format, emit, show
from mfg_assets.safe import json_text

if TYPE_CHECKING:
    from mfg_assets.change import ChangeAtPlant, Replacement, Touched
    from mfg_assets.change.read import OldOrder, RunOut

_LIST_COLUMNS = (
    "change_number",
    "plant_id",
    "status",
    "blocking_reasons",
    "effective_from",
    "propagation_hours",
    "title",
)
_EVENT_COLUMNS = ("change_number", "plant_id", "at", "milestone", "system", "evidence")
_IMPACT_COLUMNS = (
    *("object_type", "object_key", "item_number", "relation", "object_status", "due_at", "quantity", "unit", "value"),
    *("currency", "suggested_action"),
)
_EVIDENCE_SHOWN = 2
_UNITS_SHOWN = 5
_GIVEN_UP = ("cancelled", "withdrawn")


@dataclass(frozen=True)
class Detail:
    """A change at a plant with all that is shown of it."""

    change: ChangeAtPlant
    touched: Sequence[Touched]
    run_outs: Sequence[RunOut]
    old_orders: Sequence[OldOrder]


def show_list(found: Sequence[ChangeAtPlant], output: Format, *, limit: int | None) -> None:
    """One row per change and plant; in a table the first day in the plant's own time."""

    def values(one: ChangeAtPlant) -> Iterator[object]:
        for column in _LIST_COLUMNS:
            value = one.row[column]
            if output is Format.table and column == "blocking_reasons":
                yield ", ".join(one.list(column)) or _waits_for(one)
            elif output is Format.table and isinstance(value, datetime):
                yield local(value, one.text("timezone"))
            else:
                yield value

    emit(_LIST_COLUMNS, (tuple(values(one)) for one in found), output, limit=limit)


def _waits_for(change: ChangeAtPlant) -> str:
    # what isn't blocked and doesn't happen either has its reason, too
    if change.row["status"] != "pending":
        return ""
    if change.row["is_deferred"]:
        return "(waits by decision)"
    return "(not released)" if change.row["released_at"] is None else ""


def show_change(details: Sequence[Detail], output: Format) -> None:
    """A timeline per plant for people; JSON has everything, CSV the milestones."""
    match output:
        case Format.json:
            show(json_text([_as_json(detail) for detail in details]))
        case Format.csv:
            emit(
                _EVENT_COLUMNS,
                (
                    (
                        d.change.row["change_number"],
                        d.change.row["plant_id"],
                        e.at,
                        e.milestone,
                        e.system,
                        " ".join(e.evidence),
                    )
                    for d in details
                    for e in d.change.events
                ),
                output,
            )
        case Format.table:
            _head(details[0].change)
            for detail in details:
                show()
                _plant(detail)


def _head(change: ChangeAtPlant) -> None:
    show(f"{change.text('change_number')}  {change.text('title')}")
    revisions = " to ".join(filter(None, (change.text("from_revision"), change.text("to_revision"))))
    assembly = change.text("parent_item_number")
    show(f"{change.text('change_status')}; changes {assembly}" + (f", revision {revisions}" if revisions else ""))


def _plant(detail: Detail) -> None:
    change = detail.change
    zone = change.text("timezone") or "UTC"
    first = change.row["effective_from"]
    day = f", from {local(first, zone)}" if isinstance(first, datetime) else ""
    show(f"{change.text('plant_id')}  {change.text('status')}{day}  ({zone})")
    for note in _notes(change):
        show(f"  {note}")
    for event in change.events:
        shown = ", ".join(event.evidence[:_EVIDENCE_SHOWN])
        more = len(event.evidence) - _EVIDENCE_SHOWN
        records = f"  [{shown}{f' and {more} more' if more > 0 else ''}]" if shown else ""
        show(f"  {local(event.at, zone)}  {event.milestone}{f' ({event.system})' if event.system else ''}{records}")
    for kind, label in (("erp", "ERP"), ("mes", "MES")):
        system, state = change.text(f"{kind}_system"), change.text(f"{kind}_state")
        if system and _is_held_at_all(change):
            show(f"  now in {label} {system}: {_STATES.get(state, state)}")
    hours = change.row["propagation_hours"]
    if hours is not None:
        show(
            f"  {hours} h from release to both systems: {change.text('release_to_erp_hours') or '?'} h to the ERP, "
            f"{change.text('erp_to_mes_hours') or '?'} h on to the MES"
        )
    if detail.touched:
        show("  touches")
        for one in detail.touched:
            value = f", {one.value:,.2f} {one.currency}" if one.value is not None else ""
            show(
                f"    {one.relation:<9} {one.item_number}  {one.object_type} × {one.objects}: "
                f"{number(one.quantity)} {one.unit or ''}{value} → {one.suggested_action}"
            )
    for one in detail.run_outs:
        show(f"  {one.item_number} {_runs_out(one, one.unit)}")
    for one in detail.old_orders:
        booked = f"scrap {number(one.scrap_quantity)}, rework {number(one.rework_quantity)} {one.unit or ''}"
        what = f"made revision {one.made_revision} instead of {one.released_revision}"
        if one.old_components:
            what = f"took {', '.join(one.old_components)}"
        done = "was finished" if one.is_finished else "was started"
        show(f"  order {one.production_order_number} {done}: {what}; {booked}")


def _runs_out(one: RunOut | Replacement, unit: str | None) -> str:
    if one.available <= 0 and one.ordered <= 0:
        return "is used up: none is there, none on order"
    when = f"runs out on {one.run_out_date}" if one.run_out_date else "isn't being used up"
    there = f"{number(one.available)} {unit or ''}".rstrip()
    return f"{when}: {there} there, {number(one.ordered)} on order, {number(one.used_per_day)} a day"


_STATES = {
    "holds": "holds it",
    "lacks": "doesn't hold it",
    "differs": "holds something else",
    "unknown": "not known",
}


def _is_held_at_all(change: ChangeAtPlant) -> bool:
    # what a system holds is said of a structure that engineering released, and that has a day
    row = change.row
    return bool(
        row["change_status"] == "released"
        and row["alters_structure"]
        and row["is_applicable"]
        and row["effectivity_kind"] not in ("serial", "lot")
    )


def _notes(change: ChangeAtPlant) -> Iterator[str]:
    reasons = change.list("blocking_reasons")
    if reasons:
        yield f"because of {', '.join(reasons)}"
        yield change.text("blocking_detail")
    if change.row["is_deferred"]:
        until = change.row["deferred_until"]
        why = change.text("constraint_kind").replace("_", " ")
        end = f" until {local(until, change.text('timezone'))}" if isinstance(until, datetime) else ""
        yield f"waits by decision{end}" + (f" ({why})" if why else "")
    if change.row["change_status"] in _GIVEN_UP:
        yield f"{change.text('change_status')}: nothing is asked of the plant"
    elif change.row["released_at"] is None:
        yield "not released yet: nothing is asked of the plant"
    if (kind := change.text("effectivity_kind")) in ("serial", "lot"):
        first, last = change.text(f"effective_{kind}_from"), change.text(f"effective_{kind}_to")
        yield f"holds from {kind} {first}{f' to {last}' if last else ' on'}: {_units(change)}"
    if unmet := change.list("unmet_checks"):
        yield f"not ready: {', '.join(unmet)}"
    if later := change.text("superseded_by_change_number"):
        yield f"{later} changes the same components later"


def _units(change: ChangeAtPlant) -> str:
    # what was built is all that shows a change without a day
    if not change.row["units_in_range"]:
        return "none of them is built yet"
    built = f"{change.text('units_built_to_change')} of {change.text('units_in_range')} so far built to it"
    otherwise = change.list("units_built_otherwise")
    more = f" and {len(otherwise) - _UNITS_SHOWN} more" if len(otherwise) > _UNITS_SHOWN else ""
    return built + (f"; not as it should be: {', '.join(otherwise[:_UNITS_SHOWN])}{more}" if otherwise else "")


def show_what_if(answer: Replacement, zone: str, output: Format) -> None:
    """The answer in words; JSON has everything, CSV the objects."""
    rows = [tuple(getattr(one, column) for column in _IMPACT_COLUMNS) for one in answer.objects]
    match output:
        case Format.json:
            show(json_text(_what_if_json(answer)))
        case Format.csv:
            emit(_IMPACT_COLUMNS, rows, output)
        case Format.table:
            unit = next((o.unit for o in answer.objects if o.item_number == answer.old_item), None) or ""
            show(f"{answer.new_item} for {answer.old_item} at {answer.plant_id} from {local(answer.on, zone)} ({zone})")
            show()
            show(
                f"{_counted(len(answer.direct), 'bill takes', 'bills take')} it, "
                f"{_counted(len(answer.assemblies), 'item holds', 'items hold')} it in all:"
            )
            for total in answer.assemblies:
                how = "" if total.item in answer.direct else " (through others)"
                show(f"  {total.item}{how}: {number(total.quantity)} {unit} in one")
            show()
            left = f"; {number(answer.left_on_day)} left on the day" if answer.left_on_day else ""
            show(f"{answer.old_item} {_runs_out(answer, unit)}{left}")
            show()
            for check in answer.checks:
                show(
                    f"  {'ok     ' if check.is_met else 'missing'}  {check.name}"
                    + (f": {check.detail}" if check.detail else "")
                )
            if rows:
                show()
                emit(_IMPACT_COLUMNS, (_local_row(row, zone) for row in rows), output)


def _counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _local_row(row: tuple[object, ...], zone: str) -> tuple[object, ...]:
    def shown(value: object) -> object:
        if isinstance(value, datetime):
            return local(value, zone)
        return number(value) if isinstance(value, Decimal) else value

    return tuple(shown(value) for value in row)


def _what_if_json(answer: Replacement) -> dict[str, object]:
    return {
        "item": answer.old_item,
        "replace_by": answer.new_item,
        "plant_id": answer.plant_id,
        "on": answer.on,
        "assemblies": [
            {"item_number": t.item, "quantity": t.quantity, "is_direct": t.item in answer.direct}
            for t in answer.assemblies
        ],
        "available_quantity": answer.available,
        "ordered_quantity": answer.ordered,
        "used_per_day": answer.used_per_day,
        "run_out_date": answer.run_out_date,
        "left_on_day": answer.left_on_day,
        "checks": [vars(check) for check in answer.checks],
        "objects": [vars(one) for one in answer.objects],
    }


def _as_json(detail: Detail) -> dict[str, object]:
    return {
        **detail.change.row,
        "timeline": [vars(event) for event in detail.change.events],
        "touches": [vars(one) for one in detail.touched],
        "run_out": [vars(one) for one in detail.run_outs],
        "orders_on_superseded_revision": [vars(one) for one in detail.old_orders],
    }


def local(instant: datetime, zone: str) -> str:
    """An instant in the plant's own time, to the minute."""
    return instant.astimezone(ZoneInfo(zone) if zone else UTC).strftime("%Y-%m-%d %H:%M")


def number(value: Decimal) -> str:
    """A quantity without trailing zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
