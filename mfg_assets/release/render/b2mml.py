"""A message as B2MML (MESA International, V0600): SyncProductDefinition or SyncMaterialDefinition.

Belongs here: the mapping to ISA-95's words. Doesn't belong here: what is in a message.

Order and names of elements are those of the V0600 schemas; `release-message.xsd` is the part of them that is used. What
they have no element for (periods, scrap, phantom) is a property of the material; times of operations are parameters in
minutes. A message's number is the sender's task, since a material definition has no version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

NAMESPACE = "http://www.mesa.org/xml/B2MML-V0600"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
# What XML 1.0 can't hold, not even escaped.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_PROPERTIES = (
    "alternative",
    "position",
    "is_fixed_quantity",
    "scrap_fraction",
    "scrap_method",
    "assembly_scrap_fraction",
    "is_phantom",
    "alternate_group",
    "alternate_priority",
    "reference_designators",
    "component_revision",
    "effective_from",
    "effective_to",
)
register_namespace("", NAMESPACE)
register_namespace("xsi", _XSI)


def b2mml(message: Mapping[str, Any]) -> bytes:
    """The document, UTF-8 with its declaration."""
    is_item = message["object_type"] in ("item", "item_plant")
    noun = "MaterialDefinition" if is_item else "ProductDefinition"
    root = Element(_name(f"Sync{noun}"), {"releaseID": message["format"]})
    _application_area(root, message)
    area = SubElement(root, _name("DataArea"))
    criteria = SubElement(SubElement(area, _name("Sync")), _name("ActionCriteria"))
    SubElement(criteria, _name("ActionExpression"), {"actionCode": "Change"}).text = _text(f"/{noun}")
    body = SubElement(area, _name(noun))
    _add(body, "ID", message["item_number"] if is_item else message["object_key"])
    if not is_item:
        _add(body, "Version", message["sequence"])
    _add(body, "Description", f"{message['kind']} {message['correlation_id']}")
    if message["plant_id"] is not None:
        location = SubElement(body, _name("HierarchyScope"))
        _add(location, "EquipmentID", message["plant_id"])
        _add(location, "EquipmentElementLevel", "Site")
    if is_item:
        _item(body, message)
    elif message["object_type"] == "bom_header":
        _bill(body, message)
    else:
        _operation(body, message)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _application_area(root: Element, message: Mapping[str, Any]) -> None:
    area = SubElement(root, _name("ApplicationArea"))
    sender = SubElement(area, _name("Sender"))
    _add(sender, "LogicalID", "mfg_assets")
    _add(sender, "TaskID", message["sequence"])
    _add(sender, "ReferenceID", message["correlation_id"])
    _add(SubElement(area, _name("Receiver")), "LogicalID", message["target_system"])
    _add(area, "CreationDateTime", message["prepared_at"])
    _add(area, "BODID", message["idempotency_key"])


def _bill(body: Element, message: Mapping[str, Any]) -> None:
    segment = SubElement(body, _name("ProductSegment"))
    _add(segment, "ID", message["item_number"])
    for change in message["changes"]:
        for line in change["after"] or []:
            material = SubElement(segment, _name("MaterialSpecification"))
            _add(material, "MaterialDefinitionID", line["component_item_number"])
            _add(material, "MaterialUse", "Consumed")
            quantity = SubElement(material, _name("Quantity"))
            _add(quantity, "QuantityString", line["quantity_per"])
            _add(quantity, "DataType", "decimal")
            if line["unit"] is not None:
                _add(quantity, "UnitOfMeasure", line["unit"])
            for name in _LINE_PROPERTIES:
                _property(material, "MaterialSpecificationProperty", name, line.get(name))
        if change["after"] is None:
            material = SubElement(segment, _name("MaterialSpecification"))
            _add(material, "MaterialDefinitionID", change["key"])
            _add(material, "MaterialUse", "Consumed")
            _property(material, "MaterialSpecificationProperty", "act", "remove")


def _operation(body: Element, message: Mapping[str, Any]) -> None:
    segment = SubElement(body, _name("ProductSegment"))
    _add(segment, "ID", message["object_key"])
    for change in message["changes"]:
        values = change["after"] if isinstance(change["after"], Mapping) else {change["key"]: change["after"]}
        for name, value in values.items():
            parameter = SubElement(segment, _name("Parameter"))
            _add(parameter, "ID", name)
            _value(parameter, value)


def _item(body: Element, message: Mapping[str, Any]) -> None:
    for change in message["changes"]:
        values = change["after"] if isinstance(change["after"], Mapping) else {change["key"]: change["after"]}
        for name, value in values.items():
            _property(body, "MaterialDefinitionProperty", name, value, keep_empty=True)


def _property(parent: Element, element: str, name: str, value: Any, *, keep_empty: bool = False) -> None:
    if value is None and not keep_empty:
        return
    one = SubElement(parent, _name(element))
    _add(one, "ID", name)
    _value(one, value)


def _value(parent: Element, value: Any) -> None:
    """An empty value is nil: it says that nothing is to be held, which an empty text doesn't."""
    one = SubElement(parent, _name("Value"))
    if value is None:
        SubElement(one, _name("ValueString"), {f"{{{_XSI}}}nil": "true"})
    else:
        _add(one, "ValueString", value)
    _add(one, "DataType", "boolean" if isinstance(value, bool) else "string")


def _add(parent: Element, name: str, value: Any) -> None:
    SubElement(parent, _name(name)).text = _text(value)


def _text(value: Any) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return _IMPOSSIBLE.sub("\ufffd", text)


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"
