"""What dbt reads, put into the DuckDB file before dbt starts: schemas `landing`, `estate` and `platform`.

Belongs here: views over landed Parquet files and small tables made from the estate and the manifests.
Doesn't belong here: any judgement about the data (that is dbt's).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from mfg_assets.contracts import Contract, contracts
from mfg_assets.errors import Problem, WarehouseError
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions.published import ensure_table as ensure_exception_table
from mfg_assets.ingest import BatchManifest, current_batches, letters, read_manifests
from mfg_assets.ingest.heard import heard
from mfg_assets.ingest.landed import rows_path, rows_sql, source_file
from mfg_assets.ingest.manifest import superseded_ids
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings
from mfg_assets.suppliers.pairs import ensure_table
from mfg_assets.warehouse.history import replace_kpi_history
from mfg_assets.warehouse.owners import attribute_owners
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, path_literal


@dataclass(frozen=True)
class Table:
    """A small table of the hand-over: its columns with their types, and its rows."""

    schema: str
    name: str
    columns: dict[str, str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Handover:
    """What stands ready for dbt: relation → row count."""

    landing: dict[str, int]
    estate: dict[str, int]
    platform: dict[str, int]


def prepare(settings: Settings, estate: Estate, as_of: datetime) -> Handover:
    """Replace the three schemas in one transaction.

    Args:
        settings: where the warehouse and the landing are.
        estate: the validated estate.
        as_of: the one instant of this run (rule 3).

    Raises:
        WarehouseError: another process holds the file.
    """
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    manifests = read_manifests(settings.landing_dir)
    _require_whole(settings, manifests)
    with connect(settings, settings.warehouse_path) as connection:
        connection.begin()
        tables = [*estate_tables(estate), *_platform_tables(settings, manifests, as_of)]
        for table in tables:
            _replace(connection, table)
        _replace_dead_letters(connection, settings, manifests)
        replace_kpi_history(connection, settings)
        ensure_exception_table(connection)
        counts = {
            entity: _replace_landing_view(connection, settings, contract) for entity, contract in contracts().items()
        }
        ensure_table(connection)
        others = {
            name: (connection.execute(f"select count(*) from platform.{name}").fetchone() or (0,))[0]
            for name in ("dead_letter", "kpi_history")
        }
        connection.commit()
    return Handover(
        landing=counts,
        estate={t.name: len(t.rows) for t in tables if t.schema == "estate"},
        platform={t.name: len(t.rows) for t in tables if t.schema == "platform"} | others,
    )


def estate_tables(estate: Estate) -> list[Table]:
    """The estate as tables; one row per thing it declares."""
    text = "varchar"
    systems = estate.systems.values()
    return [
        Table(
            "estate",
            "plant",
            {"plant_id": text, "name": text, "timezone": text, "currency": text, "period_close_seconds": "bigint"},
            [
                (p.id, p.name, p.timezone, p.currency, p.period_close and int(p.period_close.total_seconds()))
                for p in estate.file.plants
            ],
        ),
        Table(
            "estate",
            "system",
            {
                **dict.fromkeys(
                    ("source_system", "kind", "name", "timezone", "line_identity", "overlap_winner", "owner_role"), text
                ),
                "latency_seconds": "bigint",
            },
            [
                (
                    *(s.system, s.kind, s.name, s.timezone, s.line_identity, s.overlap_winner, s.owner),
                    int(estate.latency(s.system).total_seconds()),
                )
                for s in systems
            ],
        ),
        Table(
            "estate",
            "system_plant",
            {"source_system": text, "plant_id": text},
            [(s.system, plant) for s in systems for plant in s.plants],
        ),
        Table(
            "estate",
            "extract",
            dict.fromkeys(("source_system", "extract_name", "entity", "delivery"), text),
            [(s.system, name, s.entity_of(name), e.delivery) for s in systems for name, e in s.extracts.items()],
        ),
        Table(
            "estate",
            "delivered_attribute",
            dict.fromkeys(("source_system", "entity", "attribute"), text),
            sorted(
                {
                    (s.system, s.entity_of(name), column)
                    for s in systems
                    for name, e in s.extracts.items()
                    for column in e.columns
                }
            ),
        ),
        Table(
            "estate",
            "tolerance",
            {"attribute": text, "absolute": "decimal(18,6)", "relative": "decimal(9,6)"},
            [(attribute, t.absolute, t.relative) for attribute, t in estate.file.tolerances.items()],
        ),
        Table(
            "estate",
            "attribute_owner",
            {
                **dict.fromkeys(("entity", "attribute", "plant_id", "item_type", "source_system"), text),
                "priority": "integer",
                "conflict": text,
                "steward": text,
            },
            [tuple(vars(owner).values()) for owner in attribute_owners(estate)],
        ),
        Table(
            "estate",
            "finding_owner",
            {"domain": text, "finding_class": text, "owner_role": text},
            [(*_finding_scope(key), role) for key, role in estate.file.finding_owners.items()],
        ),
        Table("estate", "role", {"role_id": text, "name": text}, [(r.id, r.name) for r in estate.file.roles]),
    ]


def _finding_scope(key: str) -> tuple[str, str]:
    domain, dot, finding_class = key.partition(".")
    return (domain, finding_class) if dot else ("*", domain)


def _platform_tables(settings: Settings, manifests: list[BatchManifest], as_of: datetime) -> list[Table]:
    text, count, instant = "varchar", "bigint", "timestamptz"
    return [
        Table("platform", "run", {"as_of": instant}, [(as_of,)]),
        Table(
            "platform",
            "current_batch",
            {
                **dict.fromkeys(("batch_id", "source_system", "extract_name", "rows_file", "source_file"), text),
                "delivery": text,
                "extracted_at": instant,
                "batch_sequence": count,
                "is_in_force": "boolean",
            },
            [
                (
                    *(b.manifest.batch_id, b.manifest.source_system, b.manifest.extract_name),
                    *(str(rows_path(settings.landing_dir, b.manifest)), source_file(b.manifest)),
                    *(b.manifest.delivery, b.manifest.extracted_at, b.batch_sequence, b.is_in_force),
                )
                for b in current_batches(manifests)
            ],
        ),
        Table(
            "platform",
            "batch_manifest",
            {
                **dict.fromkeys(("batch_id", "source_system", "extract_name", "entity", "delivery", "state"), text),
                **dict.fromkeys(("reason", "completeness"), text),
                **dict.fromkeys(("rows_read", "rows_filtered", "rows_received", "rows_landed", "rows_rejected"), count),
                **dict.fromkeys(("content_hash", "supersedes", "run_id"), text),
                "file_names": "varchar[]",
                "extracted_at": instant,
                "landed_at": instant,
            },
            [
                (
                    *(m.batch_id, m.source_system, m.extract_name, m.entity, m.delivery, m.state),
                    *(m.reason, m.completeness),
                    *(m.rows_read, m.rows_filtered, m.rows_received, m.rows_landed, m.rows_rejected),
                    *(m.content_hash, m.supersedes, m.run_id),
                    [f.name for f in m.files],
                    m.extracted_at,
                    m.landed_at,
                )
                for m in manifests
            ],
        ),
        Table(
            "platform",
            "feed_heard",
            {"source_system": text, "extract_name": text, "extracted_at": instant},
            [(system, name, note.extracted_at) for (system, name), note in heard(settings.landing_dir).items()],
        ),
    ]


def _replace(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    schema, name = identifier(table.schema), identifier(table.name)
    columns = ", ".join(f"{identifier(c)} {t}" for c, t in table.columns.items())
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create or replace table {schema}.{name} ({columns})")
    if table.rows:
        marks = ", ".join("?" for _ in table.columns)
        connection.executemany(f"insert into {schema}.{name} values ({marks})", [list(row) for row in table.rows])


def _replace_landing_view(connection: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract) -> int:
    """One view per entity over all current batches; the typed empty branch gives its columns where nothing landed."""
    name = identifier(contract.entity)
    batches = connection.execute(
        "select b.rows_file, m.rows_landed from platform.batch_manifest as m "
        "inner join platform.current_batch as b on m.batch_id = b.batch_id "
        "where m.entity = ? and m.rows_landed > 0 order by all",
        [contract.entity],
    ).fetchall()
    sql = rows_sql(
        contract,
        [Path(file) for file, _ in batches],
        "platform.current_batch",
        ("delivery", "extracted_at", "batch_sequence", "is_in_force"),
    )
    connection.execute("create schema if not exists landing")
    connection.execute(f"create or replace view landing.{name} as {sql}")
    return sum(rows for *_, rows in batches)


def _require_whole(settings: Settings, manifests: list[BatchManifest]) -> None:
    """Every current batch has the rows, and every refused record the dead letter, that its manifest counts.

    Without this a lost file would look like a system that holds nothing any more.

    Raises:
        WarehouseError: naming each file that is missing or short.
    """
    expected: dict[Path, int] = {}
    for batch in current_batches(manifests):
        m = batch.manifest
        if m.rows_landed:
            expected[rows_path(settings.landing_dir, m)] = m.rows_landed
    superseded = superseded_ids(manifests)
    for m in manifests:
        # In a refused batch, records that were not at fault themselves count as rejected without a letter each.
        if m.batch_id not in superseded and m.rows_rejected and m.state == "landed":
            expected[settings.dead_letters_dir / m.entity / f"{m.batch_id}.parquet"] = m.rows_rejected
    problems = [Problem("is missing", path, fix=_RELAND) for path in expected if not path.is_file()]
    present = [path for path in expected if path.is_file()]
    if present:
        listed = ", ".join(path_literal(path) for path in present)
        with connect(settings) as connection:
            try:
                counted = dict(
                    connection.execute(f"select file_name, num_rows from parquet_file_metadata([{listed}])").fetchall()
                )
            except duckdb.Error as error:
                raise WarehouseError(Problem(f"a landed file is damaged: {error}", fix=_RELAND)) from error
        problems += [
            Problem(f"holds {counted.get(str(path)):,} rows, its manifest says {expected[path]:,}", path, fix=_RELAND)
            for path in present
            if counted.get(str(path)) != expected[path]
        ]
    if problems:
        raise WarehouseError(*problems)


_RELAND = "restore it, or remove the batch's folder, so that the next run lands its source file anew"


def _replace_dead_letters(
    connection: duckdb.DuckDBPyConnection, settings: Settings, manifests: list[BatchManifest]
) -> None:
    """A view over the dead letters of all batches that are not superseded, refused ones included."""
    superseded = superseded_ids(manifests)
    files = [
        path
        for m in manifests
        if m.batch_id not in superseded
        and (path := settings.dead_letters_dir / m.entity / f"{m.batch_id}.parquet").is_file()
    ]
    with open_ledger(settings) as ledger:
        settled = letters.states(settings, ledger)
    _replace(
        connection,
        Table("platform", "dead_letter_state", {"dead_letter_id": "varchar", "state": "varchar"}, [*settled.items()]),
    )
    columns = (
        "letter.dead_letter_id, source_system, extract_name, entity, batch_id, source_file, source_row, reasons, "
        "details, payload, received_at, correlation_id, coalesce(settled.state, letter.state) as state"
    )
    if files:
        source = f"read_parquet([{', '.join(path_literal(f) for f in files)}], union_by_name = true)"
    else:
        source = (
            "(select ''::varchar as dead_letter_id, ''::varchar as source_system, ''::varchar as extract_name, "
            "''::varchar as entity, ''::varchar as batch_id, ''::varchar as source_file, 0::bigint as source_row, "
            "[]::varchar[] as reasons, []::varchar[] as details, ''::varchar as payload, "
            "now()::timestamptz as received_at, ''::varchar as correlation_id, ''::varchar as state where false)"
        )
    connection.execute(
        f"create or replace view platform.dead_letter as select {columns} from {source} as letter "
        "left join platform.dead_letter_state as settled on letter.dead_letter_id = settled.dead_letter_id"
    )


def undelivered(settings: Settings) -> set[str]:
    """Entities that no system has ever delivered, which in most estates are many: there is nothing of them to check."""
    return set(contracts()) - {manifest.entity for manifest in read_manifests(settings.landing_dir)}


def as_of(settings: Settings) -> datetime:
    """The as-of of the build that stands in the warehouse. Raises WarehouseError when there is none."""
    with connect(settings, settings.warehouse_path, read_only=True) as connection:
        row = connection.execute("select as_of from platform.run").fetchone()
    if row is None:
        raise WarehouseError(Problem("the warehouse has no build", settings.warehouse_path, fix="mfg run"))
    return row[0]
