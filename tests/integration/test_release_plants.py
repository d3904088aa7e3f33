"""The outbox's step and its sensor are part of the graph exactly where the estate names a receiver."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT
from tests.mini import write_mini

_KEYS = """
from mfg_assets.definitions import defs
loaded = defs()
keys = loaded.resolve_asset_graph().get_all_asset_keys()
print(sorted(key.to_user_string() for key in keys if key.path[0] == "release"))
print(sorted(sensor.name for sensor in loaded.sensors or () if sensor.name == "releases_due"))
"""
TARGET = "releases:\n  - {id: inbox, system: erp, deliver: {type: folder, path: inbox}}\n"


@pytest.mark.parametrize(("targets", "keys", "sensors"), [(TARGET, ["release/outbox"], ["releases_due"]), ("", [], [])])
def test_the_step_is_there_where_somebody_receives(
    tmp_path: Path, targets: str, keys: list[str], sensors: list[str]
) -> None:
    estate = write_mini(tmp_path)
    with (estate / "estate.yaml").open("a") as file:
        file.write(targets)
    done = subprocess.run(
        [sys.executable, "-c", _KEYS],
        env=os.environ | {"MFG_HOME": str(tmp_path / "home"), "MFG_ESTATE": str(estate)},
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
    )
    assert done.stdout.splitlines()[-2:] == [str(keys), str(sensors)], done.stderr
