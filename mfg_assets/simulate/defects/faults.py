"""Faults of feeds: what goes wrong with records between a system and its file.

Belongs here: changes to native relations right before they are written, and their truth (domain `record`). Doesn't
belong here: what systems hold wrongly (the catalogue).

Nothing that is true gets lost: a record that is spoiled is a further one, with an id of its own. What is only delivered
twice or out of order must change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.export.staging import Tampering
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.sql import literal

ENOUGH_ROWS = 150
"""Smaller deliveries stay whole: a handful of spoiled records would pass their feed's limit, and refuse all of it."""

SHARE = 0.1
"""Of the defect rate, for each kind of spoiled record."""

SHORT_SHARE = 50
"""Multiple of the defect rate with which a later snapshot of recipes arrives short."""


@dataclass(frozen=True)
class Spoiled:
    """A kind of spoiled message: `finding_class` is why it is refused, `body` what is patched into it as JSON."""

    finding_class: str
    body: str = "{}"
    time: str | None = None


# The shop floor's message queue: no zone stands beside these times, and Berlin has the hour never, or twice.
SPOILED = (
    Spoiled("unknown_unit", '{"uom": "furlong"}'),
    Spoiled("not_castable", '{"qty": "a dozen"}'),
    Spoiled("missing_required", '{"material": null}'),
    Spoiled("nonexistent_local_time", time="2026-03-29T02:30:00"),
    Spoiled("ambiguous_local_time", time="2026-10-25T02:30:00"),
)
QUEUE = ("mes_a", "material_consumption")
DROPS = ("mes_b", "material_consumption")
RECIPES = ("mes_b", "bom_header")
STOPS = ("mes_a", "downtime_event")
ORDERS = ("mes_b", "production_order")

# Times that look as wrong as the refused ones and are right: the hour that Berlin has twice says which one it is, and
# the first instant after the one that it hasn't is there without saying anything.
EDGES = {
    "ambiguous_local_time": ("2025-10-26T02:30:00+01:00", "2025-10-26T02:45:00+01:00"),
    "nonexistent_local_time": ("2025-03-30T03:00:00", "2025-03-30T03:15:00"),
}


