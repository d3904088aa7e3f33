"""Mapping expressions as SQL: that each is one expression and nothing else, and which columns it reads.

Belongs here: parsing and rewriting, without looking at data. Doesn't belong here: what is mapped to what (`mapping`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

# Reads a text as a local or zoned time, adds an interval and gives text again, so that a time that can't be read is
# still there to be rejected by name. See `cast.create_macros`.
SHIFT_MACRO = "__shift"
_INTERVAL_FUNCTIONS = frozenset(
    f"to_{unit}"
    for unit in (
        *("years", "quarters", "months", "weeks", "days", "hours", "minutes", "seconds"),
        *("milliseconds", "microseconds", "decades", "centuries", "millennia"),
    )
)


@dataclass(frozen=True)
class Expression:
    """One parsed SQL expression.

    `columns` are the references in it as written: `("src", "MENGE")` or `("MENGE",)`. `has_window` is set where it
    looks at other rows of the extract; `is_constant` where it reads no column and calls no function; `is_column` where
    it is a column and nothing else.
    """

    sql: str
    columns: tuple[tuple[str, ...], ...]
    has_window: bool
    is_constant: bool
    is_column: bool


class ExpressionError(ValueError):
    """The text is not one SQL expression; the message says why."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parse one expression. Raises ExpressionError when the text is not exactly one."""
    tree = _tree(text)
    nodes = list(_walk(tree))
    for node in nodes:
        if node.get("class") == "SUBQUERY":
            raise ExpressionError("a mapping can't query other tables; use joins: for other files")
        if node.get("class") == "FUNCTION" and node.get("function_name", "").lower() in _FORBIDDEN:
            raise ExpressionError(f"{node['function_name']}() is not allowed in a mapping")
        if node.get("class") == "COLUMN_REF" and node["column_names"][-1].lower() in _CLOCKS:
            raise ExpressionError(f"{node['column_names'][-1]} is not allowed in a mapping: it differs at each landing")
    columns = tuple(tuple(n["column_names"]) for n in nodes if n.get("class") == "COLUMN_REF")
    return Expression(
        sql=text,
        columns=tuple(dict.fromkeys(columns)),
        has_window=any(n.get("class") == "WINDOW" for n in nodes),
        is_constant=not columns and not any(n.get("class") == "FUNCTION" for n in nodes),
        is_column=tree.get("class") == "COLUMN_REF",
    )


_CLOCKS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
# They read the environment of the process, or give another value at each landing of the same bytes.
_FORBIDDEN = frozenset(
    {"getenv", "getvariable", "random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "now", "current_setting"}
    | {"get_current_timestamp", "today", "transaction_timestamp", "nextval"}
    | _CLOCKS
    | {"current_localtimestamp", "current_localtime", "get_current_time", "read_text", "read_blob", "query"}
)


def shifted(text: str, is_text: Any) -> str:
    """The expression with `text ± interval` made to work: `DATUB + interval 1 day` where DATUB is a text.

    Args:
        text: one expression.
        is_text: called with SQL of an operand; says whether it gives a text.
    """
    tree = _tree(text)
    changed = False
    # Inner ones first: what they give is an operand of the outer ones.
    for node in reversed(list(_walk(tree))):
        if node.get("class") != "FUNCTION" or node.get("function_name") not in ("+", "-"):
            continue
        children = node["children"]
        if len(children) != 2 or not _is_interval(children[1]) or _is_interval(children[0]):
            continue
        if is_text(_sql(children[0])):
            amount = children[1]
            if node["function_name"] == "-":
                amount = _negated(amount)
            node.update(function_name=SHIFT_MACRO, is_operator=False, children=[children[0], amount])
            changed = True
    return _sql(tree) if changed else text


def _negated(amount: dict[str, Any]) -> dict[str, Any]:
    return _tree(f"-({_sql(amount)})")


def _is_interval(node: dict[str, Any]) -> bool:
    if node.get("class") == "FUNCTION":
        return node.get("function_name") in _INTERVAL_FUNCTIONS
    return node.get("class") == "CAST" and node.get("cast_type", {}).get("id") == "INTERVAL"


def _tree(text: str) -> dict[str, Any]:
    # In brackets, as it is going to be used: some names are keywords elsewhere.
    document = _serialized(f"select ({text}\n)")
    if document.get("error"):
        raise ExpressionError(document.get("error_message", "not an SQL expression"))
    statements = document["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    empty = {
        "modifiers": [],
        "where_clause": None,
        "group_expressions": [],
        "having": None,
        "qualify": None,
        "sample": None,
    }
    if (
        node.get("type") != "SELECT_NODE"
        or len(node["select_list"]) != 1
        or node["from_table"]["type"] != "EMPTY"
        or any(node.get(key) != value for key, value in empty.items())
    ):
        raise ExpressionError("not one SQL expression")
    expression: dict[str, Any] = node["select_list"][0]
    if expression.get("class") == "FUNCTION" and expression.get("function_name") == "row":
        raise ExpressionError("not one SQL expression but several")
    if expression.get("class") == "STAR":
        raise ExpressionError("* is not one value")
    return expression


def _sql(expression: dict[str, Any]) -> str:
    template = _serialized("select 1")
    template["statements"][0]["node"]["select_list"] = [{**expression, "alias": ""}]
    row = _parser().execute("select json_deserialize_sql(?::json)", [json.dumps(template)]).fetchone()
    text: str = row[0] if row else ""
    return text.removeprefix("SELECT ").removesuffix(";")


def _serialized(statement: str) -> dict[str, Any]:
    row = _parser().execute("select json_serialize_sql(?)", [statement]).fetchone()
    return json.loads(row[0]) if row else {"error": True}


def _parser() -> duckdb.DuckDBPyConnection:
    # A cursor, because Dagster may land two extracts at once in one process.
    return _shared().cursor()


@lru_cache(maxsize=1)
def _shared() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1, "autoload_known_extensions": False})


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)
