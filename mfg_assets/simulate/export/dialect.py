"""A dialect: how one system names and writes every column of a contract, and how the estate reads it back.

Belongs here: both directions of each kind of column, in one place, so that they can't disagree. Doesn't belong here:
which entities a system delivers and in which files (the systems' modules); names and words themselves (`dialects/`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mfg_assets.contracts import Column, contract
from mfg_assets.simulate.export.feeds import Delivery, Feed
from mfg_assets.simulate.export.native import number, revision_number
from mfg_assets.warehouse.sql import identifier, literal

# Code maps of columns with codes; those of one name in several entities have one map each.
_CODE_MAPS = {
    "*.usage": "bill_usage",
    "*.scrap_method": "scrap_method",
    "*.line_type": "line_type",
    "*.stock_status": "stock_status",
    "*.from_status": "stock_status",
    "*.to_status": "stock_status",
    "*.ownership": "ownership",
    "*.from_ownership": "ownership",
    "*.to_ownership": "ownership",
    "*.movement_class": "movement_class",
    "*.item_type": "item_type",
    "*.lifecycle_status": "lifecycle_status",
    "*.procurement_type": "procurement_type",
    "*.planning_status": "planning_status",
    "bom_header.status": "release_status",
    "item_revision.status": "release_status",
    "document.status": "release_status",
    "item_cross_reference.kind": "cross_reference_kind",
    "plant_location.kind": "location_kind",
    "supplier.status": "supplier_status",
    "purchase_order.status": "purchase_order_status",
    "purchase_order_line.status": "purchase_order_status",
    "purchase_requisition.status": "requisition_status",
    "production_order.status": "production_order_status",
    "sales_order_line.status": "sales_status",
    "reservation.reference_type": "reservation_reference",
    "reservation.status": "reservation_status",
    "transfer_order.status": "transfer_status",
    "inventory_movement.reference_type": "reference_type",
    "engineering_change.status": "change_status",
    "engineering_change.urgency": "change_urgency",
    "engineering_change.change_class": "change_class",
    "engineering_change_item.action": "change_action",
    "engineering_change_plant.disposition": "disposition",
    "engineering_change_plant.constraint_kind": "change_constraint",
    "engineering_change_plant.release_gate": "release_gate",
    "approved_manufacturer.status": "source_status",
    "document.kind": "document_kind",
}
_CODE_TYPE_MAPS = {"unit": "units", "plant": "plants"}
REVISIONS = ("revision", "component_revision", "from_revision", "to_revision", "supersedes")
# Revisions that a counting system can write: more changes than an item lives to see.
_REVISION_COUNT = 26 * 27
_RECORDED = Column("recorded_at", "TIMESTAMPTZ", "When the system wrote the row.")
_DELETED = Column("is_deleted", "BOOLEAN", "The key is gone.")


@dataclass(frozen=True)
class Native:
    """One column: `sql` writes it from a held row, `back` is the expression that the estate maps it with."""

    column: str
    name: str
    sql: str
    back: str
    codes: str | None = None


@dataclass(frozen=True)
class Dialect:
    """How a system writes.

    Functions take SQL and give SQL. `item` writes an item number, `item_back` reads it from the native column;
    `instant`, `day` and `date` write times, starts of periods and days. `end` and `end_back` are for ends of periods.
    `revision_digits` is how many digits a revision has at least where the system counts them, None where it writes
    letters. `name` gives the native column for an entity's, where it isn't one of `dialects/columns.csv`; `read` is how
    a mapping names that.
    """

    system: str
    item: Callable[[str], str]
    item_back: Callable[[str], str]
    instant: Callable[[str], str]
    day: Callable[[str], str]
    end: Callable[[str], str]
    end_back: Callable[[str], str]
    date: Callable[[str], str]
    amount: Callable[[str], str] = number
    flags: tuple[str, str] = ("true", "false")
    revision_digits: int | None = None
    entities_with_canonical_items: tuple[str, ...] = ()
    decimal_comma: tuple[str, ...] = ()
    name: Callable[[str, str], str] | None = None
    read: Callable[[str], str] = "src.{}".format

    def columns(self, entity: str, delivery: Delivery) -> list[Native]:
        """Every column of the contract, and what the platform wants to know of a record besides."""
        extra = (_RECORDED, _DELETED) if delivery == "delta" else (_RECORDED,)
        return [self._native(entity, column) for column in (*contract(entity).columns, *extra)]

    def feed(self, entity: str, delivery: Delivery) -> Feed:
        """The entity as the system delivers it."""
        return Feed(entity, delivery, {c.name: c.sql for c in self.columns(entity, delivery)})

    def mapping(self, entity: str, delivery: Delivery) -> dict[str, object]:
        """`columns` of the extract in the system's YAML."""
        return {
            c.column: c.back if c.codes is None else {"sql": c.back, "codes": c.codes}
            for c in self.columns(entity, delivery)
        }

    def code_rows(self) -> list[tuple[str, str, str, str]]:
        """(code map, system, native, code) of all that the system has words for."""
        rows = [
            (code_map, self.system, native, code)
            for code_map, pairs in words(self.system).items()
            for code, native in pairs.items()
        ]
        if (digits := self.revision_digits) is not None:
            rows += [("revisions", self.system, f"{n:0{digits}d}", letters(n)) for n in range(1, _REVISION_COUNT + 1)]
        return rows

    def _native(self, entity: str, column: Column) -> Native:
        held = identifier(column.name)
        name = self.name(entity, column.name) if self.name else native_name(self.system, entity, column.name)
        sql, back, codes = self._ways(entity, column, held, self.read(name))
        return Native(column.name, name, sql, back, codes)

    def _ways(self, entity: str, column: Column, held: str, name: str) -> tuple[str, str, str | None]:
        """SQL to write, expression to read, code map."""
        code_map = _code_map(entity, column)
        if code_map in words(self.system):
            return self._word(code_map, held), name, code_map if column.code_type is None else None
        if column.name in REVISIONS and self.revision_digits is not None:
            return revision_number(held, self.revision_digits), name, "revisions"
        is_item = column.references is not None and column.references.entity == "item"
        if (is_item or (entity == "item" and column.name == "item_number")) and (
            entity not in self.entities_with_canonical_items
        ):
            return self.item(held), self.item_back(name), None
        kind = column.sql_type.partition("(")[0]
        if column.name == "effective_to":
            return self.end(held), self.end_back(name), None
        if column.name == "effective_from":
            return self.day(held), name, None
        if kind == "TIMESTAMPTZ":
            return self.instant(held), name, None
        if kind == "DATE":
            return self.date(held), name, None
        if kind == "DECIMAL":
            text = self.amount(held)
            return (f"replace({text}, '.', ',')" if entity in self.decimal_comma else text), name, None
        if kind == "BOOLEAN":
            return self._flag(held), self._flag_back(name), None
        return f"cast({held} as varchar)", name, None

    def _word(self, code_map: str, held: str) -> str:
        """A code without a word stays, so that it is seen."""
        cases = " ".join(
            f"when {literal(code)} then {literal(native)}" for code, native in words(self.system)[code_map].items()
        )
        return f"case {held} {cases} else {held} end"

    def _flag(self, held: str) -> str:
        true, false = self.flags
        return f"case when {held} then {literal(true)} when not {held} then {literal(false)} end"

    def _flag_back(self, name: str) -> str:
        true, false = self.flags
        if (true, false) == ("true", "false"):
            return name
        return f"case {name} when '{true}' then 'true' when '{false}' then 'false' else {name} end"


def letters(count: int) -> str:
    """A revision by its number: A is 1, Z is 26, AA is 27."""
    high, low = divmod(count - 1, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


@cache
def words(system: str) -> dict[str, dict[str, str]]:
    """Code map → code → the system's word, for a system of `dialects/words.csv`."""
    found: dict[str, dict[str, str]] = {}
    for row in _rows("words.csv"):
        if row[system]:
            found.setdefault(row["map"], {})[row["code"]] = row[system]
    return found


@cache
def native_name(system: str, entity: str, column: str) -> str:
    """What a system of `dialects/columns.csv` calls a column of a contract."""
    by_place = {(row["entity"], row["column"]): row[system] for row in _rows("columns.csv")}
    return by_place.get((entity, column)) or by_place[("*", column)]


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    text = files("mfg_assets.simulate.export").joinpath("dialects", name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _code_map(entity: str, column: Column) -> str:
    if column.code_type is not None:
        return _CODE_TYPE_MAPS.get(column.code_type, "")
    if not column.enumeration:
        return ""
    return _CODE_MAPS.get(f"{entity}.{column.name}") or _CODE_MAPS[f"*.{column.name}"]
