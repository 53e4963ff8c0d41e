"""The database: one engine, every table.

SQLite in write-ahead mode by default, PostgreSQL when `VOICESEARCH_DATABASE_URL` names one. Packages to the right
declare their tables on `metadata` and read and write through a `Store`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from data.errors import StoreError, UnstorableError

metadata = MetaData()
"""Every table of the project."""

events = Table(
    "events",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("query_id", String(64), nullable=False),
    Column("session_id", String(128)),
    Column("release", String(128)),
    Column("status", Integer),
    Column("null_reason", String(32)),
    Column("figures", JSON),
    Index("events_by_time", "at"),
    Index("events_by_query", "query_id"),
    Index("events_by_session", "session_id", "at"),
)
"""What happened: ids and figures only, append-only."""

utterances = Table(
    "utterances",
    metadata,
    Column("query_id", String(64), primary_key=True),
    Column("session_id", String(128)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("text", Text, nullable=False),
    Column("correction", Text),
    Column("audio", LargeBinary),
    Index("utterances_by_session", "session_id"),
)
"""What was said, kept only with the speaker's consent, in a table of its own that can be erased."""


_UNSTORABLE = (DataError, IntegrityError, ProgrammingError)


class Store:
    """An open database with every table made; a SQLite file that is removed under it is made anew."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        path = engine.url.database
        self._file = Path(path) if engine.dialect.name == "sqlite" and path and path != ":memory:" else None
        self._identity = _identity(self._file)
        self._changing = Lock()

    @classmethod
    def open(cls, url: str) -> "Store":
        """Connect to a database and make the tables that it lacks.

        Args:
            url: SQLAlchemy address, for example `sqlite:////var/lib/voicesearch/voicesearch.db`.

        Returns:
            The store.

        Raises:
            StoreError: The address is malformed or the database cannot be opened.
        """
        try:
            address = make_url(url)
            if address.get_backend_name() == "sqlite":
                if address.database and address.database != ":memory:":
                    _make_private(Path(address.database))
                engine = create_engine(address, connect_args={"timeout": 5.0})
                event.listen(engine, "connect", _use_write_ahead_log)
            else:
                engine = create_engine(address, pool_pre_ping=True)
            metadata.create_all(engine)
        except (ArgumentError, ModuleNotFoundError) as error:
            raise StoreError(f"{_hidden(url)}: not a database address that can be used ({error})") from error
        except (SQLAlchemyError, OSError) as error:
            reason = getattr(error, "orig", None) or error
            raise StoreError(
                f"{_hidden(url)}: the database cannot be opened ({reason}); check path and rights"
            ) from error
        return cls(engine)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends well.

        Yields:
            A connection.

        Raises:
            StoreError: The database refused; nothing of the block is kept.
            UnstorableError: It refused, and will again.
        """
        self._follow_file()
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            kind = UnstorableError if isinstance(error, _UNSTORABLE) else StoreError
            raise kind(f"the database refused ({getattr(error, 'orig', None) or error})") from error

    def check(self) -> None:
        """Make sure that events can be read.

        Raises:
            StoreError: They cannot.
        """
        with self.begin() as connection:
            connection.execute(select(events.c.id).limit(1)).first()

    def _follow_file(self) -> None:
        """Leave a file that is no longer there: SQLite would go on writing into what nobody finds again."""
        if self._file is None or _identity(self._file) == self._identity:
            return
        with self._changing:
            if (identity := _identity(self._file)) == self._identity:
                return
            self.engine.dispose()
            try:
                if identity is None:
                    _make_private(self._file)
                metadata.create_all(self.engine)
            except (SQLAlchemyError, OSError) as error:
                raise StoreError(f"{self._file}: it is gone and cannot be made anew ({error})") from error
            self._identity = _identity(self._file)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Tell a file from another of the same name; None where there is none."""
    try:
        status = os.stat(path) if path else None
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _make_private(path: Path) -> None:
    """Make a database file that only its owner can read: it may hold what people said."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)


def _use_write_ahead_log(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _hidden(url: str) -> str:
    """Show an address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "VOICESEARCH_DATABASE_URL"
