"""Which tables are published: the models that dbt's manifest marks so.

Belongs here: reading the marks. Doesn't belong here: a list of tables by hand; names come from the manifest alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, PublicationError
from mfg_assets.publish.model import PublishedTable

# A published name becomes a file's name and part of SQL that readers write without quotes.
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
RESERVED = frozenset({"publication", "manifest", "marts"})


def published_tables(manifest_path: Path) -> list[PublishedTable]:
    """The models with `meta: {published: {key: [...]}}` in a dbt manifest, ordered by name.

    Raises:
        PublicationError: no manifest, or a mark without a key, with an unusable name, or used twice.
    """
    try:
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PublicationError(
            Problem("dbt's manifest is missing", manifest_path, fix="build the warehouse with `mfg run`")
        ) from None
    except ValueError as error:
        raise PublicationError(Problem(f"dbt's manifest can't be read: {error}", manifest_path)) from error

    problems: list[Problem] = []
    tables: dict[str, PublishedTable] = {}
    for node in manifest.get("nodes", {}).values():
        mark = _mark(node)
        if mark is None:
            continue
        table, found = _table(node, mark, tables)
        problems.extend(found)
        if table is not None:
            tables[table.name] = table
    if problems:
        raise PublicationError(*problems)
    return sorted(tables.values(), key=lambda table: table.name)


def _mark(node: dict[str, Any]) -> Any:
    if node.get("resource_type") != "model":
        return None
    return ((node.get("config") or {}).get("meta") or {}).get("published")


def _table(
    node: dict[str, Any], mark: Any, seen: dict[str, PublishedTable]
) -> tuple[PublishedTable | None, list[Problem]]:
    file = Path(node.get("original_file_path", "?"))
    mark = mark if isinstance(mark, dict) else {}
    name = str(mark.get("name") or node.get("alias") or node["name"])
    key = mark.get("key")
    problems: list[Problem] = []
    if not isinstance(key, list) or not key or not all(isinstance(column, str) for column in key):
        problems.append(
            Problem(f"published model {name} has no key", file, fix="set meta.published.key to its columns")
        )
    if not NAME.fullmatch(name):
        problems.append(Problem(f"{name!r} can't be a published name", file, fix="use lower case, digits and _"))
    if name in RESERVED:
        problems.append(Problem(f"the published name {name} is the platform's own", file, fix="choose another name"))
    if name in seen:
        problems.append(Problem(f"two models are published as {name}", file, fix="give one of them another name"))
    if problems:
        return None, problems
    columns = {column: str(value.get("description", "")) for column, value in (node.get("columns") or {}).items()}
    table = PublishedTable(
        name=name,
        relation=f"{node['schema']}.{node.get('alias') or node['name']}",
        key=tuple(key or ()),
        description=" ".join(str(node.get("description", "")).split()),
        columns=columns,
        is_ledger=mark.get("is_ledger") is True,
    )
    return table, []
