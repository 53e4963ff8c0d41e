"""The real server as a process on a free port, for benchmarks."""

import os
import socket
import time
import urllib.request
from collections.abc import Iterator
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

    def resident_mb(self) -> float:
        """Give the resident memory of the process and its children now, in megabytes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_resident_kb(pid) for pid in (str(self.pid), *children)) / 1024


@contextmanager
def benchmark_server() -> Iterator[BenchmarkServer]:
    """Start the server with a database of its own; stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with TemporaryDirectory() as scratch:
        environment = {**os.environ, "VOICESEARCH_DATABASE_URL": f"sqlite:///{scratch}/events.db"}
        command = [executable, "-m", "voicesearch", "serve", "run", "--port", str(port)]
        begun = time.perf_counter()
        with Path(scratch, "log").open("w+") as log, Popen(command, env=environment, stderr=log) as server:
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


def _resident_kb(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
