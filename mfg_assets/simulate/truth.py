"""The truth beside a simulated estate: what was planted, what only looks planted, what follows from it.

Belongs here: tables of `truth`, the folder `ground_truth` and its files. Doesn't belong here: planting (`defects`),
comparing (`score`). Nothing that lands, models or publishes may read that folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from mfg_assets.errors import MfgError, Problem
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.sql import literal, path_literal

FOLDER = "ground_truth"
FINDINGS = "findings.parquet"
NEAR_MISSES = "near_misses.parquet"
CONSEQUENCES = "consequences.parquet"
CHANGE_STATUS = "change_status.parquet"
CHANGE_IMPACT = "change_impact.parquet"
WORLD = "world.json"
ADVANCING = "advancing.json"
DOMAINS = (
    *(
        "bom",
        "routing",
        "master_data",
        "change",
        "inventory",
        "production",
        "fulfilment",
        "procurement",
        "supplier",
        "record",
    ),
)

_COLUMNS = (
    "domain varchar not null, plant_id varchar, business_key varchar not null, finding_class varchar not null, "
    "quantity decimal(18, 6), planted_at timestamptz not null, mended_at timestamptz, note varchar"
)
_TABLES = {FINDINGS: "truth.finding", NEAR_MISSES: "truth.near_miss", CONSEQUENCES: "truth.consequence"}

# Of things as they are at the cut, defects or not (`expected`).
_STATES = {CHANGE_STATUS: "truth.change_status", CHANGE_IMPACT: "truth.change_impact"}


@dataclass(frozen=True)
class World:
    """What a simulated estate says of itself.

    Attributes:
        options: Of the newest delivery.
        cuts: Instants of all deliveries, oldest first.
    """

    options: Options
    cuts: tuple[datetime, ...]


def create(con: DuckDBPyConnection) -> None:
    """Make the tables of `truth`, empty.

    - `truth.finding`: must be reported while `planted_at <= as-of < mended_at`. `business_key` is a JSON object of the
      key columns of the published finding besides class and plant; `quantity` is a magnitude in base units.
    - `truth.near_miss`: looks like a finding of that class and must not be reported.
    - `truth.consequence`: may be reported because something was planted; its key is a part of the finding's, and the
      class `*` stands for any.
    - `truth.change_status`: what holds of every change at every plant at the cut. `accepted` are the statuses that are
      right, `status` the first of them.
    - `truth.change_impact`: how much there is of what a change touches at a plant, by kind of object and item; null
      where that is doubtful.
    """
    con.execute("create schema if not exists truth")
    for table in _TABLES.values():
        con.execute(f"create or replace table {table} ({_COLUMNS})")
    con.execute(
        "create or replace table truth.change_status (change_number varchar not null, plant_id varchar not null, "
        "status varchar not null, accepted varchar[] not null, blocking_reasons varchar[] not null)"
    )
    con.execute(
        "create or replace table truth.change_impact (change_number varchar not null, plant_id varchar not null, "
        "object_type varchar not null, item_number varchar not null, quantity decimal(28, 6), "
        "unit varchar not null)"
    )


def write(con: DuckDBPyConnection, out: Path, options: Options, cuts: tuple[datetime, ...]) -> None:
    """Write what is in force at the newest cut, and at last who made it."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in _TABLES.items():
        aside = folder / f".{name}"
        con.execute(
            f"copy (select * from {table} "
            f"where planted_at <= {instant(options.cut)} and (mended_at is null or {instant(options.cut)} < mended_at) "
            f"order by domain, finding_class, plant_id, business_key, planted_at) to {literal(str(aside))} "
            "(format parquet)"
        )
        aside.replace(folder / name)
    for name, table in _STATES.items():
        aside = folder / f".{name}"
        con.execute(f"copy {table} to {literal(str(aside))} (format parquet)")
        aside.replace(folder / name)
    content = {"options": options.to_json(), "cuts": [cut.isoformat() for cut in cuts]}
    aside = folder / f".{WORLD}"
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(folder / WORLD)


def carry_over(con: DuckDBPyConnection, previous: Path) -> None:
    """Keep what earlier deliveries' feeds did wrong: a dead letter stays, whatever is delivered later."""
    for name, table in _TABLES.items():
        path = previous / FOLDER / name
        if path.is_file():
            con.execute(
                f"insert into {table} select * from read_parquet({path_literal(path)}) where domain = 'record' "
                f"except select * from {table}"
            )


def is_simulated(out: Path) -> bool:
    """Whether a folder is a whole simulated estate."""
    return (out / FOLDER / WORLD).is_file() and (out / "estate.yaml").is_file()


def read_world(out: Path) -> World:
    """What a simulated estate says of itself.

    Raises:
        MfgError: it isn't one, or says what can't be.
    """
    path = out / FOLDER / WORLD
    if not is_simulated(out):
        raise MfgError(Problem("this is not a simulated estate", out, fix=f"`mfg simulate {out}` makes one"))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cuts = tuple(datetime.fromisoformat(cut) for cut in content["cuts"])
        return World(Options.from_json(content["options"]), cuts)
    except (ValueError, KeyError, TypeError) as error:
        raise MfgError(Problem(f"can't be read: {error}", path, fix="simulate the estate anew")) from None


def instant(moment: datetime) -> str:
    """A TIMESTAMPTZ literal."""
    return f"timestamptz {literal(moment.isoformat())}"


def in_force(con: DuckDBPyConnection, at: datetime) -> tuple[int, int]:
    """How many findings and how many near misses hold at an instant."""
    counts = [
        con.execute(
            f"select count(*) from {table} where planted_at <= {instant(at)} "
            f"and (mended_at is null or {instant(at)} < mended_at)"
        ).fetchone()
        for table in (_TABLES[FINDINGS], _TABLES[NEAR_MISSES])
    ]
    findings, near_misses = (int(row[0]) if row else 0 for row in counts)
    return findings, near_misses
