"""The contestants of bench/explosion.py: each gives all ways below every top item, or all totals below every assembly.

Each is a generator that pauses when the lines are in numbers and again when the result is, and ends with the named
result (in SQL: with the query for it). What works with names from the start has its result in names when it pauses.

Belongs here: the ways to explode. Doesn't belong here: structures, clocks and proofs (`explosion`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import duckdb

Contest = Generator[None, None, Any]

# The models of the requirement, in the order in which they are built.
REQUIREMENT = ("structure_item", "numbered_requirement", "item_requirement")

# --- DuckDB ---------------------------------------------------------------------------------------------------------


def session(path: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection with the lines in the table `lines`."""
    config: dict[str, Any] = {
        "threads": 2,
        "memory_limit": memory,
        "preserve_insertion_order": False,
        "temp_directory": str(path.parent / "spill"),
    }
    connection = duckdb.connect(str(path.parent / f"{time.time_ns()}.duckdb"), config=config)
    connection.execute(f"create table lines as from '{path}'")
    return connection


def structure(c: duckdb.DuckDBPyConnection) -> None:
    """The lines as dbt's item_structure has them."""
    c.execute("create schema if not exists reconciliation")
    c.execute("""
        create table reconciliation.item_structure as
        select
            plant_id, parent as parent_item_number, component as component_item_number, line_id, 'EA' as unit,
            quantity::decimal(38, 12) as quantity_per, false as is_fixed_quantity, false as is_phantom,
            'component' as requirement_kind,
        from lines
    """)
    c.execute("create table reconciliation.bom_cycle (structure varchar, plant_id varchar, cycle_path varchar[])")


def numbered(c: duckdb.DuckDBPyConnection) -> None:
    """What everybody who writes such a loop by hand does first: small numbers instead of texts."""
    c.execute("""
        create temp table items as
        select
            plant_id, item, row_number() over () as id,
            bool_or(is_parent) as has_bill, bool_or(not is_parent) as is_used,
        from (
            select distinct plant_id, parent as item, true as is_parent from lines
            union all select distinct plant_id, component, false from lines
        ) group by plant_id, item
    """)
    c.execute("""
        create temp table edges as
        select a.id as parent, b.id as component, quantity, b.has_bill, line_id
        from lines inner join items as a on lines.plant_id = a.plant_id and lines.parent = a.item
        inner join items as b on lines.plant_id = b.plant_id and lines.component = b.item
    """)


def indented_ours(c: duckdb.DuckDBPyConnection) -> Contest:
    """Numbering and walking are one; the last level is joined together with the names."""
    from mfg_assets.bom.bulk import explode_all

    c.execute("set search_path = 'reconciliation,main'")
    yield
    query = explode_all(c)
    yield
    return query


def named_ways(source: str) -> str:
    return f"""
        select r.plant_id, r.item as root, w.depth, w.line_id, i.item as component, w.quantity
        from {source} as w inner join items as r on w.root = r.id inner join items as i on w.item = i.id
        where w.depth > 0
    """


def indented_level_loop(c: duckdb.DuckDBPyConnection) -> Contest:
    numbered(c)
    yield
    c.execute(
        "create temp table ways "
        "(root bigint, item bigint, depth integer, quantity bigint, has_bill boolean, line_id varchar)"
    )
    c.execute("insert into ways select id, id, 0, 1, true, null from items where has_bill and not is_used")
    depth = 0
    while True:
        done = c.execute(
            "insert into ways select w.root, e.component, w.depth + 1, w.quantity * e.quantity, e.has_bill, e.line_id "
            f"from ways as w inner join edges as e on w.item = e.parent where w.depth = {depth} and w.has_bill"
        ).fetchone()
        if done is None or done[0] == 0:
            break
        depth += 1
    yield
    return named_ways("ways")


def indented_cte(c: duckdb.DuckDBPyConnection, *, with_paths: bool = False) -> Contest:
    numbered(c)
    yield
    first, more = (", [id] as path", ", list_append(w.path, e.component)") if with_paths else ("", "")
    c.execute(f"""
        create temp table ways as
        with recursive w as (
            select id as root, id as item, 0 as depth, 1::bigint as quantity, null::varchar as line_id{first}
            from items where has_bill and not is_used
            union all
            select w.root, e.component, w.depth + 1, w.quantity * e.quantity, e.line_id{more}
            from w inner join edges as e on w.item = e.parent
        )
        from w
    """)
    yield
    return named_ways("ways")


def indented_cte_paths(c: duckdb.DuckDBPyConnection) -> Contest:
    return indented_cte(c, with_paths=True)


def summarised_ours(c: duckdb.DuckDBPyConnection) -> Contest:
    """The models as dbt runs them, in temporary tables like everybody's."""
    sql = {
        name: (Path(os.environ["COMPILED_REQUIREMENT"]) / f"{name}.sql")
        .read_text()
        .replace('"reconciliation"."structure_item"', "structure_item")
        .replace('"reconciliation"."numbered_requirement"', "numbered_requirement")
        for name in REQUIREMENT
    }
    c.execute(f"create temp table structure_item as {sql['structure_item']}")
    yield
    c.execute(f"create temp table numbered_requirement as {sql['numbered_requirement']}")
    yield
    return sql["item_requirement"]


