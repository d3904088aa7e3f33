"""Rows as XML elements, in SQL.

Belongs here: text of elements from columns that are named as an estate names the places in a document. Doesn't belong
here: which document (`plm_main`), writing it (`writers`).

`@id` is an attribute of the record, `part` an element in it, `part/@revision` that one's attribute, `bill.@site` an
attribute of the element `bill` around the record.
"""

from __future__ import annotations

from mfg_assets.simulate.export.staging import Relation
from mfg_assets.simulate.export.writers import xml_text
from mfg_assets.warehouse.sql import identifier, literal


def record_sql(element: str, relation: Relation) -> str:
    """SQL of one element for each row, with all its values. What is null is left out, but for the first row.

    The first element names everything, so that whoever looks at the document sees what there can be.

    Args:
        element: its name.
        relation: the records, whose columns are places.
    """
    first = f"(rowid = (select min(rowid) from {relation.name}))"
    places = relation.columns
    own = [place for place in places if place.startswith("@")]
    tag = literal(f"<{element}") + "".join(_attribute(place, first) for place in own)
    inner = dict.fromkeys(place.partition("/")[0] for place in places if place not in own and ".@" not in place)
    elements = "".join(_element(name, places, first) for name in inner)
    return f"{tag} || '>'{elements} || {literal(f'</{element}>')}"


def nested_sql(outer: str, element: str, relation: Relation) -> str:
    """SELECT of place, step, line and text: records within tags of what is around them.

    Args:
        outer: element around the records, whose attributes are the relation's columns `outer.@…`.
        element: of a record.
        relation: the records.
    """
    around = [place for place in relation.columns if place.startswith(f"{outer}.@")]
    opening = literal(f"<{outer}") + "".join(_attribute(place, "true") for place in around) + " || '>'"
    record = record_sql(element, relation)
    rows = f"select rowid as line, {opening} as opening, {record} as text from {relation.name}"
    placed = f"select *, min(line) over (partition by opening) as place from ({rows})"
    return (
        f"with placed as ({placed}) "
        "select place, 0 as step, 0 as line, any_value(opening) as text from placed group by place "
        "union all select place, 1, line, text from placed "
        f"union all select place, 2, 0, {literal(f'</{outer}>')} from placed group by place"
    )


def _element(name: str, places: tuple[str, ...], first: str) -> str:
    attributes = [place for place in places if place.startswith(f"{name}/@")]
    values = [identifier(place) for place in ([name] if name in places else []) + attributes]
    tag = literal(f"<{name}") + "".join(_attribute(place, first) for place in attributes)
    text, closing = identifier(name), literal(f"</{name}>")
    full = f"case when {text} is null then '/>' else '>' || {xml_text(text)} || {closing} end"
    is_absent = f"coalesce({', '.join(values)}) is null and not {first}"
    return f" || case when {is_absent} then '' else {tag} || {full if name in places else literal('/>')} end"


def _attribute(place: str, is_shown: str) -> str:
    """An attribute; one without a value is left out unless it `is_shown`."""
    name, value = place.rpartition("@")[2], identifier(place)
    empty = f"case when {is_shown} then {literal(f' {name}=')} || '\"\"' else '' end"
    return f" || coalesce({literal(f' {name}=')} || '\"' || {xml_text(value)} || '\"', {empty})"
