"""The world's master data and structures agree with themselves, for any seed."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import foundation

# What must not be: a question whose answer is empty in a consistent world.
IMPOSSIBLE = {
    "a component on the level of its parent or above it, which could make a cycle": """
        select * from world.bom_line as line
        inner join world.item as parent on line.parent_item_number = parent.item_number
        inner join world.item as component on line.component_item_number = component.item_number
        where component.level >= parent.level
    """,
    "two versions of a line that overlap": """
        select * from world.bom_line as one
        inner join world.bom_line as other using (parent_item_number, plant_id, alternative, position)
        where one.line_id < other.line_id
            and coalesce(one.effective_from < other.effective_to, true)
            and coalesce(other.effective_from < one.effective_to, true)
    """,
    "one component twice in a bill at one time": """
        select * from world.bom_line as one
        inner join world.bom_line as other using (parent_item_number, plant_id, alternative, component_item_number)
        where one.line_id < other.line_id
            and coalesce(one.effective_from < other.effective_to, true)
            and coalesce(other.effective_from < one.effective_to, true)
    """,
    "a version of a line that begins at another instant than the one before ends": """
        select * from world.bom_line as new
        inner join world.bom_line as old
            on new.parent_item_number = old.parent_item_number and new.plant_id = old.plant_id
            and new.alternative = old.alternative and new.line_id = old.line_id || '-1'
        where new.effective_from is distinct from old.effective_to
    """,
    "a date that is no midnight at the plant": """
        select * from world.bom_line as line inner join world.plant as plant using (plant_id)
        where timezone(plant.timezone, effective_from) <> date_trunc('day', timezone(plant.timezone, effective_from))
            or timezone(plant.timezone, effective_to) <> date_trunc('day', timezone(plant.timezone, effective_to))
    """,
    "a line whose dates are not those of its changes at the plant": """
        select * from world.bom_line as line
        left join world.engineering_change_plant as came
            on line.change_in = came.change_number and line.plant_id = came.plant_id
        left join world.engineering_change_plant as went
            on line.change_out = went.change_number and line.plant_id = went.plant_id
        where line.effective_from is distinct from came.planned_effective_from
            or line.effective_to is distinct from went.planned_effective_from
    """,
    "a component without a master record at the plant": """
        select * from world.bom_line as line
        anti join world.item_plant as site
            on line.component_item_number = site.item_number and line.plant_id = site.plant_id
    """,
    "a bill of what the plant doesn't build, or none of what it does": """
        select * from world.item_plant as site
        left join (select distinct parent_item_number, plant_id from world.bom_line) as bill
            on site.item_number = bill.parent_item_number and site.plant_id = bill.plant_id
        where (bill.plant_id is not null) <> (site.sourcing in ('make', 'subcontract'))
    """,
    "an item fetched from a plant that doesn't have it of itself": """
        select * from world.item_plant as site
        left join world.item_plant as source
            on site.item_number = source.item_number and site.from_plant_id = source.plant_id
        where site.sourcing = 'transfer'
            and (source.sourcing is null or source.sourcing = 'transfer' or source.is_phantom)
    """,
    "designators of another count than the quantity": """
        with places as (
            select *, unnest(string_split(reference_designators, ',')) as part from world.bom_line
            where reference_designators is not null
        ),
        counted as (
            select parent_item_number, plant_id, alternative, line_id, any_value(quantity_per) as quantity_per,
                sum(case when contains(part, '-')
                    then cast(regexp_extract(part, '-[A-Z](\\d+)', 1) as integer)
                        - cast(regexp_extract(part, '^[A-Z](\\d+)', 1) as integer) + 1
                    else 1 end) as designators
            from places group by all
        )
        select * from counted where designators <> quantity_per
    """,
    "a quantity for one that is not exactly the line's in base units": """
        select * from world.bom_line as line
        inner join unit_size as size on line.unit = size.unit
        where line.quantity * size.divisor <> cast(line.quantity_per as decimal(28, 12))
            * case when line.is_fixed_quantity then 1 else line.base_quantity end * size.multiplier
    """,
    "a group of alternates that doesn't add up, or has no first": """
        select parent_item_number, plant_id, alternative, alternate_group
        from world.bom_line where alternate_group is not null
        group by all
        having sum(usage_probability) <> 1 or min(alternate_priority) <> 1
            or count(distinct alternate_priority) <> count(*)
            or count(*) < 2 or count(distinct quantity_per) <> 1
    """,
    "a line at an operation that the routing doesn't have": """
        select * from world.bom_line as line
        anti join world.routing_operation as operation
            on line.parent_item_number = operation.item_number and line.plant_id = operation.plant_id
            and line.operation_sequence = operation.operation_sequence
    """,
    "an operation at a work center that the plant doesn't have": """
        select * from world.routing_operation as operation
        anti join world.work_center as center using (plant_id, work_center)
    """,
    "a bought item without an active, approved source in a unit that converts": """
        select * from world.item_plant as site
        inner join world.item as item using (item_number)
        anti join (
            select terms.item_number, terms.order_unit
            from world.supplier_item as terms
            inner join world.supplier as supplier using (supplier_number)
            inner join world.approved_manufacturer as approved using (item_number, supplier_number)
            inner join world.item as item using (item_number)
            left join world.item_unit as units on terms.item_number = units.item_number
                and terms.order_unit = units.unit
            where supplier.status = 'active' and approved.status = 'approved' and terms.price > 0
                and (terms.order_unit = item.base_unit or units.numerator > 0)
        ) as source on site.item_number = source.item_number
        where site.sourcing in ('buy', 'subcontract')
    """,
    "a cost that is missing, or less than a part of it": """
        select * from world.item_plant where standard_cost is null or standard_cost <= 0
        union all by name
        select line.plant_id, line.parent_item_number as item_number
        from world.bom_line as line
        inner join world.item_plant as parent
            on line.parent_item_number = parent.item_number and line.plant_id = parent.plant_id
        inner join world.item_plant as component
            on line.component_item_number = component.item_number and line.plant_id = component.plant_id
        where line.choice = 'spine' and line.quantity_per * component.standard_cost > parent.standard_cost * 1.001
    """,
    "revisions of an item with gaps or overlaps": """
        select * from (
            select *, lead(effective_from) over (partition by item_number order by revision_sequence) as next_from
            from world.item_revision
        )
        where effective_to is distinct from next_from or effective_to <= effective_from
    """,
    "two revisions of one name": """
        select item_number, revision from world.item_revision group by all having count(*) > 1
    """,
    "a change without a plant, or in another order than raised, approved, released, in force": """
        select * from world.engineering_change as change
        left join world.engineering_change_plant as plant using (change_number)
        where plant.plant_id is null or raised_at >= coalesce(approved_at, cancelled_at)
            or approved_at >= released_at or released_at + interval 14 day >= plant.effective_at
    """,
    "a plant that waits without a reason": """
        select * from world.engineering_change_plant where release_gate = 'deferred' and constraint_kind is null
    """,
    "a location of an item that its plant doesn't have": """
        select * from world.item_plant as site
        anti join world.location as place on site.plant_id = place.plant_id and site.storage_location = place.location
    """,
}

# What a manufacturer of this kind has: a question whose answer isn't empty.
PRESENT = {
    "a by-product": "select * from world.bom_line where line_type = 'by_product'",
    "a co-product": "select * from world.bom_line where line_type = 'co_product'",
    "a phantom": "select * from world.item_plant where is_phantom",
    "alternates": "select * from world.bom_line where alternate_group is not null",
    "a fixed quantity": "select * from world.bom_line where is_fixed_quantity",
    "cable by the metre": "select * from world.bom_line where unit = 'MTR'",
    "mass": "select * from world.bom_line where unit = 'GRM'",
    "volume": "select * from world.bom_line where unit = 'MLT'",
    "both scrap methods": "select 1 from world.bom_line having count(distinct scrap_method) = 2",
    "a bill per 100": "select * from world.bom_header where base_quantity = 100",
    "bills by lot size": "select * from world.bom_header where alternative = '2'",
    "fetched from another plant": "select * from world.item_plant where sourcing = 'transfer'",
    "subcontracted": "select * from world.item_plant where sourcing = 'subcontract'",
    "a contract manufacturer's board": """
        select * from world.item_plant inner join world.item using (item_number) where category = 'board'
            and sourcing = 'buy'
    """,
    "lots": "select * from world.item where is_lot_tracked and category = 'chemical'",
    "serial numbers": "select * from world.item where is_serial_tracked and category = 'motor'",
    "regulated products": "select * from world.item where is_regulated and level = 7",
    "consignment": "select * from world.item_plant where is_consignment",
    "packaging that only manufacturing knows": "select * from world.bom_line where is_manufacturing_only",
    "firmware": "select * from world.bom_line inner join world.item on component_item_number = item_number "
    "where category = 'firmware'",
    "a kit": "select * from world.item where category = 'kit' and base_unit = 'SET'",
    "variants of one product that share a motor": """
        select item.product_family, line.component_item_number
        from world.item as item
        inner join world.blueprint as line on item.item_number = line.parent_item_number
        where item.level = 7 and line.pool = 'motor'
        group by all having count(distinct item.item_number) > 1
    """,
    "a plant that asks for a phantom where another builds it": """
        select item_number from world.item_plant where has_bill group by item_number having bool_or(is_phantom)
            and not bool_and(is_phantom)
    """,
    "revisions beyond Z": "select * from world.item_revision where revision = 'AA' and revision_sequence = 27",
    "every action of a change": "select 1 from world.engineering_change having count(distinct action) = 5",
    "a cancelled change": "select * from world.engineering_change where is_cancelled",
    "a change deferred": "select * from world.engineering_change_plant where release_gate = 'deferred'",
    "a change that isn't for a plant": "select * from world.engineering_change_plant where not is_applicable",
    "plants that follow on other days": """
        select change_number from world.engineering_change_plant
        group by change_number having count(distinct planned_effective_from::date) > 1
    """,
}


def build(options: Options) -> duckdb.DuckDBPyConnection:
    """A connection with the foundation of a world."""
    con = duckdb.connect()
    con.execute("set threads = 1")
    foundation.create(con, options)
    # 1 base unit is so many of the unit
    con.execute(
        """
        create temp table unit_size as
        select * from (values ('EA', 1, 1), ('SET', 1, 1), ('MTR', 1, 1), ('GRM', 1000, 1), ('MLT', 1000, 1))
            as sizes (unit, multiplier, divisor)
        """
    )
    return con


@pytest.fixture(scope="module", params=[1, 7, 20260105])
def small(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    con = build(Options.of("small", seed=request.param))
    yield con
    con.close()


@pytest.fixture(scope="module")
def larger() -> Iterator[duckdb.DuckDBPyConnection]:
    con = build(Options.of("demo"))
    yield con
    con.close()


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_nothing_impossible(small: duckdb.DuckDBPyConnection, larger: duckdb.DuckDBPyConnection, what: str) -> None:
    assert small.execute(IMPOSSIBLE[what]).fetchall() == []
    assert larger.execute(IMPOSSIBLE[what]).fetchall() == []


@pytest.mark.parametrize("what", PRESENT)
def test_what_the_manufacturer_has(larger: duckdb.DuckDBPyConnection, what: str) -> None:
    assert larger.execute(PRESENT[what]).fetchone() is not None


def test_products_are_six_to_eight_levels_deep(
    small: duckdb.DuckDBPyConnection, larger: duckdb.DuckDBPyConnection
) -> None:
    for con in (small, larger):
        depths = con.execute(
            """
            with recursive walk as (
                select item_number as product, item_number, 0 as depth from world.item where level = 7
                union
                select walk.product, line.component_item_number, walk.depth + 1
                from walk inner join world.bom_line as line on walk.item_number = line.parent_item_number
            )
            select product, max(depth) as depth from walk group by product
            """
        ).fetchall()
        assert depths
        assert all(6 <= depth <= 8 for _, depth in depths)


def test_a_later_horizon_changes_nothing() -> None:
    now = Options.of("small")
    assert digest(build(now)) == digest(build(replace(now, advanced_days=30, previous_days=0)))


@pytest.mark.parametrize("options", [{"plants": 1}, {"plants": 2}, {"plants": 3}, {"items": 50}])
def test_smaller_worlds_agree_as_well(options: dict[str, int]) -> None:
    con = build(Options.of("small", **options))
    for what, question in IMPOSSIBLE.items():
        assert con.execute(question).fetchall() == [], what


def digest(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """A value for each table of the world that changes with its content, not with the order of its rows."""
    tables = con.execute("select table_name from duckdb_tables() where schema_name = 'world'").fetchall()
    return {
        table: con.execute(f"select count(*), bit_xor(hash(t::varchar)) from world.{table} as t").fetchone()
        for (table,) in tables
    }


def test_another_process_makes_the_same_world() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_simulate_world as t; "
        "print(t.digest(t.build(t.Options.of('small'))))"
    )
    folder = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(digest(build(Options.of("small"))))


def test_other_seeds_make_other_worlds() -> None:
    assert digest(build(Options.of("small", seed=1))) != digest(build(Options.of("small", seed=2)))
