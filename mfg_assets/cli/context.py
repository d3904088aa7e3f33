"""What every command shares: the settings of this call, and the estate when it needs one.

Belongs here: global options. Doesn't belong here: options of single commands.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mfg_assets.errors import MfgError, Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.estate.models import Estate
    from mfg_assets.settings import Settings

# Set, not passed on: Dagster's definitions and child processes read their settings from the environment.
HOME = "MFG_HOME"
ESTATE = "MFG_ESTATE"


def choose(estate: Path | None, home: Path | None) -> None:
    """Take `--estate` and `--home` for this process and all that it starts."""
    for name, path in ((ESTATE, estate), (HOME, home)):
        if path is not None:
            os.environ[name] = str(path.expanduser().absolute())
            _forget_settings()


def _forget_settings() -> None:
    from mfg_assets.settings import get_settings

    get_settings.cache_clear()


def settings() -> Settings:
    """The settings of this call.

    Raises:
        UsageError: a variable has a value that it can't have.
    """
    from pydantic import ValidationError

    from mfg_assets.settings import get_settings

    try:
        return get_settings()
    except ValidationError as error:
        raise UsageError(
            *(
                Problem(
                    f"MFG_{'_'.join(str(part) for part in one['loc']).upper()}: {one['msg']}, not {one['input']!r}",
                    fix="correct the environment variable, or unset it for its default",
                )
                for one in error.errors(include_url=False, include_context=False)
            )
        ) from None


def home_folder() -> Path | None:
    """MFG_HOME for the log of an unexpected error, also when the settings themselves are the trouble."""
    try:
        return settings().home_path
    except MfgError:
        return None


def estate() -> Estate:
    """The validated estate. Raises MfgError when none is chosen, EstateError with every problem when it is wrong."""
    from mfg_assets.estate.loader import load_estate

    return load_estate(settings().estate_path)


def estate_if_chosen() -> Estate | None:
    """The estate, or None when none is chosen: for commands that can do without."""
    return estate() if settings().estate is not None else None
