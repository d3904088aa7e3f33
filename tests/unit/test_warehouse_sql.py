"""Quoting: a name or a path never becomes SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.warehouse.sql import identifier, literal, path_literal

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(TEXT)
def test_any_text_is_the_literal_of_itself(text: str) -> None:
    assert duckdb.sql(f"select {literal(text)}").fetchone() == (text,)


@given(TEXT)
def test_any_text_can_name_a_column(text: str) -> None:
    assert duckdb.sql(f"select 1 as {identifier(text)}").columns == [text]


@pytest.mark.parametrize("bad", ["", "a\x00b"])
def test_what_cannot_be_a_name_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier(bad)


def test_glob_characters_in_a_name_read_that_file_only(tmp_path: Path) -> None:
    (tmp_path / "[xy].csv").write_text("a\n1\n")
    (tmp_path / "x.csv").write_text("a\n2\n")
    (tmp_path / "it's *.csv").write_text("a\n3\n")
    for name, value in (("[xy].csv", 1), ("it's *.csv", 3)):
        assert duckdb.sql(f"select a from read_csv({path_literal(tmp_path / name)})").fetchall() == [(value,)]
