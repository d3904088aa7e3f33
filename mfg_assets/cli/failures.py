"""What a person sees when something goes wrong, and the exit code that follows.

Belongs here: turning exceptions into text and codes. Doesn't belong here: raising them.

Exit codes: 0 done, 1 the work found something that stops it, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from mfg_assets.cli.output import say
from mfg_assets.errors import MfgError, Problem, UsageError

STOPPED = 1
WRONG_USE = 2
INTERRUPTED = 130


def exit_code_of(error: MfgError) -> int:
    """1 or 2: a plain MfgError, like UsageError, is about an argument or a setting; other kinds are about the work."""
    return WRONG_USE if isinstance(error, UsageError) or type(error) is MfgError else STOPPED


def show_error(error: MfgError) -> None:
    """Every problem of an error, on standard error."""
    show_problems(error.problems)


def show_problems(problems: tuple[Problem, ...] | list[Problem]) -> None:
    """Each problem as `file:line: what is wrong` with the fix below it."""
    for problem in problems:
        say(f"{location(problem)}{problem.message}")
        if problem.fix:
            say(f"    fix: {problem.fix}")


def location(problem: Problem) -> str:
    """`file:line: `, the file relative to the working folder where it lies below it; empty without a file."""
    if problem.path is None:
        return "error: "
    path = problem.path
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{problem.line}: " if problem.line is not None else f"{path}: "


def show_unexpected(error: BaseException, home: Path | None) -> None:
    """Say in one line what happened and where the trace is. The trace goes to a file of its own."""
    trace = "".join(traceback.format_exception(error))
    path = _write_trace(trace, home)
    summary = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    say(f"error: something unexpected went wrong ({type(error).__name__}: {summary})")
    if path is None:
        say(trace)
    else:
        say(f"    the details are in {path}")
    say("    fix: `mfg doctor` looks for causes; if it finds none, report this with that file")


def _write_trace(trace: str, home: Path | None) -> Path | None:
    stamp = datetime.now(UTC)
    folders = [folder for folder in (home / "logs" if home else None, Path(tempfile.gettempdir())) if folder]
    for folder in folders:
        path = folder / f"mfg-{stamp:%Y%m%dT%H%M%S}-{os.getpid()}.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(
                f"{stamp.isoformat()} Python {sys.version.split()[0]} arguments {sys.argv[1:]!r}\n{trace}",
                encoding="utf-8",
                errors="backslashreplace",
            )
        except OSError as problem:
            logging.getLogger(__name__).debug("no trace in %s: %s", folder, problem)
            continue
        return path
    return None
