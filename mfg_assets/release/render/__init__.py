"""Renderings of a message: JSON as it is, B2MML for systems that speak ISA-95, CSV for those that speak neither.

Belongs here: choosing one. Doesn't belong here: how each is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mfg_assets.estate.releases import Rendering
from mfg_assets.release.message import encode
from mfg_assets.release.render.b2mml import b2mml
from mfg_assets.release.render.flat import flat

SUFFIX: Mapping[Rendering, str] = {"json": ".json", "b2mml": ".xml", "csv": ".csv"}
CONTENT_TYPE: Mapping[Rendering, str] = {
    "json": "application/json",
    "b2mml": "application/xml",
    "csv": "text/csv; charset=utf-8",
}


def render(message: Mapping[str, Any], form: Rendering) -> bytes:
    """A message in one of its forms; the same bytes every time."""
    if form == "b2mml":
        return b2mml(message)
    return flat(message) if form == "csv" else encode(message)


__all__ = ["CONTENT_TYPE", "SUFFIX", "render"]
