"""The estate folder as one validated `Estate`, or an error that names every problem.

Belongs here: the one way in for everybody who needs the estate. Doesn't belong here: checks that open source files
(`check`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mfg_assets.errors import EstateError, Problem
from mfg_assets.estate.mappings import check_mappings
from mfg_assets.estate.models import Estate
from mfg_assets.estate.read import read_estate
from mfg_assets.estate.references import check_references
from mfg_assets.settings import environment


def load_estate(path: Path, environ: Mapping[str, str] | None = None) -> Estate:
    """Read and validate an estate folder.

    Everything that can be known from the estate and the contracts alone is checked, apart from attributes that nobody
    owns: those hide no data, they leave a disagreement without an owner, and `mfg check` reports them.

    Args:
        path: the folder with estate.yaml.
        environ: values for `${VAR}`; the process's environment when None.

    Raises:
        EstateError: with every problem, each with file and line.
    """
    if not path.is_dir():
        raise EstateError(Problem("the estate folder does not exist", path, fix="correct MFG_ESTATE or --estate"))
    source = read_estate(path, environment() if environ is None else environ)
    check_references(source)
    check_mappings(source)
    problems = source.all_problems()
    estate = source.build()
    if problems or estate is None:
        raise EstateError(*problems)
    return estate
