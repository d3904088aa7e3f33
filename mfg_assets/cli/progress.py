"""What moves on the screen while a run works.

Belongs here: progress on standard error: a line per layer that moves on a terminal, plain lines elsewhere.
Doesn't belong here: the summary afterwards (summary_view).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mfg_assets.cli.output import console, say
from mfg_assets.safe import printable
from mfg_assets.summary import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


@contextmanager
def reporter() -> Iterator[Callable[[Progress], None]]:
    """A listener for a run's progress, fit for where standard error goes."""
    if not sys.stderr.isatty():
        yield _Lines().on_event
        return
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.fields[layer]:<10}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bars(*columns, console=console(sys.stderr), transient=True) as bars:
        yield _Moving(bars).on_event


# Of a build that takes long nobody should wonder whether it still moves.
_SILENCE_SECONDS = 30.0


class _Lines:
    """One plain line per thing worth a line: whatever failed, and whatever ended with something to say.

    After half a minute without one, the next thing that ended is worth one too, with how many of its layer have.
    """

    def __init__(self) -> None:
        self._began = self._spoke = time.monotonic()
        self._done: dict[str, int] = {}

    def on_event(self, event: Progress) -> None:
        now = time.monotonic()
        if event.state == "failed":
            self._say(now, event, f"failed: {event.detail}")
        elif event.state == "done":
            self._done[event.layer] = self._done.get(event.layer, 0) + 1
            if event.detail:
                self._say(now, event, event.detail)
            elif now - self._spoke >= _SILENCE_SECONDS:
                self._say(now, event, f"{self._done[event.layer]} done")

    def _say(self, now: float, event: Progress, text: str) -> None:
        self._spoke = now
        say(f"{now - self._began:6.1f} s  {event.layer:<10} {event.name}: {text}")


class _Moving:
    """A line per layer: how much is done, and what it is at."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}
        self._open: dict[str, list[str]] = {}
        self._show("start", "loading the graph")

    def on_event(self, event: Progress) -> None:
        if "start" in self._tasks:
            self._bars.remove_task(self._tasks.pop("start"))
        running = self._open.setdefault(event.layer, [])
        if event.state == "started":
            running.append(event.name)
        else:
            self._done[event.layer] = self._done.get(event.layer, 0) + 1
            if event.name in running:
                running.remove(event.name)
        if event.state == "failed":
            say(f"{event.layer} {event.name}: failed: {event.detail}")
        self._finish_earlier(event.layer)
        current = running[-1] if running else event.name
        self._show(event.layer, f"{self._done.get(event.layer, 0)} done · {current}")

    def _show(self, layer: str, text: str) -> None:
        shown = printable(text)
        if layer not in self._tasks:
            self._tasks[layer] = self._bars.add_task(shown, total=None, layer=layer)
        self._bars.update(self._tasks[layer], description=shown)

    def _finish_earlier(self, layer: str) -> None:
        for other, task in self._tasks.items():
            if other != layer and not self._open.get(other):
                self._bars.update(task, total=1, completed=1)
