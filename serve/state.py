"""What one running service holds, and how a request reaches it."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fastapi import Request
from starlette.requests import HTTPConnection

from data.errors import HungUpError
from data.store import Store
from monitor.events import EventStore
from serve.choices import Access
from serve.hearing import Heard
from serve.idempotency import AnswerMemory
from serve.index import SearchIndex
from serve.journal import Journal
from serve.keys import KeyRing
from serve.listener import Listener
from serve.metrics import ServiceMetrics
from serve.pool import RecognizerPool
from serve.settings import StreamSettings

if TYPE_CHECKING:
    from serve.access import RateLimiter


@dataclass(frozen=True, slots=True)
class Service:
    """The open parts of a service."""

    release: str
    recognizers: RecognizerPool
    index: SearchIndex
    store: Store
    events: EventStore
    metrics: ServiceMetrics
    journal: Journal
    keys: KeyRing
    rates: "RateLimiter"
    access: Access
    answers: AnswerMemory
    listener: Listener
    streaming: StreamSettings
    origins: tuple[str, ...]

    async def hear(self, request: Request, content: bytes) -> Heard:
        """Hear a recording for as long as the caller waits for the answer.

        Args:
            request: Whose recording it is, its body read to the end.
            content: An audio file's bytes.

        Returns:
            What was heard.

        Raises:
            HungUpError: The caller is gone; where the recording was still waiting, its place is free.
            VoiceSearchError: As `RecognizerPool.hear`.
        """
        hearing = asyncio.ensure_future(self.recognizers.hear(content))
        hanging_up = asyncio.ensure_future(_hung_up(request))
        try:
            await asyncio.wait((hearing, hanging_up), return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done():
                raise HungUpError("the caller hung up")
            return hearing.result()
        finally:
            hearing.cancel()
            hanging_up.cancel()


def service_of(connection: HTTPConnection) -> Service:
    """Give the service behind a request or a WebSocket."""
    return cast(Service, connection.app.state.service)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
