"""What the platform reports, from its published tables, in the words of the truth: domain, class, plant, business key.

Belongs here: one entry for each published table that holds findings. Doesn't belong here: comparing (`score`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.warehouse.sql import identifier, literal, path_literal

# Pairs below are for people to look at; they say nothing yet.
CERTAIN_MATCH = 0.9


@dataclass(frozen=True)
class Report:
    """One published table with findings.

    Attributes:
        domain: Whose findings they are.
        table: Its name.
        key: Columns of the business key.
        sql: Select of finding_class, plant_id, the key's columns, quantity and is_information from `source`.
    """

    domain: str
    table: str
    key: tuple[str, ...]
    sql: str


def _findings(domain: str, table: str, key: tuple[str, ...], quantity: str = "quantity") -> Report:
    return Report(
        domain,
        table,
        key,
        f"select finding_class, plant_id, {', '.join(key)}, {quantity} as quantity, "
        "severity = 'info' as is_information from source",
    )


_RECORD = ("source_system", "entity", "record")

REPORTS = (
    _findings("bom", "bom_finding", ("parent_item_number", "component_item_number"), "null"),
    _findings("routing", "routing_finding", ("item_number", "operation_sequence"), "null"),
    _findings(
        "master_data",
        "master_data_finding",
        ("object_type", "object_key", "attribute", "source_system"),
        "null",
    ),
    Report(
        "change",
        "engineering_change_plant_status",
        ("change_number",),
        "select unnest(list_distinct(coalesce(blocking_reasons, []) || "
        "case when status in ('overdue', 'deviated') then [status] else [] end)) as finding_class, "
        "plant_id, change_number, null as quantity, false as is_information from source",
    ),
    _findings("inventory", "inventory_finding", ("location", "item_number", "lot_number", "stock_status", "ownership")),
    _findings("production", "production_order_finding", ("object_key", "item_number")),
    _findings("production", "lot_genealogy_gap", ("object_key", "item_number")),
    _findings("fulfilment", "order_fulfilment_finding", ("object_key", "item_number")),
    _findings("procurement", "procurement_finding", ("object_key", "item_number")),
    Report(
        "supplier",
        "supplier_duplicate",
        ("supplier_a", "supplier_b"),
        "select 'supplier_duplicate' as finding_class, null as plant_id, least(supplier_a, supplier_b) as supplier_a, "
        "greatest(supplier_a, supplier_b) as supplier_b, null as quantity, false as is_information from source "
        f"where match_probability >= {CERTAIN_MATCH}",
    ),
    Report(
        "record",
        "dead_letter",
        _RECORD,
        # A dead letter knows its row, not the record's number in its own system: that is looked for in its payload.
        """
        with refused as (
            select dead_letter_id, source_system, entity, unnest(reasons) as finding_class, payload
            from source
            where state = 'open'
        )

        select
            refused.finding_class, null as plant_id, refused.source_system, refused.entity,
            coalesce(
                any_value(json_extract_string(planted.business_key, '$.record')), any_value(dead_letter_id)
            ) as record,
            null as quantity, false as is_information
        from refused
        left join planted
            on planted.domain = 'record'
            and planted.finding_class = refused.finding_class
            and json_extract_string(planted.business_key, '$.source_system') = refused.source_system
            and json_extract_string(planted.business_key, '$.entity') = refused.entity
            and contains(refused.payload, json_extract_string(planted.business_key, '$.record'))
        group by refused.dead_letter_id, refused.finding_class, refused.source_system, refused.entity
        """,
    ),
    Report(
        "record",
        "event_conflict",
        _RECORD,
        "select 'conflicting_event' as finding_class, null as plant_id, source_system, entity, event_key as record, "
        "null as quantity, false as is_information from source",
    ),
    Report(
        "record",
        "batch_manifest",
        _RECORD,
        "select case when completeness = 'short' then 'short_snapshot' else 'refused_batch' end as finding_class, "
        "null as plant_id, source_system, entity, strftime(extracted_at, '%Y-%m-%dT%H:%M:%SZ') as record, "
        "null as quantity, false as is_information from source where state = 'refused'",
    ),
)


def load(con: duckdb.DuckDBPyConnection, published: Path) -> tuple[str, ...]:
    """Make the table `reported` from a published version; `planted` must be there. Returns tables that are missing."""
    con.execute(
        "create or replace temp table reported (domain varchar, finding_class varchar, plant_id varchar, "
        "business_key varchar, key varchar[], quantity decimal(38, 6), "
        "is_information boolean)"
    )
    missing: list[str] = []
    for report in REPORTS:
        path = published / f"{report.table}.parquet"
        if not path.is_file():
            missing.append(report.table)
            continue
        con.execute(f"create or replace temp view source as select * from read_parquet({path_literal(path)})")
        parts = [f"cast({identifier(column)} as varchar)" for column in report.key]
        key_json = ", ".join(f"{literal(c)}, {part}" for c, part in zip(report.key, parts, strict=True))
        con.execute(
            f"insert into reported select {literal(report.domain)}, finding_class, cast(plant_id as varchar), "
            f"json_object({key_json}), [{', '.join(parts)}], quantity, is_information from ({report.sql}) as finding"
        )
    return tuple(missing)
