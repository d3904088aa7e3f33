"""The `dbt` that Dagster and the parse start: dbt itself, working from MFG_HOME.

dbt parses everything anew when a path in its profile differs from that of the last parse. Seen from inside it, every
home has the same paths, so one parse serves all of them.

Belongs here: where dbt starts. Doesn't belong here: what it is told to do (`warehouse.dbt`, defs).
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

from mfg_assets.settings import get_settings


def main() -> None:
    """Run dbt's command line with this process's arguments."""
    if sys.argv[1:] == ["--version"]:
        # dbt's own answer loads its adapters and asks the package index for news; Dagster wants the number only.
        print(version("dbt-core"))  # noqa: T201 - the answer
        return
    os.chdir(get_settings().home_path)
    from dbt.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
