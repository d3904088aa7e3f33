"""Reference designators as the places that they stand for (rule 16): R1-R4,R7 are five.

Belongs here: reading one text. Doesn't belong here: the same in bulk (dbt's macro `designator_set`, which reads alike).
"""

from __future__ import annotations

import re

# A slip such as R1-R999999 must not fill the memory; it stays as it is written.
_MOST = 9999
_RANGE = re.compile(r"([A-Z]+)([0-9]{1,6})-([A-Z]*)([0-9]{1,6})")


def designator_set(text: str | None) -> frozenset[str]:
    """The places; what is no range that makes sense stays as it is written, and leading zeros don't count."""
    joined = re.sub(r"\s*(-|\.\.)\s*", "-", (text or "").upper())
    places: set[str] = set()
    for part in re.split(r"[,;\s]+", joined):
        found = _RANGE.fullmatch(part)
        if found:
            letters, first, again, last = found[1], int(found[2]), found[3], int(found[4])
            if again in ("", letters) and first <= last <= first + _MOST:
                places.update(f"{letters}{number}" for number in range(first, last + 1))
                continue
        if part:
            places.add(re.sub(r"^([A-Z]+)0+([0-9])", r"\1\2", part))
    return frozenset(places)
