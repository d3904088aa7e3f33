"""Errors meant for people: what is wrong, where, and how to mend it.

Belongs here: exception types that the command line shows without a stack trace.
Doesn't belong here: rejection of single records (those are dead letters, see `ingest`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration or input file.

    `line` is 1-based; `None` where the whole file is meant. `fix` says how to mend it.
    """

    message: str
    path: Path | None = None
    line: int | None = None
    fix: str | None = None

    def __str__(self) -> str:
        where = "" if self.path is None else str(self.path)
        if self.path is not None and self.line is not None:
            where += f":{self.line}"
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} Fix: {self.fix}" if self.fix else text


class MfgError(Exception):
    """A user's mistake or a state that stops the work; shown as text, never as a stack trace."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class UsageError(MfgError):
    """An argument or a setting is wrong: nothing was tried."""


class EstateError(MfgError):
    """The estate (its YAML or code maps) is wrong."""


class ContractError(MfgError):
    """A contract file is wrong: a mistake in this package, not in an estate."""


class SourceError(MfgError):
    """A source file or connection can't be read as its system declares it: the batch is refused whole."""


class TransientSourceError(SourceError):
    """A source that can't be read at this moment and may be readable in the next: worth another try."""


class WarehouseError(MfgError):
    """The warehouse or a published snapshot can't be opened or built."""


class QualityError(MfgError):
    """A suite of expectations is wrong, or can't be run at all."""


class PublicationError(MfgError):
    """A publication was refused or a version can't be found."""
