"""All files of an estate folder, parsed and read as models, with every problem kept.

Belongs here: finding files, and reading each by itself. Doesn't belong here: rules between files (`references`,
`mappings`) and raising (`loader`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mfg_assets.errors import Problem
from mfg_assets.estate.codes import CodeFile, read_code_file
from mfg_assets.estate.document import Document, read_document
from mfg_assets.estate.models import Estate, EstateFile, OwnershipFile
from mfg_assets.estate.systems import SystemFile
from mfg_assets.estate.validate import suggestion, validate

ESTATE_FILE = "estate.yaml"
OWNERSHIP_FILE = "ownership.yaml"


@dataclass
class SystemSource:
    """One file of `systems/`: its id (the file's name), its document, the model, and what was saved of a faulty one."""

    id: str
    document: Document
    model: SystemFile | None
    saved: SystemFile | None


@dataclass
class EstateSource:
    """An estate folder as read. Models are None where their file has problems."""

    path: Path
    estate: Document
    ownership: Document | None
    systems: list[SystemSource]
    codes: list[CodeFile]
    estate_model: EstateFile | None
    saved_estate: EstateFile | None
    ownership_model: OwnershipFile | None
    problems: list[Problem]

    @property
    def plant_ids(self) -> list[str] | None:
        """Ids of all plants as written, also of faulty ones: an error in a plant must not make it unknown elsewhere.

        None when estate.yaml is too broken to tell.
        """
        return self._ids("plants")

    @property
    def role_ids(self) -> list[str] | None:
        """Ids of all roles as written; None when estate.yaml is too broken to tell."""
        return self._ids("roles")

    def _ids(self, section: str) -> list[str] | None:
        part = self.estate.root[section]
        has_faulty_keys = any(len(place) <= 1 for place in self.estate.tainted)
        if part.is_reported or (not part.exists and has_faulty_keys):
            return None
        return [p["id"].value for p in part.items() if isinstance(p["id"].value, str)]

    @property
    def system_kinds(self) -> dict[str, str | None]:
        """Kind of each system by id."""
        return {s.id: s.document.root["kind"].text for s in self.systems}

    def documents(self) -> Iterator[Document]:
        """All YAML files."""
        yield self.estate
        if self.ownership is not None:
            yield self.ownership
        yield from (s.document for s in self.systems)

    def all_problems(self) -> list[Problem]:
        """Everything found so far, by file and line."""
        found = [*self.problems, *(p for d in self.documents() for p in d.problems)]
        found += [p for c in self.codes for p in c.problems]
        order = {d.path: i for i, d in enumerate(self.documents())}
        last = len(order)
        unique = dict.fromkeys(found)
        return sorted(unique, key=lambda p: (order.get(p.path, last) if p.path else -1, str(p.path), p.line or 0))

    def build(self) -> Estate | None:
        """The estate, when every file is sound."""
        systems = {s.id: s.model for s in self.systems if s.model is not None}
        if self.estate_model is None or self.ownership_model is None or len(systems) != len(self.systems):
            return None
        return Estate(
            path=self.path,
            file=self.estate_model,
            ownership=self.ownership_model,
            systems=systems,
            code_maps={c.name: c.code_map() for c in self.codes},
        )


def read_estate(path: Path, environ: Mapping[str, str]) -> EstateSource:
    """Read every file of an estate folder. Raises nothing: what is wrong stands in the result."""
    problems: list[Problem] = []
    folder = path / "systems"
    estate = read_document(path / ESTATE_FILE, environ)
    if not (path / ESTATE_FILE).exists():
        estate.problems[:] = [
            Problem("the file is missing", path / ESTATE_FILE, None, "an estate begins with this file")
        ]
    estate_model, saved = validate(estate, EstateFile)
    ownership, ownership_model = None, OwnershipFile()
    if (path / OWNERSHIP_FILE).exists():
        ownership = read_document(path / OWNERSHIP_FILE, environ)
        ownership_model, _ = validate(ownership, OwnershipFile)
    systems = [_system(file, environ) for file in sorted(folder.glob("*.yaml"))]
    if not systems:
        problems.append(Problem("there is no system", folder, None, "add systems/<id>.yaml for each source system"))
    ids = [s.id for s in systems]
    codes = [read_code_file(file, ids) for file in sorted((path / "codes").glob("*.csv"))]
    problems += _stray_files(path)
    return EstateSource(path, estate, ownership, systems, codes, estate_model, saved, ownership_model, problems)


def _system(file: Path, environ: Mapping[str, str]) -> SystemSource:
    document = read_document(file, environ)
    model, saved = validate(document, SystemFile)
    declared = document.root["system"]
    if declared.text is not None and declared.value != file.stem:
        declared.report(
            f"the system is named {declared.shown!r}, its file {file.name!r}",
            f"rename the file to {declared.shown}.yaml, or the system to {file.stem}",
        )
        model = None
    return SystemSource(file.stem, document, model, saved)


def _stray_files(path: Path) -> Iterator[Problem]:
    """Files that look as if they belonged to the estate but would never be read."""
    known = (ESTATE_FILE, OWNERSHIP_FILE)
    for file in sorted([*path.glob("*.y*ml"), *path.glob("systems/*.yml"), *path.glob("codes/*")]):
        if file.name.startswith("."):
            continue
        if file.parent == path and file.name not in known:
            yield Problem(
                "this file is never read",
                file,
                None,
                suggestion(file.name, known, f"only {' and '.join(known)} stand here; systems stand in systems/"),
            )
        elif file.suffix == ".yml":
            yield Problem("this file is never read", file, None, f"rename it to {file.stem}.yaml")
        elif file.parent.name == "codes" and file.is_file() and file.suffix != ".csv" and file.suffix != ".md":
            yield Problem("this file is never read", file, None, f"code maps are CSV: rename it to {file.stem}.csv")
