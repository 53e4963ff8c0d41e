"""Processes that work on jobs: answers, losses, ends. The jobs are the tests' own, the processes real."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from data.errors import ModelUnavailableError
from serve.process import ProcessLostError, WorkerProcess

PATIENT_S = 60.0


def open_counter(step: int) -> Callable[[int], Iterator[int]]:
    """Counts up to the job; exits at a job of -1, hangs at -2, says its process' number at -3."""

    def count(job: int) -> Iterator[int]:
        if job == -1:
            os._exit(3)
        if job == -2:
            time.sleep(600)
        yield from [os.getpid()] if job == -3 else range(0, job, step)

    return count


def open_nothing() -> Callable[[int], Iterator[int]]:
    raise ModelUnavailableError("the model is not there")


@pytest.fixture
def counter() -> Iterator[WorkerProcess[int, int]]:
    process: WorkerProcess[int, int] = WorkerProcess("counter", partial(open_counter, 2))
    process.start()
    yield process
    process.kill()


def test_a_job_is_answered_with_all_its_replies_in_order(counter: WorkerProcess[int, int]) -> None:
    assert list(counter.ask(6, PATIENT_S)) == [0, 2, 4]
    assert list(counter.ask(0, PATIENT_S)) == []
    assert list(counter.ask(3, PATIENT_S)) == [0, 2]


def test_work_is_done_in_another_process(counter: WorkerProcess[int, int]) -> None:
    assert list(counter.ask(-3, PATIENT_S)) == [counter.pid]
    assert counter.pid != os.getpid()


@pytest.mark.parametrize(("job", "timeout_s", "why"), [(-1, PATIENT_S, "died"), (-2, 0.2, "took too long")])
def test_a_process_that_is_lost_says_how_and_can_be_started_again(
    counter: WorkerProcess[int, int], job: int, timeout_s: float, why: str
) -> None:
    lost = counter.pid
    with pytest.raises(ProcessLostError, match=f"counter {why}"):
        list(counter.ask(job, timeout_s))
    assert counter.pid is None
    assert not Path(f"/proc/{lost}").exists()
    with pytest.raises(ProcessLostError, match="gone"):
        list(counter.ask(1, PATIENT_S))
    counter.start()
    assert list(counter.ask(3, PATIENT_S)) == [0, 2]


def test_what_cannot_be_opened_is_said_by_start() -> None:
    process: WorkerProcess[int, int] = WorkerProcess("nothing", open_nothing)
    with pytest.raises(ModelUnavailableError, match="the model is not there"):
        process.start()
    assert process.pid is None


def test_signals_meant_for_the_service_do_not_end_it_early(counter: WorkerProcess[int, int]) -> None:
    assert counter.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(counter.pid, number)
    assert list(counter.ask(3, PATIENT_S)) == [0, 2]


def test_stopping_lets_it_end_by_itself(counter: WorkerProcess[int, int]) -> None:
    pid = counter.pid
    counter.stop()
    assert not Path(f"/proc/{pid}").exists()
