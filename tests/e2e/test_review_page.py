"""The review page in real Chromium against the real server, with a queue of shipped recordings."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from data.store import Store
from labeling.queue import ReviewQueue
from labeling.review import Lease, Reason, ReviewTask, Verdict, labels, places, tasks
from tests.conftest import QUERIES, RunningServer

LOAD_FAILURE = "Failed to load resource"
"""What Chromium itself writes to the console for an answer of 400 and above."""

PHONE = {"width": 375, "height": 740}

Review = Callable[..., Page]


@pytest.fixture
def store(server: RunningServer) -> Iterator[Store]:
    """The server's database; its queue is empty before and after."""
    opened = Store.open(f"sqlite:///{server.home}/voicesearch.db")
    empty(opened)
    yield opened
    empty(opened)
    opened.close()


@pytest.fixture
def queue(store: Store) -> ReviewQueue:
    return ReviewQueue(store)


@pytest.fixture
def review(open_page: Callable[..., Page], server: RunningServer) -> Review:
    """Opens the page for a person who has given their name before."""

    def open_(person: str = "Ann", **options: Any) -> Page:
        page = open_page(url=f"{server.url}/review", **options)
        page.get_by_label("Your name").fill(person)
        page.keyboard.press("Enter")
        expect(page.locator("#progress")).to_be_visible()
        return page

    return open_


def empty(store: Store) -> None:
    with store.begin() as connection:
        for table in (labels, places, tasks):
            connection.execute(delete(table))


def task(name: str = "jurassic-park", **known: Any) -> ReviewTask:
    return ReviewTask(
        name, Reason.SUSPECT, audio=str((QUERIES / f"{name}.flac").resolve()), **{"text": "jurasic park", **known}
    )


def take_from_all(store: Store, person: str) -> Lease:
    """Let every lease run out, then lease a clip to a person."""
    with store.begin() as connection:
        connection.execute(update(places).values(until=datetime.now(UTC) - timedelta(seconds=1)))
    lease = ReviewQueue(store).next(person)
    assert isinstance(lease, Lease)
    return lease


def field(page: Page) -> Any:
    return page.get_by_label("What was said")


def expect_working(page: Page, text: str) -> None:
    expect(page.locator("#work")).to_be_visible()
    expect(field(page)).to_have_value(text)


def keep(page: Page) -> None:
    """Listen, then press Enter."""
    expect(page.locator("#player")).to_contain_class("heard")
    page.keyboard.press("Enter")


def expect_playing(page: Page) -> None:
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_clip_is_heard_and_labelled_by_keyboard_alone(review: Review, queue: ReviewQueue, tmp_path: Path) -> None:
    hypotheses = ("jurassic part", "Jurassic Park", "your asic park", "drastic park", "jurassic bark", "never shown")
    queue.add([task(text="um jurasic park", hypotheses=hypotheses, note="a word is missing", priority=1)])
    queue.add([task("finding-nemo", text="finding nemo")])
    page = review(device_scale_factor=1.5)
    expect_working(page, "um jurasic park")
    expect(page.locator("#counts")).to_have_text("0 done · 1 waiting · 1 with you")
    expect(page.locator("#why")).to_contain_text("This label looks wrong")
    expect(page.locator("#why")).to_contain_text("a word is missing")
    expect_playing(page)
    expect(page.locator("#waveform path.kept")).to_have_count(1)
    expect(page.locator(".choice")).to_have_count(6)
    expect(page.locator(".choice").nth(1).locator("mark")).to_have_text("jurassic part")
    folder = os.environ.get("VOICESEARCH_SCREENSHOTS")
    expect(page.locator("#rules-broken")).to_contain_text("Fillers are left out.")
    page.screenshot(path=Path(folder or tmp_path) / "review-page.png", full_page=True)

    page.keyboard.press("2")
    expect(field(page)).to_have_value("Jurassic Park")
    expect(page.locator("#rules-broken")).to_contain_text("Write everything in lower case.")
    page.keyboard.press("e")
    expect(page.locator("#mend kbd")).to_have_text("F")
    page.keyboard.press("Alt+f")
    expect(field(page)).to_have_value("jurassic park")
    expect(page.locator("#rules-broken")).to_be_empty()
    keep(page)

    expect_working(page, "finding nemo")
    expect(page.locator("#kept")).to_contain_text("Ann 1")
    expect(page.locator("#kept li")).to_contain_text("jurassic park")
    expect(page.locator("#kept li")).to_contain_text("corrected · Ann")
    keep(page)
    expect(page.locator("#rest")).to_contain_text("All done.")
    first, second = queue.history()
    assert (first.person, first.text, first.verdict) == ("Ann", "jurassic park", Verdict.CORRECTED)
    assert (second.person, second.text, second.verdict) == ("Ann", "finding nemo", Verdict.CONFIRMED)
    assert first.seconds is not None
    assert first.convention == second.convention == "voice-search-en/1"


