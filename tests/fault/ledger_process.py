"""A process that acts on a ledger until it is killed, or once; started by tests.

Usage: ledger_process.py comment URL ID       comments with request ids 0, 1, 2 …; prints each once it is answered
       ledger_process.py race URL ID NAME N   assigns to NAME N times, each time from the version it has seen
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import count

from mfg_assets.exceptions import ExceptionFilter, act, show
from mfg_assets.ledger import ConflictError, Ledger


def comment(ledger: Ledger, exception_id: str) -> None:
    for number in count():
        act(
            ledger,
            "comment",
            ExceptionFilter(ids=(exception_id,)),
            actor="worker",
            reason=str(number),
            at=datetime.now(UTC),
            request_id=f"request-{number}",
        )
        print(number, flush=True)  # noqa: T201 - the test reads it


def race(ledger: Ledger, exception_id: str, name: str, times: int) -> None:
    won = 0
    while won < times:
        version = show(ledger, exception_id)[0].version
        try:
            act(
                ledger,
                "assign",
                ExceptionFilter(ids=(exception_id,)),
                actor=name,
                reason=f"{name} saw {version}",
                at=datetime.now(UTC),
                assignee=name,
                expected_version=version,
            )
        except ConflictError:
            continue
        won += 1
    print(won, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    what, url, identity, *rest = sys.argv[1:]
    opened = Ledger(url)
    if what == "comment":
        comment(opened, identity)
    else:
        race(opened, identity, rest[0], int(rest[1]))
