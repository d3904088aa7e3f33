"""One run at a time per home, between real processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mfg_assets.errors import WarehouseError
from mfg_assets.settings import Settings
from mfg_assets.warehouse import lock

HOLDER = """
import sys
from pathlib import Path
from mfg_assets.settings import Settings
from mfg_assets.warehouse import lock
lock.acquire(Settings(home=Path(sys.argv[1])))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_run_is_refused_with_the_holder_and_goes_on_after_its_death(settings: Settings) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.home_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseError, match=f"process {holder.pid}"):
            lock.acquire(settings)
    finally:
        holder.kill()
        holder.wait()
    with lock.held(settings):
        pass


def test_the_holder_may_take_it_again_and_the_outer_block_keeps_it(settings: Settings) -> None:
    with lock.held(settings):
        with lock.held(settings):
            pass
        assert lock.acquire(settings) is False
    assert lock.acquire(settings) is True
    lock.release(settings)
