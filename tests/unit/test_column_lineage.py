"""Lineage of columns through the steps of one statement."""

from __future__ import annotations

from mfg_assets.warehouse.column_lineage import SourceColumn, columns_of

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
