"""What a run does with the ledger: gather what it saw, take it in, copy the ledger for publication.

Belongs here: the order of these steps. Doesn't belong here: Dagster (defs), each step's own work.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
from sqlalchemy import select

from mfg_assets.estate.models import Estate
from mfg_assets.exceptions import platform_sources, sources
from mfg_assets.exceptions.model import ObservationResult, QueueCount
from mfg_assets.exceptions.observe import observe
from mfg_assets.exceptions.platform_sources import CHECK, FEED, PUBLICATION
from mfg_assets.exceptions.policy import route
from mfg_assets.exceptions.published import is_current, state_of, write_table
from mfg_assets.exceptions.queues import queue
from mfg_assets.exceptions.registry import built, finding_tables
from mfg_assets.ingest import letters, read_manifests
from mfg_assets.ingest.heard import heard
from mfg_assets.ledger import Ledger, open_ledger
from mfg_assets.ledger.schema import exception
from mfg_assets.settings import Settings
from mfg_assets.warehouse import dbt, state
from mfg_assets.warehouse.session import connect

RECORD = "record"


def observe_run(
    settings: Settings, estate: Estate, *, run_id: str, at: datetime, gate_is_open: bool
) -> ObservationResult:
    """Take in what a run saw and copy the ledger into the warehouse.

    Args:
        settings: where everything is.
        estate: rules, owners, freshness.
        run_id: for the audit log.
        at: the run's one instant.
        gate_is_open: whether all blocking checks held. If not, findings are left as they were, since a build that
            stopped half-way judged nothing, and only what the platform says of itself is taken in.

    Raises:
        LedgerError: the ledger can't be used.
    """
    with open_ledger(settings) as ledger:
        result = _observe(settings, estate, ledger, run_id, at, gate_is_open)
        if gate_is_open:
            write_table(settings, ledger)
        return result


def needs_publication(settings: Settings, estate: Estate, at: datetime) -> bool:
    """Whether somebody acted, or time passed, so that readers would see another table `exception` than they do."""
    manifests = read_manifests(settings.landing_dir)
    with open_ledger(settings) as ledger:
        if not is_current(settings, ledger, at):
            return True
        late = {row[2] for row in platform_sources.late_feeds(estate, manifests, heard(settings.landing_dir), at)}
        known = _keys_of(ledger, FEED, "late_feed")
        return late != known


def state_key(settings: Settings, at: datetime) -> str:
    """Names the ledger's state for whoever must not ask twice for the same; by the hour where only time changed it."""
    with open_ledger(settings) as ledger, ledger.read() as connection:
        marks = state_of(connection)
    return f"exceptions|{marks.last_event}|{marks.last_dead_letter_act}|{at:%Y%m%d%H}"


def counts(settings: Settings, at: datetime) -> list[QueueCount]:
    """What is to do at an instant, by domain and severity, without observing anything."""
    with open_ledger(settings) as ledger, ledger.read() as connection:
        found = queue(connection, at)
    return [found[key] for key in sorted(found)]


def _observe(
    settings: Settings, estate: Estate, ledger: Ledger, run_id: str, at: datetime, gate_is_open: bool
) -> ObservationResult:
    manifests = read_manifests(settings.landing_dir)
    results = settings.warehouse_dir / "dbt_target" / "run_results.json"
    path = settings.warehouse_path if settings.warehouse_path.is_file() else None
    evaluated = {FEED, PUBLICATION}
    with connect(settings, path, read_only=path is not None) as warehouse:
        sources.begin(warehouse)
        if gate_is_open:
            evaluated |= _add_findings(warehouse, settings)
        settled = [*letters.states(settings, ledger)]
        if sources.add_dead_letters(warehouse, settled):
            evaluated.add(RECORD)
        if sources.add_failed_expectations(warehouse) and results.is_file():
            evaluated.add(CHECK)
        own = [
            *platform_sources.refused_batches(estate, manifests),
            *platform_sources.late_feeds(estate, manifests, heard(settings.landing_dir), at),
            *platform_sources.failed_dbt_tests(results),
            *([] if gate_is_open else platform_sources.refused_publication(settings)),
        ]
        sources.add_rows(warehouse, own)
        rows = sources.rows(warehouse, route(warehouse, estate))
        inputs = state.fingerprint(settings, estate)
        return observe(ledger, rows, evaluated=evaluated, inputs=inputs, at=at, run_id=run_id)


def _add_findings(warehouse: duckdb.DuckDBPyConnection, settings: Settings) -> set[str]:
    """Findings of the tables that dbt just built. Returns the domains of which every table was."""
    tables = finding_tables(dbt.manifest_path(settings))
    judged = built(tables, settings.warehouse_dir / "dbt_target" / "run_results.json")
    taken = {table.name for table in judged if sources.add_findings(warehouse, table)}
    missed = {table.domain for table in tables if table.name not in taken}
    return {table.domain for table in tables} - missed


def _keys_of(ledger: Ledger, domain: str, finding_class: str) -> set[str]:
    """Business keys that the last observation saw of one class."""
    query = select(exception.c.business_key).where(
        exception.c.domain == domain, exception.c.finding_class == finding_class, exception.c.is_observed.is_(True)
    )
    with ledger.read() as connection:
        return set(connection.execute(query).scalars())
