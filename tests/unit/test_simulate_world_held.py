"""What PLM, ERP and MES hold of the world's structures is the same bill, each in its own words."""

from collections.abc import Iterator

import duckdb
import pytest

from mfg_assets.contracts import contract
from mfg_assets.simulate import held
from mfg_assets.simulate.held import foundation as held_foundation
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import foundation

ENTITIES = [
    "item",
    "item_plant",
    "item_revision",
    "item_unit_conversion",
    "item_cross_reference",
    "bom_header",
    "bom_line",
    "routing_operation",
    "engineering_change",
    "engineering_change_item",
    "engineering_change_plant",
    "approved_manufacturer",
    "document",
    "supplier",
    "supplier_item",
    "plant_location",
    "sync_acknowledgement",
    "change_log",
]

# Held lines per piece and plant in base units, by the item's own factor and then the world's: a whole number of
# 1/10^15, so that nothing is lost on the way.
AT_PLANTS = """
    create or replace temp table at_plant as
    with factors as (
        select * from (values
            ('EA', 'EA', 1, 1), ('SET', 'SET', 1, 1), ('KGM', 'KGM', 1, 1), ('GRM', 'KGM', 1, 1000),
            ('LBR', 'KGM', 45359237, 100000000), ('MTR', 'MTR', 1, 1), ('FOT', 'MTR', 381, 1250),
                ('MLT', 'LTR', 1, 1000),
            ('LTR', 'LTR', 1, 1)
        ) as factors (unit, base_unit, numerator, denominator)
    ),
    lines as (
        select line.* exclude (plant_id), plant.plant_id, header.base_quantity
        from held.bom_line as line
        inner join held.bom_header as header
            on line.source_system = header.source_system and line.parent_item_number = header.parent_item_number
            and line.plant_id is not distinct from header.plant_id and line.usage = header.usage
            and line.alternative is not distinct from header.alternative
        inner join world.plant as plant
            on coalesce(line.plant_id, plant.plant_id) = plant.plant_id
            and (line.applicable_plants is null
                or list_contains(string_split(line.applicable_plants, ','), plant.plant_id))
        where line.visible_to is null and header.visible_to is null
            and not coalesce(line.is_manufacturing_only, false)
    )
    select
        lines.*,
        cast(lines.quantity * 1000000 as hugeint) * 1000000000
            * coalesce(cast(own.numerator * 1000 as hugeint), factors.numerator::hugeint * 1000)
            // (coalesce(cast(own.denominator as hugeint), factors.denominator::hugeint) * 1000
                * case when lines.is_fixed_quantity then 1 else cast(lines.base_quantity as bigint) end) as per_piece
    from lines
    inner join world.item as item on lines.component_item_number = item.item_number
    left join world.item_unit as own
        on lines.component_item_number = own.item_number and lines.unit = own.unit and lines.unit <> item.base_unit
    left join factors on lines.unit = factors.unit and item.base_unit = factors.base_unit
"""


@pytest.fixture(scope="module", params=[1, 11])
def con(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = build(Options.of("small", seed=request.param))
    connection.execute(AT_PLANTS)
    yield connection
    connection.close()


def build(options: Options) -> duckdb.DuckDBPyConnection:
    """A connection with the foundation of a world and what systems hold of it."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    foundation.create(connection, options)
    held.create(connection)
    held_foundation.fill(connection, options)
    return connection


def test_systems_hold_the_same_bills(con: duckdb.DuckDBPyConnection) -> None:
    def bills(system: str) -> set[tuple[object, ...]]:
        rows = con.execute(
            """
            select plant_id, parent_item_number, coalesce(alternative, '1'), component_item_number, per_piece,
                is_fixed_quantity, component_scrap, scrap_method, alternate_group, alternate_priority,
                    usage_probability,
                is_phantom, line_type, reference_designators, effective_from, effective_to, engineering_change_in,
                engineering_change_out
            from at_plant where source_system like ?
            """,
            [system],
        ).fetchall()
        assert len(rows) == len(set(rows))
        return set(rows)

    assert bills("plm%") == bills("erp%") == bills("mes%")
    assert bills("erp%")


def test_systems_word_them_differently(con: duckdb.DuckDBPyConnection) -> None:
    legacy = con.execute("select distinct unit from at_plant where source_system = 'erp_legacy'").fetchall()
    assert {"FOT", "LBR"} <= {unit for (unit,) in legacy}
    for column in ("base_quantity", "position"):
        row = con.execute(
            f"""
            select count(*) from at_plant as plm inner join at_plant as erp
                using (plant_id, parent_item_number, component_item_number)
            where plm.source_system = 'plm_main' and erp.source_system = 'erp_legacy' and plm.{column} <> erp.{column}
            """
        ).fetchone()
        assert row is not None
        assert row[0] > 0


@pytest.mark.parametrize("entity", ENTITIES)
def test_rows_keep_their_contract(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    table, keyed = f"held.{entity}", contract(entity)
    assert con.execute(f"select * from {table}").fetchone() is not None
    for column in keyed.columns:
        if column.required:
            assert con.execute(f"select * from {table} where {column.name} is null").fetchall() == []
        if column.enumeration:
            strange = f"select distinct {column.name} from {table} where not list_contains(?, {column.name})"
            assert con.execute(strange, [list(column.enumeration)]).fetchall() == []
    keys = ", ".join(keyed.key)
    # one key is one row, and its versions follow one another
    rows_of_key = f"select source_system, {keys} from {table} group by all having count(distinct row_id) > 1"
    keys_of_row = f"select source_system, row_id from {table} group by all having count(distinct ({keys})) > 1"
    assert con.execute(rows_of_key).fetchall() == []
    assert con.execute(keys_of_row).fetchall() == []
    overlaps = f"""
        with followed as (
            select *, lead(visible_from) over (partition by source_system, row_id order by visible_from) as next_from
            from {table}
        )
        select * from followed where visible_to is distinct from next_from or visible_to <= visible_from
    """
    assert con.execute(overlaps).fetchall() == []


def test_what_was_known_stays_known() -> None:
    now = Options.of("small")
    earlier, later = build(now), build(now.later(9))
    for entity in ENTITIES:
        known = f"""
            select t.* exclude (visible_to), case when visible_to <= $cut then visible_to end as visible_to
            from held.{entity} as t where visible_from <= $cut order by all
        """
        cut = {"cut": now.cut}
        assert earlier.execute(known, cut).fetchall() == later.execute(known, cut).fetchall()
    grown = [each.execute("select count(*) from held.engineering_change").fetchone() for each in (earlier, later)]
    assert grown[0] != grown[1]


def test_changes_are_everywhere_before_the_cut(con: duckdb.DuckDBPyConnection) -> None:
    late = """
        select * from world.engineering_change as change
        inner join held.bom_line as line on change.change_number = line.engineering_change_in
        where line.visible_from >= date_trunc('day', change.released_at) + interval 28 hour
    """
    assert con.execute(late).fetchall() == []
    found = "select count(distinct source_system) from held.bom_line where engineering_change_in is not null"
    assert con.execute(found).fetchone() == (6,)


def test_a_change_says_what_its_lines_say(con: duckdb.DuckDBPyConnection) -> None:
    said = """
        select count(*), count(*) filter (change.new_quantity = line.quantity and change.unit = line.unit)
        from held.engineering_change_item as change
        inner join held.bom_line as line
            on change.change_number = line.engineering_change_in
            and change.new_component_item_number = line.component_item_number
        where line.source_system = 'plm_main'
    """
    row = con.execute(said).fetchone()
    assert row is not None
    lines, agreeing = row
    assert lines == agreeing
    assert lines > 0
