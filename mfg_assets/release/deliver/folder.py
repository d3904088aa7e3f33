"""Messages as files: written aside, synced, renamed. A reader sees whole files only.

Belongs here: names and the order of writing. Doesn't belong here: what the files hold (`render`).
"""

from __future__ import annotations

import os
from pathlib import Path

from mfg_assets.estate.releases import Rendering
from mfg_assets.release.deliver.failures import UnreachableError
from mfg_assets.release.model import Sent
from mfg_assets.release.render import SUFFIX, render


class FolderDeliverer:
    """A folder. Readers take files away when they have read them, in the order of their names within an object."""

    def __init__(self, folder: Path, formats: tuple[Rendering, ...]) -> None:
        self.folder = folder
        # JSON comes last: who waits for it finds the others.
        self.formats = sorted(set(formats), key=lambda form: (form == "json", form))

    def deliver(self, sent: Sent) -> None:
        """Write one file for each form. The same message has the same names and bytes: again is a no-op."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for form in self.formats:
                self._write(f"{sent.sequence:06d}-{sent.idempotency_key}{SUFFIX[form]}", render(sent.payload, form))
            _sync(self.folder)
        except OSError as error:
            raise UnreachableError(f"the folder can't be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing is held."""

    def _write(self, name: str, content: bytes) -> None:
        aside = self.folder / f".tmp-{os.getpid()}-{name}"
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.folder / name)
        finally:
            aside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
