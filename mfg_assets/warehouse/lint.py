"""sqlfluff over the project's models and tests, asked again only of what changed since it found nothing.

It needs a second or more for each file. What it says of one follows from the file, the macros that it is written with,
and the rules.

Belongs here: which files are asked of, and remembering the answer. Doesn't belong here: the rules (pyproject.toml).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from mfg_assets.settings import PROJECT_ROOT


def lint(project: Path, ask: Callable[[Sequence[str]], int]) -> int:
    """Ask sqlfluff of what it has not found in order yet. Returns its exit code, 0 when there was nothing to ask.

    Args:
        project: the dbt project.
        ask: starts sqlfluff with paths within the project.
    """
    remembered = project / "target" / ".linted.json"
    clean = set(json.loads(remembered.read_text())) if remembered.is_file() else set()
    common = _common(project)
    digests = {
        path.relative_to(project).as_posix(): _digest(common, path)
        for folder in ("models", "tests")
        for path in sorted((project / folder).rglob("*.sql"))
    }
    asked = [name for name, digest in digests.items() if digest not in clean]
    if not asked:
        print(f"sqlfluff found nothing in these {len(digests)} files before.")  # noqa: T201 - a command line
        return 0
    code = ask(asked)
    if code == 0:
        remembered.parent.mkdir(exist_ok=True)
        remembered.write_text(json.dumps(sorted(digests.values())))
    return code


def _common(project: Path) -> bytes:
    """What the answer for every file depends on."""
    digest = hashlib.sha256(version("sqlfluff").encode())
    rules = (project / "dbt_project.yml", PROJECT_ROOT / "pyproject.toml")
    for path in (*sorted((project / "macros").rglob("*.sql")), *rules):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.digest()


def _digest(common: bytes, path: Path) -> str:
    return hashlib.sha256(common + path.name.encode() + path.read_bytes()).hexdigest()
