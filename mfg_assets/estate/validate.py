"""A document against its model: pydantic's errors as problems with file, line and fix.

Belongs here: translating errors, and saving the sound rest of a faulty document so that later checks still see it.
Doesn't belong here: rules between keys or files (`references`, `mappings`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from copy import deepcopy
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from mfg_assets.estate.document import Document, Location

ModelT = TypeVar("ModelT", bound=BaseModel)

_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "time_delta_type": "a duration such as 30m, 26h or 7d",
}
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,47}$": "lower-case letters, digits and underscores, beginning with a letter",
    r"^[A-Za-z0-9][A-Za-z0-9_]{0,31}$": "letters, digits and underscores",
    r"^[A-Z]{3}$": "three capital letters (ISO 4217), such as EUR",
    r"^(HL(_[A-Z0-9]{1,2})?|[A-Z][A-Z0-9]{1,2}(/[A-Z][A-Z0-9]{1,2})*)$": "the segment that begins a loop, such as PO1, "
    "PO1/ACK or HL",
}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """What to write instead of an unknown word: the nearest known one, else all of them."""
    choices = list(known)
    meant = nearest(word, choices)
    if meant is not None:
        return f"did you mean {meant}?"
    if otherwise is not None:
        return otherwise
    return f"one of: {', '.join(choices)}" if choices else "none is declared yet"


def validate(document: Document, model: type[ModelT]) -> tuple[ModelT | None, ModelT | None]:
    """Read a document as a model and report everything wrong with it.

    Returns:
        The model when the document is sound, else None; and what could be saved of it by leaving out the faulty parts
        (the same object when it is sound, None when nothing could).
    """
    if not document.is_readable:
        return None, None
    if not isinstance(document.data, dict):
        document.report((), "the file holds no keys", f"begin with {next(iter(model.model_fields))}: …")
        return None, None
    rest = deepcopy(document.data)
    # Each pass leaves out the faulty parts; one that is required takes what is around it with it in the next pass.
    # Only the first pass reports: what a later one finds is of our own making.
    for number in range(20):
        try:
            read = model.model_validate(rest)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if number == 0:
                for one in found:
                    _report(document, model, one)
            if not _leave_out(rest, [_place(one, rest) for one in found]):
                return None, None
        else:
            return (None if document.problems else read), read
    return None, None


def _model_place(error: Any) -> Location:
    """Where an error lies in the model: pydantic marks an error about a key itself by a last part '[key]'."""
    location = tuple(error["loc"])
    if error["type"] == "union_tag_invalid":
        return (*location, error["ctx"]["discriminator"].strip("'"))
    return location[:-1] if location and location[-1] == "[key]" else location


def _place(error: Any, data: Any) -> Location:
    """Where an error lies in the data, which doesn't know the part that says which of several models is meant."""
    location: list[str | int] = []
    for part in _model_place(error):
        if isinstance(data, dict) and part not in data and data.get("type") == part:
            continue
        location.append(part)
        data = data[part] if _is_in(data, (part,)) else None
    return tuple(location)


def _report(document: Document, model: type[BaseModel], error: Any) -> None:
    location = _place(error, document.data)
    if document.is_tainted(location):
        return
    message, fix = _words(model, error, _model_place(error))
    for part, written in document.variables.items():
        if part == location[: len(part)]:
            # The value behind a variable may be secret.
            message = message.replace(repr(error["input"]), repr(written))
    document.report(location, message, fix)