def totals(source: str) -> str:
    return f"""
        select r.plant_id, r.item as root, i.item as component, t.quantity, t.nearest, t.farthest, t.paths
        from ({source}) as t inner join items as r on t.root = r.id inner join items as i on t.item = i.id
    """


SUMMED = """
    select root, item, sum(quantity) as quantity, min(depth) as nearest, max(depth) as farthest, sum(paths) as paths
    from ways where depth > 0 group by root, item
"""


def summarised_level_loop(c: duckdb.DuckDBPyConnection) -> Contest:
    numbered(c)
    yield
    c.execute("create temp table ways (root bigint, item bigint, depth integer, quantity hugeint, paths hugeint)")
    c.execute("insert into ways select id, id, 0, 1, 1 from items where has_bill")
    depth = 0
    while True:
        done = c.execute(
            "insert into ways select w.root, e.component, any_value(w.depth) + 1, sum(w.quantity * e.quantity), "
            f"sum(w.paths) from ways as w inner join edges as e on w.item = e.parent where w.depth = {depth} "
            "group by w.root, e.component"
        ).fetchone()
        if done is None or done[0] == 0:
            break
        depth += 1
    c.execute(f"create temp table sums as {SUMMED}")
    yield
    return totals("from sums")


def summarised_cte(c: duckdb.DuckDBPyConnection) -> Contest:
    numbered(c)
    yield
    c.execute(
        """
        create temp table sums as
        with recursive ways as (
            select id as root, id as item, 0 as depth, 1::hugeint as quantity, 1 as paths from items where has_bill
            union all
            select w.root, e.component, w.depth + 1, w.quantity * e.quantity, 1
            from ways as w inner join edges as e on w.item = e.parent
        )
    """
        + SUMMED
    )
    yield
    return totals("from sums")


# --- others ---------------------------------------------------------------------------------------------------------


