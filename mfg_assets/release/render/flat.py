"""A message as CSV: one row for each line that is to be held, or one for what is to be removed.

Belongs here: the columns. Doesn't belong here: what a spreadsheet must not take for a formula (`safe`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from mfg_assets.safe import csv_cell

ENVELOPE = (
    "idempotency_key",
    "kind",
    "target_system",
    "plant_id",
    "object_type",
    "object_key",
    "sequence",
    "correlation_id",
    "published_version",
)
CHANGE = ("key", "cause", "change_numbers", "effective_from", "act")
LINE = (
    "alternative",
    "position",
    "quantity_per",
    "unit",
    "is_fixed_quantity",
    "scrap_fraction",
    "scrap_method",
    "assembly_scrap_fraction",
    "is_phantom",
    "alternate_group",
    "alternate_priority",
    "reference_designators",
    "component_revision",
    "line_effective_from",
    "line_effective_to",
)
VALUE = ("before", "after")
COLUMNS = (*ENVELOPE, *CHANGE, *LINE, *VALUE)
# In lines these are called as in the change itself.
_RENAMED = {"effective_from": "line_effective_from", "effective_to": "line_effective_to"}


def flat(message: Mapping[str, Any]) -> bytes:
    """RFC 4180 with a header. `act` is set or remove; a component with several periods has a row for each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in _rows(message):
        writer.writerow([csv_cell(row.get(name)) for name in COLUMNS])
    return out.getvalue().encode()


def _rows(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    envelope = {name: message[name] for name in ENVELOPE}
    for change in message["changes"]:
        row = envelope | {
            "key": change["key"],
            "cause": change["cause"],
            "change_numbers": " ".join(change["change_numbers"]),
            "effective_from": change["effective_from"],
            "act": "remove" if change["after"] is None else "set",
        }
        if message["object_type"] != "bom_header":
            yield row | {"before": change["before"], "after": change["after"]}
        elif change["after"] is None:
            yield row
        else:
            for line in change["after"]:
                yield row | {_RENAMED.get(str(name), str(name)): value for name, value in line.items()}