def _words(model: type[BaseModel], error: Any, location: Location) -> tuple[str, str | None]:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    name = location[-1] if location else ""
    if kind == "extra_forbidden":
        keys = _keys_at(model, location[:-1])
        return f"unknown key {name!r}", suggestion(str(name), keys, f"remove it; the keys here are {', '.join(keys)}")
    if kind == "union_tag_invalid":
        choices = context["expected_tags"].replace("'", "").split(", ")
        return f"{name}: {context['tag']!r} is not one of {', '.join(choices)}", suggestion(context["tag"], choices)
    if kind == "union_tag_not_found":
        return "the key 'type' is missing", f"add type: {' | '.join(_tags(_annotation_at(model, location)))}"
    if kind == "missing":
        return f"the key {name!r} is missing", _missing_fix(model, location)
    if kind == "literal_error":
        choices = [c for c in str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ") if c]
        return f"{name}: {value!r} is not one of {', '.join(choices)}", suggestion(str(value), choices)
    if kind == "string_type" and isinstance(value, int | float | bool):
        return f"{name}: {value!r} is not a text", f'put it in quotes: "{value}"'
    if value is None and kind in _TYPES:
        field = _field_at(model, location)
        otherwise = "" if field is not None and field.is_required() else ", or remove the key"
        return f"{name}: has no value", f"give it {_TYPES[kind]}{otherwise}"
    if kind in _TYPES:
        return f"{name}: {_short(value)} is not {_TYPES[kind]}", f"write {_TYPES[kind]}"
    if kind == "string_pattern_mismatch":
        return f"{name}: {value!r} is not allowed here", f"use {_PATTERNS.get(context['pattern'], context['pattern'])}"
    if kind in ("too_short", "string_too_short"):
        return f"{name}: is empty", "give at least one" if kind == "too_short" else "write a text"
    if kind == "value_error":
        return f"{name}: {context['error']}", None
    return f"{name}: {error['msg'][0].lower()}{error['msg'][1:]}, here it is {_short(value)}", None


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value)


def _missing_fix(model: type[BaseModel], location: Location) -> str:
    name, field = str(location[-1]), _field_at(model, location)
    choices = get_args(field.annotation) if field is not None else ()
    if choices and all(isinstance(c, str) for c in choices):
        return f"add {name}: {' | '.join(choices)}"
    text = field.description if field is not None else None
    return f"add {name}: {text[0].lower()}{text[1:].rstrip('.')}" if text else f"add {name}: …"


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    owner = _model_at(model, location[:-1])
    fields = owner.model_fields.items() if owner is not None and location else ()
    return next((info for name, info in fields if location[-1] in (name, info.alias)), None)


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    owner = _model_at(model, location)
    return [info.alias or name for name, info in owner.model_fields.items()] if owner else []


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model class that describes a location of a document."""
    current = _bare(_annotation_at(model, location))
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _annotation_at(model: type[BaseModel], location: Location) -> Any:
    """The annotation of a location; None where no model has it."""
    current: Any = model
    for part in location:
        current = _bare(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            fields = {info.alias or name: info for name, info in current.model_fields.items()}
            if part not in fields:
                return None
            current = fields[str(part)].annotation
        elif get_origin(current) in (dict, list):
            current = get_args(current)[-1]
        else:
            current = _tags(current).get(str(part))
    return current


def _tags(annotation: Any) -> dict[str, type[BaseModel]]:
    """Of several models that their key `type` tells apart: each by what stands there."""
    members = [m for m in get_args(_bare(annotation)) if isinstance(m, type) and issubclass(m, BaseModel)]
    return {tag: m for m in members if "type" in m.model_fields for tag in get_args(m.model_fields["type"].annotation)}


def _bare(annotation: Any) -> Any:
    """An annotation without Optional and Annotated; one of several models stays as it is."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            members = [a for a in get_args(annotation) if a is not type(None)]
            if len(members) > 1 and all(isinstance(m, type) and issubclass(m, BaseModel) for m in members):
                return annotation
            annotation = members[0]
        else:
            return annotation


def _is_in(data: Any, location: Location) -> bool:
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _leave_out(rest: Any, locations: list[Location]) -> bool:
    """Remove the parts at these locations, innermost and last first. False when nothing but the root is left to go."""
    removed = False
    ordered = sorted({_existing(rest, location) for location in locations}, key=_order, reverse=True)
    for location in ordered:
        if not location or not _is_in(rest, location):
            continue
        container = rest
        for part in location[:-1]:
            container = container[part]
        del container[location[-1]]
        removed = True
    return removed


def _existing(rest: Any, location: Location) -> Location:
    while location and not _is_in(rest, location):
        location = location[:-1]
    return location


def _order(location: Location) -> tuple[int, tuple[tuple[bool, Any], ...]]:
    return len(location), tuple((isinstance(p, int), p) for p in location)
