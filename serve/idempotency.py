"""The same request sent again is answered once: `Idempotency-Key`, as the IETF's draft has it.

A caller that does not know whether its request arrived sends it again with the same key, and gets the first answer: the
work is done once and counted once. Answers are kept in memory only, for a while, within bounds, apart for each caller.

Source: J. Jena, S. Dalal, The Idempotency-Key HTTP Header Field, draft-ietf-httpapi-idempotency-key-header.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, cast

from fastapi import Header
from pydantic import StringConstraints

from data.errors import ConflictError, InputError, InvalidRequestError

KEPT_S = 600.0
"""Seconds for which an answer is kept; a client gives up long before."""

MOST_OF_A_CALLER = 200
"""Most answers of one caller that are kept: nobody can push out those of others."""

MOST = 2000
"""Most answers in all."""

T = TypeVar("T")

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r'^"?[!#-~]{1,128}"?$')] | None,
    Header(description="Any id of this request; sent again with the same one, it is answered as the first time."),
]
"""A structured string with its quotes as in the draft, or without as most clients send it."""


@dataclass(slots=True)
class _Kept:
    """What is known of a key: a digest of its request, when it came, and its outcome once there is one."""

    digest: str
    at: float
    outcome: "asyncio.Future[Any]"


class AnswerMemory:
    """The answers of recent keys."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def once(
        self, caller: str, key: str | None, asked: tuple[object, ...], answer: Callable[[], Awaitable[T]]
    ) -> T:
        """Answer a request, or give the answer that it got before.

        Args:
            caller: Who asks.
            key: The request's key; without one it is answered each time.
            asked: All that decides the answer; kept as a digest.
            answer: Does the work.

        Returns:
            The answer.

        Raises:
            ConflictError: The first request with this key is still being worked on.
            InvalidRequestError: The key came with another request.
            VoiceSearchError: As `answer`; a refusal that would be the same again is kept too.
        """
        if key is None:
            return await answer()
        name, digest = (caller, key.strip('"')), _digest_of(asked)
        self._forget(caller)
        known = self._kept.get(name)
        if known is not None:
            return cast(T, _repeated(known, digest))
        mine = _Kept(digest, self._clock(), asyncio.get_running_loop().create_future())
        self._kept[name] = mine
        try:
            mine.outcome.set_result(await answer())
        except InputError as refusal:
            mine.outcome.set_exception(refusal)
        finally:
            if not mine.outcome.done() and self._kept.get(name) is mine:
                del self._kept[name]  # the next try may well succeed
        return cast(T, mine.outcome.result())

    def _forget(self, caller: str) -> None:
        """Drop what is too old, and the oldest of what is too much."""
        while self._kept and next(iter(self._kept.values())).at < self._clock() - KEPT_S:
            self._kept.popitem(last=False)
        own = [name for name in self._kept if name[0] == caller]
        for name in own[: len(own) - MOST_OF_A_CALLER + 1]:
            del self._kept[name]
        while len(self._kept) >= MOST:
            self._kept.popitem(last=False)


def _repeated(known: _Kept, digest: str) -> object:
    if known.digest != digest:
        raise InvalidRequestError("idempotency-key: it was sent with another request; make a new one for each")
    if not known.outcome.done():
        raise ConflictError("the request with this idempotency-key is still being worked on; ask again in a moment")
    return known.outcome.result()


def _digest_of(asked: tuple[object, ...]) -> str:
    digest = hashlib.sha256()
    for part in asked:
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
