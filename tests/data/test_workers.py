"""Work in several processes: all of it, once, and over when the parent is."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from data.errors import VoiceSearchError
from data.workers import map_chunks

ROOT = Path(__file__).parents[2]


def die(chunk: Sequence[int]) -> None:
    os._exit(3)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_item_is_done_once(processes: int) -> None:
    results = list(map_chunks(sum, list(range(100)), processes=processes, chunk=7))
    assert sorted(item for chunk, _ in results for item in chunk) == list(range(100))
    assert all(sum(chunk) == result for chunk, result in results)


def test_a_failure_in_a_process_reaches_the_caller() -> None:
    with pytest.raises(TypeError):
        list(map_chunks(math.sqrt, list(range(10)), processes=2, chunk=2))  # type: ignore[arg-type]  # the point


def test_a_process_that_dies_is_told_as_one_line() -> None:
    with pytest.raises(VoiceSearchError, match="run the command again"):
        list(map_chunks(die, list(range(4)), processes=2, chunk=2))


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from data.workers import map_chunks\n"
        "def work(chunk):\n"
        "    import os, time\n"
        "    time.sleep(0.02)\n"
        "    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    for _, pid in map_chunks(work, range(100_000), processes=2, chunk=1):\n"
        "        print(pid, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, str(script), str(ROOT)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = {int(parent.stdout.readline()) for _ in range(10)}
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline, "the processes outlived their parent"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
