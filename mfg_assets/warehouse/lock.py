"""One run at a time per MFG_HOME, held from its first to its last step.

Belongs here: the lock between processes. Doesn't belong here: Dagster's pools, which queue runs before they start.

DuckDB's own lock covers one connection. A run opens several, and between them no other run may change what the next
step reads.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mfg_assets.errors import Problem, WarehouseError
from mfg_assets.settings import Settings

_held: dict[str, int] = {}
_POLL_SECONDS = 0.2


def acquire(settings: Settings, *, wait_seconds: float = 0) -> bool:
    """Take the lock for this process until `release` or the process ends. Taking it again is a no-op.

    Returns:
        True when this call took it, False when this process held it already.

    Raises:
        WarehouseError: another process still holds it after `wait_seconds`.
    """
    path = settings.home_path / "run.lock"
    key = str(path)
    if key in _held:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.read(handle, 64).decode(errors="replace").strip() or "unknown"
                os.close(handle)
                raise WarehouseError(
                    Problem(
                        f"another run (process {holder}) is working in {settings.home_path}",
                        fix="wait until it has ended, or choose another MFG_HOME",
                    )
                ) from None
            time.sleep(_POLL_SECONDS)
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    _held[key] = handle
    return True


def release(settings: Settings) -> None:
    """Give the lock back; a no-op when this process doesn't hold it."""
    handle = _held.pop(str(settings.home_path / "run.lock"), None)
    if handle is not None:
        os.close(handle)


@contextmanager
def held(settings: Settings, *, wait_seconds: float = 0) -> Iterator[None]:
    """The lock for the length of a block; an outer holder keeps it."""
    taken = acquire(settings, wait_seconds=wait_seconds)
    try:
        yield
    finally:
        if taken:
            release(settings)
