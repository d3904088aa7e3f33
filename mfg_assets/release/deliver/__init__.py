"""Deliverers: what takes a message to its receiver, and what can go wrong on the way.

Belongs here: the common shape and choosing one. Doesn't belong here: when and how often (`run`).
"""

from __future__ import annotations

from typing import Protocol

from mfg_assets.estate.releases import FolderDelivery, HttpDelivery, ReleaseTarget, TableDelivery
from mfg_assets.release.deliver.failures import RefusedError, UnreachableError
from mfg_assets.release.model import Sent
from mfg_assets.settings import Settings


class Deliverer(Protocol):
    """Hands messages over. The same message may come twice; the receiver tells by its key."""

    def deliver(self, sent: Sent) -> None:
        """Returns once the receiver has it.

        Raises:
            RefusedError: the receiver doesn't want this message, now or later.
            UnreachableError: it may or may not have come; try again.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def deliverer(target: ReleaseTarget, settings: Settings) -> Deliverer:
    """The deliverer of a target.

    Raises:
        ReleaseError: a variable that it names is not set.
    """
    if isinstance(target.deliver, FolderDelivery):
        from mfg_assets.release.deliver.folder import FolderDeliverer

        return FolderDeliverer(settings.home_path / target.deliver.path, tuple(target.deliver.formats))
    if isinstance(target.deliver, HttpDelivery):
        from mfg_assets.release.deliver.http import http_deliverer

        return http_deliverer(target.id, target.deliver)
    from mfg_assets.release.deliver.table import table_deliverer

    return table_deliverer(target.id, target.deliver)


__all__ = [
    "Deliverer",
    "FolderDelivery",
    "HttpDelivery",
    "RefusedError",
    "TableDelivery",
    "UnreachableError",
    "deliverer",
]
