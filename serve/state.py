"""What one running service holds, and how a request reaches it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import anyio
from anyio.to_thread import run_sync
from fastapi import Request

from data.errors import OverloadedError
from data.store import Store
from monitor.events import EventStore
from serve.choices import Access
from serve.journal import Journal
from serve.keys import KeyRing
from serve.metrics import ServiceMetrics
from serve.pipeline import Pipeline

if TYPE_CHECKING:
    from serve.access import RateLimiter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Service:
    """The open parts of a service.

    `slots` bounds how many recordings are worked on at once, `max_waiting` how many wait for a slot; typed queries take
    no time to speak of and do not wait behind recordings.
    """

    pipeline: Pipeline
    store: Store
    events: EventStore
    metrics: ServiceMetrics
    journal: Journal
    slots: anyio.CapacityLimiter
    max_waiting: int
    keys: KeyRing
    rates: "RateLimiter"
    access: Access

    async def work(self, task: Callable[[], T]) -> T:
        """Work on a recording in a thread, when a slot is free.

        Args:
            task: What to run.

        Returns:
            What it returns.

        Raises:
            OverloadedError: Too many wait already.
        """
        if self.slots.statistics().tasks_waiting >= self.max_waiting:
            raise OverloadedError("too many queries are waiting; try again in a moment")
        return await run_sync(task, limiter=self.slots)


def service_of(request: Request) -> Service:
    """Give the service behind a request."""
    return cast(Service, request.app.state.service)
