"""What the version in force asks of plants' systems, and what systems answered.

Belongs here: reading the published state. Doesn't belong here: what follows from it (`plan`).

It is read from what is published, never from the warehouse: a version that the gate refused, or that was rolled back,
asks nothing of anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.publish import current_version_dir
from mfg_assets.publish.store import DATABASE
from mfg_assets.release.model import SENDS, Acknowledgement, Asked, Change, ObjectId
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

TABLE, ANSWERS = "plant_release", "sync_acknowledgement"
_ASKED = f"""
    select target_system, target_kind, plant_id, object_type, object_key, item_number, correlation_id, changes_json
    from {TABLE}
    where list_contains(?, target_system)
    order by target_system, object_type, object_key
"""
_ANSWERED = f"""
    select target_system, object_type, object_key, version, acknowledgement_state, detail, event_at
    from {ANSWERS}
    where list_contains(?, object_type) and list_contains(?, target_system)
"""


def asked(settings: Settings, targets: Sequence[ReleaseTarget]) -> tuple[str, list[Asked], list[Acknowledgement]]:
    """The version in force, what it asks of the targets, and the answers that had landed when it was made.

    All three are of one version. An older version that has no such table asks nothing.

    Raises:
        PublicationError: nothing is published.
    """
    folder = current_version_dir(settings)
    systems = sorted({target.system for target in targets})
    kinds = [kind for kinds in SENDS.values() for kind in kinds]
    with connect(settings, folder / DATABASE, read_only=True) as connection:
        tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        rows = connection.execute(_ASKED, [systems]).fetchall() if TABLE in tables else []
        answers = connection.execute(_ANSWERED, [kinds, systems]).fetchall() if ANSWERS in tables else []
    return folder.name, list(_for_targets(rows, targets)), [Acknowledgement(*row) for row in answers]


def _for_targets(rows: Iterable[Sequence[Any]], targets: Sequence[ReleaseTarget]) -> Iterable[Asked]:
    """Each row for each target that it is meant for; a record that a system has once goes to all targets of it."""
    by_system: dict[str, list[ReleaseTarget]] = {}
    for target in targets:
        by_system.setdefault(target.system, []).append(target)
    for system, kind, plant_id, object_type, object_key, item_number, correlation_id, changes_json in rows:
        changes = tuple(_change(one) for one in json.loads(changes_json))
        for target in by_system[system]:
            is_its_plant = plant_id is None or not target.plants or plant_id in target.plants
            if is_its_plant and any(object_type in SENDS[sent] for sent in target.sends):
                yield Asked(
                    ObjectId(target.id, object_type, object_key),
                    system,
                    kind,
                    plant_id,
                    item_number,
                    correlation_id,
                    changes,
                )


def _change(one: dict[str, Any]) -> Change:
    return Change(
        key=one["key"],
        before=one["before"],
        after=one["after"],
        cause=one["cause"],
        change_numbers=tuple(one["change_numbers"]),
        attributes=tuple(one["attributes"]),
        effective_from=one["effective_from"],
        hold_reasons=tuple(one["hold_reasons"]),
    )
