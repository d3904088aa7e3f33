"""The sensor that publishes what people did to exceptions, on a home that a whole run has built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from mfg_assets.exceptions import ExceptionFilter, act, find
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import get_settings
from tests.ledger_rows import day
from tests.running import Home


@pytest.fixture(scope="module")
def folder(mini_copy: Callable[[str], Home]) -> Iterator[Path]:
    """The mini estate as this process's estate: definitions are made from it when they are imported."""
    folder, environment = mini_copy("sensor")
    before = {name: os.environ.get(name) for name in ("MFG_HOME", "MFG_ESTATE", "DAGSTER_HOME")}
    os.environ |= environment
    get_settings.cache_clear()
    yield folder
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    get_settings.cache_clear()


def test_an_act_asks_for_one_publication_and_nothing_asks_for_none(folder: Path) -> None:
    from mfg_assets.definitions import defs

    sensor = defs().resolve_sensor_def("exceptions_changed")

    def keys() -> list[str | None]:
        with dg.instance_for_test() as instance, dg.build_sensor_context(instance=instance) as context:
            return [r.run_key for r in sensor.evaluate_tick(context).run_requests or []]

    assert keys() == []
    with open_ledger(get_settings()) as ledger:
        first = find(ledger, ExceptionFilter())[0]
        wanted = ExceptionFilter(ids=(first.exception_id,))
        act(ledger, "acknowledge", wanted, actor="ana", reason="seen", at=day(1))
    asked = keys()
    assert len(asked) == 1
    assert keys() == asked, "the same state is asked for once"
