"""The only reader of environment variables.

Belongs here: every `MFG_…` variable, its default and the paths that follow from it.
Doesn't belong here: anything about one manufacturer (that is the estate).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from mfg_assets.errors import MfgError, Problem

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are and what the machine may use. Every field is the variable `MFG_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="MFG_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default=Path(".mfg"), description="Everything a run writes.")
    estate: Path | None = Field(default=None, description="Folder of the estate; there is no default manufacturer.")
    dagster_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of Dagster's own storage; SQLite when unset."
    )
    serving_url: SecretStr | None = Field(default=None, description="PostgreSQL URL of the serving schema.")
    ledger_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of the exception ledger; a SQLite file under MFG_HOME when unset."
    )
    actor: str | None = Field(
        default=None, description="Who acts on exceptions in this shell; the machine's user when unset."
    )
    cache: Path | None = Field(
        default=None,
        description="What follows from the project alone, kept for its cost; under MFG_HOME when unset.",
    )
    memory_limit: str = Field(default="2GB", description="DuckDB memory limit of one connection.")
    threads: int = Field(default=2, ge=1, description="DuckDB threads of one connection.")
    keep_versions: int = Field(default=10, ge=2, description="Published versions kept for diff and rollback.")

    dbt_project: Path = Field(default=PROJECT_ROOT / "dbt_project", description="The dbt project.")
    expectations: Path = Field(default=PROJECT_ROOT / "expectations", description="Folder of the expectation suites.")

    @property
    def estate_path(self) -> Path:
        """The estate folder, absolute. Raises MfgError when none is chosen or it is not a folder."""
        if self.estate is None:
            raise MfgError(
                Problem("no estate is chosen", fix="set MFG_ESTATE to an estate folder, or pass --estate FOLDER")
            )
        path = self.estate.expanduser().resolve()
        if not path.is_dir():
            raise MfgError(Problem(f"the estate folder {path} does not exist", fix="correct MFG_ESTATE or --estate"))
        return path

    @property
    def home_path(self) -> Path:
        """`MFG_HOME`, absolute."""
        return self.home.expanduser().resolve()

    @property
    def cache_path(self) -> Path:
        """Where that is kept, absolute. Homes may share it; it may be deleted at any time."""
        return self.cache.expanduser().resolve() if self.cache else self.home_path / "cache"

    @property
    def landing_dir(self) -> Path:
        """Immutable batches, one folder each."""
        return self.home_path / "landing"

    @property
    def dead_letters_dir(self) -> Path:
        """Refused records, one Parquet file a batch."""
        return self.home_path / "dead_letters"

    @property
    def warehouse_dir(self) -> Path:
        """The DuckDB file, dbt's target folder and logs; may be deleted at any time between runs."""
        return self.home_path / "warehouse"

    @property
    def warehouse_path(self) -> Path:
        """The one DuckDB file that dbt writes."""
        return self.warehouse_dir / "mfg.duckdb"

    @property
    def published_dir(self) -> Path:
        """Published versions and the `current` link."""
        return self.home_path / "published"

    @property
    def exceptions_dir(self) -> Path:
        """The exception ledger: the only folder of the home that can't be computed again."""
        return self.home_path / "exceptions"

    @property
    def dagster_dir(self) -> Path:
        """DAGSTER_HOME of the embedded instance."""
        return self.home_path / "dagster"

    @property
    def logs_dir(self) -> Path:
        """Text logs of runs."""
        return self.home_path / "logs"

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project, absolute."""
        return self.dbt_project.expanduser().resolve()

    @property
    def expectations_dir(self) -> Path:
        """The suites, absolute."""
        return self.expectations.expanduser().resolve()


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Tests clear it with `get_settings.cache_clear()`."""
    return Settings()


def environment() -> Mapping[str, str]:
    """All variables of this process, for the `${VAR}` of an estate: their names are the estate's own."""
    return dict(os.environ)


def secret(name: str) -> SecretStr | None:
    """The value of a variable that the estate names for a secret; None when it is unset or empty."""
    value = os.environ.get(name)
    return SecretStr(value) if value else None