def pandas_numbered(frame: Any) -> tuple[Any, Any, Any]:
    """Lines with numbers for items, and the plant and name of each number, taken from where it first occurs."""
    import numpy as np
    import pandas as pd

    plants: Any = pd.concat([frame.plant_id, frame.plant_id], ignore_index=True).array
    items: Any = pd.concat([frame.parent, frame.component], ignore_index=True).array
    codes, names = pd.factorize(plants + "/" + items)
    edges = pd.DataFrame(
        {"item": codes[: len(frame)], "component": codes[len(frame) :], "each": frame.quantity.to_numpy()}
    )
    first = np.empty(len(names), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return edges, plants.take(first), items.take(first)


def pandas_indented(frame: Any) -> Contest:
    """Level by level, with whole numbers only; what lines are called is looked up at the end."""
    import numpy as np
    import pandas as pd

    edges, plants, items = pandas_numbered(frame)
    edges["line"] = np.arange(len(edges))
    yield
    tops = np.setdiff1d(edges["item"].unique(), edges["component"].unique())
    level: Any = pd.DataFrame({"root": tops, "item": tops, "quantity": 1})
    ways, depth = [], 0
    while len(level):
        depth += 1
        below = level[["root", "item", "quantity"]].merge(edges, on="item")
        level = pd.DataFrame(
            {
                "root": below.root,
                "item": below.component,
                "quantity": below.quantity * below.each,
                "line": below.line,
                "depth": depth,
            }
        )
        ways.append(level)
    found: Any = pd.concat(ways, ignore_index=True)
    yield
    found["line_id"] = frame.line_id.array.take(found.pop("line"))
    return pandas_named(found, plants, items)


def pandas_named(frame: Any, plants: Any, items: Any) -> Any:
    frame["plant_id"], frame["root"], frame["component"] = plants[frame.root], items[frame.root], items[frame["item"]]
    return frame.drop(columns="item")


def pandas_summarised(frame: Any) -> Contest:
    import pandas as pd

    edges, plants, items = pandas_numbered(frame)
    yield
    roots = edges["item"].unique()
    level: Any = pd.DataFrame({"root": roots, "item": roots, "quantity": 1, "paths": 1})
    ways, depth = [], 0
    while len(level):
        depth += 1
        below = level.merge(edges, on="item")
        below["quantity"] *= below.each
        level = below.groupby(["root", "component"], as_index=False, sort=False)[["quantity", "paths"]].sum()
        level = level.rename(columns={"component": "item"})
        ways.append(level.assign(depth=depth))
    found = pd.concat(ways, ignore_index=True).groupby(["root", "item"], as_index=False, sort=False)
    summed = found.agg(
        quantity=("quantity", "sum"), nearest=("depth", "min"), farthest=("depth", "max"), paths=("paths", "sum")
    )
    yield
    return pandas_named(summed, plants, items)


def polars_walk(frame: Any, *, is_summed: bool) -> Contest:
    import polars as pl

    table: Any = pl.from_arrow(frame)
    both = pl.concat([table.select("plant_id", item="parent"), table.select("plant_id", item="component")])
    names = both.unique().with_row_index("id")
    edges = (
        table.join(names.rename({"item": "parent", "id": "i"}), on=["plant_id", "parent"])
        .join(names.rename({"item": "component", "id": "b"}), on=["plant_id", "component"])
        .select(item="i", below="b", each="quantity", line="line_id")
    )
    yield
    roots = edges.select("item").unique()
    if not is_summed:
        roots = roots.join(edges.select(item="below").unique(), on="item", how="anti")
    level = roots.select(root="item", item="item", quantity=pl.lit(1, pl.Int64), paths=pl.lit(1, pl.Int64))
    ways, depth = [], 0
    while len(level):
        depth += 1
        below = (
            level.select("root", "item", "quantity", "paths")
            .join(edges, on="item")
            .select("root", "paths", "line", item="below", quantity=pl.col("quantity") * pl.col("each"))
        )
        level = below.group_by("root", "item").agg(pl.col("quantity", "paths").sum()) if is_summed else below
        ways.append(level.with_columns(depth=pl.lit(depth, pl.Int64)))
    found = pl.concat(ways)
    if is_summed:
        found = found.group_by("root", "item").agg(
            pl.col("quantity", "paths").sum(), nearest=pl.col("depth").min(), farthest=pl.col("depth").max()
        )
    yield
    named = found.join(names.select(component="item", item="id"), on="item").join(
        names.select("plant_id", top="item", root="id"), on="root"
    )
    return named.drop("root", "item").rename({"top": "root"} | ({} if is_summed else {"line": "line_id"})).to_arrow()


def graph(frame: Any) -> Any:
    import networkx as nx

    made: Any = nx.MultiDiGraph()
    parents, components = frame.plant_id + "/" + frame.parent, frame.plant_id + "/" + frame.component
    made.add_weighted_edges_from(zip(parents, components, frame.quantity, strict=True))
    return made


def needs(rows: Any) -> Any:
    import pandas as pd

    named = ((*root.split("/"), item.split("/")[1], *values) for root, item, *values in rows)
    return pd.DataFrame(named, columns=["plant_id", "root", "component", "quantity", "nearest", "farthest", "paths"])


def networkx_summarised(frame: Any) -> Contest:
    """As its users write it: below every assembly, in topological order, along the graph's edges."""
    import networkx as nx

    lines = graph(frame)
    yield
    rows: list[tuple[Any, ...]] = []
    for root in [item for item, uses in lines.out_degree() if uses]:
        below = lines.subgraph(nx.descendants(lines, root) | {root})
        sums: dict[str, tuple[int, int, int, int]] = {root: (1, 0, 0, 1)}
        for item in nx.topological_sort(below):
            quantity, near, far, paths = sums[item]
            for _, component, each in below.out_edges(item, data="weight"):
                made = (each * quantity, near + 1, far + 1, paths)
                sums[component] = added(sums.get(component), made)
        del sums[root]
        rows.extend((root, name, *values) for name, values in sums.items())
    yield
    return needs(rows)


def added(held: tuple[int, int, int, int] | None, made: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    if held is None:
        return made
    return held[0] + made[0], min(held[1], made[1]), max(held[2], made[2]), held[3] + made[3]


def dictionaries_summarised(frame: Any) -> Contest:
    """Each item's totals from those of its components, kept: the best that plain dictionaries do."""
    import networkx as nx

    lines = graph(frame)
    yield
    below: dict[str, dict[str, tuple[int, int, int, int]]] = {}
    for item in reversed(list(nx.topological_sort(lines))):
        sums: dict[str, tuple[int, int, int, int]] = {}
        for _, component, each in lines.out_edges(item, data="weight"):
            for name, (quantity, near, far, paths) in {component: (1, 0, 0, 1)}.items() | below[component].items():
                sums[name] = added(sums.get(name), (each * quantity, near + 1, far + 1, paths))
        below[item] = sums
    yield
    return needs([(root, name, *values) for root, sums in below.items() for name, values in sums.items()])


BY_SQL: dict[str, Callable[[duckdb.DuckDBPyConnection], Contest]] = {
    "indented ours": indented_ours,
    "indented level_loop": indented_level_loop,
    "indented cte": indented_cte,
    "indented cte_paths": indented_cte_paths,
    "summarised ours": summarised_ours,
    "summarised level_loop": summarised_level_loop,
    "summarised cte": summarised_cte,
}
BY_FRAME: dict[str, Callable[[Any], Contest]] = {
    "indented pandas": pandas_indented,
    "summarised pandas": pandas_summarised,
    "summarised networkx": networkx_summarised,
    "summarised dictionaries": dictionaries_summarised,
    "indented polars": lambda frame: polars_walk(frame, is_summed=False),
    "summarised polars": lambda frame: polars_walk(frame, is_summed=True),
}
