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

_ITEMS = """
create or replace temp table step_item as
with
structure as (
    select * from item_structure where $plant::varchar is null or plant_id = $plant
),
assemblies as (
    select distinct plant_id, parent_item_number as item_number from structure
),
components as (
    select plant_id, component_item_number as item_number, min(unit) as unit from structure group by all
),
cycle_members as (
    select distinct plant_id, unnest(cycle_path) as item_number from bom_cycle where structure = 'reconciled'
)
select
    row_number() over () as item_id,
    plant_id,
    item_number,
    components.unit,
    assemblies.item_number is not null as has_bill,
    components.item_number is null as is_top,
    cycle_members.item_number is not null as is_cyclic,
from assemblies
full join components using (plant_id, item_number)
left join cycle_members using (plant_id, item_number)
"""

# Most quantities are whole numbers, for which a narrow decimal tells and no digits have to be counted.
_LINES = """
create or replace temp table step_line as
with
numbered as (
    select
        parents.item_id as parent_id,
        components.item_id as component_id,
        lines.line_id,
        lines.requirement_kind,
        lines.is_fixed_quantity as is_fixed,
        coalesce(lines.is_phantom, false) as is_phantom,
        lines.requirement_kind = 'component' and components.has_bill as goes_on,
        case
            when lines.requirement_kind = 'component' and components.is_cyclic then ',' || components.item_id || ','
            else ''
        end as cycle_mark,
        lines.quantity_per,
        try_cast(lines.quantity_per as decimal(18, 12)) as narrow_quantity,
        cast(narrow_quantity as bigint) as nearest_whole,
        case when cast(nearest_whole as decimal(18, 12)) = narrow_quantity then nearest_whole end as whole_factor,
    from item_structure as lines
    inner join step_item as parents
        on lines.plant_id = parents.plant_id and lines.parent_item_number = parents.item_number
    inner join step_item as components
        on lines.plant_id = components.plant_id and lines.component_item_number = components.item_number
)
select
    * exclude (quantity_per, narrow_quantity, nearest_whole),
    case when whole_factor is not null then whole_factor * {one}::hugeint else {factor} end as factor,
from numbered
"""

_STEPS = """
create or replace temp table step (
    root_id bigint, parent_step bigint, line_number bigint, item_id bigint, depth integer, level integer,
    next_level integer, goes_on boolean, is_complete boolean, visited varchar, scaling hugeint, fixed hugeint
)
"""

_FIRST = """
insert into step
select
    item_id, null, null, item_id, 0, 0, 1, true, not is_cyclic,
    case when is_cyclic then ',' || item_id || ',' else '' end,
    {start}::hugeint, 0::hugeint
from step_item
where has_bill and ($every or is_top)
"""

# Each way to a parent is an order of its own, which needs a fixed quantity once (rule 9).
# What a phantom holds stands in the phantom's place (rule 11); on a way no item comes twice (rule 15).
_NEXT = """
insert into step
select
    above.root_id,
    above.rowid,
    lines.rowid,
    lines.component_id,
    above.depth + 1,
    above.next_level,
    above.next_level + case when lines.is_phantom and lines.goes_on then 0 else 1 end,
    lines.goes_on,
    above.is_complete and lines.cycle_mark = '' and lines.factor is not null,
    {visited},
    {scaling},
    {fixed}
from step as above
inner join step_line as lines on above.item_id = lines.parent_id
where
    above.depth = $depth
    and above.goes_on
    and {is_new}
"""

_RESULT = """
select
    roots.plant_id,
    roots.item_number as root_item_number,
    step.rowid as step,
    step.parent_step,
    step.depth,
    step.level,
    items.item_number,
    lines.line_id,
    lines.requirement_kind,
    cast({total} as decimal(28, 6)) as quantity_per_root,
    items.unit,
    lines.is_phantom,
    lines.is_fixed as is_fixed_quantity,
    lines.goes_on as has_bill,
    step.is_complete and step.scaling is not null and step.fixed is not null as is_complete,
from step
inner join step_item as roots on step.root_id = roots.item_id
inner join step_item as items on step.item_id = items.item_id
inner join step_line as lines on step.line_number = lines.rowid
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
    factor = _macros().decimal_to_whole("quantity_per", _FACTOR_PLACES)
    connection.execute(_LINES.format(factor=factor, one=10**_FACTOR_PLACES))
    connection.execute(_STEPS)
    row = connection.execute(
        "select coalesce(bool_or(is_fixed), false), coalesce(bool_or(whole_factor is null), false), "
        "coalesce(bool_or(cycle_mark <> ''), false) from step_line"
    ).fetchone()
    following, places = _next(*(row or (True, True, True)))
    connection.execute(_FIRST.format(start=10**places), {"every": every_assembly})
    for depth in range(_DEEPEST):
        row = connection.execute(following, {"depth": depth}).fetchone()
        if row is None or row[0] == 0:
            break
    published = (
        _quotient("(step.scaling + step.fixed)", places - 6) if places else "(step.scaling + step.fixed) * 1000000"
    )
    return _RESULT.format(total=_macros().whole_to_decimal(published, 6))


def _next(has_fixed: bool, has_fractions: bool, has_cycles: bool) -> tuple[str, int]:
    """The statement for one level, without what the structure doesn't need, and the places that quantities carry."""
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
    statement = _NEXT.format(
        scaling=scaling,
        fixed=fixed,
        visited="above.visited || lines.cycle_mark" if has_cycles else "''",
        is_new="(lines.cycle_mark = '' or not contains(above.visited, lines.cycle_mark))" if has_cycles else "true",
    )
    return statement, places
