"""mes_b: the shop floor in Texas and Ho Chi Minh City. CSV files, those of the busiest feeds in hourly drops.

Belongs here: the native relations of mes_b. Doesn't belong here: its mapping (templates/systems/mes_b.yaml).

Its times are the plant's clock with the offset from UTC, because one installation serves two zones.
"""

from __future__ import annotations

from dataclasses import replace

from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import number, revision_number, utc, with_offset
from mfg_assets.simulate.export.staging import Drop, Relation, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_delimited
from mfg_assets.warehouse.sql import literal

SYSTEM = "mes_b"
_ZONE = "case plant_id when 'P300' then 'America/Chicago' else 'Asia/Ho_Chi_Minh' end"


def _at(column: str) -> str:
    return with_offset(column, _ZONE)


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


def _flag(column: str) -> str:
    return f"case when {column} then 'Y' when not {column} then 'N' end"


_UNIT = _word("units", "unit")
_PLANT = _word("plants", "plant_id")
_WRITTEN = {"WrittenUtc": utc("recorded_at")}
_CHANGED = {**_WRITTEN, "Op": "case when is_deleted then 'D' else 'U' end"}

ROUTE = Feed(
    "routing_operation",
    "snapshot",
    {
        "Item": "item_number",
        "Plant": _PLANT,
        "RouteAlt": "alternative",
        "Step": "operation_sequence",
        "Resource": "work_center",
        "SetupTime": number("setup_time"),
        "RunTime": number("run_time"),
        "TimeUnit": _word("units", "time_unit"),
        "YieldPct": number("cast(yield_fraction * 100 as decimal(12, 6))"),
        "ValidFrom": _at("effective_from"),
        "ValidTo": _at("effective_to"),
        "Rev": revision_number("revision"),
        "Document": "work_instruction_number",
        "DocumentVersion": "work_instruction_version",
        **_WRITTEN,
    },
)
FORMULA = Feed(
    "bom_header",
    "snapshot",
    {
        "Item": "parent_item_number",
        "Plant": _PLANT,
        "Use": _word("bill_usage", '"usage"'),
        "Alt": "alternative",
        "Rev": revision_number("revision"),
        "BatchSize": number("base_quantity"),
        "Unit": _UNIT,
        "State": _word("bill_status", "status"),
        "ValidFrom": _at("effective_from"),
        "ValidTo": _at("effective_to"),
        "LotMin": number("lot_size_from"),
        "LotMax": number("lot_size_to"),
        "ChangeNo": "engineering_change_number",
        **_WRITTEN,
    },
)
FORMULA_LINE = Feed(
    "bom_line",
    "snapshot",
    {
        "Item": "parent_item_number",
        "Plant": _PLANT,
        "Use": _word("bill_usage", '"usage"'),
        "Alt": "alternative",
        "Rev": revision_number("revision"),
        "LineId": "line_id",
        "Pos": "position",
        "Component": "component_item_number",
        "ComponentRev": revision_number("component_revision"),
        "Qty": number("quantity"),
        "Unit": _UNIT,
        "PerOrder": _flag("is_fixed_quantity"),
        "Scrap": number("component_scrap"),
        "ScrapMethod": _word("scrap_method", "scrap_method"),
        "AssemblyScrap": number("assembly_scrap"),
        "Net": _flag("is_net"),
        "Step": "operation_sequence",
        "AltGroup": "alternate_group",
        "AltRank": "alternate_priority",
        "AltShare": number("usage_probability"),
        "Phantom": _flag("is_phantom"),
        "LineType": _word("line_type", "line_type"),
        "RefDes": "reference_designators",
        "Plants": "applicable_plants",
        "ValidFrom": _at("effective_from"),
        "ValidTo": _at("effective_to"),
        "ChangeIn": "engineering_change_in",
        "ChangeOut": "engineering_change_out",
        "ShopOnly": _flag("is_manufacturing_only"),
        **_WRITTEN,
    },
)
ORDER = Feed(
    "production_order",
    "delta",
    {
        "OrderNo": "production_order_number",
        "Plant": _PLANT,
        "Item": "item_number",
        "Rev": revision_number("revision"),
        "Alt": "bom_alternative",
        "Qty": number("quantity"),
        "Unit": _UNIT,
        "QtyGood": number("completed_quantity"),
        "QtyScrap": number("scrapped_quantity"),
        "ScrapReason": "scrap_reason",
        "PlanStart": _at("scheduled_start_at"),
        "PlanEnd": _at("scheduled_end_at"),
        "Due": _at("due_at"),
        "ActStart": _at("actual_start_at"),
        "ActEnd": _at("actual_end_at"),
        "State": _word("production_order_status", "status"),
        "StateFrom": "status_source",
        **_CHANGED,
    },
)
STEP = Feed(
    "production_operation",
    "delta",
    {
        "OrderNo": "production_order_number",
        "Plant": _PLANT,
        "Step": "operation_sequence",
        "Item": "item_number",
        "Resource": "work_center",
        "PlanStart": _at("scheduled_start_at"),
        "PlanEnd": _at("scheduled_end_at"),
        "ActStart": _at("actual_start_at"),
        "ActEnd": _at("actual_end_at"),
        "Hours": number("actual_hours"),
        "CostPlan": number("planned_cost"),
        "CostActual": number("actual_cost"),
        "Currency": "currency",
        **_CHANGED,
    },
)
COMPONENT = Feed(
    "production_order_component",
    "delta",
    {
        "OrderNo": "production_order_number",
        "Plant": _PLANT,
        "LineId": "line_id",
        "Component": "item_number",
        "ComponentRev": revision_number("component_revision"),
        "Qty": number("quantity"),
        "Unit": _UNIT,
        "Step": "operation_sequence",
        "Backflush": _flag("is_backflushed"),
        **_CHANGED,
    },
)
CONFIRMATION = Feed(
    "production_confirmation",
    "events",
    {
        "Id": "event_id",
        "OrderNo": "production_order_number",
        "Plant": _PLANT,
        "Step": "operation_sequence",
        "Item": "item_number",
        "Good": number("yield_quantity"),
        "Scrap": number("scrap_quantity"),
        "Rework": number("rework_quantity"),
        "Unit": _UNIT,
        "Reason": "reason_code",
        "At": _at("event_at"),
        "OperatorHash": "operator_hash",
        "ErpDocument": "erp_posting_reference",
        **_WRITTEN,
    },
)
CONSUMPTION = Feed(
    "material_consumption",
    "events",
    {
        "Id": "event_id",
        "OrderNo": "production_order_number",
        "Plant": _PLANT,
        "Step": "operation_sequence",
        "Item": "item_number",
        "Qty": number("quantity"),
        "Unit": _UNIT,
        "Lot": "lot_number",
        "Serial": "serial_number",
        "At": _at("event_at"),
        "Kind": _word("consumption_kind", "consumption_kind"),
        "ConfirmationId": "confirmation_event_id",
        **_WRITTEN,
    },
)
DOWNTIME = Feed(
    "downtime_event",
    "events",
    {
        "Id": "event_id",
        "Plant": _PLANT,
        "Resource": "work_center",
        "OrderNo": "production_order_number",
        "Reason": "reason_code",
        "Start": _at("started_at"),
        "End": _at("ended_at"),
        **_WRITTEN,
    },
)
DISPATCH = Feed(
    "dispatch_list",
    "delta",
    {
        "Plant": _PLANT,
        "Resource": "work_center",
        "OrderNo": "production_order_number",
        "Step": "operation_sequence",
        "Rank": "sequence",
        "At": _at("dispatched_at"),
        **_CHANGED,
    },
)
ACKNOWLEDGEMENT = Feed(
    "sync_acknowledgement",
    "events",
    {
        "Id": "event_id",
        "Target": "target_system",
        "Plant": _PLANT,
        "ObjectType": "object_type",
        "ObjectKey": "object_key",
        "Version": "version",
        "State": _word("acknowledgement_state", "acknowledgement_state"),
        "Text": "detail",
        "At": _at("event_at"),
        **_WRITTEN,
    },
)

