"""`mfg check` on a system that is a database: its keys, its URL, its tables, and the expressions over their columns."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from mfg_assets.errors import EstateError
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.schema import json_schema
from mfg_assets.settings import Settings
from tests.contract.estate_files import edit, line_of, write_estate

MES = "systems/mes_p100.yaml"
SYSTEM = """\
system: mes_p100
kind: mes
plants: [P100]
timezone: Europe/Berlin
connector:
  type: sql
  url: "${MES_URL:-sqlite:///data/mes.sqlite}"
extracts:
  orders:
    entity: production_order
    from: orders
    delivery: delta
    cursor: {column: changed_at, overlap: 15m}
    columns:
      production_order_number: order_no
      plant_id: "'P100'"
      item_number: item
      quantity: qty
      unit: uom
      status: {sql: state, codes: order_status}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    estate = write_estate(tmp_path / "estate")
    (estate / MES).write_text(SYSTEM)
    with sqlite3.connect(estate / "data" / "mes.sqlite") as db:
        db.execute("create table orders (order_no, item, qty, uom, state, changed_at)")
    return estate


def only(estate: Path, settings: Settings, *, sources: bool = True, **environ: str) -> tuple[int | None, str, str]:
    problems = collect_problems(estate, settings, sources=sources, environ=environ)
    assert len(problems) == 1, [str(p) for p in problems]
    (one,) = problems
    assert one.path == estate / MES
    return one.line, one.message, one.fix or ""


def test_the_sound_estate_has_no_problem_and_pleases_the_schema(estate: Path, settings: Settings) -> None:
    assert collect_problems(estate, settings, environ={}) == []
    connector = load_estate(estate, {}).systems["mes_p100"].connector
    assert connector.type == "sql"
    jsonschema.validate(YAML(typ="safe", pure=True).load(SYSTEM), json_schema("system"))


@pytest.mark.parametrize(
    ("old", "new", "at", "message", "fix"),
    [
        ("type: sql", "type: sqll", "type:", "type: 'sqll' is not one of files, sql", "did you mean sql?"),
        ("  type: sql\n", "", "connector:", "the key 'type' is missing", "add type: files | sql"),
        ("  url:", "  schem: x\n  url:", "schem:", "unknown key 'schem'", "did you mean schema?"),
        ("  type: sql", "  path: x\n  type: sql", "path:", "unknown key 'path'", "the keys here are type, url, schema"),
        ("sqlite:///data/mes.sqlite", "mes.sqlite", "url:", "the URL of the database can't be read", "dialect://"),
        (
            "${MES_URL:-sqlite:///data/mes.sqlite}",
            "sqlite://me:s3cret@/data/mes.sqlite",
            "url:",
            "the password stands in",
            "${NAME}",
        ),
        ("sqlite:///data/mes.sqlite", "sqlite://", "url:", "a database in memory holds nothing", "name the file"),
        ("    from: orders\n", "", "orders:", "neither from nor query is given", "give one"),
        ("from: orders", "from: orders\n    query: select 1", "orders:", "both from and query are given", "give one"),
        ("from: orders", "query: delete from orders", "query:", "the query is no SELECT", "begin with select"),
        ("delivery: delta", "delivery: snapshot", "cursor:", "a snapshot reads everything", "remove cursor"),
        ("delivery: delta", "delivery: delta\n    batch_by: all", "batch_by:", "batch_by is for files", "one delivery"),
        (
            "from: orders",
            "from: orders\n    options: {encoding: cp1252}",
            "options:",
            "encoding is for files",
            "decimal",
        ),
        ("overlap: 15m", "overlap: soon", "cursor:", "overlap: 'soon' is not a duration", ""),
        ("overlap: 15m", "overlap: -5", "cursor:", "overlap: -5 is neither a duration", ""),
        ("column: changed_at, ", "", "cursor:", "the key 'column' is missing", "add column:"),
    ],
)
def test_one_mistake_is_one_problem(
    estate: Path, settings: Settings, old: str, new: str, at: str, message: str, fix: str
) -> None:
    edit(estate, MES, old, new)
    line, found, mend = only(estate, settings)
    assert line == line_of(estate, MES, at)
    assert found.startswith(message)
    assert fix in mend
    assert "s3cret" not in found + mend
    with pytest.raises(EstateError):
        load_estate(estate, {})


