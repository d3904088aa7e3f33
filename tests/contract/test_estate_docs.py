"""docs/estate.md: its example is a sound estate, and its reference has every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfg_assets.estate import models, releases, systems
from mfg_assets.estate.base import Model
from mfg_assets.estate.check import collect_problems
from mfg_assets.settings import PROJECT_ROOT, Settings

GUIDE = (PROJECT_ROOT / "docs" / "estate.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```\w+ title=(\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
# What a person writes; the other models are what the loader makes of it.
WRITTEN = [
    m
    for m in {**vars(models), **vars(systems), **vars(releases)}.values()
    if isinstance(m, type) and issubclass(m, Model) and m not in (Model, models.Estate, models.CodeMap)
]


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for name, text in EXAMPLES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("sources", [False, True], ids=["estate alone", "with source files"])
def test_the_example_is_a_sound_estate(example: Path, settings: Settings, sources: bool) -> None:
    assert {Path(name).parts[0] for name, _ in EXAMPLES} == {
        "estate.yaml", "ownership.yaml", "systems", "codes", "extracts"
    }  # fmt: skip
    assert collect_problems(example, settings, sources=sources, environ={}) == []


@pytest.mark.parametrize("model", WRITTEN, ids=lambda model: model.__name__)
def test_the_reference_has_every_key(model: type[Model]) -> None:
    reference = GUIDE.split("## Reference of keys")[1]
    for name, field in model.model_fields.items():
        key = field.alias or name
        mark = f"**`{key}`**" if field.is_required() else f"`{key}`"
        assert mark in reference, f"{model.__name__}.{key} is not in docs/estate.md as {mark}"


def test_the_reference_has_no_other_key() -> None:
    reference = GUIDE.split("## Reference of keys")[1]
    keys = {field.alias or name for model in WRITTEN for name, field in model.model_fields.items()}
    named = {
        k for row in re.findall(r"^\| (\**`[^|]*) \|", reference, re.MULTILINE) for k in re.findall(r"`(\w+)`", row)
    }
    assert named <= keys
