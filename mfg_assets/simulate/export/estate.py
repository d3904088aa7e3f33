"""The estate's own files: plants, ownership, one file for each system, code maps.

Belongs here: putting together what templates and systems' modules say. Doesn't belong here: extracts.

Systems of the ERP and PLM kind describe themselves, from the same dialect that writes their files; the others have
templates.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from mfg_assets.simulate.export import erp_asia, erp_legacy, erp_s4, plm_main, words
from mfg_assets.simulate.export.registry import SYSTEMS
from mfg_assets.simulate.export.writers import write_text

if TYPE_CHECKING:
    from mfg_assets.simulate.options import Options

_TEMPLATES = files("mfg_assets.simulate.export").joinpath("templates")
_SELF_DESCRIBED: tuple[Callable[[], dict[str, Any]], ...] = (
    plm_main.system_file,
    erp_s4.system_file,
    erp_legacy.system_file,
    erp_asia.system_file,
)
CodeRow = tuple[str, str, str, str]
_CODE_ROWS: tuple[Callable[[], list[CodeRow]], ...] = (
    plm_main.DIALECT.code_rows,
    erp_s4.DIALECT.code_rows,
    erp_legacy.DIALECT.code_rows,
    erp_asia.DIALECT.code_rows,
    words.code_rows,
)
_PLANTS_MAP = "plants"
# Mappings of so many values stand in one line.
_SHORT = 3


def write(out: Path, options: Options, cut: datetime, systems: Collection[str] = tuple(SYSTEMS)) -> None:
    """Write `estate.yaml`, `ownership.yaml`, `systems/` and `codes/`.

    Args:
        out: the estate's folder.
        options: of the simulation; plants beyond `options.plants` are left out, with the systems that serve no other.
        cut: instant from which the estate is looked at (UTC).
        systems: only these of them.
    """
    estate = _template("estate.yaml")
    estate["plants"] = estate["plants"][: options.plants]
    estate["as_of"] = cut.isoformat()
    plants = _plants(options)
    described = {name: system for name, system in _systems(plants).items() if name in systems}
    estate["releases"] = [target for target in estate["releases"] if target["system"] in described]
    ownership = _template("ownership.yaml")
    _keep_known(ownership, described, plants)
    for folder in ("systems", "codes"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    write_text(out / "estate.yaml", _dumped(estate))
    write_text(out / "ownership.yaml", _dumped(ownership))
    for name, system in described.items():
        # A blank line before each extract, as people write them.
        text = re.sub(r"(?<!extracts:\n)^(?=  [a-z_]+:$)", "\n", _dumped(system), flags=re.MULTILINE)
        write_text(out / "systems" / f"{name}.yaml", re.sub(r"\n{3,}", "\n\n", text))
    for name, rows in code_maps(described, plants).items():
        lines = ["system,native,code", *(",".join(_field(value) for value in row) for row in rows)]
        write_text(out / "codes" / f"{name}.csv", "".join(f"{line}\n" for line in lines))


def code_maps(systems: Iterable[str], plants: Iterable[str]) -> dict[str, list[tuple[str, str, str]]]:
    """Code map → (system, native, code), sorted, of these systems and plants only."""
    systems, plants = set(systems), set(plants)
    found: dict[str, set[tuple[str, str, str]]] = {}
    for code_map, system, native, code in (row for rows in _CODE_ROWS for row in rows()):
        if system in systems and (code_map != _PLANTS_MAP or code in plants):
            found.setdefault(code_map, set()).add((system, native, code))
    return {name: sorted(rows) for name, rows in sorted(found.items())}


def systems_of(options: Options) -> list[str]:
    """The systems that serve a plant of the simulation."""
    return list(_systems(_plants(options)))


def _plants(options: Options) -> tuple[str, ...]:
    return _all_plants()[: options.plants]


@cache
def _all_plants() -> tuple[str, ...]:
    return tuple(plant["id"] for plant in _template("estate.yaml")["plants"])


@cache
def _systems(plants: tuple[str, ...]) -> dict[str, Any]:
    """The file of each system that serves one of these plants. Nobody changes them: all callers share them."""
    names = sorted(entry.name for entry in _TEMPLATES.joinpath("systems").iterdir() if entry.name.endswith(".yaml"))
    systems = [
        *(_arranged(describe()) for describe in _SELF_DESCRIBED),
        *(_template(f"systems/{name}") for name in names),
    ]
    found = {}
    for system in systems:
        system["plants"] = _arranged([plant for plant in system["plants"] if plant in plants])
        if system["plants"] and system["system"] in SYSTEMS:
            found[system["system"]] = system
    return found


def _keep_known(ownership: Any, systems: dict[str, Any], plants: tuple[str, ...]) -> None:
    """Leave out owners and plants that the estate doesn't have, and rules of which nothing is left."""
    owners = set(systems) | {system["kind"] for system in systems.values()}
    for rule in list(ownership["rules"]):
        for key, known in (("owners", owners), ("plants", set(plants))):
            for name in [name for name in rule.get(key, ()) if name not in known]:
                rule[key].remove(name)
        if not all(rule.get(key, [True]) for key in ("owners", "plants")):
            ownership["rules"].remove(rule)


def _template(name: str) -> Any:
    return _yaml().load(_TEMPLATES.joinpath(*name.split("/")).read_text(encoding="utf-8"))


def _arranged(data: Any) -> Any:
    """Data as people write it: short lists and mappings in one line."""
    if isinstance(data, dict):
        arranged = CommentedMap((key, _arranged(value)) for key, value in data.items())
        if _leaves(data) <= _SHORT:
            arranged.fa.set_flow_style()
        return arranged
    if isinstance(data, list):
        items = CommentedSeq(_arranged(item) for item in data)
        if not any(isinstance(item, dict) for item in data):
            items.fa.set_flow_style()
        return items
    return data


def _leaves(data: Any) -> int:
    """How many values there are, however deep."""
    if isinstance(data, dict | list):
        return sum(_leaves(value) for value in (data.values() if isinstance(data, dict) else data))
    return 1


def _dumped(data: Any) -> str:
    text = io.StringIO()
    _yaml().dump(data, text)
    return text.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _field(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in ',"\n') else value
