"""Suites of expectations: one YAML file per table, and what may stand in it.

Belongs here: the shapes, reading and validating them, and the SQL that finds an expectation's failing rows.
Doesn't belong here: running anything; Great Expectations is not imported here, so that loading definitions is quick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML, YAMLError
from typing_extensions import override

from mfg_assets.errors import Problem, QualityError
from mfg_assets.warehouse.sql import identifier, literal

Severity = Literal["blocking", "warning"]
Value = str | int | float | bool
Column = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

_TABLE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
# SQLAlchemy reads `:word` as a parameter, and nothing would be bound to it.
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=[A-Za-z_])(?!:)")


class _Base(BaseModel):
    """What every expectation has.

    Attributes:
        severity: `blocking` stops publication, `warning` is shown.
        description: what must hold, in words for the table's readers.
        name: unique in its suite; made from the type and columns when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Severity
    description: str = Field(min_length=10)
    name: str = Field("", pattern=r"^[a-z0-9_]*$", max_length=80)

    @property
    def columns_used(self) -> tuple[str, ...]:
        """Columns that must exist; those inside a query are DuckDB's to judge."""
        return ()

    def failing_rows(self, table: str) -> str | None:
        """SQL for the rows of `table` (quoted) that fail, None where the failure is not one of rows."""
        raise NotImplementedError

    def _default_name(self) -> str:
        raise NotImplementedError

    @model_validator(mode="after")
    def _named(self) -> _Base:
        if not self.name:
            object.__setattr__(self, "name", self._default_name())
        return self


class NotNull(_Base):
    """A column that is always filled."""

    type: Literal["expect_column_values_to_not_be_null"]
    column: Column

    @property
    @override
    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)

    @override
    def failing_rows(self, table: str) -> str:
        return f"select * from {table} where {identifier(self.column)} is null"

    @override
    def _default_name(self) -> str:
        return f"not_null__{self.column}"


class InSet(_Base):
    """A column whose filled values are all in a list."""

    type: Literal["expect_column_values_to_be_in_set"]
    column: Column
    value_set: list[Value] = Field(min_length=1)

    @property
    @override
    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)

    @override
    def failing_rows(self, table: str) -> str:
        values = ", ".join(_value(value) for value in self.value_set)
        return f"select * from {table} where {identifier(self.column)} not in ({values})"

    @override
    def _default_name(self) -> str:
        return f"in_set__{self.column}"


class Between(_Base):
    """A column whose filled values lie in a range; both ends belong to it unless strict."""

    type: Literal["expect_column_values_to_be_between"]
    column: Column
    min_value: float | int | None = None
    max_value: float | int | None = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> Between:
        if self.min_value is None and self.max_value is None:
            raise ValueError("needs min_value, max_value or both")
        return self

    @property
    @override
    def columns_used(self) -> tuple[str, ...]:
        return (self.column,)

    @override
    def failing_rows(self, table: str) -> str:
        column = identifier(self.column)
        outside = []
        if self.min_value is not None:
            outside.append(f"{column} {'<=' if self.strict_min else '<'} {self.min_value}")
        if self.max_value is not None:
            outside.append(f"{column} {'>=' if self.strict_max else '>'} {self.max_value}")
        return f"select * from {table} where {' or '.join(outside)}"

    @override
    def _default_name(self) -> str:
        return f"between__{self.column}"


class RowCount(_Base):
    """How many rows the table has."""

    type: Literal["expect_table_row_count_to_be_between"]
    min_value: int | None = Field(None, ge=0)
    max_value: int | None = Field(None, ge=0)

    @override
    def failing_rows(self, table: str) -> None:
        return None

    @override
    def _default_name(self) -> str:
        return "row_count"