REASON = Feed("reason_code", "snapshot", {"Reason": "reason_code", "Text": "name", **_WRITTEN})

_NIGHTLY = {"Route": ROUTE, "Formula": FORMULA, "FormulaLine": FORMULA_LINE, "Reasons": REASON}
_DAILY = {
    "Order": ORDER,
    "Step": STEP,
    "Component": COMPONENT,
    "Downtime": DOWNTIME,
    "Dispatch": DISPATCH,
    "Ack": ACKNOWLEDGEMENT,
}
_HOURLY = {"Confirm": CONFIRMATION, "Consume": CONSUMPTION}
_DAY = len("2026-01-05")
_HOUR = 'left("WrittenUtc", 13)'


def write(drop: Drop) -> None:
    """Write recipes and reasons with a last line that counts them, the daily files, and the drops of the last day."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    for name, feed in {**_NIGHTLY, **_DAILY, **_HOURLY}.items():
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        if name in _HOURLY:
            _write_drops(drop, name, rows)
        else:
            trailer = "## {rows} rows" if name in _NIGHTLY else None
            write_delimited(drop.connection, rows, folder / f"{name}_{stamp}.csv", trailer=trailer)
        unstage(drop, rows)


def _write_drops(drop: Drop, name: str, rows: Relation) -> None:
    """The last day on which anything was written, by the hour; all before it in one file, with what a fault adds."""
    folder, stem = drop.folder(SYSTEM), f"{name}_{drop.window.stamp}"
    hours = drop.connection.execute(f"select distinct {_HOUR} from {rows.name} order by 1").fetchall()
    known = [hour for (hour,) in hours if hour is not None]
    drops = [hour for hour in known if hour[:_DAY] == known[-1][:_DAY]]
    listed = ", ".join(literal(hour) for hour in drops) or "null"
    before = replace(rows, name=f"(from {rows.name} where not coalesce({_HOUR} in ({listed}), false))")
    write_delimited(drop.connection, before, folder / f"{stem}_before.csv")
    for hour in drops:
        within = replace(rows, name=f"(from {rows.name} where {_HOUR} = {literal(hour)})", lines=())
        write_delimited(drop.connection, within, folder / f"{stem}_{hour.replace('-', '')}.csv")