class FeedFaults:
    """What goes wrong with the feeds of one delivery."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cut = options.cut.strftime("%Y-%m-%dT%H:%M:%SZ")

    def apply(self, con: DuckDBPyConnection, system: str, entity: str, relation: str) -> Tampering:
        """Change a native relation, and write down what is then to be found (see `export.staging.Faults`)."""
        if self._options.defect_rate == 0:
            return Tampering()
        counted = con.execute(f"select count(*) from {relation}").fetchone()
        rows = int(counted[0]) if counted else 0
        if (system, entity) == RECIPES:
            return self._short(con, rows)
        if (system, entity) == STOPS:
            return self._edges(con, relation)
        if (system, entity) == ORDERS:
            return self._out_of_order(con, relation)
        if rows < ENOUGH_ROWS:
            return Tampering()
        if (system, entity) == QUEUE:
            self._spoil_messages(con, relation, rows)
        elif (system, entity) == DROPS:
            return self._spoil_file(con)
        return Tampering()

    def _spoil_messages(self, con: DuckDBPyConnection, relation: str, rows: int) -> None:
        wanted = max(1, round(rows * self._options.defect_rate * SHARE))
        system, entity = QUEUE
        for kind in SPOILED:
            chosen = (
                f"select *, (body->>'$.id') || '-{kind.finding_class}' as new_id from {relation} "
                f"where body->>'$.id' not like '%-%\\_%' escape '\\' "
                f"order by chance({literal(kind.finding_class)}, (body->>'$.id') || {literal(self._cut)}), "
                f"body->>'$.id' limit {wanted}"
            )
            con.execute(f"create or replace temp table spoiled as {chosen}")
            time = "time" if kind.time is None else literal(kind.time)
            con.execute(
                f"insert into {relation} by name select * exclude (new_id) replace ("
                f"json_merge_patch(json_merge_patch(body, json_object('id', new_id)), {literal(kind.body)}) as body, "
                f"{time} as time) from spoiled order by new_id"
            )
            self._record(con, "finding", system, entity, kind.finding_class, "new_id", "spoiled")
        # The same message with another quantity: the first one stands.
        con.execute(
            f"create or replace temp table spoiled as select *, body->>'$.id' as id from {relation} "
            f"where body->>'$.id' not like '%-%\\_%' escape '\\' "
            f"order by chance('conflicting', (body->>'$.id') || {literal(self._cut)}), id limit {2 * wanted}"
        )
        con.execute(
            "create or replace temp table again as select *, row_number() over (order by id) as place from spoiled"
        )
        con.execute(
            f"insert into {relation} by name select * exclude (id, place) replace ("
            'case when place % 2 = 0 then json_merge_patch(body, \'{"qty": "77777"}\') else body end as body) '
            "from again order by id"
        )
        self._record(con, "finding", system, entity, "conflicting_event", "id", "again where place % 2 = 0")
        self._record(con, "near_miss", system, entity, "duplicated", "id", "again where place % 2 = 1")

    def _edges(self, con: DuckDBPyConnection, relation: str) -> Tampering:
        system, entity = STOPS
        for name, (since, until) in EDGES.items():
            con.execute(
                f"create or replace temp table spoiled as select *, (body->>'$.id') || '-{name}' as new_id "
                f"from {relation} where body->>'$.id' not like '%-%\\_%' escape '\\' "
                f"order by chance('edge', (body->>'$.id') || {literal(self._cut)}), body->>'$.id' limit 1"
            )
            con.execute(
                f"insert into {relation} by name select * exclude (new_id) replace ("
                f"json_merge_patch(body, json_object('id', new_id, 'until', {literal(until)})) as body, "
                f"{literal(since)} as time) from spoiled"
            )
            self._record(con, "near_miss", system, entity, name, "new_id", "spoiled")
        return Tampering()

    def _out_of_order(self, con: DuckDBPyConnection, relation: str) -> Tampering:
        # The newest version comes first; when each was written stands in it.
        system, entity = ORDERS
        con.execute(
            f"""
            create or replace temp table again as
            select "OrderNo" as number
            from {relation}
            group by "OrderNo"
            having count(*) > 1 and count(distinct "WrittenUtc") = count(*)
                and chance('out of order', "OrderNo" || {literal(self._cut)}) < 0.3
            """
        )
        con.execute(
            f"create or replace temp table spoiled as select * from {relation} "
            'where "OrderNo" in (select number from again)'
        )
        con.execute(f'delete from {relation} where "OrderNo" in (select number from again)')
        con.execute(f'insert into {relation} select * from spoiled order by "OrderNo", "WrittenUtc" desc')
        self._record(con, "near_miss", system, entity, "out_of_order", "number", "again")
        return Tampering()

    def _spoil_file(self, con: DuckDBPyConnection) -> Tampering:
        mark = f"SPOILED-{self._cut}"
        system, entity = DROPS
        self._record(con, "finding", system, entity, "malformed_row", "mark", f"(select {literal(mark)} as mark)")
        return Tampering(lines=(f"{mark}{',?' * 40}",))

    def _short(self, con: DuckDBPyConnection, rows: int) -> Tampering:
        draw = con.execute("select chance('short snapshot', ?)", [self._cut]).fetchone()
        is_first = self._options.previous_cut is None
        if is_first or draw is None or draw[0] >= self._options.defect_rate * SHORT_SHARE:
            return Tampering()
        system, entity = RECIPES
        self._record(con, "finding", system, entity, "short_snapshot", "cut", f"(select {literal(self._cut)} as cut)")
        return Tampering(claimed_rows=rows + 7)

    def _record(
        self,
        con: DuckDBPyConnection,
        table: str,
        system: str,
        entity: str,
        finding_class: str,
        record: str,
        source: str,
    ) -> None:
        con.execute(
            f"insert into truth.{table} select 'record', null, json_object('source_system', {literal(system)}, "
            f"'entity', {literal(entity)}, 'record', {record}), {literal(finding_class)}, null, "
            f"timestamptz {literal(self._options.cut.isoformat())}, null, 'A fault of the feed.' from {source}"
        )
