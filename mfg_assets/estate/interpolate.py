"""`${VAR}` and `${VAR:-default}` in texts of the estate.

Belongs here: replacing names by environment values. Doesn't belong here: reading files or the environment itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\$(?:(?P<escaped>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<broken>\{[^}]*\}?))"
)


@dataclass(frozen=True)
class Interpolated:
    """A text after replacement: the variables it named, those that have no value, and references that are no names."""

    text: str
    variables: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def interpolate(text: str, environ: Mapping[str, str]) -> Interpolated:
    """Replace `${VAR}` and `${VAR:-default}`; `$$` stands for one dollar sign, any other `$` for itself.

    As in a shell, the default counts where the variable is unset or empty, and a replaced value is not looked at again:
    a value that happens to hold `${…}` stays as it is. A variable without value and default is left in the text.
    """
    variables: list[str] = []
    missing: list[str] = []
    broken: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["broken"] is not None:
            broken.append(match[0])
            return match[0]
        name, default = match["name"], match["default"]
        variables.append(name)
        value = environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            missing.append(name)
            return match[0]
        return value

    replaced = _TOKEN.sub(replace, text)
    return Interpolated(replaced, tuple(variables), tuple(missing), tuple(broken))
