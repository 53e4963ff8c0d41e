"""A process that works on one job at a time; one that hangs or dies is killed, and can be started anew.

What decodes other people's files and runs on native code is kept here, away from the process that speaks HTTP. The
processes are forked from one that has loaded the libraries and nothing else, so that they start fast and share memory.
"""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic
from typing import Generic, TypeAlias, TypeVar

from data.errors import VoiceSearchError

Job = TypeVar("Job")
Reply = TypeVar("Reply")

Opener: TypeAlias = Callable[[], Callable[[Job], Iterable[Reply]]]
"""Called once in the process, and picklable; what it returns answers jobs."""

LIBRARIES = (
    "numpy",
    "scipy.signal",
    "av",
    "onnxruntime",
    "ctranslate2",
    "tokenizers",
    "asr.recognizer",
    "serve.hearing",
    "serve.listening",
)
"""What every process needs, loaded once and shared."""

HEAP = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "2000000", "MALLOC_TRIM_THRESHOLD_": "4000000"}
"""How glibc keeps memory in the processes: not a heap for each thread, and what a long recording took is given back."""

START_S = 60.0
"""Seconds after which a process that is not ready is given up; a slow disk reads the largest model in less."""

RETRY_START_S = 1.0
"""Seconds until a process that did not start is to be started again."""

STOP_S = 2.0
"""Seconds that a process has to end by itself."""


class ProcessLostError(Exception):
    """A process died or hung over a job; it has been killed."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A process can be given jobs."""


@dataclass(frozen=True, slots=True)
class _Done:
    """All replies to a job have been sent."""


def load_libraries() -> None:
    """Begin to load what the processes share, in the background, unless that was done."""
    from multiprocessing import forkserver

    for name, value in HEAP.items():
        os.environ.setdefault(name, value)
    get_context("forkserver").set_forkserver_preload(list(LIBRARIES))
    forkserver.ensure_running()


class WorkerProcess(Generic[Job, Reply]):
    """One process and the connection to it; used by one thread at a time, except for `kill`."""

    def __init__(self, name: str, opener: "Opener[Job, Reply]") -> None:
        self.name = name
        self._opener = opener
        self._process: ForkServerProcess | None = None
        self._connection: Connection | None = None
        self._changing = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process' number, None where there is none."""
        return self._process.pid if self._process else None

    @property
    def is_waiting(self) -> bool:
        """Whether the process, which has no job, waits for one; it says nothing meanwhile, so what comes is its end."""
        connection = self._connection
        return connection is not None and not connection.poll()

    def start(self) -> None:
        """Start the process and wait until it can be given jobs.

        Raises:
            VoiceSearchError: What it has to open cannot be opened.
            ProcessLostError: It died or hung before it was ready.
        """
        load_libraries()
        context = get_context("forkserver")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._opener, self.name), name=self.name, daemon=True)
        process.start()
        theirs.close()
        with self._changing:
            self._process, self._connection = process, ours
        answer = self._receive(monotonic() + START_S)
        if isinstance(answer, VoiceSearchError):
            self.stop()
            raise answer

    def ask(self, job: Job, timeout_s: float) -> Iterator[Reply]:
        """Give the process a job.

        Args:
            job: What to do; pickled.
            timeout_s: Seconds after which the process is killed if it has not finished.

        Yields:
            Its replies, as they come.

        Raises:
            ProcessLostError: It died or took too long, and has to be started again.
        """
        deadline = monotonic() + timeout_s
        try:
            if self._connection is None:
                raise EOFError
            self._connection.send(job)
        except (OSError, EOFError) as error:
            self.kill()
            raise ProcessLostError(f"{self.name} is gone") from error
        while not isinstance(reply := self._receive(deadline), _Done):
            yield reply  # type: ignore[misc]  # what the opener's function gives

    def stop(self) -> None:
        """Let the process finish its job and end; kill it where it does not."""
        with self._changing:
            process, connection = self._process, self._connection
            self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.join(STOP_S)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        with self._changing:
            process, connection = self._process, self._connection
            self._process = self._connection = None
        if process is not None:
            process.kill()
            process.join()
            process.close()
        if connection is not None:
            connection.close()

    def _receive(self, deadline: float) -> object:
        try:
            if self._connection is not None and self._connection.poll(max(deadline - monotonic(), 0.0)):
                return self._connection.recv()
            reason = "took too long"
        except (OSError, EOFError):
            reason = "died"
        self.kill()
        raise ProcessLostError(f"{self.name} {reason}")


def _work(connection: Connection, opener: "Opener[object, object]", name: str) -> None:
    """Run in the process: open, then answer jobs until nobody is at the other end."""
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/comm").write_text(name)  # so that a person sees in `top` which is which
    gc.freeze()  # the collector would write to every object, and so copy what the processes share
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the service, which finishes what it has begun
        signal.signal(number, signal.SIG_IGN)
    try:
        answer = opener()
    except VoiceSearchError as error:
        connection.send(error)
        return
    connection.send(_Ready())
    while True:
        try:
            job = connection.recv()
            for reply in answer(job):
                connection.send(reply)
            connection.send(_Done())
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
