"""Publishes and dies, for test_publication_kill.py: `python publishing_process.py HOME`, then orders on standard input.

An order `N` forks a child that publishes and sends itself SIGKILL just before its Nth step; `tN` kills the child
N milliseconds after its start; `0` lets it finish. A step is every call that may change a file: each statement given
to DuckDB and each call of the operating system such as rename, link, fsync. The answer, one line each, is `killed` or
`ended CODE`, followed by ` after N steps` when nothing failed. Forking from one warm process makes a hundred deaths
affordable.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from mfg_assets.errors import MfgError
from mfg_assets.publish import PublishedTable, publish
from mfg_assets.settings import Settings

TABLES = [PublishedTable(f"table_{n}", f"marts.table_{n}", ("k",)) for n in range(4)]
STEPS = {"execute", "open", "write", "fsync", "close", "flock"} | {
    "mkdir", "rename", "replace", "link", "symlink", "unlink", "remove", "rmdir", "chmod",
}  # fmt: skip


class Steps:
    """Counts steps, and dies before one of them when told to."""

    def __init__(self, die_before: int | None) -> None:
        self.seen = 0
        self._die_before = die_before

    @classmethod
    def of(cls, order: str) -> Steps:
        return cls(int(order) or None if order.isdigit() else None)

    def __call__(self, _frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ in STEPS:
            self.seen += 1
            if self.seen == self._die_before:
                os.kill(os.getpid(), signal.SIGKILL)


def _child(order: str, home: Path, answer: int) -> None:
    settings = Settings(home=home, threads=1, memory_limit="500MB", keep_versions=2)  # pyright: ignore[reportCallIssue]
    steps = Steps.of(order)
    sys.setprofile(steps)
    publish(settings, TABLES, run_id=f"run-{order}", as_of=datetime(2026, 11, 21, tzinfo=UTC))
    sys.setprofile(None)
    os.write(answer, f" after {steps.seen} steps".encode())


def serve(child: Callable[[str, int], None]) -> None:
    """Answer orders: fork, let the child do its work, and say how it ended."""
    for line in sys.stdin:
        order = line.strip()
        readable, writable = os.pipe()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                child(order, writable)
                code = 0
            except MfgError as error:
                os.write(writable, f": {error}".replace("\n", " ").encode())
            finally:
                os._exit(code)
        os.close(writable)
        if order.startswith("t"):
            time.sleep(int(order[1:].partition(" ")[0]) / 1000)
            os.kill(process, signal.SIGKILL)
        _, ended = os.waitpid(process, 0)
        with os.fdopen(readable) as pipe:
            said = pipe.read()
        answer = "killed" if os.WIFSIGNALED(ended) else f"ended {os.waitstatus_to_exitcode(ended)}{said}"
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(lambda order, answer: _child(order, Path(sys.argv[1]), answer))
