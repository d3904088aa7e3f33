"""Suites as YAML: what may stand in one, and problems that name file and line."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from mfg_assets.errors import QualityError
from mfg_assets.quality import load_suites


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_suite_is_read_with_names_made_from_types_and_columns(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "item",
        """\
        table: canonical.item
        expectations:
          - {type: unique_key, columns: [item_number], severity: blocking, description: One row per item.}
          - {type: expect_column_values_to_not_be_null, column: base_unit, severity: warning, description: Has a unit.}
          - type: unexpected_rows
            name: clean_number
            query: select * from {batch} where not regexp_matches(item_number, '^[A-Z]{{2}}-')
            severity: warning
            description: Numbers start with two letters.
        """,
    )
    (suite,) = load_suites(tmp_path)
    assert [e.name for e in suite.expectations] == ["unique_key", "not_null__base_unit", "clean_number"]
    assert (
        suite.expectations[2].failing_rows("t") == "select * from t where not regexp_matches(item_number, '^[A-Z]{2}-')"
    )


@pytest.mark.parametrize(
    ("entry", "line", "says"),
    [
        ("{type: expect_colum, severity: blocking, description: long enough}", 3, "expect_colum"),
        ("{type: unique_key, columns: [], severity: blocking, description: long enough}", 3, "columns"),
        ("{type: unique_key, columns: [a], severity: fatal, description: long enough}", 3, "severity"),
        ("{type: unique_key, columns: [a], severity: blocking}", 3, "description"),
        ("{type: unique_key, columns: ['a\"; drop'], severity: blocking, description: long enough}", 3, "pattern"),
        ("{type: unique_key, columns: [a], severity: blocking, description: long enough, colums: 1}", 3, "colums"),
        (
            "{type: expect_column_values_to_be_between, column: a, severity: warning, description: long enough}",
            3,
            "min",
        ),
        ("{type: unexpected_rows, name: x, query: select 1, severity: warning, description: long enough}", 3, "batch"),
        (
            "{type: unexpected_rows, name: x, query: 'from {batch} where a ~ ''x{3}''', severity: warning, "
            "description: long enough}",
            3,
            "brace",
        ),
        (
            "{type: unexpected_rows, name: x, query: \"from {batch} where a = ':word'\", severity: warning, "
            "description: long enough}",
            3,
            "colon",
        ),
        ("{type: unexpected_rows, query: 'from {batch}', severity: warning, description: long enough}", 3, "name"),
    ],
)
def test_a_wrong_expectation_is_named_with_file_and_line(tmp_path: Path, entry: str, line: int, says: str) -> None:
    path = _write(tmp_path, "item", f"table: canonical.item\nexpectations:\n  - {entry}\n")
    with pytest.raises(QualityError) as caught:
        load_suites(tmp_path)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.line == line
    assert says in problem.message


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    good = "{type: unique_key, columns: [a], severity: blocking, description: long enough}"
    _write(tmp_path, "a", f"table: canonical.item\nexpectations: [{good}]\n")
    _write(tmp_path, "item", f"table: canonical.item\nexpectations: [{good}, {good}]\n")
    _write(tmp_path, "b", "table: [unclosed\n")
    _write(tmp_path, "c", f"table: no_schema\nexpectations: [{good}]\n")
    _write(tmp_path, "bom_line", "table: canonical.bom_line\nexpectations: []\n")
    _write(tmp_path, "supplier", f"table: canonical.supplier\nexpectations: [{good}]\n")
    with pytest.raises(QualityError) as caught:
        load_suites(tmp_path)
    text = str(caught.value)
    for says in (
        "has another name",
        "two expectations are named unique_key",
        "b.yaml:2",
        "String should match pattern",
        "at least one",
    ):
        assert says in text
    assert len(caught.value.problems) == 5


def test_a_cast_and_an_escaped_colon_may_stand_in_a_query(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "item",
        """\
        table: canonical.item
        expectations:
          - type: unexpected_rows
            name: casts
            query: select a::varchar from {batch} where a::varchar <> '\\:word' and b <> '12:30'
            severity: warning
            description: Casts are no parameters.
        """,
    )
    (suite,) = load_suites(tmp_path)
    assert suite.expectations[0].failing_rows("t") == (
        "select a::varchar from t where a::varchar <> ':word' and b <> '12:30'"
    )


def test_loading_suites_does_not_import_great_expectations() -> None:
    """It takes seconds, and suites are read whenever definitions load."""
    import subprocess

    script = (
        "import sys; from pathlib import Path; from mfg_assets.quality import load_suites, run_suites; "
        "load_suites(Path('expectations')); print('great_expectations' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
