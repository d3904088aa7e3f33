"""Published tables as assets: one step writes a version of all of them.

Belongs here: the gate's wiring. Doesn't belong here: writing and swapping (publish).
"""

from collections.abc import Iterator

import dagster as dg

from mfg_assets import publish as publication
from mfg_assets.audit import facts
from mfg_assets.defs import common
from mfg_assets.defs.warehouse.models import DOWNSTREAM, PROJECT, models
from mfg_assets.exceptions.published import EXCEPTION, note_published
from mfg_assets.ledger import open_ledger
from mfg_assets.quality import EXPECTATION_FAILURE
from mfg_assets.report import write_report
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import handover, lock, state

REPORT_KEY = common.published_key("report")
TABLES = [*publication.published_tables(PROJECT.manifest_path), EXPECTATION_FAILURE, EXCEPTION]


def _deps(table: publication.PublishedTable) -> list[dg.AssetKey]:
    """The model behind a table; failing rows come from every table that has a suite."""
    if table is EXPECTATION_FAILURE:
        return [dg.AssetKey(suite.table.split(".")) for suite in common.suites()]
    return [dg.AssetKey(table.relation.split("."))]


def _owners(table: publication.PublishedTable) -> list[str]:
    """Whoever owns the model."""
    spec = models.specs_by_key.get(dg.AssetKey(table.relation.split(".")))
    return list(spec.owners) if spec is not None else []


def _specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            common.published_key(table.name),
            deps=_deps(table),
            group_name="published",
            kinds={"parquet", "duckdb"},
            owners=_owners(table),
            description=table.description,
            metadata={
                "key": ", ".join(table.key),
                "dagster/column_schema": dg.TableSchema(
                    columns=[dg.TableColumn(n, description=d or None) for n, d in table.columns.items()]
                ),
            },
            automation_condition=DOWNSTREAM,
            skippable=True,
        )
        for table in TABLES
    ] + [
        dg.AssetSpec(
            REPORT_KEY,
            deps=[common.EXCEPTION_KEY],
            group_name="published",
            kinds={"html"},
            description="The control tower of a version as one page without network: KPIs, exceptions, interfaces.",
            automation_condition=DOWNSTREAM,
            skippable=True,
        )
    ]


def _lineage(table: publication.PublishedTable) -> dg.TableColumnLineage:
    """A published column is the model's column of that name."""
    model = dg.AssetKey(table.relation.split("."))
    return dg.TableColumnLineage({name: [dg.TableColumnDep(model, name)] for name in table.columns})


@dg.multi_asset(name="publish", specs=_specs(), pool=common.WAREHOUSE_POOL)
def publish(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Write the next version, if anything changed; only tables that changed count as materialised."""
    settings = get_settings()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    common.report("publish", "snapshot", "started")
    as_of = handover.as_of(settings)
    result = publication.publish(settings, TABLES, run_id=context.run_id, as_of=as_of)
    state.write(settings, common.estate(), context.run_id)
    note_published(settings)
    with open_ledger(settings) as ledger:
        facts.note_publications(settings, ledger, common.estate(), at=as_of)
    common.report("publish", "snapshot", "done", f"{result.state}, version {result.version}")
    context.log.info("Version %s: %s, %d tables changed.", result.version, result.state, len(result.tables_changed))
    common.report("publish", "report", "started")
    page = write_report(settings, common.estate().file.name)
    common.report("publish", "report", "done")
    yield dg.MaterializeResult(asset_key=REPORT_KEY, metadata={"page": dg.MetadataValue.url(page.as_uri())})
    for table in TABLES:
        if table.name in result.tables_changed:
            yield dg.MaterializeResult(
                asset_key=common.published_key(table.name),
                metadata={
                    "version": result.version,
                    "content_hash": result.content_hash,
                    "rows_added": result.changes[table.name].rows_added,
                    "rows_removed": result.changes[table.name].rows_removed,
                    "rows_changed": result.changes[table.name].rows_changed,
                    "dagster/column_lineage": _lineage(table),
                },
            )
