"""A process of its own that lands a feed and may be made to die at a step of it.

Belongs here: running and dying. Doesn't belong here: expectations (`test_landing_kill`).

Usage: landing_process.py ESTATE HOME [STEP]; STEP is one of STEPS.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Function of the landing module → before or after it is called the process dies.
STEPS = {
    "before reading": ("read_delivery", "before"),
    "after reading": ("read_delivery", "after"),
    "before the dead letters": ("_commit", "before"),
    "after the first sync": ("_sync", "after"),
    "before the manifest": ("write_manifest", "before"),
    "after the manifest": ("write_manifest", "after"),
    "after the commit": ("_commit", "after"),
}


def dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def main(estate: Path, home: Path, step: str | None) -> None:
    from mfg_assets.estate.loader import load_estate
    from mfg_assets.ingest import landing
    from mfg_assets.settings import Settings

    if step is not None:
        name, when = STEPS[step]
        setattr(landing, name, dying(getattr(landing, name), when))
    print("ready", flush=True)  # noqa: T201
    result = landing.land_extract(
        load_estate(estate), "src", "feed", Settings(home=home, memory_limit="1GB", threads=2)
    )
    print(len(result.batches), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
