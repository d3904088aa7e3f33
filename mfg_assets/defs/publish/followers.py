"""Steps after publication that bring somebody outside to the version in force: a database, plants' systems.

Belongs here: their place in the graph, and what they tell of themselves. Doesn't belong here: what each of them does.

Whoever can't be reached fails a check and no run: the version is published, and files are served.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from mfg_assets.defs import common
from mfg_assets.defs.publish.assets import REPORT_KEY
from mfg_assets.defs.warehouse.models import DOWNSTREAM


@dataclass(frozen=True)
class Follower:
    """One such step: an asset in a group of its own, with a check that says what it `promises`."""

    key: dg.AssetKey
    kind: str
    description: str
    check: str
    promises: str

    def step(self, name: str) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Make a function that yields `checked` and `brought` the step."""
        spec = dg.AssetSpec(
            self.key,
            # The page is made for every version: tables that didn't change would let this step be skipped.
            deps=[REPORT_KEY],
            group_name=self.key.path[0],
            kinds={self.kind},
            description=self.description,
            automation_condition=DOWNSTREAM,
            skippable=True,
        )
        check = dg.AssetCheckSpec(self.check, asset=self.key, description=self.promises)
        return dg.multi_asset(name=name, specs=[spec], check_specs=[check], pool=common.WAREHOUSE_POOL)

    def checked(self, *, problem: str | None = None, said: str | None = None) -> dg.AssetCheckResult:
        """The check's result; a problem fails it."""
        return dg.AssetCheckResult(
            passed=problem is None,
            check_name=self.check,
            asset_key=self.key,
            severity=dg.AssetCheckSeverity.WARN,
            description=problem or said,
        )

    def brought(self, metadata: Mapping[str, str | int]) -> dg.MaterializeResult:
        """Something was written or sent."""
        return dg.MaterializeResult(asset_key=self.key, metadata=dict(metadata))
