"""The review queue: one clip, one person, nothing lost, however many people and processes reach into it at once."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from data.errors import InvalidRequestError, NotFoundError
from data.store import Store
from labeling.queue import ReviewQueue
from labeling.review import Added, Lease, NothingNow, PersonCount, Reason, ReviewTask, Verdict, transcriptions_of
from labeling.transcriptions import Transcription

LEASE = timedelta(minutes=10)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2025, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'queue.db'}")
    yield opened
    opened.close()


@pytest.fixture
def queue(store: Store, clock: Clock) -> ReviewQueue:
    return ReviewQueue(store, lease=LEASE, clock=clock)


def task(clip: str, priority: float = 0.0) -> ReviewTask:
    return ReviewTask(clip, Reason.SUSPECT, f"text of {clip}", f"clips/{clip}.flac", 1.5, ("a", "b"), "why", priority)


def leased(queue: ReviewQueue, person: str) -> Lease:
    lease = queue.next(person)
    assert isinstance(lease, Lease)
    return lease


def nothing(queue: ReviewQueue, person: str) -> NothingNow:
    answer = queue.next(person)
    assert isinstance(answer, NothingNow)
    return answer


def test_the_clip_of_the_highest_priority_comes_first_as_it_was_added(queue: ReviewQueue) -> None:
    queue.add([task("low", 1.0), task("high", 2.0)])
    assert leased(queue, "ada").task == task("high", 2.0)


def test_two_people_never_hold_one_clip(queue: ReviewQueue) -> None:
    queue.add([task("a"), task("b")])
    assert {leased(queue, "ada").task.clip, leased(queue, "bea").task.clip} == {"a", "b"}


def test_a_person_who_asks_again_gets_the_clip_they_hold(queue: ReviewQueue) -> None:
    queue.add([task("a"), task("b")])
    assert leased(queue, "ada") == leased(queue, "ada")


def test_a_queue_is_not_finished_while_clips_are_only_leased(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")])
    lease = leased(queue, "ada")
    answer = nothing(queue, "bea")
    assert not answer.finished
    assert (answer.leased, answer.returns_at) == (1, lease.until)
    queue.label(lease.id, "alien")
    assert nothing(queue, "bea").finished


def test_a_clip_comes_back_when_its_lease_ends(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")])
    late = leased(queue, "ada")
    clock.passes(LEASE)
    assert leased(queue, "bea").task.clip == "a"
    with pytest.raises(NotFoundError, match="went to somebody else"):
        queue.label(late.id, "alien")
    with pytest.raises(NotFoundError, match="went to somebody else"):
        queue.renew(late.id)


def test_late_work_counts_while_nobody_else_took_the_clip(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")])
    late = leased(queue, "ada")
    clock.passes(2 * LEASE)
    assert queue.label(late.id, "alien").text == "alien"
    assert nothing(queue, "bea").finished


def test_a_lease_can_be_renewed_and_given_back(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")])
    lease = leased(queue, "ada")
    clock.passes(LEASE / 2)
    assert queue.renew(lease.id).until == clock.now + LEASE
    queue.release(lease.id)
    assert leased(queue, "bea").task.clip == "a"


def test_a_label_sent_twice_is_kept_once(queue: ReviewQueue) -> None:
    queue.add([task("a")])
    lease = leased(queue, "ada")
    first = queue.label(lease.id, "alien", seconds=4.5, convention="voice-search-en/1")
    assert queue.label(lease.id, "aliens") == first
    assert queue.history("a") == (first,)
    assert (first.person, first.seconds, first.convention) == ("ada", 4.5, "voice-search-en/1")


def test_the_history_tells_who_confirmed_corrected_and_skipped(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a", 3), task("b", 2), task("c", 1)])
    queue.label(leased(queue, "ada").id, "text of a")
    clock.passes(timedelta(seconds=1))
    queue.label(leased(queue, "ada").id, "alien")
    clock.passes(timedelta(seconds=1))
    queue.skip(leased(queue, "ada").id)
    assert [(label.clip, label.person, label.verdict) for label in queue.history()] == [
        ("a", "ada", Verdict.CONFIRMED),
        ("b", "ada", Verdict.CORRECTED),
        ("c", "ada", Verdict.SKIPPED),
    ]


def test_double_labelling_asks_two_different_people(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")], wanted=2)
    first = leased(queue, "ada")
    second = leased(queue, "bea")
    assert first.task.clip == second.task.clip == "a"
    queue.label(first.id, "alien")
    answer = nothing(queue, "ada")
    assert (answer.finished, answer.leased, answer.for_others) == (False, 1, 0)
    clock.passes(LEASE)
    assert nothing(queue, "ada").for_others == 1
    queue.label(second.id, "aliens")
    assert [label.person for label in queue.history("a")] == ["ada", "bea"]
    assert nothing(queue, "cas").finished


def test_a_clip_that_two_people_hold_is_one_clip(queue: ReviewQueue) -> None:
    queue.add([ReviewTask("a", Reason.SUSPECT)], wanted=2)
    queue.next("ada")
    queue.next("bea")
    nothing = queue.next("cyd")
    assert isinstance(nothing, NothingNow)
    assert (nothing.leased, nothing.for_others) == (1, 0)


def test_a_person_has_one_name(queue: ReviewQueue) -> None:
    queue.add([ReviewTask("a", Reason.SUSPECT)])
    held = queue.next("ada")
    assert queue.next(" ada ") == held
    for name in ("", "  ", "x" * 129):
        with pytest.raises(InvalidRequestError, match="is no name; give one of 1 to 128 characters"):
            queue.next(name)


def test_a_skipped_clip_waits_for_somebody_else(queue: ReviewQueue) -> None:
    queue.add([task("a")])
    queue.skip(leased(queue, "ada").id)
    answer = nothing(queue, "ada")
    assert (answer.finished, answer.for_others) == (False, 1)
    assert leased(queue, "bea").task.clip == "a"


def test_adding_a_clip_twice_keeps_one_and_the_higher_priority(queue: ReviewQueue) -> None:
    assert queue.add([task("a", 1.0), task("b", 2.0)]) == Added(2, 0, 0)
    assert queue.add([task("a", 3.0), task("b", 1.0)]) == Added(0, 2, 0)
    assert [(waiting.clip, waiting.priority) for waiting in queue.waiting()] == [("a", 3.0), ("b", 2.0)]


def test_a_labelled_clip_joins_again_only_when_asked_and_keeps_its_history(queue: ReviewQueue) -> None:
    queue.add([task("a")])
    queue.label(leased(queue, "ada").id, "alien")
    assert queue.add([task("a")]) == Added(0, 0, 1)
    assert queue.add([task("a")], again=True) == Added(1, 0, 0)
    queue.label(leased(queue, "ada").id, "aliens")
    assert [label.text for label in queue.history("a")] == ["alien", "aliens"]


def test_labels_become_transcriptions_with_a_take_for_each_round(queue: ReviewQueue, clock: Clock) -> None:
    queue.add([task("a")])
    queue.label(leased(queue, "ada").id, "alien", seconds=3.0)
    clock.passes(timedelta(seconds=1))
    queue.add([task("a")], again=True)
    queue.skip(leased(queue, "ada").id)
    first, second = transcriptions_of(queue.history())
    assert first == Transcription("a", "ada", "alien", at="2025-06-01T12:00:00+00:00", seconds=3.0)
    assert (second.take, second.skipped) == (2, True)


def test_the_counts_say_where_clips_are_and_who_labelled(queue: ReviewQueue) -> None:
    queue.add([task("a", 3), task("b", 2), task("c", 1), task("d")])
    queue.label(leased(queue, "ada").id, "x")
    queue.skip(leased(queue, "bea").id)
    leased(queue, "cas")
    stats = queue.stats()
    assert (stats.waiting, stats.leased, stats.done, stats.people) == (2, 1, 1, (PersonCount("ada", 1),))


def test_a_forgotten_clip_leaves_nothing_behind(queue: ReviewQueue) -> None:
    queue.add([task("a"), task("b")])
    queue.label(leased(queue, "ada").id, "alien")
    assert queue.forget(["a", "unknown"]) == 1
    assert queue.history() == ()
    assert [waiting.clip for waiting in queue.waiting()] == ["b"]


def test_threads_share_the_queue_without_meeting(store: Store) -> None:
    queue = ReviewQueue(store)
    queue.add(task(str(number)) for number in range(60))

    def work(person: str) -> list[str]:
        done = []
        while isinstance(lease := queue.next(person), Lease):
            queue.label(lease.id, person)
            done.append(lease.task.clip)
        return done

    with ThreadPoolExecutor(8) as pool:
        done = Counter(clip for clips in pool.map(work, map(str, range(8))) for clip in clips)
    assert len(done) == 60
    assert set(done.values()) == {1}
    assert queue.next("last") == NothingNow(0, 0, None)


WORKER = """
import sys
from data.store import Store
from labeling.queue import ReviewQueue
from labeling.review import Lease

