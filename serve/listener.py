"""The process that listens to all streams, and the way to it; lost and started again, it costs only those streams."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from data.errors import OverloadedError, RecognitionFailedError, VoiceSearchError
from serve.listening import Begin, Encoding, Forget, Listened, Reply, Request, Sound
from serve.metrics import ServiceMetrics
from serve.process import RETRY_START_S, Opener, ProcessLostError, WorkerProcess

logger = logging.getLogger("voicesearch")

Requests: TypeAlias = tuple[Request, ...]

TOGETHER = 64
"""Most messages handed over at once."""

TOGETHER_BYTES = 64 * 1024
"""Bytes of messages from which on no more are handed over at once; the largest that may come are as large."""

PATIENCE_S = 2.0
"""Seconds after which the process is given up; what it is handed at once takes it at most a hundredth of that."""


@dataclass(eq=False, slots=True)
class Waiting:
    """A request, and who waits for its answer, if anybody."""

    request: Request
    outcome: "asyncio.Future[Listened] | None" = None


class Listener:
    """Listens to streams in a process of its own."""

    def __init__(
        self, opener: "Opener[Requests, tuple[int, Reply]]", max_streams: int, metrics: ServiceMetrics
    ) -> None:
        self._process: WorkerProcess[Requests, tuple[int, Reply]] = WorkerProcess("listener", opener)
        self._metrics = metrics
        self._places = max_streams
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="listener")
        self._runner: asyncio.Task[None] | None = None
        self._ready = False

    @property
    def pid(self) -> int | None:
        """The process' number, None while there is none."""
        return self._process.pid

    async def start(self) -> None:
        """Start the process.

        Raises:
            VoiceSearchError: It cannot be started.
        """
        try:
            await self._in_thread(self._process.start)
        except ProcessLostError as error:
            raise VoiceSearchError(f"what listens to streams could not be started ({error})") from error
        self._ready = True
        self._runner = asyncio.create_task(self._run())

    @contextmanager
    def place(self, stream: str) -> Iterator[None]:
        """Keep a place for a stream while it is open; what was known of it is forgotten then.

        Args:
            stream: Any id.

        Raises:
            OverloadedError: There are too many.
        """
        if self._places <= 0:
            raise OverloadedError("too many streams are open; try again in a moment")
        self._places -= 1
        self._metrics.count_streams(1)
        try:
            yield
        finally:
            self._places += 1
            self._metrics.count_streams(-1)
            if self._ready:
                self._waiting.put_nowait(Waiting(Forget(stream)))

    async def begin(self, stream: str, encoding: Encoding, rate: int, *, endpoint: bool = True) -> None:
        """Begin a turn of a stream.

        Args:
            stream: Any id.
            encoding: What its messages hold.
            rate: In Hz.
            endpoint: Whether silence after speech ends the turn.

        Raises:
            OverloadedError: The process is being started.
            RecognitionFailedError: The process died.
        """
        await self._ask(Begin(stream, encoding, rate, endpoint))

    async def listen(self, stream: str, content: bytes) -> Listened:
        """Take in one message of a stream.

        Args:
            stream: As it was begun.
            content: Sound as announced.

        Returns:
            Its samples and what is known of the turn.

        Raises:
            UnsupportedAudioError: It is not sound as announced.
            OverloadedError: The process is being started.
            RecognitionFailedError: The process died, and what it knew of the stream with it.
        """
        return await self._ask(Sound(stream, content))

    async def close(self) -> None:
        """End the process."""
        self._ready = False
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await asyncio.to_thread(self._process.stop)
        self._thread.shutdown()

    async def _ask(self, request: Request) -> Listened:
        if not self._ready:
            raise OverloadedError("what listens to streams is being started; try again in a moment")
        outcome: asyncio.Future[Listened] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait(Waiting(request, outcome))
        return await outcome

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = take(await self._waiting.get(), self._waiting)
            try:
                await self._in_thread(partial(self._exchange, batch, loop))
            except ProcessLostError as error:
                logger.error("%s; it is started again, and its streams are lost", error)
                self._ready = False
                self._metrics.count_restart()
                while not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                for each in batch:
                    _settle(each.outcome, RecognitionFailedError("what listens to this stream did not survive it"))
                await self._restart()

    def _exchange(self, batch: Sequence[Waiting], loop: asyncio.AbstractEventLoop) -> None:
        for place, reply in self._process.ask(tuple(each.request for each in batch), PATIENCE_S):
            loop.call_soon_threadsafe(_settle, batch[place].outcome, reply)

    async def _restart(self) -> None:
        while not self._ready:
            try:
                await self._in_thread(self._process.start)
                self._ready = True
            except (ProcessLostError, VoiceSearchError) as error:
                logger.error("%s did not start: %s", self._process.name, error)
                await asyncio.sleep(RETRY_START_S)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)


def take(first: Waiting, waiting: "asyncio.Queue[Waiting]") -> list[Waiting]:
    """Choose what is handed over at once, so that nobody's large messages make the process look as if it hung.

    Args:
        first: Is handed over in any case.
        waiting: What may go with it; what is chosen is gone from it.

    Returns:
        Requests in their order, at most `TOGETHER`, none after `TOGETHER_BYTES` of messages.
    """
    taken, size = [first], _size_of(first.request)
    while len(taken) < TOGETHER and size < TOGETHER_BYTES and not waiting.empty():
        taken.append(waiting.get_nowait())
        size += _size_of(taken[-1].request)
    return taken


def _size_of(request: Request) -> int:
    return len(request.content) if isinstance(request, Sound) else 0


def _settle(future: "asyncio.Future[Listened] | None", reply: Reply) -> None:
    if future is None or future.done():  # nobody waits for it any more
        return
    if isinstance(reply, Listened):
        future.set_result(reply)
    else:
        future.set_exception(reply)
