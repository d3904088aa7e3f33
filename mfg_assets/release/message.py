"""The message itself: its envelope, its key, and the published JSON schema that every message is held to.

Belongs here: making and checking the JSON form. Doesn't belong here: other renderings (`render`), sequence numbers
(`outbox` gives them).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from mfg_assets.release.model import Change, Draft

FORMAT = "1.0"
SCHEMA_PATH = Path(__file__).parent / "release-message.schema.json"
B2MML_SCHEMA_PATH = SCHEMA_PATH.with_name("release-message.xsd")


def make(
    draft: Draft, *, sequence: int, published_version: str, as_of: datetime, prepared_at: datetime
) -> dict[str, Any]:
    """A message ready to be sent.

    Its key is made of what it says and its number, not of when it was made.

    Raises:
        jsonschema.ValidationError: it isn't what the published schema promises.
    """
    said = {
        "kind": draft.kind,
        "target": draft.object.target,
        "target_system": draft.target_system,
        "target_kind": draft.target_kind,
        "plant_id": draft.plant_id,
        "object_type": draft.object.object_type,
        "object_key": draft.object.object_key,
        "item_number": draft.item_number,
        "sequence": sequence,
        "correlation_id": draft.correlation_id,
        "compensates": list(draft.compensates),
        "changes": [_change(change) for change in draft.changes],
    }
    message = {
        "format": FORMAT,
        "idempotency_key": hashlib.sha256(encode(said)).hexdigest(),
        **said,
        "published_version": published_version,
        "as_of": _instant(as_of),
        "prepared_at": _instant(prepared_at),
    }
    validator().validate(message)
    return message


def encode(message: Mapping[str, Any]) -> bytes:
    """The JSON of a message, the same bytes every time: signatures and keys are made over them."""
    text = json.dumps(message, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def schema() -> dict[str, Any]:
    """The published JSON schema (draft 2020-12)."""
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def validator() -> Any:
    """A validator of the published schema."""
    import jsonschema

    return jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def _change(change: Change) -> dict[str, Any]:
    return {
        "key": change.key,
        "cause": change.cause,
        "change_numbers": list(change.change_numbers),
        "attributes": list(change.attributes),
        "effective_from": change.effective_from,
        "before": change.before,
        "after": change.after,
    }


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
