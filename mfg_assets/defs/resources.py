"""Resources and the executor of every run.

Belongs here: what ops are handed. Doesn't belong here: assets.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from mfg_assets.settings import get_settings
from mfg_assets.warehouse import dbt


class Dbt(DbtCliResource):
    """dbt without the adapter that dagster-dbt opens in this process to ask for row counts and columns.

    Importing dbt here takes seconds, and `table_metadata` reads all of them in one connection.
    """

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


@dg.definitions
def defs() -> dg.Definitions:
    """dbt, and one process for all steps: a process per step costs seconds each and the warehouse has one writer."""
    settings = get_settings()
    os.environ.update(dbt.environment_in_home(settings))
    project_dir = str(settings.dbt_project_dir)
    return dg.Definitions(
        resources={
            "dbt": Dbt(
                project_dir=project_dir,
                profiles_dir=project_dir,
                dbt_executable=dbt.EXECUTABLE,
            )
        },
        executor=dg.in_process_executor,
    )
