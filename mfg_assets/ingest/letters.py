"""What people do with refused records: replay, correct, discard; each once, with who and why.

Belongs here: choosing letters, counting tries, the ledger's entries.
Doesn't belong here: reading and landing (`replay`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from mfg_assets import audit
from mfg_assets.audit.log import head
from mfg_assets.errors import Problem, UsageError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest.replay import replay_letters, replayed_ids
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import dead_letter_act as acts
from mfg_assets.settings import Settings

# A record that has failed this often is not tried again with all others: somebody has to look at it.
MAX_TRIES = 5
# Marks a number while the rest of its record is changed; no text begins with a NUL character.
_NUMBER = "\x00number:"
_WRITTEN = re.compile(r'"\\u0000number:([-+.0-9eE]+)"')


@dataclass(frozen=True)
class LettersResult:
    """Ids that landed, that the mapping leaves out now, that failed (why), that were passed over (why)."""

    landed: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)
    batches: tuple[str, ...] = ()


def states(settings: Settings, ledger: Ledger) -> dict[str, str]:
    """Letters that are no longer open: id → replayed or discarded."""
    with ledger.read() as connection:
        discarded = connection.execute(select(acts.c.dead_letter_id).where(acts.c.act == "discard")).scalars()
        found = dict.fromkeys(discarded, "discarded")
    return found | dict.fromkeys(replayed_ids(settings), "replayed")


def with_states(settings: Settings, ledger: Ledger, letters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same letters, each with what has become of it."""
    known = states(settings, ledger)
    return [{**letter, "state": known.get(letter["dead_letter_id"], letter["state"])} for letter in letters]


def replay(
    estate: Estate,
    settings: Settings,
    ledger: Ledger,
    letters: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    why: str,
    at: datetime,
    edits: Mapping[str, str] | None = None,
    insist: bool = False,
    run_id: str | None = None,
) -> LettersResult:
    """Replay refused records through the mapping as it is now. Doing it again does nothing to those that landed.

    Args:
        estate: the validated estate.
        settings: home and limits.
        ledger: the open ledger.
        letters: as `list_dead_letters` gives them.
        actor: who replays.
        why: why; kept with the act.
        at: when, by the estate's clock.
        edits: column → value, for one letter: `alias.column` for one of a joined record, `outer.inner` within a
            nested value.
        insist: try also those that have failed MAX_TRIES times.
        run_id: on whose behalf.

    Raises:
        UsageError: no reason, edits of several records, or of a column that the record doesn't have.
        SourceError: the mapping can't be applied at all.
    """
    _need(why, actor)
    if edits and len(letters) != 1:
        raise UsageError(Problem("values can be set in one record at a time", fix="name its id"))
    _catch_up(settings, ledger, actor, at)
    known = states(settings, ledger)
    tried = _tries(ledger)
    passed = {str(m["dead_letter_id"]): known[m["dead_letter_id"]] for m in letters if m["dead_letter_id"] in known}
    for letter in letters:
        name = str(letter["dead_letter_id"])
        if name not in passed and not insist and not edits and tried.get(name, 0) >= MAX_TRIES:
            passed[name] = f"it has failed {tried[name]} times: correct it with --set, discard it, or use --insist"
    chosen = [_edited(m, edits) if edits else m for m in letters if m["dead_letter_id"] not in passed]
    if not chosen:
        return LettersResult(passed_over=passed)
    # Its landing, like every one, is told by the machine's clock: landings are ordered by it.
    found = replay_letters(estate, settings, chosen, run_id=run_id, now=datetime.now(UTC))
    landed = {name: r.batch.batch_id for r in found if r.batch is not None for name in r.landed}
    filtered = {name: r.batch.batch_id for r in found if r.batch is not None for name in r.filtered}
    failed = {name: text for r in found for name, text in r.failed.items()}
    details = {"set": dict(edits)} if edits else {}
    rows = [(name, "landed", batch) for name, batch in landed.items()]
    rows += [(name, "filtered", batch) for name, batch in filtered.items()]
    rows += [(name, "failed", None) for name in failed]
    _note(ledger, "replay", rows, actor=actor, why=why, at=at, details=details)
    batches = tuple(sorted({*landed.values(), *filtered.values()}))
    return LettersResult(tuple(sorted(landed)), tuple(sorted(filtered)), failed, passed, batches)


