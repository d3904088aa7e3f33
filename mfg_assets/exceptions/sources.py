"""Observations gathered in the warehouse: one row per class and business key, as the ledger takes them.

Belongs here: the SQL from findings, refused records and failed checks to rows of the ledger.
Doesn't belong here: what is not in the warehouse (`platform_sources`), severity and owners (`policy`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb

from mfg_assets.exceptions.observed import OBSERVED_COLUMNS
from mfg_assets.exceptions.registry import KEY_COLUMNS, RECORDS, FindingTable
from mfg_assets.warehouse.sql import identifier, literal

# Enough to find the rest; the findings and records themselves stay where they are.
EVIDENCE_KEPT = 5
RECORDS_KEPT = 10
_BATCH = 10_000

_RAW = """
    create or replace temp table raw_observation (
        domain varchar not null, finding_class varchar not null, business_key varchar not null, plant_id varchar,
        severity varchar not null, owner_role varchar, entity varchar, attribute varchar, value_at_stake double,
        currency varchar, suggested_action varchar, evidence varchar, correlation_ids varchar[]
    )
"""
RAW_COLUMNS = (
    *("domain", "finding_class", "business_key", "plant_id", "severity", "owner_role", "entity", "attribute"),
    *("value_at_stake", "currency", "suggested_action", "evidence", "correlation_ids"),
)


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """An empty table for what is seen; it lives as long as the connection."""
    connection.execute(_RAW)


def add_rows(connection: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[Any]]) -> None:
    """Add observations made elsewhere, with RAW_COLUMNS: there is at most one per feed, check or publication."""
    kept = [list(row) for row in rows]
    if kept:
        marks = ", ".join("?" * len(RAW_COLUMNS))
        connection.executemany(f"insert into raw_observation values ({marks})", kept)


def add_findings(connection: duckdb.DuckDBPyConnection, table: FindingTable) -> bool:
    """Add a table's findings. Returns False when the warehouse hasn't got it, which is no evaluation of its domain."""
    columns = _columns(connection, table.relation)
    if not {"finding_class", "plant_id"} <= columns:
        return False
    key = table.key or tuple(name for name in KEY_COLUMNS if name in columns)
    fields = ", ".join(f"{identifier(name)}: findings.{identifier(name)}" for name in key)

    def optional(name: str, otherwise: str) -> str:
        return f"findings.{name}" if name in columns else otherwise

    records = _records(connection, table, columns)
    connection.execute(
        f"""
        insert into raw_observation
        with findings as (select *, row_number() over () as finding_row from {table.sql}),
        records as ({records})
        select
            {literal(table.domain)}, findings.finding_class, to_json({{{fields}}})::varchar, findings.plant_id,
            {optional("severity", "'medium'")}, {optional("owner_role", "null")},
            {literal(table.entity) if table.entity else "null"}, {optional("attribute", "null")},
            abs({optional("value_at_stake", "null::double")}), {optional("currency", "null")},
            {optional("suggested_action", "null")}, {optional("evidence", "null")}, records.correlation_ids
        from findings
        left join records on findings.finding_row = records.finding_row
        """
    )
    return True


def _records(connection: duckdb.DuckDBPyConnection, table: FindingTable, columns: set[str]) -> str:
    """SQL for the newest records behind each finding, by equal keys."""
    parts = []
    for records in RECORDS.get(table.domain, ()):
        available = _columns(connection, records.relation)
        shared = [c for c in records.columns if c in columns and c in available]
        if "correlation_id" not in available or not (shared or records.object_key):
            continue
        schema, _, name = records.relation.partition(".")
        keys = [f"{identifier(c)} as {identifier(c)}" for c in shared]
        if records.object_key:
            keys.append(f"{records.object_key} as object_key")
            shared = [*shared, "object_key"]
        alike = " and ".join(f"findings.{identifier(c)} = records.{identifier(c)}" for c in shared)
        order = "recorded_at desc nulls last, correlation_id" if "recorded_at" in available else "correlation_id"
        parts.append(
            f"""
            select findings.finding_row, records.correlation_id
            from findings
            inner join (
                select {", ".join(identifier(c) for c in shared)}, unnest(correlation_ids) as correlation_id
                from (
                    select
                        {", ".join(identifier(c) for c in shared)},
                        list(correlation_id order by {order})[1:{RECORDS_KEPT}] as correlation_ids
                    from (
                        select {", ".join(keys)}, correlation_id,
                            {"recorded_at" if "recorded_at" in available else "null as recorded_at"}
                        from {identifier(schema)}.{identifier(name)}
                    )
                    group by all
                )
            ) as records on {alike}
            """
        )
    if not parts:
        return "select null::bigint as finding_row, null::varchar[] as correlation_ids where false"
    return (
        "select finding_row, list_sort(list(distinct correlation_id)) as correlation_ids from ("
        + " union all ".join(parts)
        + ") group by finding_row"
    )


def add_dead_letters(connection: duckdb.DuckDBPyConnection, settled: Sequence[str]) -> bool:
    """Refused records by system, extract and reason; those already replayed or discarded are `settled`."""
    if "reasons" not in _columns(connection, "platform.dead_letter"):
        return False
    connection.execute(
        f"""
        insert into raw_observation
        with telling as (
            -- A later delivery of a snapshot says all again, so what an earlier one had wrong is past.
            select batch_id
            from platform.batch_manifest
            qualify
                delivery <> 'snapshot'
                or row_number() over (
                    partition by source_system, extract_name order by extracted_at desc, landed_at desc, batch_id
                ) = 1
        ),
        letters as (
            select
                letter.source_system, letter.extract_name, unnest(list_distinct(letter.reasons)) as reason,
                letter.dead_letter_id, letter.correlation_id
            from platform.dead_letter as letter
            inner join telling on letter.batch_id = telling.batch_id
            where not list_contains($1, letter.dead_letter_id)
        )
        select
            'record', reason,
            to_json({{'source_system': source_system, 'extract_name': extract_name}})::varchar,
            null, 'medium', null, null, null, null, null,
            'Mend the record or its mapping; `mfg dead-letters list --reason ' || reason || '` shows them.',
            to_json({{
                'records': count(*), 'dead_letters': min_by(dead_letter_id, dead_letter_id, {EVIDENCE_KEPT})
            }})::varchar,
            min_by(correlation_id, dead_letter_id, {RECORDS_KEPT})
        from letters
        group by source_system, extract_name, reason
        """,
        [list(settled)],
    )
    return True


def add_failed_expectations(connection: duckdb.DuckDBPyConnection) -> bool:
    """Expectations that the run's state doesn't meet, whether they stop a publication or not."""
    if "success" not in _columns(connection, "quality.check_result"):
        return False
    connection.execute(
        """
        insert into raw_observation
        select
            'check', 'failed_check', to_json({'table_name': suite, 'check_name': expectation})::varchar,
            null, case severity when 'blocking' then 'critical' else 'medium' end, null, null, null, null, null,
            coalesce(nullif(description, ''), 'Look at the failing rows') || ' See the table expectation_failure.',
            to_json({'failed_rows': failed_rows, 'error': error})::varchar, []
        from quality.check_result
        where not success
        """
    )
    return True


def rows(connection: duckdb.DuckDBPyConnection, routed: str) -> Iterator[list[tuple[Any, ...]]]:
    """What was seen, grouped by class and business key, in batches of rows with OBSERVED_COLUMNS.

    Args:
        connection: holds the raw observations.
        routed: the relation that `policy.route` made of them.
    """
    cursor = connection.execute(f"select {', '.join(OBSERVED_COLUMNS)} from {identifier(routed)}")
    while batch := cursor.fetchmany(_BATCH):
        yield batch


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    schema, _, name = relation.partition(".")
    found = connection.execute(
        "select column_name from duckdb_columns() where schema_name = $1 and table_name = $2", [schema, name]
    ).fetchall()
    return {row[0] for row in found}
