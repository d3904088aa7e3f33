"""`mfg` as a person runs it.

Belongs here: starting it. Doesn't belong here: homes that it has run in (conftest).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mfg_assets.settings import PROJECT_ROOT

# A folder with an estate and a home, and the environment in which `mfg` finds both.
Home = tuple[Path, dict[str, str]]


def mfg(environment: dict[str, str], *arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "mfg"), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=PROJECT_ROOT,
    )
