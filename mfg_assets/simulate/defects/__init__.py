"""What is wrong in the simulated systems: a catalogue of defects and look-alikes, planted in what the systems hold.

Belongs here: planting. Doesn't belong here: the world (which is right), how systems write (`export`), faults of feeds
on their way (`faults`, called while the export runs).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.defects import plan, stock
from mfg_assets.simulate.defects.catalogue import CATALOGUE
from mfg_assets.simulate.defects.model import Defect
from mfg_assets.simulate.defects.views import create_macros, create_views
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant
from mfg_assets.warehouse.sql import identifier, literal

__all__ = ["CATALOGUE", "befall", "plant", "prepare"]

_TOLD_BY_ANOTHER_NAME = frozenset({"unauthorised_change", "missing_in_plm", "duplicate_line", "cycle"})
"""Of defects of an ERP's bills: what is that already, names a change, or makes a line that is reported as itself."""


def plant(con: DuckDBPyConnection, options: Options, catalogue: tuple[Defect, ...] = CATALOGUE) -> None:
    """Edit what the systems hold, and write down what is then to be found.

    Args:
        con: has `held` (right), `truth` (empty) and the macros of `chance`.
        options: nothing happens with a defect rate of 0.
        catalogue: what can go wrong.
    """
    if options.defect_rate == 0:
        return
    # One transaction, or each of many small statements would be written through to the disk.
    con.begin()
    prepare(con, options)
    befall(con, options, catalogue)
    _tidy(con, options)
    stock.settle(con, options)
    con.commit()


def prepare(con: DuckDBPyConnection, options: Options) -> None:
    """Make what candidates are chosen from, while nothing is wrong yet."""
    create_macros(con)
    create_views(con, options)


def befall(con: DuckDBPyConnection, options: Options, catalogue: tuple[Defect, ...]) -> None:
    """Choose, edit and write down, on what was prepared; balances and what else follows are still as they were."""
    plan.choose(con, options, catalogue)
    for entry, defect in enumerate(catalogue):
        con.execute(
            f"create or replace temp table chosen as select candidate.*, planned.planted_at, planned.mended_at "
            f"from candidate_{entry} as candidate inner join planned on candidate.claim = planned.claim "
            f"and planned.entry = {entry}"
        )
        for edit in defect.edits:
            edit(con)
        _record(con, defect, options)
        _record_alteration(con, defect, options)
        con.execute(f"drop table candidate_{entry}")


def _tidy(con: DuckDBPyConnection, options: Options) -> None:
    """Leave out what no delivery up to the cut has: versions of no duration, and what comes later."""
    for (table,) in con.execute("select table_name from duckdb_tables() where schema_name = 'held'").fetchall():
        con.execute(
            f"delete from held.{identifier(table)} where visible_from > {instant(options.cut)} "
            "or visible_to <= visible_from"
        )


def _record(con: DuckDBPyConnection, defect: Defect, options: Options) -> None:
    table = "truth.near_miss" if defect.is_near_miss else "truth.finding"
    con.execute(
        f"insert into {table} select {literal(defect.domain)}, plant_id, unnest(keys), "
        f"{literal(defect.finding_class)}, quantity, planted_at, mended_at, {literal(defect.does)} from chosen"
    )
    if defect.is_information:
        has_look_alikes = any(row[0] == "look_alikes" for row in con.execute("describe chosen").fetchall())
        keys = "list_concat(keys, look_alikes)" if has_look_alikes else "keys"
        con.execute(
            f"insert into truth.near_miss select {literal(defect.domain)}, plant_id, unnest({keys}), "
            f"{literal(defect.finding_class)}, quantity, planted_at, mended_at, {literal(defect.does)} from chosen"
        )
    follows = [
        f"select {literal(consequence.domain)}, {'null' if consequence.is_everywhere else 'plant_id'}, "
        f"{consequence.key}, {literal(consequence.finding_class)}, null, planted_at, mended_at, "
        f"{literal(defect.does)} from chosen"
        for consequence in defect.consequences
    ]
    if "erp bom_line" in defect.shows:
        # a bill that was right in one delivery and isn't in the next one has changed, with no change behind it
        follows.append(
            "select 'bom', plant_id, json_object('parent_item_number', parent_item_number)::varchar, "
            f"'unauthorised_change', null, planted_at, mended_at, {literal(defect.does)} from chosen "
            f"where planted_at > {instant(options.first_cut)}"
        )
    if follows:
        con.execute(f"insert into truth.consequence {' union '.join(follows)}")


def _record_alteration(con: DuckDBPyConnection, defect: Defect, options: Options) -> None:
    """Whoever makes an ERP's bill wrong between two deliveries has changed it without an engineering change, too."""
    is_wrong = not (defect.is_near_miss or defect.is_information)
    if (defect.domain, defect.shows) != ("bom", "erp bom_line") or not is_wrong:
        return
    if defect.finding_class not in _TOLD_BY_ANOTHER_NAME:
        con.execute(
            "insert into truth.finding select 'bom', plant_id, unnest(keys), 'unauthorised_change', null, planted_at, "
            f"mended_at, {literal(defect.does)} from chosen where planted_at > {instant(options.first_cut)}"
        )
