"""Where released changes are delivered: one target for a system, or for some of its plants.

Belongs here: the keys under `releases`. Doesn't belong here: whether systems and plants exist
(`release_references`), delivering (`release`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mfg_assets.estate.base import Duration, Identifier, Model, PlantId

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Rendering = Literal["json", "b2mml", "csv"]
Sent = Literal["bill", "routing", "item"]


class FolderDelivery(Model):
    """Messages as files in a folder, each renamed into place when it is whole."""

    type: Literal["folder"] = Field(description="Files in a folder.")
    path: str = Field(min_length=1, description="The folder, absolute or relative to MFG_HOME.")
    formats: list[Rendering] = Field(
        default=["json"], min_length=1, description="What each message is written as: json, b2mml, csv."
    )


class HttpDelivery(Model):
    """Messages as signed POST requests."""

    type: Literal["http"] = Field(description="Signed POST requests.")
    url: str = Field(min_length=1, repr=False, description="Where to; https, but on this machine also http.")
    secret_env: VariableName = Field(description="Environment variable that holds the secret of the signature.")
    format: Rendering = Field(default="json", description="What the body is: json, b2mml or csv.")
    timeout_seconds: float = Field(default=10, gt=0, le=300, description="How long to wait for an answer.")


class TableDelivery(Model):
    """Messages as rows of a table in the receiver's database."""

    type: Literal["table"] = Field(description="Rows of a table.")
    url_env: VariableName = Field(description="Environment variable that holds the database's SQLAlchemy URL.")
    table: Identifier = Field(default="mfg_release_inbox", description="The table; made when it isn't there.")
    schema_: Identifier | None = Field(default=None, alias="schema", description="Its schema; default the database's.")


class ReleaseTarget(Model):
    """One receiver of released changes."""

    id: Identifier = Field(description="As commands and messages call it; a new name is a new receiver.")
    system: Identifier = Field(description="The ERP or MES that receives.")
    plants: list[PlantId] = Field(default_factory=list, description="Only of these plants; all it serves when empty.")
    sends: list[Sent] = Field(
        default=["bill", "routing", "item"], min_length=1, description="Only these: bill, routing, item."
    )
    deliver: Annotated[FolderDelivery | HttpDelivery | TableDelivery, Field(discriminator="type")] = Field(
        description="Where and how."
    )
    max_attempts: int = Field(default=12, ge=1, le=1000, description="Failed attempts that make a dead letter.")
    retry_after: Duration = Field(
        default=timedelta(minutes=1), description="Wait after a failure; doubled each time, up to a day."
    )
    breaker_failures: int = Field(
        default=5, ge=1, description="Failures in a row after which the receiver is left alone for a while."
    )
    breaker_pause: Duration = Field(default=timedelta(minutes=10), description="How long that is.")
