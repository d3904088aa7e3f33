"""Rules for `releases` that go beyond one key: systems, plants, addresses.

Belongs here: problems of a target as written. Doesn't belong here: whether the receiver answers (`doctor`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mfg_assets.estate.document import Part
from mfg_assets.estate.read import EstateSource
from mfg_assets.estate.validate import suggestion

RECEIVERS = ("erp", "mes")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_releases(targets: Part, source: EstateSource) -> None:
    """Report targets of unknown systems and plants, two for the same, and addresses that would be read on the way."""
    kinds = source.system_kinds
    served = {s.id: [p.text for p in s.document.root["plants"].items()] for s in source.systems}
    taken: dict[tuple[str, str], str] = {}
    for target in targets.items():
        system = target["system"]
        if system.text is None:
            continue
        if system.text not in kinds:
            system.report(f"there is no system {system.shown!r}", suggestion(system.text, kinds))
            continue
        if kinds[system.text] not in RECEIVERS:
            system.report(
                f"{system.shown!r} is a {kinds[system.text]}: bills and routings go to an ERP or MES",
                "name an ERP or a MES, or remove the target",
            )
        for plant in target["plants"].items():
            if plant.text is not None and plant.text not in served[system.text]:
                plant.report(
                    f"{system.text} doesn't serve {plant.shown!r}", suggestion(plant.text, _texts(served, system))
                )
        for plant in [p.text for p in target["plants"].items()] or served[system.text]:
            name = target["id"].text or ""
            if plant is not None and (system.text, plant) in taken:
                system.report(
                    f"{system.text} at {plant} has two targets, the first is {taken[system.text, plant]}",
                    "keep one of them: each would get messages with numbers of its own",
                )
                break
            taken[system.text, plant or ""] = name
        _address(target["deliver"]["url"])


def _texts(served: dict[str, list[str | None]], system: Part) -> list[str]:
    return [plant for plant in served[system.text or ""] if plant is not None]


def _address(url: Part) -> None:
    if url.text is None:
        return
    parts = urlsplit(url.text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        url.report("the url is no address such as https://mes.example.com/inbox", "write https://host/path")
    elif parts.username or parts.password:
        url.report("the url holds a user or password", "messages are signed; put the secret into a variable")
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        url.report("messages would travel unencrypted", "use https")