def discard(
    settings: Settings,
    ledger: Ledger,
    letters: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    why: str,
    at: datetime,
) -> LettersResult:
    """Say of refused records that nothing will come of them. Doing it again does nothing.

    Raises:
        UsageError: no reason.
    """
    _need(why, actor)
    known = states(settings, ledger)
    passed = {str(m["dead_letter_id"]): known[m["dead_letter_id"]] for m in letters if m["dead_letter_id"] in known}
    chosen = [str(m["dead_letter_id"]) for m in letters if m["dead_letter_id"] not in passed]
    _note(ledger, "discard", [(name, "discarded", None) for name in chosen], actor=actor, why=why, at=at, details={})
    return LettersResult(filtered=tuple(chosen), passed_over=passed)


def _need(why: str, actor: str) -> None:
    if not why.strip() or not actor.strip():
        raise UsageError(Problem("the reason is missing", fix="say why: it is kept with the act"))
    if "\x00" in why:
        raise UsageError(Problem("the reason holds a NUL character", fix="leave it out"))


def _edited(letter: Mapping[str, Any], edits: Mapping[str, str]) -> dict[str, Any]:
    payload = _read(letter["payload"])
    for name, value in edits.items():
        if not _put(payload, name, value):
            raise UsageError(Problem(f"the record has no column {name!r}", fix=f"one of: {', '.join(_names(payload))}"))
    return {**letter, "payload": _write(payload)}


def _read(text: str) -> Any:
    # Fractions stay as they were written: on their way through a double they would be rounded.
    return json.loads(text, parse_float=lambda number: f"{_NUMBER}{number}")


def _write(content: Any) -> str:
    return _WRITTEN.sub(r"\1", json.dumps(content))


def _nested(value: Any) -> Any:
    """A value that has columns of its own, also where it was delivered as a text of JSON; else None."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(json.JSONDecodeError):
            return _read(value)
    return value if isinstance(value, dict) else None


def _put(record: dict[str, Any], name: str, value: str) -> bool:
    """Set a column, or one within a nested value (`outer.inner`); False where the record doesn't have it."""
    if name in record:
        record[name] = value
        return True
    outer, dot, inner = name.partition(".")
    nested = _nested(record.get(outer)) if dot else None
    if nested is None or not _put(nested, inner, value):
        return False
    record[outer] = _write(nested) if isinstance(record[outer], str) else nested
    return True


def _names(record: Mapping[str, Any], prefix: str = "") -> list[str]:
    """All columns that can be set, those within nested values with their path."""
    found = []
    for name, value in record.items():
        nested = _nested(value)
        found += [f"{prefix}{name}"] if nested is None else _names(nested, f"{prefix}{name}.")
    return found


def _tries(ledger: Ledger) -> dict[str, int]:
    """How often each letter has failed."""
    query = (
        select(acts.c.dead_letter_id, func.count()).where(acts.c.outcome == "failed").group_by(acts.c.dead_letter_id)
    )
    with ledger.read() as connection:
        return {name: number for name, number in connection.execute(query)}


def _catch_up(settings: Settings, ledger: Ledger, actor: str, at: datetime) -> None:
    """Enter replays that landed and whose process was killed before it could say so."""
    with ledger.read() as connection:
        query = select(acts.c.dead_letter_id).where(acts.c.outcome.in_(("landed", "filtered")))
        noted = set(connection.execute(query).scalars())
    missed = [(name, "landed", batch) for name, batch in replayed_ids(settings).items() if name not in noted]
    _note(ledger, "replay", missed, actor=actor, why="landed by a replay that was interrupted", at=at, details={})


def _note(
    ledger: Ledger,
    act: str,
    rows: Sequence[tuple[str, str, str | None]],
    *,
    actor: str,
    why: str,
    at: datetime,
    details: Mapping[str, Any],
) -> None:
    """History of the letters and one audit entry, in one transaction."""
    if not rows:
        return
    with ledger.write() as connection:
        sequence = head(connection)[0] + 1
        before = _attempts(connection)
        connection.execute(
            insert(acts),
            [
                {
                    "dead_letter_id": name,
                    "attempt": before.get(name, 0) + 1,
                    "act": act,
                    "outcome": outcome,
                    "at": at,
                    "actor": actor,
                    "reason": why,
                    "batch_id": batch,
                    "details": audit.canonical(details),
                    "audit_sequence": sequence,
                }
                for name, outcome, batch in rows
            ],
        )
        outcomes = {o: sum(row[1] == o for row in rows) for o in sorted({row[1] for row in rows})}
        audit.append(
            connection,
            kind="dead_letter",
            subject=rows[0][0] if len(rows) == 1 else f"{len(rows)} dead letters",
            actor=actor,
            at=at,
            details={
                "act": act,
                "reason": why,
                "outcomes": outcomes,
                "batches": sorted({batch for *_, batch in rows if batch}),
                **details,
            },
        )


def _attempts(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(acts.c.dead_letter_id, func.max(acts.c.attempt)).group_by(acts.c.dead_letter_id))
    return {name: number for name, number in rows}
