"""Rules of `estate.yaml` that say how urgent an exception is, who owns it and who hears of it when it is late.

Belongs here: the model. Doesn't belong here: applying it (`exceptions.policy`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

# What holds where the estate names no service level for a severity.
DEFAULT_SERVICE_LEVELS: dict[str, timedelta] = {
    "critical": timedelta(hours=4),
    "high": timedelta(days=1),
    "medium": timedelta(days=3),
    "low": timedelta(days=14),
    "info": timedelta(days=30),
}

if TYPE_CHECKING:
    from mfg_assets.estate.models import Estate


def service_seconds(estate: Estate) -> dict[str, int]:
    """Severity → seconds until an exception of it is overdue."""
    levels = DEFAULT_SERVICE_LEVELS | {str(k): v for k, v in estate.file.service_levels.items()}
    return {severity: int(level.total_seconds()) for severity, level in levels.items()}
