"""What the platform does that is worth an audit entry, and whether the log still tells the truth.

Belongs here: publications, rollbacks, configuration versions; verification of chain, histories and head.
Doesn't belong here: the chain itself (`log`), acts, which write their entries themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from mfg_assets import publish as publication
from mfg_assets.audit.log import head, record, sequence_of, verify
from mfg_assets.errors import MfgError, Problem
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions import history
from mfg_assets.exceptions.history import PLATFORM
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import audit_log, exception, exception_event
from mfg_assets.settings import Settings
from mfg_assets.warehouse import state


@dataclass(frozen=True)
class Verification:
    """How the audit log stands: its length, the hash of its newest entry, and what is wrong, a sentence each."""

    entries: int
    head_hash: str
    problems: tuple[str, ...]


def note_publications(settings: Settings, ledger: Ledger, estate: Estate, *, at: datetime) -> int:
    """Enter each published version and the present configuration that the log doesn't know yet.

    Asked anew rather than told: a process that is killed between publishing and noting loses nothing, since the next
    one finds the version without an entry.

    Returns:
        How many entries were added.
    """
    added = 0
    versions = publication.status(settings).versions
    with ledger.read() as connection:
        known = {v.version for v in versions if sequence_of(connection, f"publication:{v.version}") is not None}
    for version in reversed(versions):
        if version.version not in known:
            added += _note_version(ledger, version, at)
    added += _note_configuration(settings, ledger, estate, at)
    keep_head(settings, ledger)
    return added


def _note_version(ledger: Ledger, version: publication.Publication, at: datetime) -> int:
    """One version's entry: a rollback under the name of who did it."""
    is_rollback = version.published_by is not None
    details: dict[str, object] = {
        "run_id": version.run_id,
        "published_at": version.published_at.isoformat(),
        "content_hash": version.content_hash,
        "tables_changed": list(version.tables_changed),
    }
    if is_rollback:
        details |= {"rollback_of": version.rollback_of, "reason": version.reason}
    return record(
        ledger,
        kind="rollback" if is_rollback else "publication",
        subject=version.version,
        actor=version.published_by or PLATFORM,
        at=at,
        details=details | {"as_of": version.as_of.isoformat()},
        request_id=f"publication:{version.version}",
    )


def _note_configuration(settings: Settings, ledger: Ledger, estate: Estate, at: datetime) -> int:
    """An entry whenever estate, contracts, models or expectations differ from those of the last entry."""
    definition = state.definition(settings, estate)
    query = select(audit_log.c.details).where(audit_log.c.kind == "configuration")
    with ledger.read() as connection:
        last = connection.execute(query.order_by(audit_log.c.sequence.desc()).limit(1)).scalar()
    if last is not None and json.loads(last)["definition"] == definition:
        return 0
    return record(
        ledger,
        kind="configuration",
        subject=estate.file.name,
        actor=PLATFORM,
        at=at,
        details={"definition": definition, "estate": str(estate.path), "systems": sorted(estate.systems)},
    )


def verify_all(settings: Settings, ledger: Ledger) -> Verification:
    """Check the chain, that every history is what its entry says, and that the end wasn't cut off.

    Raises:
        LedgerError: the ledger can't be read.
    """
    with ledger.read() as connection:
        problems = [*verify(connection), *_histories(connection), *_states(connection)]
        sequence, newest = head(connection)
        problems += _end(settings, connection)
    return Verification(sequence, newest, tuple(problems))


def keep_head(settings: Settings, ledger: Ledger) -> None:
    """Write number and hash of the newest entry beside the ledger: a log cut off at its end is still a whole chain."""
    with ledger.read() as connection:
        sequence, newest = head(connection)
    path = _head_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps({"sequence": sequence, "hash": newest}))
    aside.replace(path)


def _end(settings: Settings, connection: Connection) -> list[str]:
    path = _head_path(settings)
    if not path.is_file():
        return []
    try:
        kept = json.loads(path.read_text())
        sequence, expected = int(kept["sequence"]), str(kept["hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise MfgError(Problem(f"the audit log's head can't be read: {error}", path, fix="restore the file")) from error
    if sequence == 0:
        return []
    found = connection.execute(select(audit_log.c.hash).where(audit_log.c.sequence == sequence)).scalar()
    if found is None:
        return [f"the log once had entry {sequence}, which is gone: its end was cut off"]
    return [] if found == expected else [f"entry {sequence} is not the one that was there before"]


def _histories(connection: Connection) -> list[str]:
    """Every entry that stands for events still stands for exactly those."""
    problems = []
    known = set()
    for row in connection.execute(select(audit_log.c.sequence, audit_log.c.details).order_by(audit_log.c.sequence)):
        try:
            details = json.loads(row.details)
        except ValueError:
            continue
        if "events_hash" not in details:
            continue
        known.add(row.sequence)
        if history.digest(connection, row.sequence) != (details["events"], details["events_hash"]):
            problems.append(f"the history that entry {row.sequence} stands for was changed")
    named = set(connection.execute(select(exception_event.c.audit_sequence).distinct()).scalars())
    problems += [f"history names entry {one}, which stands for no history" for one in sorted(named - known)]
    return problems


def _states(connection: Connection) -> list[str]:
    """Every exception stands where its history leads."""
    newest = (
        select(exception_event.c.exception_id, func.max(exception_event.c.version).label("version"))
        .group_by(exception_event.c.exception_id)
        .subquery()
    )
    rows = connection.execute(
        select(exception.c.exception_id)
        .outerjoin(newest, newest.c.exception_id == exception.c.exception_id)
        .outerjoin(
            exception_event,
            (exception_event.c.exception_id == newest.c.exception_id) & (exception_event.c.version == newest.c.version),
        )
        .where(
            (func.coalesce(newest.c.version, 0) != exception.c.version)
            | (func.coalesce(exception_event.c.state, "") != exception.c.state)
        )
        .order_by(exception.c.exception_id)
    ).scalars()
    return [f"exception {one} does not stand where its history leads" for one in rows]


def _head_path(settings: Settings) -> Path:
    return settings.exceptions_dir / "audit_head.json"
