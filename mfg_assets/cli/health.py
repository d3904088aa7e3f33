"""One thing that `mfg doctor` looked at, and what it found.

Belongs here: the shape of a finding. Doesn't belong here: looking (`health_machine`, `health_state`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`ok`: nothing to do; `note`: worth knowing; `wrong`: `fix` says how to mend it."""

    area: str
    name: str
    state: Literal["ok", "note", "wrong"]
    detail: str
    fix: str = ""
