"""mes_a: the German plants' shop floor. Recipes as nightly JSON Lines, everything else as dumps of two message queues.

Belongs here: the native relations of mes_a. Doesn't belong here: its mapping (templates/systems/mes_a.yaml).

A message is an envelope (type, plant, time, enqueued, deleted) around a body whose keys depend on the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mfg_assets.simulate.export.documents import json_object
from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import number, revision_number, utc, with_offset
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_json_lines, write_lines, write_text

SYSTEM = "mes_a"


def _at(column: str) -> str:
    return with_offset(column, "'Europe/Berlin'")


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


def _message(kind: str, time: str, body: dict[str, str]) -> dict[str, str]:
    fields = ", ".join(f"'{key}': {sql}" for key, sql in body.items())
    return {
        "type": kind,
        "plant": "plant_id",
        "time": time,
        "enqueued": utc("recorded_at"),
        "deleted": "case when is_deleted then true end",
        "body": f"to_json({{{fields}}})",
    }


_UNIT = _word("units", "unit")
# Digits of a hash in groups, as the badge reader prints them.
_BADGE = "rtrim(regexp_replace(operator_hash, '(.{8})', '\\1-', 'g'), '-')"

ORDERS = (
    Feed(
        "production_order",
        "delta",
        _message(
            "'ORDER'",
            "null::varchar",
            {
                "order": "production_order_number",
                "material": "item_number",
                "rev": revision_number("revision"),
                "recipe": "bom_alternative",
                "qty": number("quantity"),
                "uom": _UNIT,
                "good": number("completed_quantity"),
                "scrap": number("scrapped_quantity"),
                "scrap_code": "scrap_reason",
                "plan_start": _at("scheduled_start_at"),
                "plan_end": _at("scheduled_end_at"),
                "due": _at("due_at"),
                "start": _at("actual_start_at"),
                "end": _at("actual_end_at"),
                "state": _word("production_order_status", "status"),
                "state_from": "status_source",
            },
        ),
    ),
    Feed(
        "production_operation",
        "delta",
        _message(
            "'OPERATION'",
            "null::varchar",
            {
                "order": "production_order_number",
                "op": "operation_sequence",
                "material": "item_number",
                "station": "work_center",
                "plan_start": _at("scheduled_start_at"),
                "plan_end": _at("scheduled_end_at"),
                "start": _at("actual_start_at"),
                "end": _at("actual_end_at"),
                "hours": number("actual_hours"),
                "cost_plan": number("planned_cost"),
                "cost_actual": number("actual_cost"),
                "currency": "currency",
            },
        ),
    ),
    Feed(
        "production_order_component",
        "delta",
        _message(
            "'COMPONENT'",
            "null::varchar",
            {
                "order": "production_order_number",
                "line": "line_id",
                "material": "item_number",
                "rev": revision_number("component_revision"),
                "qty": number("quantity"),
                "uom": _UNIT,
                "op": "operation_sequence",
                "calculated": "is_backflushed",
            },
        ),
    ),
)
EVENTS = (
    Feed(
        "production_confirmation",
        "events",
        _message(
            "case when yield_quantity = 0 and scrap_quantity > 0 then 'SCRAP' else 'CONFIRM' end",
            _at("event_at"),
            {
                "id": "event_id",
                "order": "production_order_number",
                "op": "operation_sequence",
                "material": "item_number",
                "good": number("yield_quantity"),
                "scrap": number("scrap_quantity"),
                "rework": number("rework_quantity"),
                "uom": _UNIT,
                "reason": "reason_code",
                "badge": _BADGE,
                "posted_as": "erp_posting_reference",
            },
        ),
    ),
    Feed(
        "material_consumption",
        "events",
        _message(
            "'CONSUME'",
            _at("event_at"),
            {
                "id": "event_id",
                "order": "production_order_number",
                "op": "operation_sequence",
                "material": "item_number",
                "qty": number("quantity"),
                "uom": _UNIT,
                "lot": "lot_number",
                "serial": "serial_number",
                "kind": _word("consumption_kind", "consumption_kind"),
                "confirm": "confirmation_event_id",
            },
        ),
    ),
    Feed(
        "downtime_event",
        "events",
        _message(
            "'DOWNTIME'",
            _at("started_at"),
            {
                "id": "event_id",
                "station": "work_center",
                "order": "production_order_number",
                "reason": "reason_code",
                "until": _at("ended_at"),
            },
        ),
    ),
    Feed(
        "dispatch_list",
        "delta",
        _message(
            "'DISPATCH'",
            _at("dispatched_at"),
            {
                "station": "work_center",
                "order": "production_order_number",
                "op": "operation_sequence",
                "place": "sequence",
            },
        ),
    ),
    Feed(
        "sync_acknowledgement",
        "events",
        _message(
            "'ACK'",
            _at("event_at"),
            {
                "id": "event_id",
                "target": "target_system",
                "object": "object_type",
                "key": "object_key",
                "version": "version",
                "state": _word("acknowledgement_state", "acknowledgement_state"),
                "text": "detail",
            },
        ),
    ),
)

ROUTING = Feed(
    "routing_operation",
    "snapshot",
    {
        "material": "item_number",
        "plant": "plant_id",
        "recipe": "alternative",
        "op": "operation_sequence",
        "station": "work_center",
        "setup": number("setup_time"),
        "cycle": number("run_time"),
        "time_uom": _word("units", "time_unit"),
        "yield": number("yield_fraction"),
        "valid_from": _at("effective_from"),
        "valid_to": _at("effective_to"),
        "rev": revision_number("revision"),
        "instruction": "work_instruction_number",
        "instruction_version": "work_instruction_version",
        "changed": utc("recorded_at"),
    },
)
RECIPE = Feed(
    "bom_header",
    "snapshot",
    {
        "material": "parent_item_number",
        "plant": "plant_id",
        "purpose": _word("bill_usage", '"usage"'),
        "recipe": "alternative",
        "rev": revision_number("revision"),
        "per": number("base_quantity"),
        "uom": _UNIT,
        "state": _word("bill_status", "status"),
        "valid_from": _at("effective_from"),
        "valid_to": _at("effective_to"),
        "lot_min": number("lot_size_from"),
        "lot_max": number("lot_size_to"),
        "change": "engineering_change_number",
        "changed": utc("recorded_at"),
    },
)
RECIPE_LINE = Feed(
    "bom_line",
    "snapshot",
    {
        "material": "parent_item_number",
        "plant": "plant_id",
        "purpose": _word("bill_usage", '"usage"'),
        "recipe": "alternative",
        "rev": revision_number("revision"),
        "line": "line_id",
        "pos": "position",
        "part": "component_item_number",
        "part_rev": revision_number("component_revision"),
        "qty": number("quantity"),
        "uom": _UNIT,
        "fixed": "is_fixed_quantity",
        "scrap": number("component_scrap"),
        "scrap_kind": _word("scrap_method", "scrap_method"),
        "assembly_scrap": number("assembly_scrap"),
        "net": "is_net",
        "op": "operation_sequence",
        "alt_group": "alternate_group",
        "alt_rank": "alternate_priority",
        "alt_share": number("usage_probability"),
        "phantom": "is_phantom",
        "kind": _word("line_type", "line_type"),
        "designators": "reference_designators",
        "plants": "applicable_plants",
        "valid_from": _at("effective_from"),
        "valid_to": _at("effective_to"),
        "change_in": "engineering_change_in",
        "change_out": "engineering_change_out",
        "shop_only": "is_manufacturing_only",
        "changed": utc("recorded_at"),
    },
)
REASON = Feed("reason_code", "snapshot", {"code": "reason_code", "text": "name", "changed": utc("recorded_at")})

_NIGHTLY = {"Routing": ROUTING, "Recipe": RECIPE, "RecipeLine": RECIPE_LINE, "Reasons": REASON}


def write(drop: Drop) -> None:
    """Write recipes and reasons with their control files, and the dumps of both queues."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    for name, feed in _NIGHTLY.items():
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        write_json_lines(drop.connection, rows, folder / f"{name}_{stamp}.jsonl")
        write_text(folder / f"{name}_{stamp}.ctl", f"rows={rows.claimed_rows}\n")
        unstage(drop, rows)
    for name, feeds in (("Orders", ORDERS), ("Queue", EVENTS)):
        _write_messages(drop, folder / f"{name}_{stamp}.jsonl", feeds)


def _write_messages(drop: Drop, path: Path, feeds: Sequence[Feed]) -> None:
    """Messages of several types in the order in which the queue took them."""
    messages = [stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window)) for feed in feeds]
    dumped = " union all ".join(
        f"select enqueued, {place} as place, rowid as number, {json_object(relation)} as line from {relation.name}"
        for place, relation in enumerate(messages)
    )
    write_lines(
        drop.connection,
        f"select line from ({dumped}) order by enqueued, place, number",
        path,
        tail=[line for relation in messages for line in relation.lines],
    )
    unstage(drop, *messages)
