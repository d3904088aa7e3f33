"""What a defect is: which objects it can befall, what it does to what a system holds, and what is then true.

Belongs here: the shape of a catalogue entry, and the edits that entries are made of. Doesn't belong here: choosing
(`plan`), the entries (`bom`, `change`, `inventory`, `production`, `procurement`).

All edits work on the temp table `chosen`: the entry's candidates that were chosen, with `planted_at` and `mended_at`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from duckdb import DuckDBPyConnection

from mfg_assets.warehouse.sql import identifier

Edit = Callable[[DuckDBPyConnection], None]

OWN_ROW = "select system as source_system, row_id, planted_at, mended_at from chosen"
"""Targets of an edit: the candidate's own row."""


def delivered_on(moment: str, first: str = "$first") -> str:
    """SQL of the day after the first delivery that an instant belongs to: all that has happened by then is on day 0.

    Deliveries lie whole days apart, so that two instants of one day are in one delivery.
    """
    return f"cast(greatest(0, ceil(epoch({moment} - {first}) / 86400)) as integer)"


@dataclass(frozen=True)
class Consequence:
    """What may be reported because of a defect: `key` is SQL over `chosen` that gives a part of the finding's key.

    It may be reported at the defect's plant, or at all that the wrong record is for.
    """

    domain: str
    key: str
    finding_class: str = "*"
    is_everywhere: bool = False


@dataclass(frozen=True)
class Defect:
    """One entry of the catalogue.

    Attributes:
        domain: Of the finding.
        finding_class: As the reconciliation calls it; of a near miss the class that it looks like.
        does: What is done, for people.
        shows: Where it shows, for people.
        candidates: SELECT of the objects that it can befall, from what the systems hold while nothing is wrong:
            `claim` (one object has one defect), `known_at` (since when it exists), `plant_id`, `keys` (business keys as
            a list of JSON texts), `quantity`, and what the edits need; where they are wanted, `until_at`, `luck`,
            `look_alikes` (keys) and `document` (what several objects share, of which only one may be chosen).
            `$first` is the first cut.
        edits: In order.
        share: Multiple of the defect rate.
        kind: A state can go wrong on any later day; an event only when it happens.
        is_near_miss: It must not be reported.
        is_information: It is reported as no more than that, and as nothing else: a look-alike with a name.
        is_lasting: Nobody mends it: what was reported has happened.
        name: Tells entries of one class apart.
        has_unique_claims: No claim stands twice among the candidates; else the first one is taken.
        consequences: What may be reported beside it.
        note: For whoever reads the truth.
    """

    domain: str
    finding_class: str
    does: str
    shows: str
    candidates: str
    edits: tuple[Edit, ...]
    share: float = 1.0
    kind: Literal["state", "event"] = "state"
    is_near_miss: bool = False
    is_information: bool = False
    is_lasting: bool = False
    name: str = ""
    has_unique_claims: bool = False
    consequences: tuple[Consequence, ...] = field(default=())

    @property
    def id(self) -> str:
        """What tells the entry from all others; chance depends on it."""
        return f"{self.domain}.{self.finding_class}.{self.name}" if self.name else f"{self.domain}.{self.finding_class}"


def replace_values(entity: str, values: dict[str, str], targets: str = OWN_ROW) -> Edit:
    """A version [a, b) becomes right until it is planted, wrong until it is mended, right again.

    Args:
        entity: of the contracts.
        values: column → SQL over `held_row`: the right version, and what else the targets have.
        targets: SELECT of source_system, row_id, planted_at, mended_at.
    """
    table = f"held.{identifier(entity)}"
    wrong = {**values, "visible_from": "planted_at", "visible_to": "least(mended_at, visible_to)"}

    def edit(con: DuckDBPyConnection) -> None:
        _split(con, table, targets)
        con.execute(f"insert into {table} by name select {_columns(con, table, wrong)} from split as held_row")

    return edit


def replace_throughout(entity: str, values: dict[str, str], targets: str) -> Edit:
    """As `replace_values`, in every version that a row has between planting and mending, not only in the first."""
    table = f"held.{identifier(entity)}"
    parts = (
        ({"visible_to": "planted_at"}, "visible_from < planted_at"),
        (
            {
                **values,
                "visible_from": "greatest(visible_from, planted_at)",
                "visible_to": "least(visible_to, mended_at)",
            },
            "true",
        ),
        ({"visible_from": "mended_at"}, "mended_at is not null and (visible_to is null or mended_at < visible_to)"),
    )

    def edit(con: DuckDBPyConnection) -> None:
        con.execute(
            f"create or replace temp table spanned as select held_row.*, target.* exclude (source_system, row_id) "
            f"from {table} as held_row inner join ({targets}) as target "
            "on held_row.source_system = target.source_system and held_row.row_id = target.row_id "
            "and (held_row.visible_to is null or target.planted_at < held_row.visible_to) "
            "and (target.mended_at is null or held_row.visible_from < target.mended_at)"
        )
        con.execute(
            f"delete from {table} as held_row using spanned where held_row.source_system = spanned.source_system "
            "and held_row.row_id = spanned.row_id and held_row.visible_from = spanned.visible_from"
        )
        for changes, where in parts:
            con.execute(
                f"insert into {table} by name select {_columns(con, table, changes)} "
                f"from spanned as held_row where {where}"
            )

    return edit


