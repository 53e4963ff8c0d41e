"""Who may ask what, and how often: the key, the address, the rate."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from data.errors import ForbiddenError, InputError, RateLimitedError, UnauthorizedError
from serve.choices import Access, Scope
from serve.keys import ApiKey
from serve.state import Service, service_of

if TYPE_CHECKING:
    from limits import RateLimitItem

bearer = HTTPBearer(auto_error=False, description="A key that `voicesearch serve key create` made.")

CLOCK_STEP_S = 5.0
"""From this many seconds on, a difference between the clocks is a clock that was set."""

PUBLIC = frozenset({Scope.QUERY, Scope.FEEDBACK})
"""What an open service lets everybody do; other people's recordings and the service itself stay behind a key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from; `has_key` says that it named a key, `key` is the one that was found."""

    address: str
    has_key: bool = False
    key: ApiKey | None = None

    @property
    def is_local(self) -> bool:
        """Whether it comes from this machine."""
        return is_loopback(self.address)

    @property
    def identity(self) -> str:
        """By what it is told from others: its key, or without one its address."""
        return f"key {self.key.id}" if self.key else f"address {self.address}"


def admit(caller: Caller, scope: Scope, access: Access) -> None:
    """Let a caller through, or say why not.

    Args:
        caller: Who asks.
        scope: What for.
        access: Who needs no key.

    Raises:
        UnauthorizedError: It has no key and needs one, or its key is unknown or revoked.
        ForbiddenError: Its key does not allow this.
    """
    if caller.key is not None:
        if not caller.key.allows(scope):
            raise ForbiddenError(f"this key does not allow {scope}; ask for one with that scope")
        return
    if (caller.is_local and access is not Access.KEYS) or (access is Access.OPEN and scope in PUBLIC):
        return  # whatever key it named: clients of OpenAI's interface always name one
    if caller.has_key:
        raise UnauthorizedError("the key is unknown or was revoked; ask for another")
    raise UnauthorizedError("a key is needed; send it as 'Authorization: Bearer KEY'")


def refuse_unguarded(host: str, access: Access, has_keys: bool) -> None:
    """Refuse to listen where strangers could ask and nobody has a key.

    Args:
        host: The address to listen on.
        access: Who needs no key.
        has_keys: Whether there is a key that was not revoked.

    Raises:
        InputError: Nobody could be told from a stranger.
    """
    if not is_loopback(host) and access is not Access.OPEN and not has_keys:
        raise InputError(
            f"--host {host}: other machines could ask, and there is no key yet; make one with 'voicesearch serve key "
            "create NAME', or set VOICESEARCH_ACCESS=open to let everybody search"
        )


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RateLimiter:
    """How often each caller may ask: those with a key by key, others by address, this machine as often as it likes."""

    def __init__(self, limit: "RateLimitItem") -> None:
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        self._limit = limit
        self._seen = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._seen)
        self._clock_offset_s = _clock_offset_s()

    def count(self, caller: Caller) -> None:
        """Count a request.

        Args:
            caller: Who asks.

        Raises:
            RateLimitedError: It asked too often; says when to ask again.
        """
        if caller.key is None and caller.is_local:
            return
        if abs((offset := _clock_offset_s()) - self._clock_offset_s) > CLOCK_STEP_S:
            self._clock_offset_s = offset
            self._seen.reset()  # what was counted by another clock would be held against callers for hours
        if not self._windows.hit(self._limit, caller.identity):
            free = self._windows.get_window_stats(self._limit, caller.identity).reset_time
            raise RateLimitedError(f"more than {self._limit}; ask again later", max(round(free - time.time()), 1))


def _clock_offset_s() -> float:
    return time.time() - time.monotonic()


def is_own_page(origin: str | None, host: str, allowed: Sequence[str]) -> bool:
    """Say whether a WebSocket was opened by a page that may; browsers let every page open one to any address.

    Args:
        origin: Of the page, as the browser says it; programs that are no browsers say none.
        host: The address that was asked, as the `Host` header has it.
        allowed: Other origins that may.
    """
    if origin is None or origin in allowed:
        return True
    try:
        return host != "" and urlsplit(origin).netloc == host
    except ValueError:  # no address at all
        return False


def secret_of(connection: HTTPConnection) -> str | None:
    """Give the key that the header `Authorization` names, None where it names none."""
    scheme, secret = get_authorization_scheme_param(connection.headers.get("authorization"))
    return secret or None if scheme.lower() == "bearer" else None


def let_in(service: Service, connection: HTTPConnection, secret: str | None, scope: Scope) -> Caller:
    """Let a connection do something, and count it, or say why not.

    Args:
        service: What is asked.
        connection: Who asks.
        secret: Of the key that it names, None where it names none.
        scope: What for.

    Returns:
        Who asks.

    Raises:
        UnauthorizedError: It has no key and needs one, or its key is unknown or revoked.
        ForbiddenError: Its key does not allow this.
        RateLimitedError: It asks too often.
    """
    address = connection.client.host if connection.client else ""
    caller = Caller(address, secret is not None, service.keys.find(secret) if secret else None)
    admit(caller, scope, service.access)
    service.rates.count(caller)
    return caller


def needs(scope: Scope) -> Callable[..., Awaitable[None]]:
    """Make the dependency of addresses that need a scope.

    Args:
        scope: Which.

    Returns:
        A dependency that lets a request through or refuses it.
    """

    async def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None
    ) -> None:
        secret = credentials.credentials if credentials else None
        request.state.caller = let_in(service_of(request), request, secret, scope).identity

    return check


def caller_of(request: Request) -> str:
    """Tell by what the caller of a request that `needs` let through is told from others."""
    return str(request.state.caller)
