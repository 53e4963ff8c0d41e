"""The addresses of review, asked of the application with its real parts."""

import io
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile
from fastapi.testclient import TestClient
from sqlalchemy import delete, update

from data.records import Release
from data.settings import HomeSettings
from data.store import Store
from labeling.queue import ReviewQueue
from labeling.review import Reason, ReviewTask, Verdict, labels, places, tasks
from monitor.events import EventStore
from serve.app import create_app
from serve.index import SearchIndex
from tests.conftest import QUERIES

JURASSIC = (QUERIES / "jurassic-park.flac").resolve()

Take = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def http(release: Release, film_index: SearchIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application on a database of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESEARCH_DATABASE_URL", f"sqlite:///{tmp_path_factory.mktemp('database')}/review.db")
        with TestClient(create_app(), client=("127.0.0.1", 50_000)) as client:
            yield client


@pytest.fixture
def store(http: TestClient) -> Iterator[Store]:
    """The application's database, its queue empty."""
    opened = Store.open(HomeSettings.load().database)
    with opened.begin() as connection:
        for table in (labels, places, tasks):
            connection.execute(delete(table))
    yield opened
    opened.close()


@pytest.fixture
def queue(store: Store) -> ReviewQueue:
    return ReviewQueue(store)


@pytest.fixture
def take(http: TestClient) -> Take:
    """Asks for the next clip for a person."""

    def ask(person: str) -> dict[str, Any]:
        answer = http.post("/v1/review/leases", json={"person": person})
        assert answer.status_code == 200, answer.text
        turn: dict[str, Any] = answer.json()
        return turn

    return ask


def task(clip: str = "clip", **known: Any) -> ReviewTask:
    return ReviewTask(clip, Reason.SUSPECT, **{"text": "jurasic park", "audio": str(JURASSIC), **known})


def lapse(store: Store) -> None:
    """Let every lease run out."""
    with store.begin() as connection:
        connection.execute(update(places).values(until=datetime.now(UTC) - timedelta(seconds=1)))


def test_two_people_never_hold_one_clip(take: Take, queue: ReviewQueue) -> None:
    queue.add([task("a", priority=2), task("b", hypotheses=("jurassic park",), note="too slow")])
    ann, ben = take("Ann"), take("Ben")
    assert (ann["held"]["clip"], ben["held"]["clip"]) == ("a", "b")
    assert (ben["held"]["hypotheses"], ben["held"]["note"], ben["held"]["reason"]) == (
        ["jurassic park"],
        "too slow",
        "suspect",
    )
    assert take(" Ann ")["held"]["lease"] == ann["held"]["lease"]
    assert (ben["progress"]["waiting"], ben["progress"]["leased"], ben["finished"]) == (0, 2, False)


def test_clips_that_others_hold_are_not_called_done(http: TestClient, take: Take, queue: ReviewQueue) -> None:
    queue.add([task()])
    held = take("Ann")["held"]
    ben = take("Ben")
    assert (ben["held"], ben["finished"]) == (None, False)
    assert (ben["nothing"]["leased"], ben["nothing"]["for_others"]) == (1, 0)
    assert datetime.fromisoformat(ben["nothing"]["returns_at"]) > datetime.now(UTC)
    http.post(f"/v1/review/leases/{held['lease']}/label", json={"text": "jurassic park"})
    assert take("Ben")["finished"] is True


def test_a_clip_that_was_skipped_waits_for_somebody_else(http: TestClient, take: Take, queue: ReviewQueue) -> None:
    queue.add([task()])
    skipped = http.post(f"/v1/review/leases/{take('Ann')['held']['lease']}/skip").json()
    assert (skipped["verdict"], skipped["person"]) == ("skipped", "Ann")
    ann = take("Ann")
    assert (ann["held"], ann["finished"], ann["nothing"]["for_others"]) == (None, False, 1)
    assert take("Ben")["held"]["clip"] == "clip"


def test_who_labelled_what_and_when_is_kept_once(http: TestClient, take: Take, queue: ReviewQueue) -> None:
    queue.add([task()])
    address = f"/v1/review/leases/{take('Ann')['held']['lease']}/label"
    given = {"text": " jurassic park ", "seconds": 4.5}
    first, second = http.post(address, json=given), http.post(address, json={**given, "text": "again"})
    assert first.json() == second.json()
    (kept,) = queue.history()
    assert (kept.person, kept.text, kept.verdict, kept.seconds) == ("Ann", "jurassic park", Verdict.CORRECTED, 4.5)
    assert datetime.now(UTC) - kept.at < timedelta(minutes=1)
    assert http.get("/v1/review/progress").json()["people"] == [{"person": "Ann", "labels": 1}]


@pytest.mark.parametrize(("text", "passes"), [("jurassic park", True), ("films in st petersburg", False)])
def test_a_label_names_the_convention_only_where_it_passes(
    http: TestClient, take: Take, queue: ReviewQueue, text: str, passes: bool
) -> None:
    queue.add([task()])
    address = f"/v1/review/leases/{take('Ann')['held']['lease']}/label"
    http.post(address, json={"text": text})
    identifier = http.get("/v1/review/convention").json()["identifier"]
    assert queue.history()[0].convention == (identifier if passes else None)


def test_a_lease_is_renewed_given_back_and_told_when_it_is_lost(
    http: TestClient, take: Take, queue: ReviewQueue, store: Store
) -> None:
    queue.add([task()])
    held = take("Ann")["held"]
    lapse(store)
    renewed = http.put(f"/v1/review/leases/{held['lease']}").json()
    assert datetime.fromisoformat(renewed["until"]) > datetime.now(UTC)
    assert http.delete(f"/v1/review/leases/{held['lease']}").json()["waiting"] == 1
    assert take("Ben")["held"]["clip"] == "clip"
    lost = http.put(f"/v1/review/leases/{held['lease']}")
    late = http.post(f"/v1/review/leases/{held['lease']}/label", json={"text": "jurassic park"})
    for refused in (lost, late):
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")
        assert "somebody else" in refused.json()["error"]["message"]


def test_a_text_is_checked_and_mended(http: TestClient) -> None:
    checked = http.post("/v1/review/check", json={"text": "um Jurassic Park in st louis "}).json()
    assert checked["fixed"] == "jurassic park in st louis"
    safe = {violation["rule"]: violation["safe"] for violation in checked["violations"]}
    assert safe == {"case": True, "fillers": True, "abbreviations": False}
    doubt = next(violation for violation in checked["violations"] if not violation["safe"])
    assert (doubt["found"], doubt["suggestion"]) == (["st"], "saint or street")
    assert doubt["says"] == "Write abbreviations out as they were spoken."


def test_the_rules_can_be_read(http: TestClient) -> None:
    shown = http.get("/v1/review/convention").json()
    fillers = next(rule for rule in shown["rules"] if rule["id"] == "fillers")
    assert (fillers["wrong"], fillers["right"]) == ("umm the big lebowski uh", "the big lebowski")


def test_a_clip_of_a_corpus_is_heard_by_who_holds_it(http: TestClient, take: Take, queue: ReviewQueue) -> None:
    queue.add([task()])
    held = take("Ann")["held"]
    assert str(QUERIES) not in str(held)
    sound = http.get(f"/v1/review/leases/{held['lease']}/audio")
    assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/wav")
    assert soundfile.info(io.BytesIO(sound.content)).duration == pytest.approx(soundfile.info(JURASSIC).duration, 0.01)
    queue.release(held["lease"])
    assert http.get(f"/v1/review/leases/{held['lease']}/audio").status_code == 404


def test_a_query_kept_with_consent_is_heard(http: TestClient, take: Take, queue: ReviewQueue, store: Store) -> None:
    EventStore(store).keep_words("query-1", None, "jurassic park", JURASSIC.read_bytes())
    queue.add([task("query-1", audio=None), task("query-2", audio=None)])
    by_clip = {clip["clip"]: clip["lease"] for clip in (take("Ann")["held"], take("Ben")["held"])}
    assert http.get(f"/v1/review/leases/{by_clip['query-1']}/audio").content.startswith(b"RIFF")
    erased = http.get(f"/v1/review/leases/{by_clip['query-2']}/audio")
    assert (erased.status_code, "not kept" in erased.json()["error"]["message"]) == (404, True)


def test_no_other_file_is_ever_served(http: TestClient, take: Take, queue: ReviewQueue, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_text("password")
    climbing = JURASSIC.parent / ".." / "queries" / JURASSIC.name
    link = tmp_path / "link.flac"
    link.symlink_to(JURASSIC)
    relative = Path(os.path.relpath(JURASSIC))
    for path, status in {
        secret: 415,
        climbing: 404,
        relative: 404,
        link: 404,
        Path("/dev/zero"): 404,
        tmp_path: 404,
    }.items():
        queue.add([task(str(path), audio=str(path), priority=1)])
        held = take("Ann")["held"]
        assert held["clip"] == str(path)
        refused = http.get(f"/v1/review/leases/{held['lease']}/audio")
        assert refused.status_code == status, path
        assert "password" not in refused.text
        queue.forget([str(path)])
    for lease in ("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", str(JURASSIC).replace("/", "%2f")):
        assert http.get(f"/v1/review/leases/{lease}/audio").status_code == 404


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "leases", {"person": "  "}),
        ("POST", "leases", {"person": "a" * 129}),
        ("POST", "leases", {"person": "Ann\x00"}),
        ("PUT", "leases/lease%00", {}),
        ("POST", "check", {"text": "a\nb"}),
        ("POST", "check", {"text": "a" * 2001}),
        ("POST", "leases/0/label", {"seconds": 1}),
        ("POST", "leases/0/label", {"text": "a", "seconds": -1}),
    ],
)
def test_what_makes_no_sense_is_refused_in_the_one_shape(
    http: TestClient, method: str, address: str, body: dict[str, Any]
) -> None:
    refused = http.request(method, f"/v1/review/{address}", json=body)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid_request"


def test_who_comes_from_another_machine_needs_a_key(http: TestClient) -> None:
    elsewhere = TestClient(http.app, client=("192.0.2.7", 50_000))
    refused = elsewhere.post("/v1/review/leases", json={"person": "anna"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
