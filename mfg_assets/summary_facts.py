"""The facts of a run's summary, read from manifests and the published snapshot.

Belongs here: gathering and counting. Doesn't belong here: running (defs.runner), showing (cli).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import duckdb

from mfg_assets import publish as publication
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions.model import QueueCount
from mfg_assets.ingest import read_manifests
from mfg_assets.settings import Settings
from mfg_assets.summary import FailedCheck, FindingCount, PublicationFacts, RunState, SystemLanding
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal

# Most urgent first; anything else sorts after them.
_SEVERITIES = ("critical", "high", "medium", "low", "info")


def landings(
    settings: Settings, estate: Estate, systems: Collection[str], known: Collection[str]
) -> list[SystemLanding]:
    """What each extract of these systems landed anew: all batches but the `known` ones, in the estate's order."""
    new = [m for m in read_manifests(settings.landing_dir) if m.batch_id not in known]
    result = []
    for system in systems:
        for extract in estate.systems[system].extracts:
            batches = [m for m in new if (m.source_system, m.extract_name) == (system, extract)]
            refused = [m for m in batches if m.state == "refused"]
            result.append(
                SystemLanding(
                    system=system,
                    extract=extract,
                    entity=estate.systems[system].entity_of(extract),
                    rows_received=sum(m.rows_received for m in batches),
                    rows_landed=sum(m.rows_landed for m in batches),
                    rows_rejected=sum(m.rows_rejected for m in batches),
                    batches_new=len(batches) - len(refused),
                    batches_refused=len(refused),
                    refusal_reasons=[m.reason or "refused" for m in refused],
                )
            )
    return result


def findings(settings: Settings, estate: Estate) -> list[FindingCount]:
    """Open findings of the published state by domain and class, most severe and most valuable first.

    A domain is the table's name without `_finding`. Values are summed per currency.
    """
    if publication.status(settings).current is None:
        return []
    database = publication.current_version_dir(settings) / "marts.duckdb"
    currencies = {p.id: p.currency for p in estate.file.plants}
    with connect(settings, database, read_only=True) as connection:
        return count_findings(connection, currencies)


def count_findings(connection: duckdb.DuckDBPyConnection, currencies: Mapping[str, str]) -> list[FindingCount]:
    """Findings of all tables named `…_finding`, by domain, class, severity and currency.

    Args:
        connection: to the published state.
        currencies: plant → currency, for findings that don't say theirs. An order has one of its own.
    """
    counts: dict[tuple[str, str, str, str | None], tuple[int, Decimal | None]] = {}
    tables = connection.execute(
        "select table_name, list(column_name) from duckdb_columns() "
        "where table_name like '%\\_finding' escape '\\' group by all order by 1"
    ).fetchall()
    for table, columns in tables:
        domain = literal(table.removesuffix("_finding"))
        severity = "severity" if "severity" in columns else "'medium'"
        value = "sum(value_at_stake)" if "value_at_stake" in columns else "null"
        own = "currency" if "currency" in columns else "null"
        rows = connection.execute(
            f"select {domain}, finding_class, {severity}, plant_id, {own}, count(*), {value} "
            f"from {identifier(table)} group by all"
        ).fetchall()
        for name, finding_class, level, plant, currency, count, amount in rows:
            key = (name, finding_class, level, currency or currencies.get(plant))
            before, sum_before = counts.get(key, (0, None))
            total = sum_before if amount is None else (sum_before or Decimal(0)) + Decimal(str(amount))
            counts[key] = (before + count, total)
    result = [
        FindingCount(domain, finding_class, severity, count, value, currency if value is not None else None)
        for (domain, finding_class, severity, currency), (count, value) in counts.items()
    ]
    return sorted(result, key=lambda f: (_rank(f.severity), -(f.value or 0), -f.count, f.domain, f.finding_class))


def publication_facts(settings: Settings) -> PublicationFacts | None:
    """The version in force, or None before the first."""
    current = publication.status(settings).current
    if current is None:
        return None
    return PublicationFacts(
        version=current.version,
        content_hash=current.content_hash,
        tables_changed=list(current.tables_changed),
        rows_added=current.rows_added,
        rows_removed=current.rows_removed,
        rows_changed=current.rows_changed,
        path=settings.published_dir / "current",
    )


def next_steps(
    state: RunState,
    landed: Sequence[SystemLanding],
    found: Sequence[FindingCount],
    checks: Sequence[FailedCheck],
    extract_failures: Sequence[str],
    exceptions: Sequence[QueueCount] = (),
) -> list[str]:
    """What a person would do now, most urgent first."""
    steps = []
    blocking = [c for c in checks if c.severity == "blocking"]
    if state == "refused":
        steps.append(f"Mend {blocking[0].table}.{blocking[0].name}: readers still see the version before.")
    if state == "failed":
        steps.append("Read the failure above; `mfg doctor` says what the machine lacks. Then `mfg run` again.")
    if extract_failures:
        steps.append("`mfg check` names each source that can't be read, with file and line.")
    for landing in landed:
        if landing.batches_refused:
            steps.append(
                f"Ask {landing.system} for {landing.extract} again, or mend its mapping: "
                f"`mfg dead-letters list --system {landing.system} --entity {landing.entity}`."
            )
    if any(landing.rows_rejected for landing in landed):
        steps.append("`mfg dead-letters list` shows each refused record with its reason and payload.")
    if overdue := sum(one.overdue for one in exceptions):
        steps.append(f"`mfg exceptions list --overdue` shows what is past its service level ({overdue:,}).")
    elif any(one.opened or one.reopened for one in exceptions):
        steps.append("`mfg exceptions list --role ROLE` is each role's queue, most urgent first.")
    if found:
        first = found[0]
        steps.append(
            f"`mfg query \"select * from {first.domain}_finding where finding_class = '{first.finding_class}'\"` "
            "shows the findings that weigh most."
        )
    if state == "published":
        steps.append("Open published/current/report.html in MFG_HOME: KPIs, exceptions and interfaces on one page.")
    return steps


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