@pytest.mark.parametrize(("key", "value"), [("query", "select 1"), ("cursor", "{column: a}")])
def test_files_have_neither_query_nor_cursor(tmp_path: Path, settings: Settings, key: str, value: str) -> None:
    estate = write_estate(tmp_path / "estate")
    edit(estate, MES, "delivery: delta", f"delivery: delta\n    {key}: {value}")
    line, message, _ = only(estate, settings)
    assert (line, message) == (line_of(estate, MES, f"{key}:"), f"{key!r} is for databases, this system delivers files")


def test_files_need_a_pattern(tmp_path: Path, settings: Settings) -> None:
    estate = write_estate(tmp_path / "estate")
    edit(estate, MES, '    from: "orders_*.csv"\n', "")
    line, message, fix = only(estate, settings)
    assert (line, message) == (line_of(estate, MES, "orders:"), "the key 'from' is missing")
    assert fix == "add from: file pattern, relative to the connector's folder"


def test_a_database_that_is_not_there(estate: Path, settings: Settings) -> None:
    (estate / "data" / "mes.sqlite").unlink()
    line, message, _ = only(estate, settings)
    assert line == line_of(estate, MES, "url:")
    assert message == f"the database {estate / 'data/mes.sqlite'} does not exist"


def test_a_server_that_is_not_there(estate: Path, settings: Settings) -> None:
    line, message, _ = only(estate, settings, MES_URL="postgresql://me:s3cret@127.0.0.1:1/mes")
    assert line == line_of(estate, MES, "url:")
    assert message.startswith("the database postgresql 127.0.0.1:1/mes fails: ")
    assert "s3cret" not in message


def test_a_database_without_driver(estate: Path, settings: Settings) -> None:
    _, message, fix = only(estate, settings, MES_URL="oracle+oracledb://me:s3cret@127.0.0.1/mes")
    assert message.startswith("there is no driver for oracle+oracledb")
    assert fix.startswith("install the driver's package")


@pytest.mark.parametrize(
    ("old", "new", "at", "message", "fix"),
    [
        (
            "from: orders",
            "from: order",
            "from:",
            "orders: 'order' can't be read: no such table",
            "did you mean orders?",
        ),
        (
            "from: orders",
            "query: select * from order1",
            "query:",
            "orders: the query can't be read: no such",
            "correct",
        ),
        (
            "column: changed_at",
            "column: changed",
            "from:",
            "orders: 'orders' can't be read: no such column",
            "changed_at",
        ),
        ("quantity: qty", "quantity: qti", "quantity:", "columns.quantity: ", "did you mean qty?"),
        ("quantity: qty", "quantity: amount", "quantity:", "columns.quantity: ", "the table has the columns order_no"),
    ],
)
def test_what_the_database_does_not_have(
    estate: Path, settings: Settings, old: str, new: str, at: str, message: str, fix: str
) -> None:
    edit(estate, MES, old, new)
    line, found, mend = only(estate, settings)
    assert line == line_of(estate, MES, at)
    assert found.startswith(message)
    assert fix in mend


def test_doctor_names_the_database(estate: Path, tmp_path: Path) -> None:
    from mfg_assets.cli import health_state

    settings = Settings(home=tmp_path / "home", estate=estate)
    found = {f.name: (f.state, f.detail) for f in health_state.estate(settings)}
    assert found["mes_p100"] == ("ok", "reads sqlite data/mes.sqlite")
    (estate / "data" / "mes.sqlite").unlink()
    found = {f.name: (f.state, f.detail) for f in health_state.estate(settings)}
    assert found["mes_p100"][0] == "wrong"
