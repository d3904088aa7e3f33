"""Exceptions: every disagreement as something that one role has to mend, once, with a clock and a history.

Belongs here: observing, acting, queues, publishing the table; a service without terminal, web or Dagster in it.
Doesn't belong here: finding disagreements (dbt), the database itself (`ledger`), showing (cli).
"""

from mfg_assets.exceptions.acts import act
from mfg_assets.exceptions.model import (
    SEVERITIES,
    STATES,
    Act,
    ActResult,
    ExceptionEvent,
    ExceptionFilter,
    ExceptionRow,
    ObservationResult,
    QueueCount,
    State,
)
from mfg_assets.exceptions.observe import observe
from mfg_assets.exceptions.observed import OBSERVED_COLUMNS
from mfg_assets.exceptions.queues import count, find, show

__all__ = [
    "OBSERVED_COLUMNS",
    "SEVERITIES",
    "STATES",
    "Act",
    "ActResult",
    "ExceptionEvent",
    "ExceptionFilter",
    "ExceptionRow",
    "ObservationResult",
    "QueueCount",
    "State",
    "act",
    "count",
    "find",
    "observe",
    "show",
]
