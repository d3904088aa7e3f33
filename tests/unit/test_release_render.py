"""Renderings of messages, and the published schema that they are held to."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.release.message import B2MML_SCHEMA_PATH, encode, make, schema, validator
from mfg_assets.release.model import Change, Draft, ObjectId
from mfg_assets.release.render import render
from tests.receiver import START

XML = {"b": "http://www.mesa.org/xml/B2MML-V0600"}
XSD = xmlschema.XMLSchema(B2MML_SCHEMA_PATH)


def _line(component: str = "200", quantity: str = "2.5", **values: Any) -> dict[str, Any]:
    return {
        "component_item_number": component,
        "alternative": "1",
        "quantity_per": quantity,
        "unit": "EA",
        "effective_from": None,
        "effective_to": None,
        **values,
    }


def _message(*changes: Change, kind: str = "bom_header", key: str = "P1|100", sequence: int = 1) -> dict[str, Any]:
    draft = Draft(ObjectId("mes", kind, key), "release", "mes_a", "mes", "P1", "100", "c0ffee", changes)
    return make(draft, sequence=sequence, published_version="000001-aaaaaaaa", as_of=START, prepared_at=START)


def _parse(document: bytes) -> ElementTree.Element:
    XSD.validate(document.decode())
    return ElementTree.fromstring(document)  # noqa: S314 - what was just rendered here


BILL = (
    Change("200", [_line()], [_line(quantity="3"), _line(quantity="4", effective_from="2026-05-01T00:00:00Z")]),
    Change("300", [_line("300")], None, "engineering_change", ("ECO-1",)),
)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_a_message_is_what_the_schema_promises() -> None:
    validator().validate(json.loads(render(_message(*BILL), "json")))


@pytest.mark.parametrize(
    "broken",
    [
        {"sequence": 0},
        {"kind": "compensation"},
        {"target_kind": "wms"},
        {"idempotency_key": "x"},
        {"changes": []},
        {"more": 1},
    ],
    ids=str,
)
def test_the_schema_refuses(broken: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(_message(*BILL) | broken)


def test_lines_of_a_bill_are_held_to_the_schema_too() -> None:
    with pytest.raises(jsonschema.ValidationError):
        _message(Change("200", None, [_line(quantity="1e3")]))


def test_the_key_is_made_of_what_is_said_and_its_number() -> None:
    one, again, other = _message(*BILL), _message(*BILL), _message(*BILL, sequence=2)
    assert one["idempotency_key"] == again["idempotency_key"] != other["idempotency_key"]
    assert encode(one) == encode(again)


def test_csv_has_a_row_for_each_line_and_one_for_what_goes() -> None:
    rows = list(csv.DictReader(io.StringIO(render(_message(*BILL), "csv").decode())))
    assert [(r["key"], r["act"], r["quantity_per"], r["line_effective_from"]) for r in rows] == [
        ("200", "set", "3", ""),
        ("200", "set", "4", "2026-05-01T00:00:00Z"),
        ("300", "remove", "", ""),
    ]
    assert {r["sequence"] for r in rows} == {"1"}


def test_csv_holds_no_formula() -> None:
    message = _message(Change("text", "=1+1", "@SUM(A1)"), Change("+x", None, "-2+3"), kind="item", key="=HYPERLINK(0)")
    rows = list(csv.DictReader(io.StringIO(render(message, "csv").decode())))
    values = [value for row in rows for value in row.values()]
    assert {"'=1+1", "'@SUM(A1)", "'-2+3", "'+x", "'=HYPERLINK(0)"} <= set(values)
    assert not any(value.startswith(("=", "+", "-", "@")) for value in values)


def test_b2mml_says_the_bill() -> None:
    root = _parse(render(_message(*BILL), "b2mml"))
    assert root.tag == f"{{{XML['b']}}}SyncProductDefinition"
    materials = root.findall(".//b:ProductSegment/b:MaterialSpecification", XML)
    said = [
        (one.findtext("b:MaterialDefinitionID", None, XML), one.findtext("b:Quantity/b:QuantityString", None, XML))
        for one in materials
    ]
    assert said == [("200", "3"), ("200", "4"), ("300", None)]
    assert materials[2].findtext("b:MaterialSpecificationProperty/b:Value/b:ValueString", None, XML) == "remove"
    assert root.findtext(".//b:BODID", None, XML) == _message(*BILL)["idempotency_key"]


def test_b2mml_says_operations_and_items() -> None:
    operation = Change("operation", None, {"work_center": "WC1", "run_minutes": "2.5"})
    root = _parse(render(_message(operation, kind="routing_operation"), "b2mml"))
    parameters = root.findall(".//b:ProductSegment/b:Parameter", XML)
    assert {p.findtext("b:ID", None, XML): p.findtext("b:Value/b:ValueString", None, XML) for p in parameters} == {
        "work_center": "WC1",
        "run_minutes": "2.5",
    }
    root = _parse(render(_message(Change("drawing", "D1", None), kind="item"), "b2mml"))
    found = root.find(".//b:MaterialDefinition/b:MaterialDefinitionProperty", XML)
    assert found is not None
    assert found.findtext("b:ID", None, XML) == "drawing"
    value = found.find("b:Value/b:ValueString", XML)
    assert value is not None
    assert (value.text, value.attrib) == (None, {"{http://www.w3.org/2001/XMLSchema-instance}nil": "true"})
    assert root.findtext(".//b:Sender/b:TaskID", None, XML) == "1", "a material has no version that could say it"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("<QuantityString>3</QuantityString>", "<QuantityString>3 pieces</QuantityString>"),
        ("<MaterialUse>Consumed</MaterialUse>", ""),
        ("<EquipmentElementLevel>Site</EquipmentElementLevel>", "<EquipmentElementLevel>Plant</EquipmentElementLevel>"),
        ("<Version>1</Version>", "<Version>0</Version>"),
        ("<ValueString>remove</ValueString>", ""),
        ('actionCode="Change"', ""),
    ],
)
def test_the_schema_of_b2mml_refuses(good: str, bad: str) -> None:
    document = render(_message(*BILL), "b2mml").decode()
    assert good in document
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        XSD.validate(document.replace(good, bad))


def test_b2mml_leaves_out_a_unit_that_is_not_known() -> None:
    root = _parse(render(_message(Change("200", None, [_line(unit=None)])), "b2mml"))
    assert root.find(".//b:Quantity/b:UnitOfMeasure", XML) is None


@given(st.text(min_size=1), st.text(), st.text(min_size=1))
def test_whatever_is_in_a_value_every_form_stays_well_formed(key: str, text: str, component: str) -> None:
    """Control characters, quotes, mark-up and lone surrogates come from extracts too."""
    clean = [value.encode("utf-8", "replace").decode() for value in (key, text, component)]
    item = _message(Change(clean[0], clean[1], clean[1] + "x"), kind="item", key=clean[0])
    bill = _message(Change(clean[2], None, [_line(clean[2], reference_designators=clean[1])]), key=clean[0])
    for message in (item, bill):
        assert json.loads(render(message, "json")) == message
        _parse(render(message, "b2mml"))
        rows = list(csv.reader(io.StringIO(render(message, "csv").decode(), newline="")))
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == 2
