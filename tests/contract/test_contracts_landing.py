"""Landing casts by the contract and refuses exactly what it forbids, with the contract's own reasons."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import duckdb
import pytest

from mfg_assets.contracts import PLATFORM_COLUMNS, Contract, contracts
from mfg_assets.contracts.rules import REASONS, Rule, rules
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import BatchManifest, land_extract
from mfg_assets.ingest.landed import landed_sql
from mfg_assets.settings import Settings
from tests.contract.contract_records import broken_records, good_record, other_content

CONTRACTS = list(contracts().values())
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.entity)


def estate_for(folder: Path, contract: Contract) -> Estate:
    """An estate whose one system delivers the entity's columns by their own names."""
    delivery = "events" if contract.kind == "event" else "snapshot"
    columns = "\n".join(f"      {c.name}: 'src.\"{c.name}\"'" for c in contract.columns)
    texts = {
        "estate.yaml": "name: t\nplants:\n  - {id: P100, name: P, timezone: Europe/Berlin, currency: EUR}\n",
        "ownership.yaml": "rules: []\n",
        "codes/units.csv": "system,native,code\n*,EA,EA\n",
        "systems/src.yaml": f"system: src\nkind: erp\nplants: [P100]\ntimezone: Europe/Berlin\n"
        f"connector: {{type: files, format: csv, path: ../data}}\nextracts:\n  {contract.entity}:\n"
        f"    from: {contract.entity}.csv\n    delivery: {delivery}\n    reject_limit: 1\n    columns:\n{columns}\n",
    }
    for name, text in texts.items():
        path = folder / "estate" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_estate(folder / "estate")


def deliver(folder: Path, contract: Contract, records: list[dict[str, str | None]]) -> None:
    path = folder / "data" / f"{contract.entity}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [c.name for c in contract.columns])
        writer.writeheader()
        writer.writerows(records)
    # Reading renews an access time as old as this one; that must not count as a change of the file.
    os.utime(path, (0, path.stat().st_mtime))


def land(estate: Estate, contract: Contract, settings: Settings) -> BatchManifest:
    (batch,) = land_extract(estate, "src", contract.entity, settings).batches
    return batch


def refused(settings: Settings, batch: BatchManifest) -> dict[int, list[str]]:
    """Reasons by record of the batch's dead letters."""
    path = settings.dead_letters_dir / batch.entity / f"{batch.batch_id}.parquet"
    return dict(duckdb.sql(f"select source_row, reasons from read_parquet('{path}') order by source_row").fetchall())


@each_contract
def test_landing_refuses_exactly_what_the_contract_forbids(
    contract: Contract, tmp_path: Path, settings: Settings
) -> None:
    good = good_record(contract)
    broken = list(broken_records(contract))
    whole = next(rule for rule in rules(contract) if rule.column is None)
    cases: list[tuple[Rule, dict[str, str | None]]] = [(b.rule, b.values) for b in broken]
    cases.append((whole, other_content(contract, good)))
    deliver(tmp_path, contract, [good, *(values for _, values in cases)])
    batch = land(estate_for(tmp_path, contract), contract, settings)
    found = refused(settings, batch)
    expected = {row: [rule.reason] for row, (rule, _) in enumerate(cases, start=2)}
    assert {row: (cases[row - 2][0].column, reasons) for row, reasons in found.items()} == {
        row: (cases[row - 2][0].column, reasons) for row, reasons in expected.items()
    }
    assert (batch.rows_received, batch.rows_landed, batch.rows_rejected) == (len(cases) + 1, 1, len(cases))
    assert {reason for reasons in found.values() for reason in reasons} <= set(REASONS)


@each_contract
def test_landed_columns_have_the_contract_s_types(contract: Contract, tmp_path: Path, settings: Settings) -> None:
    deliver(tmp_path, contract, [good_record(contract)])
    batch = land(estate_for(tmp_path, contract), contract, settings)
    sql = landed_sql(settings.landing_dir, contract, [batch])
    names = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    described = duckdb.sql(f"describe {sql}").fetchall()
    assert [(name, names.get(sql_type, sql_type)) for name, sql_type, *_ in described] == [
        *((c.name, c.sql_type) for c in contract.columns),
        *((name, sql_type) for name, (sql_type, _) in PLATFORM_COLUMNS.items()),
    ]
    assert batch.rows_landed == 1


def test_rule_05_a_naive_time_without_a_zone_is_refused(tmp_path: Path, settings: Settings) -> None:
    contract = contracts()["production_confirmation"]
    naive = good_record(contract)
    aware = good_record(contract, 1) | {"event_at": "2026-01-15T12:00:00+01:00"}
    deliver(tmp_path, contract, [naive, aware])
    estate = estate_for(tmp_path, contract)
    # `mfg check` refuses such a system; a record must not get by either
    zoneless = estate.systems["src"].model_copy(update={"timezone": None})
    batch = land(estate.model_copy(update={"systems": {"src": zoneless}}), contract, settings)
    assert refused(settings, batch) == {1: ["naive_timestamp"]}


def test_rule_32_an_event_that_comes_twice_alike_is_no_conflict(tmp_path: Path, settings: Settings) -> None:
    contract = contracts()["inventory_movement"]
    one, other = good_record(contract), good_record(contract, 1)
    deliver(tmp_path, contract, [one, other, one, other_content(contract, one)])
    batch = land(estate_for(tmp_path, contract), contract, settings)
    assert refused(settings, batch) == {4: ["conflicting_event"]}
    assert (batch.rows_received, batch.rows_landed) == (4, 3)
