"""The record behind a landed row: system, batch, file, place, native values, the expression and the rule.

Belongs here: reading one record back from its file, and naming mapping and rule.
Doesn't belong here: finding the landed row (`trace`).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from mfg_assets.errors import MfgError
from mfg_assets.estate.models import Estate
from mfg_assets.estate.systems import SqlConnector
from mfg_assets.ingest.connectors import ROW
from mfg_assets.ingest.mapping import mapping_of
from mfg_assets.ingest.reading import open_tables
from mfg_assets.ingest.sources import find_deliveries, relative_name, source_folder
from mfg_assets.lineage.model import Origin
from mfg_assets.settings import Settings
from mfg_assets.warehouse.owners import AttributeOwner
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier


@dataclass(frozen=True)
class Known:
    """What holds for all columns of a row: ownership rules; native records by system, extract, file and place."""

    owners: Sequence[AttributeOwner]
    records: dict[tuple[str, str, str, int], dict[str, Any] | None] = field(default_factory=dict)


def origins_of(
    settings: Settings,
    estate: Estate,
    entity: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    plant: str | None,
    known: Known,
    warehouse: duckdb.DuckDBPyConnection,
) -> list[Origin]:
    """An origin per landed row and contract column; per row alone where no column of the contract is meant.

    Args:
        settings: home and limits.
        estate: mappings and ownership rules.
        entity: the contract.
        columns: landing columns that the value comes from.
        rows: landed rows; those without batch and correlation id are completed from the landing.
        plant: for rules that hold at one plant.
        known: what was found so far; records are added to it.
        warehouse: a connection to it.
    """
    found, records = [], known.records
    for row in _completed(warehouse, entity, rows, columns):
        system, extract = str(row["source_system"]), str(row["extract_name"])
        where = (system, extract, str(row["source_file"]), int(row["source_row"]))
        if where not in records:
            records[where] = _native(settings, estate, *where)
        mapped = _mapped(estate, system, extract)
        for column in [c for c in columns if c in mapped] or [None]:
            found.append(
                Origin(
                    entity=entity,
                    column=column,
                    value=row.get(column) if column else None,
                    source_system=system,
                    extract_name=extract,
                    batch_id=str(row["batch_id"]),
                    source_file=str(row["source_file"]),
                    source_row=int(row["source_row"]),
                    correlation_id=str(row["correlation_id"]),
                    mapping=mapped.get(column) if column else None,
                    native=records[where],
                    is_from_database=_is_from_database(estate, system),
                    rule=_rule(known.owners, entity, column, system, plant) if column else None,
                )
            )
    return found


def _completed(
    warehouse: duckdb.DuckDBPyConnection, entity: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The landed rows with all that tells where they are from, by batch and correlation id."""
    wanted = [(str(row["batch_id"]), str(row["correlation_id"])) for row in rows if row.get("correlation_id")]
    if not wanted:
        return []
    place = ("source_system", "extract_name", "batch_id", "source_file", "source_row", "correlation_id")
    own = {c[0] for c in warehouse.execute(f"describe landing.{identifier(entity)}").fetchall()}
    chosen = list(dict.fromkeys([*place, *(c for c in columns if c in own)]))
    cursor = warehouse.execute(
        f"select distinct {', '.join(identifier(c) for c in chosen)} from landing.{identifier(entity)} "
        "where list_contains(?, batch_id) and list_contains(?, correlation_id) order by all",
        [[batch for batch, _ in wanted], [correlation for _, correlation in wanted]],
    )
    return [dict(zip(chosen, row, strict=True)) for row in cursor.fetchall()]


def _is_from_database(estate: Estate, system: str) -> bool:
    return system in estate.systems and isinstance(estate.systems[system].connector, SqlConnector)


def _mapped(estate: Estate, system: str, extract: str) -> dict[str, str]:
    if system not in estate.systems or extract not in estate.systems[system].extracts:
        return {}
    return {name: mapping.sql for name, mapping in estate.extract(system, extract).columns.items()}


def _rule(owners: Sequence[AttributeOwner], entity: str, column: str, system: str, plant: str | None) -> str | None:
    """The rule as a sentence: which systems are believed for this attribute, and which place this one has."""
    ranks = [
        owner
        for owner in owners
        if (owner.entity, owner.attribute) == (entity, column) and owner.plant_id in (None, plant)
    ]
    if any(owner.plant_id is not None for owner in ranks):
        ranks = [owner for owner in ranks if owner.plant_id is not None]
    ordered = sorted(ranks, key=lambda owner: owner.priority)
    place = next((owner.priority for owner in ordered if owner.source_system == system), None)
    if not ordered:
        return None
    believed = ", then ".join(dict.fromkeys(owner.source_system for owner in ordered))
    at = f" at {plant}" if ordered[0].plant_id is not None else ""
    own = f"{system} is number {place}" if place is not None else f"{system} is not named"
    return f"{entity}.{column}{at} is believed from {believed}; {own}"


def _native(
    settings: Settings, estate: Estate, system: str, extract: str, source_file: str, source_row: int
) -> dict[str, Any] | None:
    """The record as its file has it now; None where the file isn't there or can't be read any more."""
    if not _mapped(estate, system, extract):
        return None
    workdir = settings.home_path / "tmp" / f"trace-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        mapping = mapping_of(estate, system, extract)
        folder = source_folder(estate, mapping.system)
        workdir.mkdir(parents=True)
        for delivery in find_deliveries(estate, system, extract):
            if not any(source_file.startswith(relative_name(path, folder)) for path in delivery.data):
                continue
            with connect(settings, allowed_directories=(folder, workdir)) as connection:
                for table in open_tables(connection, mapping, delivery, folder, workdir)["src"]:
                    if table.name != source_file:
                        continue
                    cursor = connection.execute(f"select * from ({table.sql}) where {ROW} = ?", [source_row])
                    names = [c[0] for c in cursor.description or []]
                    row = cursor.fetchone()
                    if row is not None:
                        return {n: v for n, v in zip(names, row, strict=True) if n != ROW}
    except (MfgError, duckdb.Error):
        # The landed row stays the proof; its file may have been moved, changed or taken away since.
        return None
    finally:
        shutil.rmtree(workdir, ignore_errors=True)
    return None