queue = ReviewQueue(Store.open(sys.argv[1]))
while isinstance(lease := queue.next(sys.argv[2]), Lease):
    queue.label(lease.id, sys.argv[2])
    print(lease.task.clip)
"""


def test_processes_share_the_queue_and_label_each_clip_twice_by_different_people(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    queue = ReviewQueue(Store.open(url))
    queue.add((task(str(number)) for number in range(20)), wanted=2)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, url, person], stdout=subprocess.PIPE, text=True)
        for person in ("ada", "bea", "cas")
    ]
    done = Counter(clip for worker in workers for clip in worker.communicate()[0].split())
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(done) == 20
    assert set(done.values()) == {2}
    for clip in done:
        assert len({label.person for label in queue.history(clip)}) == 2


class QueueMachine(RuleBasedStateMachine):
    """Any order of asking, labelling, skipping, waiting and adding keeps the promises."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = Store.open("sqlite:///:memory:")
        self.queue = ReviewQueue(self.store, lease=LEASE, clock=self.clock)
        self.held: dict[str, Lease] = {}
        self.labelled: Counter[str] = Counter()

    @rule(clip=st.sampled_from("abc"), priority=st.integers(0, 3))
    def add(self, clip: str, priority: int) -> None:
        self.queue.add([task(clip, priority)])

    @rule(person=st.sampled_from("xyz"))
    def ask(self, person: str) -> None:
        answer = self.queue.next(person)
        if isinstance(answer, Lease):
            for other, lease in self.held.items():
                live = lease.until > self.clock.now
                assert other == person or not live or lease.task.clip != answer.task.clip
            self.held[person] = answer
        else:
            assert answer.finished == (not self.queue.waiting())

    @rule(person=st.sampled_from("xyz"), text=st.sampled_from(["alien", None]))
    def settle(self, person: str, text: str | None) -> None:
        if (lease := self.held.pop(person, None)) is None:
            return
        try:
            self.queue.skip(lease.id) if text is None else self.queue.label(lease.id, text)
        except NotFoundError:
            assert lease.until <= self.clock.now
        else:
            self.labelled[lease.task.clip] += text is not None

    @rule(minutes=st.integers(1, 11))
    def wait(self, minutes: int) -> None:
        self.clock.passes(timedelta(minutes=minutes))

    @invariant()
    def no_clip_is_labelled_more_often_than_wanted(self) -> None:
        assert all(count <= 1 for count in self.labelled.values())
        assert sum(each.labels for each in self.queue.stats().people) == sum(self.labelled.values())

    def teardown(self) -> None:
        self.store.close()


QueueMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestAnyOrderOfEvents = QueueMachine.TestCase
