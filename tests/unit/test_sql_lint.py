"""sqlfluff is asked of what changed, and again of what it objected to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mfg_assets.warehouse.lint import lint


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("models/a.sql", "models/deep/b.sql", "tests/c.sql", "macros/m.sql"):
        path = tmp_path / "dbt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"select '{name}'")
    return tmp_path / "dbt"


def test_only_what_changed_is_asked_of(project: Path) -> None:
    asked: list[list[str]] = []
    answer = 0

    def ask(paths: Sequence[str]) -> int:
        asked.append(list(paths))
        return answer

    everything = ["models/a.sql", "models/deep/b.sql", "tests/c.sql"]
    assert [lint(project, ask), lint(project, ask)] == [0, 0]
    assert asked == [everything]
    (project / "models/deep/b.sql").write_text("select  1")
    answer = 1
    assert [lint(project, ask), lint(project, ask)] == [1, 1], "an objection isn't forgotten"
    assert asked[1:] == [["models/deep/b.sql"]] * 2
    answer = 0
    assert [lint(project, ask), lint(project, ask)] == [0, 0]
    assert asked[3:] == [["models/deep/b.sql"]]
    (project / "macros/m.sql").write_text("select 'another'")
    assert lint(project, ask) == 0
    assert asked[4:] == [everything], "what a macro writes is in each of them"