def test_the_clip_is_played_sought_repeated_and_slowed_by_keys(review: Review, queue: ReviewQueue) -> None:
    queue.add([task("the-lord-of-the-rings")])
    page = review()
    expect_playing(page)
    page.keyboard.press("s")
    page.keyboard.press("s")
    expect(page.locator("#speed")).to_have_text("0.5\u00d7")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    position = page.get_by_role("slider", name="Position")
    box = position.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function("() => document.querySelector('#seek').valueAsNumber > 0.85")
    position.press("ArrowRight")
    page.keyboard.press("a")
    expect_playing(page)
    page.keyboard.press("p")
    assert position.evaluate("element => element.valueAsNumber") < 0.85


def test_the_convention_is_checked_while_typing(review: Review, queue: ReviewQueue) -> None:
    queue.add([task(text="")])
    page = review()
    expect(field(page)).to_be_focused()  # there is nothing to take with a key
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Write what was said.")
    page.keyboard.type("um films in st p 1")
    broken = page.locator("#rules-broken li")
    expect(broken).to_have_count(3)
    expect(page.locator("#rules-broken")).to_contain_text("Write numbers in words, as they were spoken.")
    expect(page.locator("#rules-broken .doubt")).to_contain_text("listen and choose: saint or street")
    keep(page)
    expect(field(page)).to_have_value("films in st p one")
    expect(page.get_by_role("status")).to_contain_text("Mended.")
    expect(broken).to_have_count(1)
    keep(page)
    expect(page.get_by_role("status")).to_contain_text("Enter once more keeps the text as it is.")
    assert queue.history() == ()
    keep(page)
    expect(page.locator("#rest")).to_contain_text("All done.")
    (kept,) = queue.history()
    assert (kept.text, kept.convention) == ("films in st p one", None)


def test_tags_are_written_by_keys_where_the_cursor_is(review: Review, queue: ReviewQueue) -> None:
    queue.add([task(text="jurassic park")])
    page = review()
    expect_working(page, "jurassic park")
    page.keyboard.press("n")
    expect(field(page)).to_have_value("[noise]")
    page.keyboard.press("0")
    page.keyboard.press("e")
    expect(field(page)).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Alt+u")
    expect(field(page)).to_have_value("[unintelligible] jurassic park")
    page.keyboard.type(" n")
    expect(field(page)).to_have_value("[unintelligible] n jurassic park")
    page.keyboard.press("Escape")
    expect(field(page)).not_to_be_focused()
    page.keyboard.press("u")
    expect(field(page)).to_have_value("[unintelligible]")


def test_two_people_never_get_the_same_clip(review: Review, queue: ReviewQueue) -> None:
    queue.add([task(text="jurassic park", priority=1), task("finding-nemo", text="finding nemo")])
    ann, ben = review("Ann"), review("Ben")
    expect_working(ann, "jurassic park")
    expect_working(ben, "finding nemo")
    expect(ben.locator("#counts")).to_have_text("0 done · 0 waiting · 1 with you · 1 with others")
    for page in (ann, ben):
        keep(page)
        expect(page.locator("#work")).to_be_hidden()
    assert {(kept.person, kept.text) for kept in queue.history()} == {("Ann", "jurassic park"), ("Ben", "finding nemo")}


def test_all_done_is_never_said_while_clips_are_only_held(review: Review, queue: ReviewQueue) -> None:
    page = review()
    expect(page.locator("#rest")).to_contain_text("No clips are waiting.")
    queue.add([task()])
    other = queue.next("Cleo")
    assert isinstance(other, Lease)
    page.get_by_role("button", name="Look again").click()
    until = page.evaluate("at => new Date(at).toTimeString().slice(0, 5)", other.until.isoformat())
    expect(page.locator("#rest")).to_contain_text("1 clip is still with others.")
    expect(page.locator("#rest")).to_contain_text(f"the first at {until} at the latest")
    queue.release(other.id)
    page.get_by_role("button", name="Look again").click()
    expect_working(page, "jurasic park")
    page.keyboard.press("k")
    expect(page.locator("#rest")).to_contain_text("1 clip waits for somebody else.")
    expect(page.locator("#rest")).not_to_contain_text("All done")


