"""The real server as a process on a free port, for benchmarks."""

import os
import socket
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from sys import executable
from tempfile import TemporaryDirectory
from typing import TextIO


@dataclass(frozen=True, slots=True)
class BenchmarkServer:
    """A server that is ready: its address, its process, and how long it took to be ready, in seconds."""

    url: str
    pid: int
    ready_s: float

    def pids(self) -> Iterator[int]:
        """Give the numbers of the process and all below it."""
        return _tree(self.pid)

    def named(self, name: str) -> list[int]:
        """Give the processes below it whose name begins so."""
        return [pid for pid in _tree(self.pid) if Path(f"/proc/{pid}/comm").read_text().startswith(name)]

    def resident_mb(self) -> float:
        """Give the resident memory of the process and all below it now, in megabytes; shared pages count once."""
        return sum(map(_proportional_kb, self.pids())) / 1024


@contextmanager
def benchmark_server(**settings: str) -> Iterator[BenchmarkServer]:
    """Start the server with a database of its own and these environment variables; stop it at the end."""
    with TemporaryDirectory() as scratch, free_port() as port:
        environment = {"VOICESEARCH_DATABASE_URL": f"sqlite:///{scratch}/events.db", **settings}
        with running_server(["-m", "voicesearch", "serve", "run", "--port", str(port)], port, environment) as server:
            yield server


@contextmanager
def free_port() -> Iterator[int]:
    """Give a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    yield port


@contextmanager
def running_server(
    arguments: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[BenchmarkServer]:
    """Run Python with arguments that serve on a port, from when it is ready; stop it at the end."""
    begun = time.perf_counter()
    with TemporaryDirectory() as scratch, Path(scratch, "log").open("w+") as log:
        command = [executable, *arguments]
        with Popen(command, env={**os.environ, **(environment or {})}, stderr=log) as server:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_until_ready(url, server, log)
                yield BenchmarkServer(url, server.pid, time.perf_counter() - begun)
            finally:
                server.terminate()


def _wait_until_ready(url: str, server: "Popen[bytes]", log: TextIO) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/readyz").close()
            return
        except OSError:
            time.sleep(0.01)
    log.seek(0)
    raise SystemExit(f"the server did not start: {log.read()[-500:]}")


def _tree(pid: int) -> Iterator[int]:
    """Give a process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _tree(int(child))


def _proportional_kb(pid: int) -> int:
    """Give the resident memory of a process, of each shared page its share (PSS)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
