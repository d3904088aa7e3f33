"""What a simulated system holds is what lands from its files, whatever its dialect.

Rows are made to be hard to write down; each extract is written, landed, and compared with them column by column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from mfg_assets.contracts import contract
from mfg_assets.errors import UsageError
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import current_batches, land_extract, read_manifests
from mfg_assets.ingest.landed import landed_sql
from mfg_assets.settings import Settings
from mfg_assets.simulate import export, held
from mfg_assets.simulate.export import estate as estate_files
from mfg_assets.simulate.options import Options
from tests.held import CUT, NEXT_CUT, fill
from tests.postgres import postgres_server

OPTIONS = Options.of("small")
# The others have tests of their own.
SYSTEMS = ("plm_main", "erp_s4", "erp_legacy", "erp_asia")


@dataclass(frozen=True)
class World:
    """An estate with two deliveries written and landed, one after the other."""

    connection: duckdb.DuckDBPyConnection
    estate: Estate
    settings: Settings


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("simulated")
    settings = Settings(home=root / "home", memory_limit="1GB", threads=2)
    with duckdb.connect() as connection:
        estate = _estate(connection, root / "estate")
        for cut, previous in ((CUT, None), (NEXT_CUT, CUT)):
            estate_files.write(estate.path, OPTIONS, cut, SYSTEMS)
            estate = load_estate(estate.path)
            export.write(connection, estate.path, OPTIONS, cut, previous, systems=SYSTEMS)
            for system_id, system in estate.systems.items():
                for name in system.extracts:
                    land_extract(estate, system_id, name, settings)
        yield World(connection, estate, settings)


def _estate(connection: duckdb.DuckDBPyConnection, path: Path) -> Estate:
    connection.execute("set TimeZone = 'UTC'")
    held.create(connection)
    estate_files.write(path, OPTIONS, CUT, SYSTEMS)
    estate = load_estate(path)
    fill(connection, estate)
    return estate


def test_check_has_nothing_to_say_about_the_estate(world: World) -> None:
    assert [str(problem) for problem in collect_problems(world.estate.path, world.settings)] == []


def test_nothing_is_refused(world: World) -> None:
    manifests = read_manifests(world.settings.landing_dir)
    assert {(m.source_system, m.extract_name): m.reason for m in manifests if m.state != "landed"} == {}
    assert {(m.source_system, m.extract_name): m.reject_counts for m in manifests if m.rows_rejected} == {}
    assert {(m.source_system, m.extract_name): m.warnings for m in manifests if m.warnings} == {}


def test_every_delivery_is_as_old_as_its_cut(world: World) -> None:
    manifests = read_manifests(world.settings.landing_dir)
    assert {m.source_system for m in manifests} == set(SYSTEMS)
    assert {(m.source_system, m.extracted_at) for m in manifests if m.extracted_at not in (CUT, NEXT_CUT)} == set()


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_held_lands(world: World, system: str) -> None:
    extracts: dict[str, list[str]] = {}
    for name in world.estate.systems[system].extracts:
        extracts.setdefault(world.estate.systems[system].entity_of(name), []).append(name)
    found = {}
    for entity, names in extracts.items():
        delivery = world.estate.extract(system, names[0]).delivery
        columns = [c.name for c in contract(entity).columns] + ["recorded_at"]
        columns += ["is_deleted"] if delivery == "delta" else []
        expected = _expected(system, entity, delivery, columns)
        landed = _landed(world, system, names, delivery, columns)
        found[entity] = _difference(world.connection, expected, landed, columns)
    assert {entity: difference for entity, difference in found.items() if difference} == {}


def test_snapshots_are_proven_whole(world: World) -> None:
    manifests = read_manifests(world.settings.landing_dir)
    assert {
        (m.source_system, m.extract_name): m.completeness_evidence
        for m in manifests
        if m.delivery == "snapshot" and m.completeness != "proven"
    } == {}


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    hashes = []
    for run, threads in enumerate((1, 4)):
        with duckdb.connect() as connection:
            connection.execute(f"set threads = {threads}")
            estate = _estate(connection, tmp_path / str(run))
            export.write(connection, estate.path, OPTIONS, CUT, None, systems=SYSTEMS)
            files = [path for path in sorted(estate.path.rglob("*")) if path.is_file()]
            hashes.append({str(f.relative_to(estate.path)): hashlib.sha256(f.read_bytes()).digest() for f in files})
    assert len(hashes[0]) > 10
    assert hashes[0] == hashes[1]


def test_a_postgresql_database_gives_the_same_rows(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = [m for m in read_manifests(world.settings.landing_dir) if m.source_system == "erp_asia"]
    settings = Settings(home=tmp_path / "home", memory_limit="1GB", threads=2)
    names = ("inventory_balance", "purchase_order", "inventory_movement")
    with postgres_server() as server:
        monkeypatch.setenv("ERP_ASIA_URL", server.url)
        for cut, previous in ((CUT, None), (NEXT_CUT, CUT)):
            estate_files.write(tmp_path / "estate", OPTIONS, cut, ["erp_asia"])
            export.write(world.connection, tmp_path / "estate", OPTIONS, cut, previous, systems=["erp_asia"])
            estate = load_estate(tmp_path / "estate")
            for name in names:
                land_extract(estate, "erp_asia", name, settings)
        with psycopg.connect(server.url) as database:
            database.execute("drop table ton_kho")
            database.execute("create table ton_kho (somebody text)")
        with pytest.raises(UsageError, match="ton_kho that no simulation wrote"):
            export.write(world.connection, tmp_path / "estate", OPTIONS, NEXT_CUT, CUT, systems=["erp_asia"])
    assert not list((tmp_path / "estate").rglob("*.sqlite"))
    there = read_manifests(settings.landing_dir)
    assert {m.extract_name: (m.state, m.rows_landed) for m in there} == {
        m.extract_name: (m.state, m.rows_landed) for m in manifests if m.extract_name in names
    }
    for name in names:
        found = []
        for home in (world.settings, settings):
            files = [str(path) for path in sorted(home.landing_dir.glob(f"*/erp_asia.{name}/*/rows.parquet"))]
            columns = ", ".join(f'"{c.name}"' for c in contract(name).columns)
            sql = f"select {columns}, recorded_at from read_parquet({files}) order by all"
            found.append(world.connection.execute(sql).fetchall())
        assert found[0] == found[1]
        assert len(found[0]) > 10


def _expected(system: str, entity: str, delivery: str, columns: list[str]) -> str:
    """SELECT of what should have landed after both deliveries."""
    held_rows = f"select *, visible_from as recorded_at, false as is_deleted from held.{entity}"
    own, cut = f"source_system = '{system}'", f"timestamptz '{NEXT_CUT.isoformat()}'"
    chosen = ", ".join(f'"{name}"' for name in columns)
    known = f"select * from ({held_rows}) where {own} and visible_from <= {cut}"
    if delivery == "snapshot":
        return f"select {chosen} from ({known}) where visible_to is null or visible_to > {cut}"
    if delivery == "events":
        return f"select {chosen} from ({known})"
    following = "lead(visible_from) over (partition by row_id order by visible_from)"
    gone = (
        "select * exclude (following) replace (visible_to as recorded_at, true as is_deleted) from "
        f"(select *, {following} as following from ({known})) "
        f"where visible_to <= {cut} and visible_to is distinct from following"
    )
    return f"select {chosen} from ({known} union all {gone})"


def _landed(world: World, system: str, names: list[str], delivery: str, columns: list[str]) -> str:
    """SELECT of what landed, with the items of the cross-reference by their own numbers; the newest of a snapshot."""
    manifests = [m for m in read_manifests(world.settings.landing_dir) if m.source_system == system]
    chosen_batches = []
    for name in names:
        batches = [b.manifest for b in current_batches([m for m in manifests if m.extract_name == name])]
        chosen_batches += batches[-1:] if delivery == "snapshot" else batches
    entity = world.estate.systems[system].entity_of(names[0])
    items = [c.name for c in contract(entity).columns if c.references and c.references.entity == "item"]
    items += ["item_number"] if entity == "item" else []
    known = f"from held.item_cross_reference as x where x.system = '{system}'"
    chosen = ", ".join(
        f'coalesce((select any_value(x.item_number) {known} and x.native_id = r."{name}"), r."{name}") as "{name}"'
        if name in items and entity != "item_cross_reference"
        else f'r."{name}"'
        for name in columns
    )
    # A database is read again from its mark on.
    rows = landed_sql(world.settings.landing_dir, contract(entity), chosen_batches)
    return f"select distinct {chosen} from ({rows}) as r"


def _difference(
    connection: duckdb.DuckDBPyConnection, expected: str, landed: str, columns: list[str]
) -> dict[str, Any] | None:
    """The first record on either side that the other lacks, and how many there are; None where they agree."""
    missing, added = (
        connection.execute(f"({a}) except all ({b}) order by all").fetchall()
        for a, b in ((expected, landed), (landed, expected))
    )
    count = connection.execute(f"select count(*) from ({expected})").fetchone()
    assert count is not None
    assert count[0] > 0
    if not missing and not added:
        return None
    shown = {}
    if missing and added:
        near = min(added, key=lambda row: sum(a != b for a, b in zip(row, missing[0], strict=True)))
        shown = {c: (a, b) for c, a, b in zip(columns, missing[0], near, strict=True) if a != b}
    return {"missing": len(missing), "added": len(added), "first": shown or (missing or added)[0]}
