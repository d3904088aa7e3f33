"""Which messages follow from what a version asks and what has been sent. No database, no clock.

Belongs here: the decisions. Doesn't belong here: the gate itself (dbt's `release_gate`), numbers and keys (`outbox`).

A message is made when something open is asked for that no message still standing asks for already. One that never
began to leave is withdrawn as soon as the version in force no longer asks for all of it; one that did leave, or may
have, stays and is delivered to its end, because only the receiver knows whether it came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from mfg_assets.release.model import Asked, Change, Draft, ObjectId, Plan, Sent

_NOTHING = object()


def plan(asked: Iterable[Asked], sent: Iterable[Sent]) -> Plan:
    """What to do so that each target is told what the version in force asks of it, once.

    Args:
        asked: everything that the version asks, open or held.
        sent: messages that are neither withdrawn nor compensated nor settled.
    """
    by_object: dict[ObjectId, list[Sent]] = defaultdict(list)
    for message in sent:
        by_object[message.object].append(message)
    wanted = {one.object: one for one in asked}
    drafts: list[Draft] = []
    withdrawn: list[str] = []
    settled: list[str] = []
    for object_id, messages in by_object.items():
        open_now, all_now = _values(wanted.get(object_id))
        for message in messages:
            if message.state == "prepared" and message.attempts == 0 and message.kind == "release":
                if not _asks_all(open_now, message):
                    withdrawn.append(message.idempotency_key)
            elif message.state != "prepared" and not _asks_any(all_now, message):
                settled.append(message.idempotency_key)
    gone = {*withdrawn, *settled}
    for object_id, one in wanted.items():
        standing = _standing(m for m in by_object[object_id] if m.idempotency_key not in gone)
        open_changes = tuple(change for change in one.changes if change.is_open)
        if any(standing.get(change.key, _NOTHING) != change.after for change in open_changes):
            drafts.append(_draft(one, open_changes))
    return Plan(tuple(drafts), tuple(withdrawn), tuple(settled))


def take_back(told: Sequence[Sent], keys: Collection[str]) -> Plan:
    """Undo messages: what never began to leave is withdrawn, and one message per object takes all the rest back.

    Each part of an object goes back to what it would be had the undone messages never been made: what a message that
    remains asks for, else what the target was seen to hold before the first that doesn't.

    Args:
        told: all messages of the objects concerned but withdrawn ones; what was compensated is among them.
        keys: idempotency keys of what is undone.
    """
    by_object: dict[ObjectId, list[Sent]] = defaultdict(list)
    for message in sorted(told, key=lambda one: one.sequence):
        by_object[message.object].append(message)
    withdrawn = [m.idempotency_key for m in told if m.idempotency_key in keys and _never_left(m)]
    drafts = []
    for messages in by_object.values():
        undone = [m for m in messages if m.idempotency_key in keys and not _never_left(m)]
        if undone:
            gone = {m.idempotency_key for m in undone} | set(withdrawn)
            drafts.append(_compensation(undone, [m for m in messages if m.idempotency_key not in gone]))
    return Plan(tuple(drafts), tuple(withdrawn))


def _compensation(undone: Sequence[Sent], others: Sequence[Sent]) -> Draft:
    first: dict[str, Sent] = {}
    last: dict[str, Any] = {}
    for message in undone:
        for key in message.after:
            first.setdefault(key, message)
        last |= message.after
    payload = undone[-1].payload
    return Draft(
        object=undone[-1].object,
        kind="compensation",
        target_system=payload["target_system"],
        target_kind=payload["target_kind"],
        plant_id=payload["plant_id"],
        item_number=payload["item_number"],
        correlation_id=payload["correlation_id"],
        changes=tuple(
            Change(key, before=last[key], after=_without(key, first[key], others), cause="rollback")
            for key in sorted(first)
        ),
        compensates=tuple(m.idempotency_key for m in undone),
    )


def _without(key: str, first: Sent, others: Sequence[Sent]) -> Any:
    """What a part would be without the messages of which `first` was the first to speak of it.

    That is the last word that still stands, or what was held before all words. What the target was seen to hold, which
    is `before`, counts where no earlier message explains it, for then somebody changed it there. Else it may just as
    well have been seen before messages came that were under way.

    A compensation is no word of its own: it repeats what stood when it was made, which may be what is undone now.
    """
    told = [message for message in others if key in message.after]
    later = [message.after[key] for message in told if message.sequence > first.sequence and _is_release(message)]
    if later:
        return later[-1]
    value, explained = first.before[key], []
    for message in [*(m for m in told if m.sequence < first.sequence), first]:
        if message.kind == "release" and message.before[key] not in explained:
            value, explained = message.before[key], [message.before[key]]
        if message is not first and _is_release(message):
            value = message.after[key]
        explained.append(message.after[key])
    return value


def _is_release(message: Sent) -> bool:
    return message.kind == "release" and message.state != "compensated"


def _draft(one: Asked, changes: tuple[Change, ...]) -> Draft:
    return Draft(
        one.object,
        "release",
        one.target_system,
        one.target_kind,
        one.plant_id,
        one.item_number,
        one.correlation_id,
        changes,
    )


def _never_left(message: Sent) -> bool:
    return message.state == "prepared" and message.attempts == 0


def _values(one: Asked | None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    changes = one.changes if one is not None else ()
    return {c.key: c.after for c in changes if c.is_open}, {c.key: c.after for c in changes}


def _asks_all(values: Mapping[str, Any], message: Sent) -> bool:
    return all(values.get(key, _NOTHING) == after for key, after in message.after.items())


def _asks_any(values: Mapping[str, Any], message: Sent) -> bool:
    return any(values.get(key, _NOTHING) == after for key, after in message.after.items())


def _standing(messages: Iterable[Sent]) -> dict[str, Any]:
    standing: dict[str, Any] = {}
    for message in sorted(messages, key=lambda one: one.sequence):
        standing |= message.after
    return standing
