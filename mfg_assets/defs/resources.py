"""Resources and the executor of every run.

Belongs here: what ops are handed. Doesn't belong here: assets.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from mfg_assets.settings import get_settings
from mfg_assets.warehouse import dbt


@dg.definitions
def defs() -> dg.Definitions:
    """dbt, and one process for all steps: a process per step costs seconds each and the warehouse has one writer."""
    settings = get_settings()
    os.environ.update(dbt.environment(settings))
    project_dir = str(settings.dbt_project_dir)
    return dg.Definitions(
        resources={
            "dbt": DbtCliResource(
                project_dir=project_dir,
                profiles_dir=project_dir,
                dbt_executable=str(Path(sys.executable).parent / "dbt"),
            )
        },
        executor=dg.in_process_executor,
    )
