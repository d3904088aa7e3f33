"""Observes, acts and replays, and dies, for test_act_kill.py; orders as publishing_process.py takes them.

Usage: acting_process.py, then `STEP WORK ROOT` a line: WORK is observe, act or replay on the ledger and the feed under
ROOT. Steps are each statement given to a database and each call of the operating system that may change a file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from publishing_process import Steps, serve

from mfg_assets.exceptions import ExceptionFilter, act
from mfg_assets.ingest import letters
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings
from tests.ingest_feed import Feed
from tests.ledger_rows import day, identity, see, sighting


def _child(line: str, answer: int) -> None:
    order, work, root = line.split(" ", 2)
    settings = Settings(home=Path(root) / "home", threads=1, memory_limit="500MB")  # pyright: ignore[reportCallIssue]
    steps = Steps.of(order)
    with open_ledger(settings) as ledger:
        sys.setprofile(steps)
        match work:
            case "observe":
                # Of A and B, only B is still there, and C is new.
                see(ledger, [sighting("B", evidence='{"n": 2}'), sighting("C")], at=day(2), inputs="second")
            case "act":
                wanted = ExceptionFilter(ids=(identity("A"), identity("B")))
                act(ledger, "assign", wanted, actor="ana", reason="hers", at=day(1), assignee="ana", request_id="r1")
            case _:
                feed = Feed(Path(root), settings, codes={"units": "system,native,code\n*,EA,EA\n*,KAR,XCT\n"})
                estate = feed.estate()
                chosen = [m for m in feed.letters() if "unknown_unit" in m["reasons"]]
                letters.replay(estate, settings, ledger, chosen, actor="ana", why="KAR is known", at=day(1))
        sys.setprofile(None)
    os.write(answer, f" after {steps.seen} steps".encode())


if __name__ == "__main__":
    serve(_child)
