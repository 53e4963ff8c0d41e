"""What is to be written into the database: in order, in a thread of its own; kept while the database refuses it.

Knows nothing of what is written.
"""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Any, TypeVar

from data.errors import StoreError, UnstorableError
from serve.metrics import ServiceMetrics

T = TypeVar("T")

logger = logging.getLogger("voicesearch")

RETRY_S = 1.0
"""Seconds after which what was refused is written again."""

LAST_TRIES_S = 5.0
"""Seconds for which it is tried again when the service ends."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """The most that waits: a day of a quiet service, or an hour of a busy one; recordings are what takes the bytes."""

    entries: int = 10_000
    size: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Entry:
    """A write, the bytes that it keeps in memory, and who waits for what it returns."""

    write: Callable[[], object]
    size: int = 0
    answer: "Future[Any] | None" = None

    def carry_out(self) -> None:
        """Write; what may pass is raised, and everything where nobody waits for the answer."""
        try:
            result = self.write()
        except Exception as error:
            if self.answer is None or _may_pass(error):
                raise
            self.answer.set_exception(error)
        else:
            if self.answer is not None:
                self.answer.set_result(result)


class Spool:
    """Writes in order. While the database refuses, what was added waits, and who waits for an answer is refused."""

    def __init__(self, metrics: ServiceMetrics, limits: SpoolLimits | None = None) -> None:
        self._metrics = metrics
        self._limits = limits or SpoolLimits()
        self._entries: deque[_Entry] = deque()
        self._size = 0
        self._changed = Condition()
        self._closed_at: float | None = None
        self._trouble: StoreError | None = None
        self._thread = Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """Why the database refuses what waits; None where it does not."""
        return str(self._trouble) if self._trouble else None

    def add(self, write: Callable[[], object], size: int = 0) -> None:
        """Write later; dropped and counted where too much waits already.

        Args:
            write: What to do; done again when it raises `StoreError`, so that doing it twice must be harmless.
            size: Bytes that it keeps in memory.
        """
        with self._changed:
            if len(self._entries) >= self._limits.entries or self._size + size > self._limits.size:
                self._metrics.count_dropped_events()
                return
            self._append(_Entry(write, size))

    def submit(self, write: Callable[[], T]) -> "Future[T]":
        """Write after everything that was added before.

        Args:
            write: What to do.

        Returns:
            What it returns or raises; `StoreError` where the database refuses what comes before it.
        """
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # from here on it is answered, whoever has stopped waiting
        with self._changed:
            self._append(_Entry(write, answer=answer))
        return answer

    def close(self) -> None:
        """Write what is left, then stop; what the database still refuses after a while is lost, and counted."""
        with self._changed:
            self._closed_at = monotonic()
            self._changed.notify()
        self._thread.join()

    def _append(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._size += entry.size
        self._metrics.show_waiting_events(len(self._entries))
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._entries or self._closed_at is not None)
                if not self._entries:
                    return
                entry = self._entries[0]
            try:
                entry.carry_out()
            except UnstorableError as error:
                logger.error("an event was not kept: %s", error)
                self._metrics.count_dropped_events()
            except StoreError as error:
                if self._give_up(error):
                    return
                continue
            except Exception:  # one event that cannot be written must not keep all others from being written
                logger.exception("an event was not kept")
                self._metrics.count_dropped_events()
            self._done()

    def _done(self) -> None:
        with self._changed:
            self._size -= self._entries.popleft().size
            self._metrics.show_waiting_events(len(self._entries))
        if self._trouble:
            logger.warning("the database takes events again")
            self._trouble = None

    def _give_up(self, error: StoreError) -> bool:
        """Refuse who waits for an answer, then wait a while; say whether it is time to stop."""
        if self._trouble is None:
            logger.error("events wait: %s", error)
        self._trouble = error
        with self._changed:
            refused = [entry.answer for entry in self._entries if entry.answer]
            self._entries = deque(entry for entry in self._entries if not entry.answer)
            self._metrics.show_waiting_events(len(self._entries))
        for answer in refused:
            answer.set_exception(error)
        with self._changed:
            if self._closed_at is None:
                self._changed.wait_for(lambda: self._closed_at is not None, RETRY_S)
                return False
            if monotonic() < self._closed_at + LAST_TRIES_S:
                self._changed.wait_for(lambda: False, RETRY_S)
                return False
            lost = len(self._entries)
        if lost:
            self._metrics.count_dropped_events(lost)
            logger.error("%d events were lost: %s", lost, error)
        return True


def _may_pass(error: Exception) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, UnstorableError)
