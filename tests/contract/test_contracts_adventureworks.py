"""The AdventureWorks estates: every table lands whole, and what their YAML claims about the data is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from mfg_assets.contracts import contracts
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.estate.standards import units
from mfg_assets.ingest import BatchManifest, land_extract
from mfg_assets.ingest.landed import landed_sql
from mfg_assets.settings import PROJECT_ROOT, Settings

ESTATES = {"adventureworks": "ADVENTUREWORKS", "adventureworks_tsv": "ADVENTUREWORKS_TSV"}
FOLDERS = {"adventureworks": "parquet", "adventureworks_tsv": "tsv"}
SHIFT_DAYS = 4017  # the text release is the same data, this much later
LANDED = {
    "bom_header": 238,
    "bom_line": 2576,
    "inventory_balance": 1069,
    "inventory_movement": 113443,
    "inventory_movement_archive": 89253,
    "item": 504,
    "item_cost": 395,
    "item_cross_reference": 504,
    "item_plant": 504,
    "item_price": 395,
    "item_sales_period": 103,
    "plant_location": 14,
    "production_confirmation": 72591,
    "production_operation": 67131,
    "production_order": 72591,
    "purchase_order": 4012,
    "purchase_order_line": 8845,
    "reason_code": 16,
    "ship_method": 5,
    "supplier": 104,
    "supplier_item": 460,
    "unit_of_measure": 38,
}

each_estate = pytest.mark.parametrize("name", ESTATES)


@dataclass(frozen=True)
class Landed:
    """Both estates, landed."""

    batches: dict[str, list[BatchManifest]]
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()


def variables(adventureworks: Path) -> dict[str, str]:
    return {variable: str(adventureworks / FOLDERS[name]) for name, variable in ESTATES.items()}


def load(name: str, adventureworks: Path) -> Estate:
    return load_estate(PROJECT_ROOT / "estates" / name, variables(adventureworks))


@pytest.fixture(scope="module")
def landed(adventureworks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    """Both estates landed, with one view <estate>.<entity> over an entity's rows; times shown in the plant's zone."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'America/Los_Angeles'")
    batches: dict[str, list[BatchManifest]] = {}
    for name in ESTATES:
        estate = load(name, adventureworks)
        settings = Settings(home=tmp_path_factory.mktemp(name), memory_limit="1GB", threads=2)  # pyright: ignore[reportCallIssue]
        batches[name] = [
            batch
            for system in estate.systems.values()
            for extract in system.extracts
            for batch in land_extract(estate, system.system, extract, settings).batches
        ]
        connection.execute(f"create schema {name}")
        for entity in {b.entity for b in batches[name]}:
            sql = landed_sql(settings.landing_dir, contracts()[entity], batches[name])
            connection.execute(f"create view {name}.{entity} as {sql}")
    yield Landed(batches, connection)
    connection.close()


