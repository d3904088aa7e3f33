"""Dagster's UI with daemon for one MFG_HOME.

Belongs here: the command. Doesn't belong here: what it shows.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mfg_assets.defs import instance
from mfg_assets.settings import Settings
from mfg_assets.warehouse import dbt

# The UI has no password of its own, so it is never bound to anything but this machine.
HOST = "127.0.0.1"


def serve(settings: Settings, *, port: int = 3000) -> int:
    """Run UI, daemon, schedules and sensors until interrupted. Returns the exit code."""
    instance.ensure(settings)
    dbt.ensure_parsed(settings)
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-m", "mfg_assets.definitions"]
    command += ["--host", HOST, "--port", str(port)]
    environment = os.environ | {
        "MFG_HOME": str(settings.home_path),
        "MFG_ESTATE": str(settings.estate_path),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    process = subprocess.Popen(command, env=environment, cwd=settings.dagster_dir)  # noqa: S603 - a fixed command
    try:
        return process.wait()
    except KeyboardInterrupt:
        # Dagster ends its children itself when it is asked to.
        process.send_signal(signal.SIGINT)
        process.wait()
        return 0
