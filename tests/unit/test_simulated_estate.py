"""The estate of a simulation: sound for any number of plants, and every code of a contract has a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mfg_assets.contracts import contract
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.settings import Settings
from mfg_assets.simulate.export import estate
from mfg_assets.simulate.options import Options


@pytest.mark.parametrize("plants", [1, 2, 3, 4])
def test_it_is_sound_with_any_number_of_plants(tmp_path: Path, settings: Settings, plants: int) -> None:
    options = Options.of("small", plants=plants)
    estate.write(tmp_path, options, options.cut)
    assert [str(problem) for problem in collect_problems(tmp_path, settings, sources=False)] == []
    read = load_estate(tmp_path)
    assert len(read.plant_ids) == plants
    assert set(read.systems) == set(estate.systems_of(options))
    assert {plant for system in read.systems.values() for plant in system.plants} == set(read.plant_ids)


def test_its_instant_is_that_of_the_delivery(tmp_path: Path) -> None:
    options = Options.of("small").later(7)
    estate.write(tmp_path, options, options.cut)
    assert load_estate(tmp_path).file.as_of == options.cut


def test_the_same_options_give_the_same_files(tmp_path: Path) -> None:
    options = Options.of("small")
    texts = []
    for name in ("a", "b"):
        estate.write(tmp_path / name, options, options.cut)
        texts.append({str(f.relative_to(tmp_path / name)): f.read_bytes() for f in (tmp_path / name).rglob("*.*")})
    assert texts[0] == texts[1]


def test_every_code_has_a_word_of_its_own_in_every_system(tmp_path: Path) -> None:
    options = Options.of("small")
    estate.write(tmp_path, options, options.cut)
    read = load_estate(tmp_path)
    lacking: list[Any] = []
    for system_id, system in read.systems.items():
        for name, extract in system.extracts.items():
            for column in contract(system.entity_of(name)).columns:
                mapped = extract.columns.get(column.name)
                if not column.enumeration or mapped is None or mapped.codes is None:
                    continue
                codes = {code for own, _, code in read.code_maps[mapped.codes].rows if own in (system_id, "*")}
                lacking += [(system_id, name, column.name, code) for code in set(column.enumeration) - codes]
    assert lacking == []
    for code_map in read.code_maps.values():
        assert len({(system, native) for system, native, _ in code_map.rows}) == len(code_map.rows), code_map.name