def test_a_lease_that_was_lost_is_said_so_and_nothing_typed_is_lost(
    review: Review, queue: ReviewQueue, store: Store
) -> None:
    queue.add([task(), task("finding-nemo", text="finding nemo")])
    page = review(expected=LOAD_FAILURE)
    expect_working(page, "jurasic park")
    field(page).fill("jurassic park")
    lost = take_from_all(store, "Cleo")
    keep(page)
    expect(page.locator("#notices")).to_contain_text("Your time with this clip ran out, and somebody else has it now.")
    expect(field(page)).to_have_value("jurassic park")
    page.keyboard.press("Enter")
    expect_working(page, "finding nemo")
    expect(page.locator("#notices")).to_be_empty()
    queue.release(lost.id)
    keep(page)
    expect_working(page, "jurassic park")
    expect(page.get_by_role("status")).to_have_text("What you had typed is back.")
    assert [(kept.person, kept.text) for kept in queue.history()] == [("Ann", "finding nemo")]


def test_a_lease_that_ran_out_unnoticed_is_taken_up_again(review: Review, queue: ReviewQueue, store: Store) -> None:
    queue.add([task()])
    page = review(expected=LOAD_FAILURE)
    expect_working(page, "jurasic park")
    field(page).fill("jurassic park")
    queue.release(take_from_all(store, "Cleo").id)
    keep(page)
    expect(page.locator("#rest")).to_contain_text("All done.")
    assert [(kept.person, kept.text) for kept in queue.history()] == [("Ann", "jurassic park")]


def test_a_lease_is_renewed_while_somebody_works_and_given_back_when_the_page_closes(
    review: Review, queue: ReviewQueue
) -> None:
    queue.add([task()])
    page = review()
    expect_working(page, "jurasic park")
    field(page).fill("jurassic park")
    page.clock.install(time=datetime.now(UTC) + timedelta(minutes=2))
    with page.expect_response(lambda response: response.request.method == "PUT") as renewed:
        page.keyboard.press("Shift")
    assert renewed.value.json()["clip"] == "jurassic-park"

    page.goto("about:blank")
    deadline = time.monotonic() + 5
    while queue.stats().leased and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queue.stats().waiting == 1
    page.go_back()
    expect_working(page, "jurassic park")


def test_a_lost_connection_loses_nothing(review: Review, queue: ReviewQueue) -> None:
    queue.add([task(text="jurassic park")])
    page = review(expected=LOAD_FAILURE)
    expect(page.locator("#player")).to_contain_class("heard")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("The server cannot be reached.")
    expect(field(page)).to_have_value("jurassic park")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#rest")).to_contain_text("All done.")


def test_a_clip_that_cannot_be_heard_cannot_be_labelled_but_skipped(review: Review, queue: ReviewQueue) -> None:
    queue.add([task("not-there")])
    page = review(expected=LOAD_FAILURE)
    expect(page.locator("#notices")).to_contain_text("This clip cannot be played.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Listen first")
    page.keyboard.press("k")
    expect(page.locator("#rest")).to_contain_text("1 clip waits for somebody else.")
    assert queue.history()[0].verdict is Verdict.SKIPPED


def test_the_name_is_asked_once_and_can_be_changed(review: Review, queue: ReviewQueue) -> None:
    queue.add([task()])
    page = review("Ann")
    expect_working(page, "jurasic park")
    page.reload()
    expect_working(page, "jurasic park")
    expect(page.locator("#who")).to_contain_text("Ann")
    page.get_by_role("button", name="Change name").click()
    page.get_by_label("Your name").fill("Ben")
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text("Ben")
    expect_working(page, "jurasic park")


def test_a_phone_needs_no_keys_and_no_sideways_scrolling(review: Review, queue: ReviewQueue) -> None:
    queue.add([task(text="Jurassic Park", hypotheses=("jurassic park",))])
    page = review(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    expect(page.locator("#rules-broken li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator(".choice").nth(1).tap()
    expect(page.locator("#player")).to_contain_class("heard")
    page.get_by_role("button", name="Keep").tap()
    expect(page.locator("#rest")).to_contain_text("All done.")
