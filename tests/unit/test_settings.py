"""No environment is reached by falling through to a default: what is not said is refused or left undone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mfg_assets.errors import MfgError
from mfg_assets.settings import PROJECT_ROOT, Settings, get_settings


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("MFG_")]:
        monkeypatch.delenv(name)
    get_settings.cache_clear()


@pytest.mark.usefixtures("nothing_set")
def test_without_an_estate_there_is_no_default_manufacturer() -> None:
    with pytest.raises(MfgError, match=r"no estate is chosen.*MFG_ESTATE"):
        _ = get_settings().estate_path


@pytest.mark.usefixtures("nothing_set")
def test_an_estate_that_is_not_there_is_not_replaced_by_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MFG_ESTATE", str(tmp_path / "gone"))
    with pytest.raises(MfgError, match="gone does not exist"):
        _ = get_settings().estate_path


@pytest.mark.usefixtures("nothing_set")
def test_no_server_is_reached_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Variables of other programs name servers too; none of them is ours to use.
    for other in ("DATABASE_URL", "PGHOST", "SERVING_URL", "DAGSTER_URL"):
        monkeypatch.setenv(other, "postgresql://production/erp")
    settings = get_settings()
    assert settings.serving_url is None
    assert settings.dagster_url is None


@pytest.mark.usefixtures("nothing_set")
def test_an_empty_variable_is_not_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """`MFG_ESTATE=` in a service file must not mean the current folder."""
    for name in ("MFG_ESTATE", "MFG_SERVING_URL", "MFG_DAGSTER_URL"):
        monkeypatch.setenv(name, "")
    settings = get_settings()
    assert settings.serving_url is None
    assert settings.dagster_url is None
    with pytest.raises(MfgError, match="no estate is chosen"):
        _ = settings.estate_path


@pytest.mark.usefixtures("nothing_set")
def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFG_SERVING_URL", "postgresql://mfg:hunter2@db/mfg")
    monkeypatch.setenv("MFG_DAGSTER_URL", "postgresql://mfg:hunter2@db/dagster")
    assert "hunter2" not in repr(get_settings()) + str(get_settings().model_dump())


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(("name", "value"), [("MFG_THREADS", "0"), ("MFG_KEEP_VERSIONS", "1"), ("MFG_THREADS", "two")])
def test_a_value_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("MFG_").lower()):
        get_settings()


def test_everything_that_is_written_lies_under_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MFG_CACHE", raising=False)  # all tests share one
    settings = Settings(home=tmp_path / "home")  # pyright: ignore[reportCallIssue]
    written = [
        getattr(settings, name)
        for name, value in vars(Settings).items()
        if isinstance(value, property) and name not in {"estate_path", "dbt_project_dir", "expectations_dir"}
    ]
    assert len(written) >= 8
    assert all(path.is_relative_to(tmp_path / "home") for path in written)


def test_only_the_settings_read_the_environment() -> None:
    """Elsewhere the environment may be passed on to a child process, never looked into for a variable."""
    looks_inside = re.compile(r"os\.getenv|os\.environ\s*(\[(?!.*\]\s*=)|\.get\b)")
    offenders = [
        f"{path.relative_to(PROJECT_ROOT)}: {line.strip()}"
        for path in (PROJECT_ROOT / "mfg_assets").rglob("*.py")
        if path != PROJECT_ROOT / "mfg_assets" / "settings.py"
        for line in path.read_text().splitlines()
        if looks_inside.search(line)
    ]
    assert offenders == []
