"""Every assembly's indented explosion at once: one row per way, for planning systems and analysts.

Belongs here: the level loop over the published structure. Doesn't belong here: one item's explosion for any instant and
system (`read`, `walk`), sums (dbt's `item_requirement`), writing files (cli).

A level is one statement over the level before it, so memory holds one level's frontier and DuckDB may spill the rest.
Quantities are whole numbers of 10^-14 on the way, factors of 10^-12; rounding happens once, at the end (rule 10).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from mfg_assets.settings import PROJECT_ROOT

if TYPE_CHECKING:
    import duckdb

_PLACES = 14
_FACTOR_PLACES = 12

# Only ends what could otherwise grow without bound, as in item_requirement.
_DEEPEST = 250

# Only what has a bill is numbered: most items are purchased, and need no more than their name, once, at the end.
_ITEMS = """
create or replace temp table step_item as
with
cycle_members as (
    select distinct plant_id, unnest(cycle_path) as item_number from bom_cycle where structure = 'reconciled'
),
items as (
    select distinct plant_id, parent_item_number as item_number from item_structure
    where $plant::varchar is null or plant_id = $plant
)
select
    row_number() over () as item_id,
    items.*,
    cycle_members.item_number is not null as is_cyclic,
from items
left join cycle_members using (plant_id, item_number)
"""

# Most quantities are whole numbers, for which a narrow decimal tells and no digits have to be counted.
_WHOLE_FACTOR = """
try_cast(lines.quantity_per as decimal(18, 12)) as narrow_quantity,
cast(narrow_quantity as bigint) as nearest_whole,
case when cast(nearest_whole as decimal(18, 12)) = narrow_quantity then nearest_whole end as whole_factor,
"""

# What the structure has and the walk must therefore carry.
_FEATURES = f"""
select
    coalesce(bool_or(is_fixed_quantity), false),
    coalesce(bool_or(whole_factor is null), false),
    (select coalesce(bool_or(is_cyclic), false) from step_item),
    max(abs(whole_factor)),
from (
    select is_fixed_quantity, {_WHOLE_FACTOR}
    from item_structure as lines
    where $plant::varchar is null or plant_id = $plant
) as lines
"""

# Lines are numbered by where they stand in this table: a window would number them in one thread.
_LINES = f"""
create or replace temp table step_line as
select * exclude (narrow_quantity, nearest_whole, quantity_per), {{factor}} as factor
from (
    select
        parents.item_id as parent_id,
        components.item_id as component_id,
        lines.component_item_number as item_number,
        lines.line_id,
        lines.requirement_kind,
        lines.unit,
        lines.is_fixed_quantity as is_fixed,
        coalesce(lines.is_phantom, false) as is_phantom,
        lines.requirement_kind = 'component' and components.item_id is not null as goes_on,
        {{cycle_mark}} as cycle_mark,
        lines.quantity_per,
        {_WHOLE_FACTOR}
    from item_structure as lines
    inner join step_item as parents
        on lines.plant_id = parents.plant_id and lines.parent_item_number = parents.item_number
    left join step_item as components
        on lines.plant_id = components.plant_id and lines.component_item_number = components.item_number
) as lines
"""

# Few lines lead to another bill, and only those are walked.
_BRANCHES = """
create or replace temp table step_branch as
select
    parent_id, component_id, rowid as line_number, is_fixed, cycle_mark, whole_factor, factor,
    case when is_phantom then 0 else 1 end as levels,
from step_line where goes_on
"""

_FIRST = """
create or replace temp table step as
select
    item_id as root_id,
    item_id,
    -item_id as step,
    0 as depth,
    1 as next_level,
    not is_cyclic as is_complete,
    case when is_cyclic then ',' || item_id || ',' else '' end as visited,
    {start}::{number} as scaling,
    0::{number} as fixed,
from step_item
where {every} or not exists (from step_line where step_line.component_id = step_item.item_id)
"""

# Each way to a parent is an order of its own, which needs a fixed quantity once (rule 9).
# What a phantom holds stands in the phantom's place (rule 11); on a way no item comes twice (rule 15).
_NEXT = """
insert into step
select
    above.root_id,
    lines.component_id,
    above.rowid * {lines} + lines.line_number,
    above.depth + 1,
    above.next_level + lines.levels,
    {is_complete},
    {visited},
    {scaling},
    {fixed},
from step as above
inner join step_branch as lines on above.item_id = lines.parent_id
where above.depth = {depth} and {is_new}
"""

# A way's number is that of the way to its assembly and of its line: no two have the same.
_RESULT = """
select
    plant_id,
    root_item_number,
    step,
    parent_step,
    depth,
    level,
    item_number,
    line_id,
    requirement_kind,
    {total} as quantity_per_root,
    unit,
    is_phantom,
    is_fixed as is_fixed_quantity,
    goes_on as has_bill,
    is_complete and scaling is not null and fixed is not null as is_complete,