@pytest.fixture(scope="module")
def tables(adventureworks: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The Parquet tables by name, read without their column statistics, some of which are wrong."""
    connection = duckdb.connect()
    for path in (adventureworks / "parquet").glob("*.parquet"):
        table = path.name.split(".")[1]
        connection.execute(f"create table {table} as select * from read_parquet('{path}')")
    yield connection
    connection.close()


@each_estate
def test_the_estate_is_sound_against_the_files(name: str, adventureworks: Path, settings: Settings) -> None:
    problems = collect_problems(PROJECT_ROOT / "estates" / name, settings, environ=variables(adventureworks))
    assert [str(problem) for problem in problems] == []


@each_estate
def test_the_estate_is_yaml_and_code_maps_only(name: str) -> None:
    files = [path for path in (PROJECT_ROOT / "estates" / name).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".yaml", ".csv"}


@each_estate
def test_every_table_is_used(name: str, adventureworks: Path) -> None:
    used = set()
    for system in load(name, adventureworks).systems.values():
        for extract in system.extracts.values():
            used |= {extract.from_, *(join.from_ for join in extract.joins)}
    assert used == {p.name for p in (adventureworks / FOLDERS[name]).iterdir() if p.name != "LICENSE"}


@each_estate
def test_every_record_lands(name: str, landed: Landed) -> None:
    batches = landed.batches[name]
    assert len(batches) == {"adventureworks": 26, "adventureworks_tsv": 16}[name]
    for batch in batches:
        counts = (batch.rows_received, batch.rows_landed, batch.rows_rejected)
        assert (batch.extract_name, batch.state, batch.reason) == (batch.extract_name, "landed", None)
        assert (batch.extract_name, counts) == (batch.extract_name, (LANDED[batch.extract_name],) * 2 + (0,))
        assert batch.rows_read - batch.rows_filtered == batch.rows_received
        if batch.delivery == "snapshot":
            assert batch.completeness == "proven", batch.extract_name


def test_the_text_release_lands_as_the_same_records(landed: Landed) -> None:
    """Another format, the same rows: all text columns equal, all instants the same days apart."""
    for entity in sorted({b.entity for b in landed.batches["adventureworks_tsv"]}):
        columns = {c.name: c.sql_type for c in contracts()[entity].columns if c.name != "product_family"}

        def select(estate: str, days: int, columns: dict[str, str] = columns, entity: str = entity) -> str:
            shown = [
                f"({name}::timestamp - interval {days} day) as {name}" if sql_type == "TIMESTAMPTZ" else name
                for name, sql_type in columns.items()
            ]
            return f"select source_system, {', '.join(shown)} from {estate}.{entity}"

        text = select("adventureworks_tsv", SHIFT_DAYS)
        systems = f"select source_system from adventureworks_tsv.{entity}"
        parquet = f"select * from ({select('adventureworks', 0)}) where source_system in ({systems})"
        assert landed.rows(f"({text}) except all ({parquet})") == [], entity
        assert landed.rows(f"({parquet}) except all ({text})") == [], entity


def test_rule_01_inclusive_ends_become_half_open(landed: Landed, tables: duckdb.DuckDBPyConnection) -> None:
    native = dict(tables.execute("select BillOfMaterialsID::varchar, EndDate from BillOfMaterials").fetchall())
    lines = landed.rows("select line_id, effective_to::timestamp from adventureworks.bom_line")
    ended = [(line, end) for line, end in lines if end is not None]
    assert len(ended) == sum(native[line] is not None for line, _ in lines) == 193
    assert all((end - native[line]).days == 1 and end.hour == 0 for line, end in ended)
    # a line follows its predecessor at the very instant that one ends
    followed = landed.rows(
        """
        select count(*) from adventureworks.bom_line as one inner join adventureworks.bom_line as next
            on one.parent_item_number = next.parent_item_number
            and one.component_item_number = next.component_item_number
            and one.effective_to = next.effective_from
        """
    )
    assert followed == [(189,)]


def test_rule_05_times_are_stored_in_utc_from_the_plant_s_zone(landed: Landed) -> None:
    moved = landed.rows(
        """
        select distinct event_at::timestamp::time, (event_at at time zone 'UTC')::time
        from adventureworks.inventory_movement order by all
        """
    )
    assert [(str(local), str(utc)) for local, utc in moved] == [("00:00:00", "07:00:00"), ("00:00:00", "08:00:00")]


@each_estate
def test_rule_21_every_unit_is_a_recommendation_20_code(name: str, landed: Landed) -> None:
    for entity in {b.entity for b in landed.batches[name]}:
        for column in contracts()[entity].columns:
            if column.code_type == "unit":
                found = landed.rows(
                    f"select distinct {column.name} from {name}.{entity} where {column.name} is not null"
                )
                assert {unit for (unit,) in found} <= set(units()), (entity, column.name)


def test_every_native_unit_has_a_code(landed: Landed, adventureworks: Path) -> None:
    known = {native for _, native, _ in load("adventureworks", adventureworks).code_maps["units"].rows}
    assert {unit for (unit,) in landed.rows("select unit_code from adventureworks.unit_of_measure")} == known


@pytest.mark.parametrize(
    "relation", ["erp.item.base_unit", "erp.inventory_balance.unit", "wms.inventory_movement.unit"]
)
def test_the_unit_of_an_item_is_the_one_its_bills_use(
    relation: str, landed: Landed, tables: duckdb.DuckDBPyConnection
) -> None:
    native = {"EA": "EA", "OZ": "ONZ", "IN": "INH"}
    bills = tables.execute(
        "select distinct ComponentID::varchar, trim(UnitMeasureCode) from BillOfMaterials"
    ).fetchall()
    in_bills = {product: native[unit] for product, unit in bills}
    assert len(in_bills) == len(bills), "a product that two bills count in different units has no base unit"
    system, entity, column = relation.split(".")
    found = landed.rows(
        f"select distinct item_number, {column} from adventureworks.{entity} where source_system = '{system}'"
    )
    assert {(item, unit) for item, unit in found if unit != in_bills.get(item, "EA")} == set()
    assert {unit for _, unit in found} == {"EA", "ONZ", "INH"}


def test_rows_without_a_parent_say_what_is_sold(tables: duckdb.DuckDBPyConnection) -> None:
    found = tables.execute(
        """
        select count(*), bool_and(BOMLevel = 0), bool_and(PerAssemblyQty = 1), bool_and(FinishedGoodsFlag)
        from BillOfMaterials inner join Product on ComponentID = ProductID where ProductAssemblyID is null
        """
    ).fetchone()
    assert found == (103, True, True, True)


def test_the_place_in_the_order_is_what_the_ledger_refers_to(landed: Landed) -> None:
    receipts = """
        from adventureworks.inventory_movement as moved left join adventureworks.purchase_order_line as line
            on moved.reference_number = line.purchase_order_number
            and moved.reference_line = line.line_number
            and moved.item_number = line.item_number
        where moved.movement_type = 'P'
    """
    assert landed.rows(f"select count(*), count(line.line_number) {receipts}") == [(8788, 8788)]


def test_order_quantities_are_in_the_vendor_s_unit(landed: Landed) -> None:
    found = landed.rows(
        """
        select
            count(*),
            count(*) filter (quantity between minimum_quantity and maximum_quantity),
            count(*) filter (unit_price = last_receipt_price),
            count(*) filter (unit = order_unit),
        from adventureworks.purchase_order_line as line
        inner join adventureworks.purchase_order using (purchase_order_number)
        inner join adventureworks.supplier_item as terms using (supplier_number, item_number)
        """
    )
    assert found == [(8845, 8845, 8843, 8845)]


def test_work_order_dates_are_planned_but_for_the_end(landed: Landed) -> None:
    found = landed.rows(
        """
        select
            count(*),
            count(*) filter (operation.scheduled_start_at = planned.scheduled_start_at),
            count(*) filter (operation.scheduled_end_at = planned.scheduled_end_at),
        from adventureworks.production_operation as operation
        inner join adventureworks.production_order as planned using (production_order_number)
        where planned.source_system = 'erp'
        """
    )
    assert found == [(67131, 67131, 67131)]


def test_confirmations_count_each_work_order_once(landed: Landed) -> None:
    found = landed.rows(
        """
        select count(*), count(distinct production_order_number), sum(yield_quantity), sum(scrap_quantity),
            count(operation_sequence)
        from adventureworks.production_confirmation
        """
    )
    orders = landed.rows(
        """
        select count(*), count(*), sum(completed_quantity), sum(scrapped_quantity), 0
        from adventureworks.production_order where source_system = 'mes'
        """
    )
    assert found == orders


def test_movements_have_a_direction_and_no_sign(landed: Landed) -> None:
    found = landed.rows(
        """
        select movement_type, movement_class, from_plant_id, to_plant_id, reference_type, min(quantity) > 0,
            count(amount) > 0, count(coalesce(from_location, to_location))
        from adventureworks.inventory_movement group by all order by movement_type
        """
    )
    assert found == [
        ("P", "receipt", None, "BOTHELL", "purchase_order", True, True, 0),
        ("S", "issue", "BOTHELL", None, "sales_order", True, True, 0),
        ("W", "receipt", None, "BOTHELL", "production_order", True, False, 0),
    ]


@each_estate
def test_a_cost_that_was_never_set_is_no_cost(name: str, landed: Landed) -> None:
    """The Parquet files' own statistics claim that no cost is 0; believing them would keep 200 zeros."""
    found = landed.rows(f"select count(*), count(standard_cost), min(standard_cost) from {name}.item_plant")
    assert found == [(504, 304, Decimal("0.856500"))]
    unset = f"""
        select count(*) from {name}.item_plant semi join {name}.item_cost using (item_number)
        where standard_cost is null
    """
    assert landed.rows(unset) == [(0,)]


def test_native_numbers_resolve_to_product_numbers(landed: Landed) -> None:
    for system, entity in (("erp", "item"), ("mes", "production_order"), ("wms", "inventory_movement")):
        unresolved = landed.rows(
            f"""
            select distinct item_number from adventureworks.{entity} as named
            anti join adventureworks.item_cross_reference as known
                on known.system = named.source_system and known.native_id = named.item_number
            where named.source_system = '{system}'
            """
        )
        assert unresolved == [], system
    strangers = landed.rows(
        """
        select item_number from adventureworks.item_cross_reference
        anti join (select item_number from adventureworks.item where source_system = 'plm') using (item_number)
        """
    )
    assert strangers == []
