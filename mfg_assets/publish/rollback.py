"""Putting back what an older version held, as a new version.

Belongs here: choosing a version, publishing its content again.
Doesn't belong here: publishing what a run built (`snapshot`), the audit entry (`audit.facts` finds the version).

The warehouse goes on holding what was rolled back. Until a run builds something else, publications therefore keep what
was put back and bring along only what people did to exceptions; so no run undoes a rollback by itself. Rolling back to
the version that was withdrawn ends it.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from mfg_assets.errors import Problem, PublicationError, UsageError
from mfg_assets.publish.contents import Occasion, built_hashes, content_hash_of, kept
from mfg_assets.publish.model import PublicationResult
from mfg_assets.publish.snapshot import make_version
from mfg_assets.publish.store import Store, utc_now
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect


def rollback(
    settings: Settings, version: str, *, published_by: str, reason: str, now: datetime | None = None
) -> PublicationResult:
    """Make a new version with what a run built for an older one; readers see all of it or nothing.

    The table of exceptions stays as it is: acts by people are not undone.

    Args:
        settings: where the versions are.
        version: the version to put back, as `find_version` takes it.
        published_by: who does it.
        reason: why; kept in the history and in the audit log.
        now: when this happens; the clock when None.

    Returns:
        The new version; state `unchanged` where the version in force holds the same already.

    Raises:
        UsageError: no such version, its files are gone, or no reason.
        PublicationError: its files are damaged, or another publication is under way.
    """
    if not reason.strip() or not published_by.strip():
        raise UsageError(Problem("the reason is missing", fix="say why: it is kept with the version"))
    store = Store(settings.published_dir)
    try:
        with store.locked():
            now = now or utc_now()
            previous = store.recover()
            target = find_version(settings, version)
            if previous is None:
                raise UsageError(Problem("nothing is published", fix="run `mfg run`"))
            before, content = store.manifest(previous), store.manifest(target)
            if built_hashes(before) == built_hashes(content):
                return PublicationResult(previous, before["content_hash"], "unchanged")
            withdrawn = [
                one for one in [*before.get("withdrawn", []), built_hashes(before)] if one != built_hashes(content)
            ]
            occasion = Occasion(
                content["run_id"],
                datetime.fromisoformat(content["as_of"]),
                now,
                withdrawn=tuple(withdrawn),
                rollback_of=target,
                published_by=published_by,
                reason=reason,
            )
            with connect(settings, keep_order=True) as connection:
                # What people did since then is no part of what is taken back.
                acts = [e for e in kept(connection, store, previous, before, previous, before) if e.table.is_ledger]
                own = {one.table.name for one in acts}
                data = kept(connection, store, target, content, previous, before)
                tables = sorted(
                    [*acts, *(one for one in data if one.table.name not in own)], key=lambda one: one.table.name
                )
                content_hash = content_hash_of(tables)
                result = make_version(connection, store, tables, content_hash, previous, before, occasion)
            store.retain(settings.keep_versions, now)
            return result
    except (OSError, duckdb.Error) as error:
        raise PublicationError(
            Problem(
                f"the rollback could not be made: {str(error).splitlines()[0]}",
                store.folder,
                fix="free disk space or correct the folder's permissions, then try again; "
                "readers keep the version in force",
            )
        ) from error


def find_version(settings: Settings, name: str) -> str:
    """A version on disk by its name, its number (`7`), the start of its name, `current` or `previous`.

    Raises:
        UsageError: none or several are meant, or its files were removed by retention.
    """
    store = Store(settings.published_dir)
    versions = store.versions()
    current = store.current()
    if name == "current" and current is not None:
        return current
    if name == "previous" and current in versions and versions.index(current):
        return versions[versions.index(current) - 1]
    found = [one for one in versions if one == name or (name.isdigit() and int(one.partition("-")[0]) == int(name))]
    found = found or [one for one in versions if name and one.startswith(name)]
    if len(found) == 1:
        return found[0]
    kept_ones = ", ".join(versions[-10:]) or "none"
    raise UsageError(
        Problem(
            f"{'several versions start with' if found else 'there is no version'} {name!r}",
            fix=f"one of those whose files are kept (MFG_KEEP_VERSIONS): {kept_ones}",
        )
    )