from (
    select
        roots.plant_id,
        roots.item_number as root_item_number,
        above.rowid * {lines} + lines.rowid as step,
        case when above.depth > 0 then above.step end as parent_step,
        above.depth + 1 as depth,
        above.next_level as level,
        lines.item_number,
        lines.line_id,
        lines.requirement_kind,
        lines.unit,
        lines.is_phantom,
        lines.is_fixed,
        lines.goes_on,
        {is_complete} as is_complete,
        {scaling} as scaling,
        {fixed} as fixed,
    from step as above
    inner join step_line as lines on above.item_id = lines.parent_id
    inner join step_item as roots on above.root_id = roots.item_id
    where {is_new}
) as ways
"""


@cache
def _macros() -> Any:
    """The exact arithmetic of the warehouse's models, so that there is one of it."""
    from jinja2 import Environment

    return Environment().from_string((PROJECT_ROOT / "dbt_project" / "macros" / "arithmetic.sql").read_text()).module  # noqa: S701


def _quotient(number: str, places: int) -> str:
    return _macros().whole_quotient(number, f"{10**places}::hugeint")


def explode_all(
    connection: duckdb.DuckDBPyConnection, *, plant_id: str | None = None, every_assembly: bool = False
) -> str:
    """Walk every way below every top item (or every assembly) at the instant of the published state.

    Args:
        connection: has `item_structure` and `bom_cycle`; temporary tables are made in it.
        plant_id: only this plant.
        every_assembly: start at sub-assemblies too.

    Returns:
        A query with one row per way: `step` numbers it and `parent_step` is the step above it (a root's own step has no
        row), so that the tree can be drawn. Rows are in no order.
    """
    connection.execute(_ITEMS, {"plant": plant_id})
    row = connection.execute(_FEATURES, {"plant": plant_id}).fetchone()
    has_fixed, has_fractions, has_cycles, largest = row or (True, True, True, None)
    connection.execute(_LINES.format(**_columns(has_fixed, has_fractions, has_cycles)))
    connection.execute(_BRANCHES)
    (lines,) = connection.execute("select count(*) from step_line").fetchone() or (0,)
    parts, places = _parts(has_fixed, has_fractions, has_cycles)
    visited = "above.visited || lines.cycle_mark" if has_cycles else "''"
    for number in ("hugeint",) if places else ("bigint", "hugeint"):
        # Numbers of our own stand in the text: the first bound one makes DuckDB import all libraries that have such.
        connection.execute(_FIRST.format(start=10**places, number=number, every=every_assembly))
        for depth in range(_DEEPEST - 1):
            row = connection.execute(_NEXT.format(depth=depth, lines=lines, visited=visited, **parts)).fetchone()
            if row is None or row[0] == 0:
                break
        if number == "bigint" and _holds(connection, largest or 0):
            break
    total = "try_cast(scaling as decimal(28, 6))"
    if places:
        rounded = _quotient("(scaling + fixed)", places - 6)
        total = f"cast({_macros().whole_to_decimal(rounded, 6)} as decimal(28, 6))"
    return _RESULT.format(total=total, lines=lines, **parts)


def _holds(connection: duckdb.DuckDBPyConnection, largest: int) -> bool:
    """Whether narrow numbers sufficed: they are half the work, and almost always enough for whole pieces."""
    row = connection.execute("select max(abs(scaling)), bool_or(scaling is null) from step").fetchone()
    return row is None or row[0] is None or (not row[1] and row[0] * largest < 2**63)


def _columns(has_fixed: bool, has_fractions: bool, has_cycles: bool) -> dict[str, str]:
    """The columns of lines that cost something, empty where the structure needs none."""
    factor, mark = "null::hugeint", "''"
    if has_fixed or has_fractions:
        one = f"{10**_FACTOR_PLACES}::hugeint"
        factor = (
            f"case when lines.whole_factor is not null then lines.whole_factor * {one} "
            f"else {_macros().decimal_to_whole('lines.quantity_per', _FACTOR_PLACES)} end"
        )
    if has_cycles:
        mark = (
            "case when components.is_cyclic and lines.requirement_kind = 'component' "
            "then ',' || components.item_id || ',' else '' end"
        )
    return {"factor": factor, "cycle_mark": mark}


def _parts(has_fixed: bool, has_fractions: bool, has_cycles: bool) -> tuple[dict[str, str], int]:
    """How a line multiplies, without what the structure doesn't need, and the places that quantities carry."""
    places = _PLACES if has_fractions or has_fixed else 0

    def times(amount: str) -> str:
        whole = f"try({amount} * lines.whole_factor)"
        if not has_fractions:
            return whole
        product = _quotient(f"{amount} * lines.factor", _FACTOR_PLACES)
        return f"case when lines.whole_factor is not null then {whole} else {product} end"

    scaling, fixed = times("above.scaling"), "0"
    if has_fixed:
        scaling = f"case when lines.is_fixed then 0 else {scaling} end"
        fixed = (
            f"case when lines.is_fixed then try(lines.factor * {10 ** (_PLACES - _FACTOR_PLACES)}) "
            f"when above.fixed = 0 then 0 else {times('above.fixed')} end"
        )
    is_new = "(lines.cycle_mark = '' or not contains(above.visited, lines.cycle_mark))" if has_cycles else "true"
    is_complete = "above.is_complete"
    if has_cycles:
        is_complete += " and lines.cycle_mark = ''"
    if has_fractions:
        is_complete += " and (lines.whole_factor is not null or lines.factor is not null)"
    return {"scaling": scaling, "fixed": fixed, "is_new": is_new, "is_complete": is_complete}, places
