"""A request sent again with its key: answered once, apart for each caller, for a while, within bounds."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from data.errors import ConflictError, InvalidRequestError, OverloadedError, UnsupportedAudioError
from serve.idempotency import KEPT_S, MOST, MOST_OF_A_CALLER, AnswerMemory


class Work:
    """Counts how often it is done; gives the count, or raises what it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done = 0
        self.error = error

    async def __call__(self) -> int:
        self.done += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return self.done


def ask(memory: AnswerMemory, work: Work, key: str | None = "k", caller: str = "a", asked: object = 1) -> int:
    return asyncio.run(memory.once(caller, key, (asked,), work))


def test_with_a_key_the_work_is_done_once_and_without_each_time() -> None:
    memory, work = AnswerMemory(), Work()
    assert [ask(memory, work), ask(memory, work), ask(memory, work, '"k"')] == [1, 1, 1]
    assert [ask(memory, work, None), ask(memory, work, None)] == [2, 3]


def test_another_caller_has_keys_of_its_own() -> None:
    memory, work = AnswerMemory(), Work()
    assert [ask(memory, work, caller="a"), ask(memory, work, caller="b")] == [1, 2]


def test_a_key_that_comes_with_another_request_is_refused() -> None:
    memory, work = AnswerMemory(), Work()
    ask(memory, work)
    with pytest.raises(InvalidRequestError, match="another request"):
        ask(memory, work, asked=2)
    assert work.done == 1


def test_a_second_request_in_flight_conflicts_and_is_told_when_to_ask_again() -> None:
    async def both() -> list[Any]:
        memory, work = AnswerMemory(), Work()
        return await asyncio.gather(*(memory.once("a", "k", (1,), work) for _ in range(2)), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first == 1
    assert isinstance(second, ConflictError)
    assert second.retry_after_s == 1


def test_a_final_refusal_is_given_again_and_a_passing_one_is_tried_again() -> None:
    memory, final, passing = AnswerMemory(), Work(UnsupportedAudioError("no")), Work(OverloadedError("later"))
    for _ in range(2):
        with pytest.raises(UnsupportedAudioError):
            ask(memory, final, "final")
        with pytest.raises(OverloadedError):
            ask(memory, passing, "passing")
    assert (final.done, passing.done) == (1, 2)


def test_a_request_that_was_given_up_is_done_anew() -> None:
    async def twice() -> int:
        memory, work = AnswerMemory(), Work()
        first = asyncio.create_task(memory.once("a", "k", (1,), work))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await memory.once("a", "k", (1,), work)

    assert asyncio.run(twice()) == 2


def test_answers_are_kept_for_a_while_and_within_bounds_that_others_cannot_use_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    clock: Callable[[], float] = lambda: now  # noqa: E731  a clock to be set
    memory, work = AnswerMemory(clock), Work()
    first = ask(memory, work, "first", caller="quiet")
    for place in range(MOST_OF_A_CALLER + 1):
        ask(memory, work, str(place), caller="loud")
    assert ask(memory, work, "first", caller="quiet") == first
    assert ask(memory, work, "0", caller="loud") == work.done  # its oldest made room
    for place in range(MOST):
        ask(memory, work, "k", caller=str(place))
    done = work.done
    assert ask(memory, work, "k", caller=str(MOST - 1)) == done
    assert ask(memory, work, "first", caller="quiet") == done + 1  # as many callers as that do make room
    now = KEPT_S + 1
    assert ask(memory, work, "k", caller=str(MOST - 1)) == done + 2
