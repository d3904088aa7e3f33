"""YAML with lines: syntax errors, duplicate keys, aliases, and where everything stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mfg_assets.estate.document import Document, read_document

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))
)
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda k: k not in ("null", "true", "false"))
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
    ),
    max_size=4,
)


def read(tmp_path: Path, text: str | bytes, **environ: str) -> Document:
    path = tmp_path / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path, environ)


def only_problem(document: Document) -> tuple[int | None, str]:
    (problem,) = document.problems
    return problem.line, problem.message


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
def test_reads_what_the_yaml_library_wrote(tmp_path_factory: pytest.TempPathFactory, data: dict) -> None:
    path = tmp_path_factory.mktemp("yaml") / "x.yaml"
    escaped = _map_texts(data, lambda text: text.replace("$", "$$"))
    with path.open("w", encoding="utf-8") as file:
        writer = YAML(typ="safe", pure=True)
        # In flow style the library itself writes texts such as `:0` so that nobody can read them back.
        writer.default_flow_style = False
        writer.dump(escaped, file)
    document = read_document(path, {})
    assert document.problems == []
    assert document.data == data


def _map_texts(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_texts(v, change) for v in value]
    if isinstance(value, dict):
        return {k: _map_texts(v, change) for k, v in value.items()}
    return value


def test_every_part_knows_its_line(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  - x\n  - c: |\n      long\n      text\n    d: 2\n")
    assert document.lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4, ("b", 1, "d"): 7}
    assert document.line(("b", 1, "absent", 0)) == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not valid YAML: while parsing a flow sequence, expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML: while scanning for the next token, found character '\\t'"),
        ("a: b: c\n", 1, "not valid YAML: mapping values are not allowed here"),
        ("a: 1\nb: 'open\n", 3, "not valid YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("a: *nowhere\n", 1, "not valid YAML: found undefined alias 'nowhere'"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML: expected a single document in the stream"),
    ],
)
def test_syntax_errors_name_the_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    found_line, found = only_problem(read(tmp_path, text))
    assert found.startswith(message)
    assert found_line == line


def test_bytes_that_are_not_utf8_name_the_line(tmp_path: Path) -> None:
    assert only_problem(read(tmp_path, b"a: 1\nb: M\xfcnchen\n")) == (2, "the file is not UTF-8")


def test_control_characters_name_the_line(tmp_path: Path) -> None:
    assert only_problem(read(tmp_path, b"a: 1\nb: \x07\n")) == (
        2,
        "not valid YAML: a control character that YAML doesn't allow",
    )


def test_all_duplicate_keys_are_reported_and_the_first_counts(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb: {c: 1}\na: 2\nb: 3\n")
    assert [(p.line, p.message) for p in document.problems] == [
        (3, "the key 'a' stands twice, first in line 1"),
        (4, "the key 'b' stands twice, first in line 2"),
    ]
    assert document.data == {"a": 1, "b": {"c": 1}}


def test_merge_keys_fill_in_what_is_not_said(tmp_path: Path) -> None:
    document = read(tmp_path, "x: &base {p: 1, q: 2}\ny:\n  p: 3\n  <<: *base\n")
    assert document.data["y"] == {"p": 3, "q": 2}
    assert document.line(("y", "p")) == 3
    assert document.problems == []


def test_aliases_without_end_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(8))
    for text in (f"a: &a [x]\n{levels}", "a: &a {b: *a}\n"):
        document = read(tmp_path, text)
        assert (1, "aliases (*name) repeat a part without end") in [(p.line, p.message) for p in document.problems]


def test_missing_variables_are_all_reported_with_their_lines(tmp_path: Path) -> None:
    document = read(tmp_path, "a: ${ONE}\nb:\n  - ${TWO}/${THREE:-3}\n  - ${FOUR}\n", FOUR="4")
    assert [(p.line, p.message) for p in document.problems] == [
        (1, "the environment variable ONE is not set"),
        (3, "the environment variable TWO is not set"),
    ]
    assert document.data["b"] == ["${TWO}/3", "4"]


def test_yaml_1_2_words_stay_texts(tmp_path: Path) -> None:
    """`on:` is the key of a join and NO a country: neither is a truth value."""
    assert read(tmp_path, "on: yes\ncountry: NO\nwhen: 2026-01-01\n").data == {
        "on": "yes",
        "country": "NO",
        "when": "2026-01-01",
    }
