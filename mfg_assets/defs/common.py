"""What all wiring shares: the estate of this process, asset keys, owners, pools and progress.

Belongs here: names and lookups. Doesn't belong here: definitions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import dagster as dg

from mfg_assets.contracts import Contract
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.quality import Suite, load_suites
from mfg_assets.settings import get_settings
from mfg_assets.summary import Progress

if TYPE_CHECKING:
    from mfg_assets.contracts.model import Column

WAREHOUSE_POOL = "warehouse"
EXCEPTION_KEY = dg.AssetKey(["exceptions", "exception"])
# The same as dbt gives the source that its models read.
SUPPLIER_PAIR_KEY = dg.AssetKey(["matching", "supplier_pair"])
# Under this name the step that observes reports what came of it, by domain and severity.
EXCEPTION_COUNTS = "counts"
AS_OF_TAG = "mfg/as_of"
FULL_REFRESH_TAG = "mfg/full_refresh"
PROCESS_TAG = "mfg/process"

# Runs started by hand, by a schedule and by a sensor wait for one another this long.
LOCK_WAIT_SECONDS = 600

_listener: list[Callable[[Progress], None]] = []


@lru_cache(maxsize=1)
def estate() -> Estate:
    """The estate of this process, read once."""
    return load_estate(get_settings().estate_path)


@lru_cache(maxsize=1)
def suites() -> list[Suite]:
    """The suites of expectations of this process, read once."""
    return load_suites(get_settings().expectations_dir)


def extract_key(system: str, extract: str) -> dg.AssetKey:
    """Key of one system's extract."""
    return dg.AssetKey(["extract", system, extract])


def landing_key(entity: str) -> dg.AssetKey:
    """Key of an entity's landed rows; the same as dbt gives the source."""
    return dg.AssetKey(["landing", entity])


def published_key(table: str) -> dg.AssetKey:
    """Key of a published table."""
    return dg.AssetKey(["published", table])


def owner_of_system(system: str) -> list[str]:
    """Dagster's owners of a system's extracts: the role that answers for the feed."""
    role_id = estate().systems[system].owner
    role = next((r for r in estate().file.roles if r.id == role_id), None)
    if role is None:
        return []
    return [role.email] if role.email else [f"team:{role.id}"]


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns as Dagster shows them."""
    return dg.TableSchema(columns=[_table_column(c) for c in contract.columns])


def _table_column(column: Column) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=not column.required)
    return dg.TableColumn(column.name, column.sql_type, column.description, constraints)


def as_of_of(context: dg.AssetExecutionContext) -> datetime:
    """The run's one as-of: what its starter asked for, else the estate's own, else when it began (rule 3)."""
    asked = context.run.tags.get(AS_OF_TAG)
    if asked:
        return datetime.fromisoformat(asked)
    fixed = estate().file.as_of
    if fixed is not None:
        return fixed
    stats = context.instance.get_run_stats(context.run_id)
    return datetime.fromtimestamp(stats.start_time, UTC) if stats.start_time else datetime.now(UTC)


def listen(listener: Callable[[Progress], None] | None) -> None:
    """Send progress of runs in this process to a listener; None ends it."""
    _listener.clear()
    if listener is not None:
        _listener.append(listener)


def report(layer: str, name: str, state: str, detail: str = "") -> None:
    """Tell the listener, if there is one."""
    for listener in _listener:
        listener(Progress(layer, name, state, detail))
