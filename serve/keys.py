"""API keys: who they are for, what they allow, and how they are kept: as hashes, never as they are.

A key has 256 random bits, so that a plain SHA-256 of it cannot be guessed back (NIST SP 800-63B asks for slow hashes
only where people choose the secret).
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import JSON, Column, DateTime, RowMapping, String, Table, insert, select, update

from data.errors import InvalidRequestError, NotFoundError, StoreError
from data.store import Store, metadata
from serve.choices import Scope

REFRESH_S = 1.0
"""After so many seconds a running service knows of a key that was made or revoked."""

keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    revoked_at: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Say whether the key allows something."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class KeyStore:
    """The keys in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, scopes: Sequence[Scope]) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: Who it is for.
            scopes: What it allows, at least one thing.

        Returns:
            The key and its secret, which is kept nowhere.

        Raises:
            InvalidRequestError: The name is empty or too long, or nothing is allowed.
            StoreError: The database refused.
        """
        if not name.strip() or len(name) > 128 or not scopes:
            raise InvalidRequestError("a key needs a name of at most 128 letters and at least one scope")
        key, secret = new_key(name.strip(), tuple(dict.fromkeys(scopes)))
        with self._store.begin() as connection:
            row = {"id": key.id, "name": key.name, "scopes": list(key.scopes), "created_at": key.created_at}
            connection.execute(insert(keys).values(**row, sha256=digest_of(secret)))
        return key, secret

    def revoke(self, identifier: str) -> None:
        """Revoke a key for good; one that is revoked stays so.

        Args:
            identifier: The key's id.

        Raises:
            NotFoundError: There is no such key.
            StoreError: The database refused.
        """
        with self._store.begin() as connection:
            known = connection.execute(select(keys.c.revoked_at).where(keys.c.id == identifier)).first()
            if known is None:
                raise NotFoundError(f"{identifier}: there is no such key; 'voicesearch serve key list' shows them")
            if known.revoked_at is None:
                connection.execute(update(keys).where(keys.c.id == identifier).values(revoked_at=datetime.now(UTC)))

    def all(self) -> tuple[ApiKey, ...]:
        """Give every key, revoked ones too, the oldest first."""
        with self._store.begin() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created_at)).mappings().all()
        return tuple(_key(row) for row in rows)

    def active(self) -> dict[str, ApiKey]:
        """Give the keys that are not revoked, by the hash of their secret."""
        with self._store.begin() as connection:
            rows = connection.execute(select(keys).where(keys.c.revoked_at.is_(None))).mappings().all()
        return {row["sha256"]: _key(row) for row in rows}


class KeyRing:
    """The active keys as a running service knows them; no request waits for the database.

    `own` are keys that are kept nowhere, by the hash of their secret: those with which the service asks itself.
    """

    def __init__(self, store: KeyStore, own: Mapping[str, ApiKey]) -> None:
        self._store = store
        self._own = own
        self._active = store.active()

    def find(self, secret: str) -> ApiKey | None:
        """Give the key of a secret, None where it is unknown or revoked."""
        digest = digest_of(secret)
        return self._active.get(digest) or self._own.get(digest)

    async def keep_fresh(self) -> None:
        """Look for new and revoked keys until cancelled; while the database fails, those last known stay."""
        while True:
            await anyio.sleep(REFRESH_S)
            try:
                self._active = await run_sync(self._store.active)
            except StoreError:
                continue  # readiness says that the database fails


def new_key(name: str, scopes: tuple[Scope, ...]) -> tuple[ApiKey, str]:
    """Draw a key that is kept nowhere yet, and its secret."""
    key = ApiKey(secrets.token_hex(4), name, scopes, datetime.now(UTC))
    return key, f"vs_{key.id}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """Hash a secret as it is kept."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: RowMapping) -> ApiKey:
    scopes = tuple(Scope(scope) for scope in row["scopes"])
    return ApiKey(row["id"], row["name"], scopes, row["created_at"], row["revoked_at"])
