"""Prepare a new Superset: tables, administrator, bundle. Runs in Superset's environment, in one process.

Belongs here: what needs Superset's own code. Doesn't belong here: starting and stopping (`start`), what is shown.

The bundle names no server and holds no password; both come by the environment: MFG_DASHBOARDS_URL for the database,
MFG_DASHBOARDS_PASSWORD for the administrator.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

ADMINISTRATOR = "admin"


def main(bundle: Path) -> None:
    """Make the metadata database and import the bundle into it, overwriting what is there."""
    from superset.app import create_app  # pyright: ignore[reportMissingImports]

    application = create_app()
    logging.getLogger().setLevel(logging.WARNING)
    with application.app_context():
        _migrate()
        _administrator(application)
        _import(bundle)


def _migrate() -> None:
    import flask_migrate  # pyright: ignore[reportMissingModuleSource]

    flask_migrate.upgrade()


def _administrator(application: object) -> None:
    from superset.extensions import appbuilder, security_manager  # pyright: ignore[reportMissingImports]

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    made = security_manager.add_user(
        ADMINISTRATOR,
        "Plant",
        "Engineer",
        "admin@example.com",
        security_manager.find_role("Admin"),
        os.environ["MFG_DASHBOARDS_PASSWORD"],
    )
    if not made:
        raise SystemExit("the administrator could not be made")


def _import(bundle: Path) -> None:
    import yaml
    from superset.commands.dashboard.importers.v1 import ImportDashboardsCommand  # pyright: ignore[reportMissingImports]
    from superset.extensions import security_manager  # pyright: ignore[reportMissingImports]
    from superset.utils.core import override_user  # pyright: ignore[reportMissingImports]

    contents = {}
    for file in sorted(bundle.rglob("*.yaml")):
        name, text = file.relative_to(bundle).as_posix(), file.read_text(encoding="utf-8")
        if name.startswith("databases/"):
            text = yaml.safe_dump(yaml.safe_load(text) | {"sqlalchemy_uri": os.environ["MFG_DASHBOARDS_URL"]})
        contents[name] = text
    with override_user(security_manager.find_user(ADMINISTRATOR)):
        ImportDashboardsCommand(contents, overwrite=True).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
