"""Every numbered rule of the semantics has a test that names it.

`test_rule_11_…`, `test_rule_23_24_…`, `test_rule_08_and_09_…` and `test_rule_08_to_15_…` name rules, in Python as in
dbt's unit tests.
"""

from __future__ import annotations

import re

import pytest

from mfg_assets.settings import PROJECT_ROOT

NAMED = re.compile(r"\btest_rule_(\d\d)((?:_(?:(?:and|to)_)?\d\d)*)(?!\d)")
RULES = range(1, 39)
STRUCTURE = range(1, 22)


def rules_named(folder: str, pattern: str) -> set[int]:
    """Numbers in the names of tests below a folder."""
    found: set[int] = set()
    for path in (PROJECT_ROOT / folder).rglob(pattern):
        for first, more in NAMED.findall(path.read_text(encoding="utf-8")):
            numbers = [int(first)]
            for word, number in re.findall(r"_(?:(and|to)_)?(\d\d)", more):
                numbers += range(numbers[-1] + 1, int(number) + 1) if word == "to" else [int(number)]
            found.update(numbers)
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_test_names_the_rule(rule: int) -> None:
    assert rule in rules_named("tests", "test_*.py") | rules_named("dbt_project/models", "*.yml")


@pytest.mark.parametrize("rule", STRUCTURE)
def test_a_rule_of_structure_is_tried_end_to_end(rule: int) -> None:
    assert rule in rules_named("tests/integration", "test_*.py")
