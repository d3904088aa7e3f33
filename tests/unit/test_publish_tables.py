"""Which tables are published: only those that dbt's manifest marks, with usable names and keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.errors import PublicationError
from mfg_assets.publish import PublishedTable, published_tables


def _node(name: str, published: Any, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": "marts",
        "original_file_path": f"models/{name}.sql",
        "description": "One row\n  per item.",
        "columns": {"item_number": {"description": "The item."}},
        "config": {"meta": {} if published is None else {"published": published}},
        **more,
    }


def _manifest(tmp_path: Path, *nodes: dict[str, Any]) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": {f"model.mfg.{i}": node for i, node in enumerate(nodes)}}))
    return path


def test_only_marked_models_are_published(tmp_path: Path) -> None:
    path = _manifest(
        tmp_path,
        _node("supplier", {"key": ["supplier_number"]}),
        _node("stg_item", None),
        _node("item", {"key": ["item_number"]}, schema="canonical"),
        _node("a_test", {"key": ["x"]}, resource_type="test"),
    )
    item, supplier = published_tables(path)
    assert supplier.name == "supplier"
    assert item == PublishedTable(
        "item", "canonical.item", ("item_number",), "One row per item.", {"item_number": "The item."}
    )


@pytest.mark.parametrize("name", ["../escape", "a/b", "Item", "x; drop table y", '"', "publication", ""])
def test_names_that_cannot_be_file_names_are_refused(tmp_path: Path, name: str) -> None:
    path = _manifest(tmp_path, _node("item", {"key": ["item_number"], "name": name or "é"}))
    with pytest.raises(PublicationError, match=r"models/item\.sql"):
        published_tables(path)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    path = _manifest(
        tmp_path,
        _node("one", {"key": []}),
        _node("two", True),
        _node("three", {"key": ["k"], "name": "same"}),
        _node("four", {"key": ["k"], "name": "same"}),
    )
    with pytest.raises(PublicationError) as caught:
        published_tables(path)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("content", [None, "{", ""])
def test_a_missing_or_broken_manifest_is_said_plainly(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PublicationError, match="manifest"):
        published_tables(path)
