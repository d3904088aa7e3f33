"""One publication: from the built warehouse to a version that readers see, or to nothing at all.

Belongs here: examining the warehouse, and whether there is anything new to publish.
Doesn't belong here: a version's files (`contents`), how versions become current (`store`), hashes (`fingerprint`).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb

from mfg_assets.errors import Problem, PublicationError
from mfg_assets.publish.contents import (
    Examined,
    Occasion,
    changes_of,
    content_hash_of,
    intact,
    kept,
    result_of,
    write_version,
)
from mfg_assets.publish.fingerprint import describe, duplicate_keys, fingerprint
from mfg_assets.publish.model import PublicationResult, PublishedTable
from mfg_assets.publish.store import Store, number, utc_now, version_name
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal


def publish(
    settings: Settings, tables: Sequence[PublishedTable], *, run_id: str, as_of: datetime, now: datetime | None = None
) -> PublicationResult:
    """Publish the tables' present state, unless it is the state already in force.

    Either a whole new version becomes current or nothing changes for readers, also when the process is killed.

    Args:
        settings: where the warehouse and the versions are.
        tables: what to publish, see `published_tables`.
        run_id: the run that built the state.
        as_of: the instant that the state is computed for; it is recorded and no part of the content.
        now: when this happens; the clock when None.

    Raises:
        PublicationError: a table or key column is missing, a key occurs twice, another publication is under way, or
            the version can't be written (disk full, read-only). The version in force stays.
    """
    store = Store(settings.published_dir)
    try:
        with store.locked():
            now = now or utc_now()
            result = _publish(settings, store, tables, run_id, as_of, now)
            store.retain(settings.keep_versions, now)
            return result
    except (OSError, duckdb.Error) as error:
        raise PublicationError(
            Problem(
                f"the publication could not be made: {str(error).splitlines()[0]}",
                store.folder,
                fix="free disk space or correct the folder's permissions, then run again; "
                "readers keep the version in force",
            )
        ) from error


def _publish(
    settings: Settings, store: Store, tables: Sequence[PublishedTable], run_id: str, as_of: datetime, now: datetime
) -> PublicationResult:
    if not settings.warehouse_path.is_file():
        raise PublicationError(
            Problem("there is no warehouse to publish", settings.warehouse_path, fix="build it with `mfg run`")
        )
    previous = store.recover()
    before = store.manifest(previous) if previous else None
    # Order matters here: the tables of marts.duckdb keep the order of the Parquet files.
    with connect(settings, keep_order=True) as connection:
        # By the name that dbt knows it by: its views name what they read in full.
        catalog = identifier(settings.warehouse_path.stem)
        connection.execute(f"attach {literal(str(settings.warehouse_path))} as {catalog} (read_only)")
        examined = _examine(connection, store, tables, previous, before, catalog)
        occasion = Occasion(run_id, as_of, now)
        if previous and before and _is_withdrawn(examined, before):
            examined, occasion = _behind_rollback(connection, store, examined, previous, before, occasion)
        content_hash = content_hash_of(examined)
        damaged = [e for e in examined if e.is_same and e.file_before is None]
        if previous and before and before["content_hash"] == content_hash and not damaged:
            return PublicationResult(previous, content_hash, "unchanged")
        return make_version(connection, store, examined, content_hash, previous, before, occasion)


def make_version(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    examined: list[Examined],
    content_hash: str,
    previous: str | None,
    before: dict[str, Any] | None,
    occasion: Occasion,
) -> PublicationResult:
    """Write the next version aside and make it current. Needs the store's lock."""
    changes = changes_of(connection, examined, before)
    counter = number(previous) + 1 if previous else 1
    result = result_of(version_name(counter, content_hash), content_hash, changes)
    aside = store.aside(result.version)
    try:
        write_version(connection, store, aside, examined, result, previous, occasion)
        store.commit(aside, result.version)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return result


def _is_withdrawn(examined: list[Examined], before: dict[str, Any]) -> bool:
    """Whether the warehouse still holds what was rolled back: publishing that again would undo the rollback."""
    built = {one.table.name: one.content.hash for one in examined if not one.table.is_ledger}
    return built in before.get("withdrawn", [])


def _behind_rollback(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    examined: list[Examined],
    previous: str,
    before: dict[str, Any],
    occasion: Occasion,
) -> tuple[list[Examined], Occasion]:
    """What was put back, with what people have done since; the rollback goes on until something else was built."""
    stays = [one for one in kept(connection, store, previous, before, previous, before) if not one.table.is_ledger]
    acts = [one for one in examined if one.table.is_ledger]
    occasion = replace(
        occasion,
        as_of=datetime.fromisoformat(before["as_of"]),
        withdrawn=tuple(before["withdrawn"]),
        rollback_of=before["rollback_of"],
    )
    return sorted([*stays, *acts], key=lambda one: one.table.name), occasion


def _examine(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    tables: Sequence[PublishedTable],
    previous: str | None,
    before: dict[str, Any] | None,
    catalog: str,
) -> list[Examined]:
    """Fingerprint every table. Raises PublicationError with every missing table, missing key column and doubled key."""
    problems: list[Problem] = []
    examined: list[Examined] = []
    for table in sorted(tables, key=lambda table: table.name):
        relation = f"{catalog}.{table.sql}"
        try:
            columns = describe(connection, relation)
        except duckdb.CatalogException:
            problems.append(Problem(f"{table.relation} is to be published but isn't in the warehouse"))
            continue
        missing = [column for column in table.key if column not in {c.name for c in columns}]
        if missing:
            problems.append(Problem(f"{table.name} has no column {', '.join(missing)}, which is in its key"))
            continue
        content = fingerprint(connection, relation, columns)
        entry = before["tables"].get(table.name) if before else None
        file = intact(store, previous, entry)
        one = Examined(table, relation, columns, content, entry, file)
        examined.append(one)
        if not (one.is_same and entry is not None and entry["key"] == list(table.key)):
            problems.extend(_doubled(connection, one))
    names = [table.name for table in tables]
    problems.extend(
        Problem(f"{name} is to be published twice") for name in sorted({n for n in names if names.count(n) > 1})
    )
    if problems:
        raise PublicationError(*problems)
    return examined


def _doubled(connection: duckdb.DuckDBPyConnection, one: Examined) -> list[Problem]:
    doubled = duplicate_keys(connection, one.relation, one.table.key)
    if not doubled:
        return []
    examples = "; ".join(f"{dict(zip(one.table.key, row, strict=False))} {row[-1]} times" for row in doubled)
    key = ", ".join(one.table.key)
    return [Problem(f"{one.table.name} has rows with the same key ({key}): {examples}")]
