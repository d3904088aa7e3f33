"""What a real run published reaches a receiver through the command line, and the step is part of the graph."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT
from tests.integration.conftest import mfg

_KEYS = """
from mfg_assets.definitions import defs
loaded = defs()
print(sorted(key.to_user_string() for key in loaded.resolve_asset_graph().get_all_asset_keys()
             if key.path[0] == "release"))
print(sorted(sensor.name for sensor in loaded.sensors or () if sensor.name == "releases_due"))
"""


@pytest.fixture(scope="module")
def environment(mini_pass: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A copy of the small estate and its home, with the ERP as a receiver."""
    folder = tmp_path_factory.mktemp("release") / "mini"
    shutil.copytree(mini_pass, folder, symlinks=True)
    estate = next(path.parent for path in folder.rglob("estate.yaml"))
    with (estate / "estate.yaml").open("a") as file:
        file.write(
            "releases:\n  - {id: inbox, system: erp, deliver: {type: folder, path: inbox, formats: [json, b2mml]}}\n"
        )
    return {"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(estate)}


def test_what_is_open_in_the_published_table_and_nothing_else_comes(environment: dict[str, str]) -> None:
    asked = mfg(environment, "query", "select object_key, gate from plant_release", "--format", "json")
    assert asked.returncode == 0, asked.stderr
    expected = {row["object_key"] for row in json.loads(asked.stdout) if row["gate"] != "held"}
    for _ in range(2):
        done = mfg(environment, "release", "deliver")
        assert done.returncode == 0, done.stdout + done.stderr
    inbox = Path(environment["MFG_HOME"]) / "inbox"
    assert {json.loads(path.read_bytes())["object_key"] for path in inbox.glob("*.json")} == expected
    listed = json.loads(mfg(environment, "release", "list", "--format", "json").stdout)
    assert {(one["object_key"], one["state"]) for one in listed} == {(key, "delivered") for key in expected}
    assert mfg(environment, "audit", "verify").returncode == 0


def test_the_step_and_its_sensor_are_there_where_the_estate_names_a_receiver(
    environment: dict[str, str], mini_pass: Path
) -> None:
    import os

    without = next(path.parent for path in mini_pass.rglob("estate.yaml"))
    for estate, keys in ((environment["MFG_ESTATE"], ["release/outbox"]), (str(without), [])):
        done = subprocess.run(
            [sys.executable, "-c", _KEYS],
            env=os.environ | environment | {"MFG_ESTATE": estate},
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT_ROOT,
        )
        assert done.stdout.splitlines()[-2:] == [str(keys), str(["releases_due"] if keys else [])], done.stderr
