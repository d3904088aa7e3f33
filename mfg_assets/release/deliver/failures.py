"""Why a message wasn't delivered. Belongs here: the two ways. Doesn't belong here: what follows from them (`run`)."""

from __future__ import annotations


class RefusedError(Exception):
    """The receiver doesn't want this message; sending it again changes nothing."""


class UnreachableError(Exception):
    """The receiver couldn't be asked, or didn't answer: whether the message came isn't known."""
