"""Lineage of columns through the steps of one statement."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfg_assets.warehouse import column_lineage
from mfg_assets.warehouse.column_lineage import SourceColumn, columns_of, of_models

SCHEMA = {
    "canonical": {
        "line": {"parent": "VARCHAR", "child": "VARCHAR", "quantity": "DECIMAL(18,6)"},
        "item": {"item_number": "VARCHAR", "cost": "DECIMAL(18,6)"},
    }
}


def _line(*columns: str) -> frozenset[SourceColumn]:
    return frozenset(SourceColumn("canonical", "line", c) for c in columns)


def test_a_column_is_followed_through_steps_and_joins_to_tables() -> None:
    sql = """
        with lines as (select * from "mfg"."canonical"."line"),
        costs as (select item_number, cost as price from canonical.item),
        final as (
            select lines.parent, lines.quantity * costs.price as value, 1 as one
            from lines inner join costs on lines.child = costs.item_number
        )
        select * from final
    """
    assert columns_of(sql, SCHEMA) == {
        "parent": _line("parent"),
        "value": _line("quantity") | {SourceColumn("canonical", "item", "cost")},
        "one": frozenset(),
    }


def test_both_branches_of_a_union_count_and_a_recursion_ends() -> None:
    sql = """
        with recursive walk as (
            select parent as top, child, quantity from canonical.line
            union all
            select walk.top, line.child, walk.quantity * line.quantity
            from walk inner join canonical.line as line on walk.child = line.parent
        )
        select * from walk
    """
    assert columns_of(sql, SCHEMA) == {"top": _line("parent"), "child": _line("child"), "quantity": _line("quantity")}


def test_what_the_parser_does_not_know_has_no_lineage_and_stops_nothing() -> None:
    assert columns_of("select from where", SCHEMA) == {}


def test_a_union_by_name_may_have_columns_that_its_first_branch_lacks() -> None:
    sql = """
        with joined as (
            select a from one.t union all by name select b, a from two.u union all by name select b from two.u
        )
        select a, b from joined
    """
    schema = {"one": {"t": {"a": "int"}}, "two": {"u": {"a": "int", "b": "int"}}}
    found = columns_of(sql, schema)
    assert found["a"] == {SourceColumn("one", "t", "a"), SourceColumn("two", "u", "a")}
    assert found["b"] == {SourceColumn("two", "u", "b")}


def test_lineage_is_kept_until_the_statement_or_what_it_reads_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def manifest(sql: str) -> dict[str, object]:
        return {"nodes": {"m": {"resource_type": "model", "schema": "mart", "name": "m", "compiled_code": sql}}}

    star = manifest('select *, 1 as one from "mfg"."canonical"."line"')
    first = of_models(star, SCHEMA, tmp_path)
    assert first["mart", "m"]["parent"] == _line("parent")
    assert first["mart", "m"]["one"] == frozenset()

    with monkeypatch.context() as patched:
        patched.setattr(column_lineage, "columns_of", lambda *_: pytest.fail("walked again"))
        assert of_models(star, SCHEMA, tmp_path) == first

    narrower = {"canonical": {"line": {"parent": "VARCHAR"}}}
    assert of_models(star, narrower, tmp_path)["mart", "m"].keys() == {"parent", "one"}
    changed = manifest('select child as parent from "mfg"."canonical"."line"')
    assert of_models(changed, SCHEMA, tmp_path)["mart", "m"] == {"parent": _line("child")}


def test_a_broken_cache_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "lineage.json").write_text('{"cut o')
    node = {"resource_type": "model", "schema": "a", "name": "b", "compiled_code": "select parent from canonical.line"}
    assert of_models({"nodes": {"m": node}}, SCHEMA, tmp_path)["a", "b"] == {"parent": _line("parent")}
