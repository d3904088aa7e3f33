"""Messages as rows of a table in the receiver's database. The key is its primary key: a message stands there once.

Belongs here: the table and the insert. Doesn't belong here: what the receiver does with rows.
"""

from __future__ import annotations

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, create_engine, insert, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mfg_assets.errors import Problem
from mfg_assets.estate.releases import TableDelivery
from mfg_assets.release.deliver.failures import UnreachableError
from mfg_assets.release.message import encode
from mfg_assets.release.model import ReleaseError, Sent
from mfg_assets.settings import secret


class TableDeliverer:
    """A table; it is made when it isn't there. Rows are only added: when one may go is the receiver's business."""

    def __init__(self, engine: Engine, delivery: TableDelivery) -> None:
        self.engine = engine
        self.table = Table(
            delivery.table,
            MetaData(schema=delivery.schema_),
            Column("idempotency_key", String(64), primary_key=True),
            Column("kind", String(12), nullable=False),
            Column("target_system", String(48), nullable=False),
            Column("plant_id", String(32)),
            Column("object_type", String(64), nullable=False),
            Column("object_key", String(256), nullable=False),
            Column("sequence", Integer, nullable=False),
            Column("correlation_id", String(64), nullable=False),
            Column("prepared_at", String(32), nullable=False),
            Column("message", Text, nullable=False),
        )
        self._is_there = False

    def deliver(self, sent: Sent) -> None:
        """Insert it, unless it is there."""
        names = [c.name for c in self.table.columns if c.name != "message"]
        values = {name: sent.payload[name] for name in names} | {"message": encode(sent.payload).decode()}
        key = self.table.c.idempotency_key
        try:
            if not self._is_there:
                self.table.create(self.engine, checkfirst=True)
                self._is_there = True
            with self.engine.begin() as connection:
                if connection.execute(select(key).where(key == sent.idempotency_key)).first() is None:
                    connection.execute(insert(self.table).values(**values))
        except SQLAlchemyError as error:
            # Also where somebody else delivers it at the same time: the next attempt finds it there. Not the error's
            # text: it may hold the address with its password.
            raise UnreachableError(f"the receiver's database can't be used: {type(error).__name__}") from error

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def table_deliverer(target: str, delivery: TableDelivery) -> TableDeliverer:
    """A deliverer with its database's URL from the environment.

    Raises:
        ReleaseError: the variable isn't set, or holds no URL.
    """
    url = secret(delivery.url_env)
    fix = f"set the variable {delivery.url_env} to a SQLAlchemy URL such as postgresql://user:password@host/db"
    if url is None:
        raise ReleaseError(Problem(f"the database of the release target {target} is not named", fix=fix))
    try:
        parsed = make_url(url.get_secret_value())
    except ArgumentError:
        raise ReleaseError(Problem(f"the database of the release target {target} is no URL", fix=fix)) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return TableDeliverer(create_engine(parsed, poolclass=NullPool, hide_parameters=True), delivery)
