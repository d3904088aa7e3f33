"""plm_main: the PLM of all plants. What it releases as JSON Lines, all structures nightly as XML.

Belongs here: the dialect of plm_main, its files and its part of the estate. Doesn't belong here: words (`dialects/`),
the text of a document (`markup`).

One file of releases holds objects of every kind: an envelope around the object's own data, in the order of release.
Revisions are letters, times are UTC. Structures are two documents, of bills and of lines, which stand within a tag of
their bill; a text file beside each says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mfg_assets.contracts import contract
from mfg_assets.simulate.export.dialect import Dialect
from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.markup import nested_sql, record_sql
from mfg_assets.simulate.export.native import utc
from mfg_assets.simulate.export.staging import Drop, Relation, stage, unstage
from mfg_assets.simulate.export.writers import write_json_lines, write_lines, write_text
from mfg_assets.warehouse.sql import literal

SYSTEM = "plm_main"
_STAMP = r"_(\d{8}T\d{6}Z)"
# Entity → kind of object.
RELEASES = {
    "item": "Part",
    "item_revision": "PartRevision",
    "item_unit_conversion": "PartUnit",
    "engineering_change": "Change",
    "engineering_change_item": "ChangeLine",
    "engineering_change_plant": "ChangeSite",
    "approved_manufacturer": "ApprovedSource",
    "document": "Document",
}
# Entity → document and the place of its records.
_DOCUMENTS = {"bom_header": ("bills", "bills/bill"), "bom_line": ("structures", "structures/bill/line")}
# What this PLM calls otherwise than the contracts do.
_NAMES = {
    "item_number": "partNumber",
    "parent_item_number": "parentPartNumber",
    "component_item_number": "partNumber",
    "old_component_item_number": "oldPartNumber",
    "new_component_item_number": "newPartNumber",
    "component_revision": "partRevision",
    "plant_id": "site",
    "base_unit": "uom",
    "unit": "uom",
    "alternative_unit": "alternativeUom",
    "net_weight_unit": "netWeightUom",
}
# Where values stand in the structures, if not in an element of their own.
_PLACES = {
    "bom_header": {
        "base_quantity": "baseQuantity",
        "unit": "baseQuantity/@uom",
        "lot_size_from": "lotSize/@from",
        "lot_size_to": "lotSize/@to",
    },
    "bom_line": {
        "line_id": "@id",
        "position": "@position",
        "line_type": "@type",
        "component_item_number": "part",
        "component_revision": "part/@revision",
        "unit": "quantity/@uom",
        "is_fixed_quantity": "quantity/@fixed",
        "is_net": "quantity/@net",
        "component_scrap": "scrap",
        "scrap_method": "scrap/@method",
        "assembly_scrap": "scrap/@assembly",
        "alternate_group": "alternate/@group",
        "alternate_priority": "alternate/@priority",
        "usage_probability": "alternate/@share",
        "engineering_change_in": "change/@in",
        "engineering_change_out": "change/@out",
    },
}
_PERIOD = {"effective_from": "effectivity/@from", "effective_to": "effectivity/@to", "recorded_at": "@changedAt"}


def _camel(column: str) -> str:
    first, *rest = column.split("_")
    return _NAMES.get(column) or first + "".join(part.capitalize() for part in rest)


def _place(entity: str, column: str) -> str:
    """Where a column stands in the structures. What identifies a bill are attributes of its tag, also around lines."""
    if column in contract("bom_header").key:
        return ("bill.@" if entity == "bom_line" else "@") + _camel(column)
    return _PLACES[entity].get(column) or _PERIOD.get(column) or _camel(column)


def _dialect(name: Callable[[str, str], str], read: Callable[[str], str]) -> Dialect:
    return Dialect(
        system=SYSTEM,
        item=lambda sql: sql,
        item_back=lambda name: name,
        instant=utc,
        day=utc,
        end=utc,
        end_back=lambda name: name,
        date=lambda sql: f"cast({sql} as varchar)",
        name=name,
        read=read,
    )


DIALECT = _dialect(lambda _, column: _camel(column), lambda name: f"src.data->>'$.{name}'")
_STRUCTURES = _dialect(_place, lambda place: f'src."{place}"')


def write(drop: Drop) -> None:
    """Write one delivery.

    Raises:
        ValueError: a fault wants raw lines in the structures.
    """
    _write_releases(drop)
    _write_structures(drop)


def system_file() -> dict[str, Any]:
    """`systems/plm_main.yaml`."""
    extracts: dict[str, Any] = {
        entity: {
            "from": "release_*.jsonl",
            "delivery": "delta",
            "extracted_at": _STAMP,
            "where": f"src.object = {literal(kind)}",
            "columns": DIALECT.mapping(entity, "delta")
            | {"recorded_at": "src.releasedAt", "is_deleted": "src.deleted"},
        }
        for entity, kind in RELEASES.items()
    }
    for entity, (name, path) in _DOCUMENTS.items():
        extracts[entity] = {
            "from": f"{name}_*.xml",
            "options": {"format": "xml", "records_path": path},
            "delivery": "snapshot",
            "extracted_at": _STAMP,
            "complete_when": {"control_file": {"pattern": "{stem}.ctl", "row_count": r"records=(\d+)"}},
            "columns": _STRUCTURES.mapping(entity, "snapshot"),
        }
    return {
        "system": SYSTEM,
        "kind": "plm",
        "name": "Product lifecycle management",
        "description": (
            "What is released comes as JSON Lines, objects of all kinds in one file. All structures come nightly as "
            "XML, with a text file that counts them. Times are UTC."
        ),
        "owner": "engineering_change_manager",
        "plants": ["P100", "P200", "P300", "P400"],
        "timezone": "UTC",
        "connector": {"type": "files", "path": f"extracts/{SYSTEM}", "format": "jsonl"},
        "schedule": "0 5 * * *",
        "extracts": extracts,
    }


def _write_releases(drop: Drop) -> None:
    released = [
        stage(drop, SYSTEM, entity, native_rows(_envelope(entity, kind), SYSTEM, drop.window))
        for entity, kind in RELEASES.items()
    ]
    objects = " union all ".join(
        f"select *, {place} as place, rowid as line from {relation.name}" for place, relation in enumerate(released)
    )
    everything = Relation(
        f'(select * exclude (place, line) from ({objects}) order by "releasedAt", place, line)',
        released[0].columns,
        sum(relation.rows for relation in released),
        sum(relation.claimed_rows for relation in released),
        tuple(line for relation in released for line in relation.lines),
    )
    path = drop.folder(SYSTEM) / f"release_{drop.window.stamp}.jsonl"
    write_json_lines(drop.connection, everything, path)
    unstage(drop, *released)


def _envelope(entity: str, kind: str) -> Feed:
    own = [c for c in DIALECT.columns(entity, "delta") if c.column not in ("recorded_at", "is_deleted")]
    data = ", ".join(f"{literal(c.name)}: {c.sql}" for c in own)
    columns = {
        "object": literal(kind),
        "releasedAt": utc("recorded_at"),
        "deleted": "is_deleted",
        "data": f"to_json({{{data}}})",
    }
    return Feed(entity, "delta", columns)


def _write_structures(drop: Drop) -> None:
    for entity, (name, _) in _DOCUMENTS.items():
        sql = native_rows(_STRUCTURES.feed(entity, "snapshot"), SYSTEM, drop.window)
        rows = stage(drop, SYSTEM, entity, sql)
        stem = f"{name}_{drop.window.stamp}"
        if rows.lines:
            raise ValueError(f"{stem}.xml: an XML document holds no raw lines")
        records = (
            f"select {record_sql('bill', rows)} as text from {rows.name} order by rowid"
            if entity == "bom_header"
            else f"select text from ({nested_sql('bill', 'line', rows)}) order by place, step, line"
        )
        path = drop.folder(SYSTEM) / f"{stem}.xml"
        opening = f'<{name} exportedAt="{drop.window.cut.isoformat()}">'
        head = ['<?xml version="1.0" encoding="UTF-8"?>', opening]
        write_lines(drop.connection, records, path, head=head, tail=[f"</{name}>"])
        write_text(path.with_suffix(".ctl"), f"records={rows.claimed_rows}\n")
        unstage(drop, rows)