def hide(entity: str, targets: str = OWN_ROW) -> Edit:
    """The system holds nothing of the row between planting and mending."""
    table = f"held.{identifier(entity)}"

    def edit(con: DuckDBPyConnection) -> None:
        _split(con, table, targets)

    return edit


def copy_row(entity: str, values: dict[str, str], targets: str = OWN_ROW) -> Edit:
    """Another row beside the one that is there, between planting and mending; `values` must give it its own key.

    The copy's row id is the original's with `|copy`, unless `values` say otherwise.
    """
    table = f"held.{identifier(entity)}"
    own = {
        "row_id": "held_row.row_id || '|copy'",
        **values,
        "visible_from": "planted_at",
        "visible_to": "mended_at",
    }

    def edit(con: DuckDBPyConnection) -> None:
        con.execute(
            f"insert into {table} by name select {_columns(con, table, own)} "
            f"from ({_at_planting(table, targets)}) as held_row"
        )

    return edit


def post_late(entity: str, targets: str = OWN_ROW) -> Edit:
    """An event reaches the system when it is mended; until then, or for ever, the system knows nothing of it."""
    return change_event(entity, {"visible_from": "coalesce(target.mended_at, timestamptz 'infinity')"}, targets)


def post_movement_late(targets: str = OWN_ROW) -> Edit:
    """As `post_late`; what is posted weeks late counts in the month that is open then."""
    return change_event(
        "inventory_movement",
        {
            "visible_from": "coalesce(target.mended_at, timestamptz 'infinity')",
            "posting_date": "case when held_row.posting_date is not null "
            "then coalesce(cast(target.mended_at as date), held_row.posting_date) end",
        },
        targets,
    )


def change_event(entity: str, values: dict[str, str], targets: str = OWN_ROW) -> Edit:
    """An event is wrong from the beginning. `values` are SQL over `held_row` and `target`."""
    table = f"held.{identifier(entity)}"
    changes = ", ".join(f"{identifier(column)} = {sql}" for column, sql in values.items())

    def edit(con: DuckDBPyConnection) -> None:
        con.execute(
            f"update {table} as held_row set {changes} from ({targets}) as target "
            "where held_row.source_system = target.source_system and held_row.row_id = target.row_id"
        )

    return edit


def add_rows(entity: str, select: str) -> Edit:
    """Rows of a SELECT by name; columns that it leaves out are null."""

    def edit(con: DuckDBPyConnection) -> None:
        con.execute(f"insert into held.{identifier(entity)} by name {select}")

    return edit


def _at_planting(table: str, targets: str) -> str:
    return (
        f"select held_row.*, target.* exclude (source_system, row_id) from {table} as held_row "
        f"inner join ({targets}) as target "
        "on held_row.source_system = target.source_system and held_row.row_id = target.row_id "
        "and held_row.visible_from <= target.planted_at "
        "and (held_row.visible_to is null or target.planted_at < held_row.visible_to)"
    )


def _split(con: DuckDBPyConnection, table: str, targets: str) -> None:
    """End the versions at their planting and begin them again at their mending; `split` keeps them as they were."""
    con.execute(f"create or replace temp table split as {_at_planting(table, targets)}")
    con.execute(
        f"update {table} as held_row set visible_to = split.planted_at from split "
        "where held_row.source_system = split.source_system and held_row.row_id = split.row_id "
        "and held_row.visible_from = split.visible_from"
    )
    again = {"visible_from": "mended_at"}
    con.execute(
        f"insert into {table} by name select {_columns(con, table, again)} from split as held_row "
        "where mended_at is not null and (visible_to is null or mended_at < visible_to)"
    )


def _columns(con: DuckDBPyConnection, table: str, values: dict[str, str]) -> str:
    names = [row[0] for row in con.execute(f"describe {table}").fetchall()]
    return ", ".join(f"{values.get(name, f'held_row.{identifier(name)}')} as {identifier(name)}" for name in names)
