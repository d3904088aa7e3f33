"""However an estate is spoilt, checking it ends with problems that point into its files, never with a stack trace."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mfg_assets.errors import EstateError
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.settings import Settings
from tests.contract.estate_files import FILES, write_estate

CONFIGURATION = [name for name in FILES if not name.startswith("data/")]
YAMLS = [name for name in CONFIGURATION if name.endswith(".yaml")]
FUZZ = profile(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    st.sampled_from(["", "${X}", "*", "a.b", "P100", "item", "../x", "[", "'", "erp_eu", "(", "{stem}", "0 0 * * *"]),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=2),
    st.dictionaries(st.sampled_from(["id", "name", "sql", "x"]), st.one_of(st.none(), st.text(max_size=3)), max_size=2),
)


def judge(estate: Path, limits: Settings) -> None:
    """Check the estate both ways; each problem must lie in a file of the estate, at a line that it has."""
    problems = collect_problems(estate, limits, sources=False, environ={})
    for problem in problems:
        assert problem.path is not None
        assert problem.path.is_relative_to(estate)
        if problem.line is not None:
            assert 1 <= problem.line <= problem.path.read_bytes().count(b"\n") + 1
    if all(p.message.startswith(("nobody owns", "these owners don't deliver")) for p in problems):
        load_estate(estate, {})
        return
    with pytest.raises(EstateError) as raised:
        load_estate(estate, {})
    assert {(p.path, p.message) for p in raised.value.problems} <= {(p.path, p.message) for p in problems}


@FUZZ
@given(st.sampled_from(CONFIGURATION), st.randoms(use_true_random=False))
def test_spoilt_lines(tmp_path_factory: Any, settings: Settings, name: str, chance: random.Random) -> None:
    estate = write_estate(tmp_path_factory.mktemp("estate"))
    lines = FILES[name].splitlines(keepends=True)
    at = chance.randrange(len(lines))
    line = lines[at]
    cut = chance.randrange(len(line))
    lines[at] = chance.choice(
        ["", line * 2, line[:cut], line[cut:], line[:cut] + chance.choice("\"'{}[]:,#&*!|>\t\x00é$ -") + line[cut:]]
    )
    (estate / name).write_text("".join(lines), encoding="utf-8")
    judge(estate, settings)


@FUZZ
@given(st.sampled_from(YAMLS), st.randoms(use_true_random=False), ODD)
def test_values_of_another_shape(
    tmp_path_factory: Any, settings: Settings, name: str, chance: random.Random, odd: Any
) -> None:
    estate = write_estate(tmp_path_factory.mktemp("estate"))
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(FILES[name])
    container, key = data, chance.choice(list(data))
    while isinstance(container[key], dict | list) and container[key] and chance.random() < 0.8:
        container = container[key]
        key = chance.choice(list(container)) if isinstance(container, dict) else chance.randrange(len(container))
    container[key] = odd
    written = io.StringIO()
    yaml.dump(data, written)
    (estate / name).write_text(written.getvalue(), encoding="utf-8")
    judge(estate, settings)