class UnexpectedRows(_Base):
    """A query that must find nothing; `{batch}` in it stands for the table."""

    type: Literal["unexpected_rows"]
    query: str

    @model_validator(mode="after")
    def _queryable(self) -> UnexpectedRows:
        try:
            fields = {field for _, field, _, _ in Formatter().parse(self.query) if field is not None}
        except ValueError as error:
            raise ValueError(f"query: {error}; write a literal brace twice, as in x{{{{3}}}}") from None
        if fields != {"batch"}:
            raise ValueError(
                "query: must name the table as {batch}, and a literal brace is written twice, as in x{{3}}"
            )
        if _PARAMETER.search(self.query):
            raise ValueError("query: a colon before a word would be read as a parameter; write it as \\:")
        if not self.name:
            raise ValueError("needs a name")
        return self

    @override
    def failing_rows(self, table: str) -> str:
        return self.query.replace("\\:", ":").format(batch=table)

    @override
    def _default_name(self) -> str:
        return self.name


class UniqueKey(_Base):
    """Columns that together identify a row; nulls are values like any other.

    Great Expectations' own compound uniqueness joins on equality, so it overlooks doubled keys with a null in them:
    this runs as `unexpected_rows`.
    """

    type: Literal["unique_key"]
    columns: list[Column] = Field(min_length=1)

    @property
    @override
    def columns_used(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @override
    def failing_rows(self, table: str) -> str:
        key = ", ".join(identifier(column) for column in self.columns)
        return f"select * from {table} qualify count(*) over (partition by {key}) > 1"

    @override
    def _default_name(self) -> str:
        return "unique_key"


Expectation = Annotated[
    NotNull | InSet | Between | RowCount | UnexpectedRows | UniqueKey,
    Field(discriminator="type"),
]


class Suite(BaseModel):
    """The expectations of one table, `schema.name`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(pattern=f"^{_TABLE.pattern}$")
    expectations: tuple[Expectation, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Suite:
        if not self.expectations:
            raise ValueError("expectations: at least one is needed")
        names = [expectation.name for expectation in self.expectations]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two expectations are named {', '.join(doubled)}: give one a name")
        return self

    @property
    def sql(self) -> str:
        """The table's name, quoted."""
        return ".".join(identifier(part) for part in self.table.split("."))


def load_suites(folder: Path) -> list[Suite]:
    """Every suite in a folder, ordered by table.

    Raises:
        QualityError: every problem of every file, with its line.
    """
    suites: dict[str, Suite] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = YAML().load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            mark = getattr(error, "problem_mark", None)
            problems.append(Problem(f"can't be read: {error}", path, mark.line + 1 if mark else None))
            continue
        try:
            suite = Suite.model_validate(document)
        except ValidationError as error:
            problems.extend(_problems(error, document, path))
            continue
        if suite.table in suites:
            problems.append(Problem(f"{suite.table} has another suite already", path, fix="put them into one file"))
        if path.stem != suite.table.split(".")[1]:
            problems.append(Problem(f"the suite of {suite.table} has another name", path, fix="name it as the table"))
        suites[suite.table] = suite
    if problems:
        raise QualityError(*problems)
    return [suites[table] for table in sorted(suites)]


def _problems(error: ValidationError, document: Any, path: Path) -> Iterator[Problem]:
    for one in error.errors():
        # Pydantic adds the discriminator's value to the place; it is no key of the document.
        where = [part for part in one["loc"] if not (isinstance(part, str) and part == _type_at(document, one["loc"]))]
        text = ".".join(str(part) for part in where)
        yield Problem(f"{text}: {one['msg']}" if text else one["msg"], path, _line(document, where))


def _type_at(document: Any, loc: tuple[int | str, ...]) -> str | None:
    try:
        return document["expectations"][loc[1]]["type"]
    except (KeyError, IndexError, TypeError):
        return None


def _line(document: Any, where: list[int | str]) -> int | None:
    line: int | None = None
    for part in where:
        position = getattr(document, "lc", None)
        if position is None:
            break
        try:
            line = position.key(part)[0] + 1 if isinstance(part, str) else position.item(part)[0] + 1
            document = document[part]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _value(value: Value) -> str:
    return literal(value) if isinstance(value, str) else str(value).lower()
