"""Rows as XML elements, in SQL.

Belongs here: text of elements from columns that are named as an estate names the places in a document. Doesn't belong
here: which document (`plm_main`), writing it (`writers`).

`@id` is an attribute of the record, `part` an element in it, `part/@revision` that one's attribute, `bill.@site` an
attribute of the element `bill` around the record.
"""

from __future__ import annotations

from collections.abc import Iterable

from mfg_assets.simulate.export.staging import Relation
from mfg_assets.simulate.export.writers import xml_text
from mfg_assets.warehouse.sql import identifier, literal


def record_sql(element: str, places: Iterable[str]) -> str:
    """SQL of one element with all its values; what is null is left out.

    Args:
        element: its name.
        places: columns of the relation.
    """
    places = list(places)
    tag = f"{literal(f'<{element}')}{''.join(_attribute(place, place[1:]) for place in places if place[0] == '@')}"
    inner = dict.fromkeys(place.partition("/")[0] for place in places if place[0] != "@" and "." not in place)
    return f"{tag} || '>'{''.join(_element(name, places) for name in inner)} || {literal(f'</{element}>')}"


def nested_sql(outer: str, element: str, relation: Relation) -> str:
    """SELECT of place, step, line and text: records within tags of what is around them.

    Args:
        outer: element around the records, whose attributes are the relation's columns `outer.@…`.
        element: of a record.
        relation: the records.
    """
    around = [place for place in relation.columns if place.startswith(f"{outer}.@")]
    opening = literal(f"<{outer}") + "".join(_attribute(p, p.partition("@")[2]) for p in around) + " || '>'"
    record = record_sql(element, relation.columns)
    rows = f"select rowid as line, {opening} as opening, {record} as text from {relation.name}"
    placed = f"select *, min(line) over (partition by opening) as place from ({rows})"
    return (
        f"with placed as ({placed}) "
        "select place, 0 as step, 0 as line, any_value(opening) as text from placed group by place "
        "union all select place, 1, line, text from placed "
        f"union all select place, 2, 0, {literal(f'</{outer}>')} from placed group by place"
    )


def _element(name: str, places: list[str]) -> str:
    attributes = [place for place in places if place.startswith(f"{name}/@")]
    values = [identifier(place) for place in ([name] if name in places else []) + attributes]
    tag = literal(f"<{name}") + "".join(_attribute(place, place.partition("@")[2]) for place in attributes)
    text, closing = identifier(name), literal(f"</{name}>")
    end = (
        f"case when {text} is null then '/>' else '>' || {xml_text(text)} || {closing} end"
        if name in places
        else "'/>'"
    )
    return f" || case when coalesce({', '.join(values)}) is null then '' else {tag} || {end} end"


def _attribute(place: str, name: str) -> str:
    value = identifier(place)
    return f" || coalesce({literal(f' {name}=')} || '\"' || {xml_text(value)} || '\"', '')"
