"""The search page in real Chromium against the real server, a recording playing into its microphone."""

import base64
import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.clips import read_clip, to_pcm
from data.records import SAMPLE_RATE, EventKind, FeedbackFigures
from data.settings import HomeSettings
from data.store import Store, utterances
from data.voice import FRAME, VoiceOptions, speech_frames, voice_probabilities
from monitor.events import EventStore
from tests.conftest import QUERIES, RunningServer

PHONE = {"width": 375, "height": 740}

SOUND_MESSAGE = 1280
"""Bytes of forty milliseconds of sound at 16 kHz."""

WATCH_THE_WORDS = """() => {
    window.shown = [];
    const look = () => {
        const stable = document.querySelector("#transcript").firstChild;
        if ("live" in document.body.dataset && stable) window.shown.push(stable.textContent);
    };
    new MutationObserver(look).observe(document.querySelector("#transcript"), { childList: true });
}"""
"""Keeps the words shown as stable, each time that they are written."""

GATE = """async (content) => {
    const { VoiceGate } = await import("/static/gate.js");
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const [samples, gate] = [new Int16Array(bytes.buffer), new VoiceGate()];
    for (let at = 0; at + 640 <= samples.length; at += 640) {
        const sent = gate.push(samples.slice(at, at + 640)).length;
        if (sent > 0) return at + 640 - 640 * sent;
    }
    return samples.length;
}"""
"""Where in a recording the first sound is that the gate lets through, as a sample."""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the picture is kept; `VOICESEARCH_SCREENSHOTS=docs/images` renews that of the documentation."""
    folder = os.environ.get("VOICESEARCH_SCREENSHOTS")
    return Path(folder) if folder else tmp_path_factory.mktemp("screenshots")


def wait_for_the_recording(page: Page) -> None:
    """Keep listening until the fake microphone has played the query and some of the silence after it."""
    page.wait_for_function("() => parseFloat(document.querySelector('#clock').textContent) > 2.5")


def expect_the_film(page: Page) -> None:
    expect(page.locator("#transcript")).to_have_text(re.compile("jurassic park", re.IGNORECASE))
    expect(page.locator(".title").first).to_have_text("Jurassic Park")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")


def test_holding_the_space_bar_and_speaking_finds_the_film(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page(device_scale_factor=1.5)
    page.keyboard.down("Space")
    wait_for_the_recording(page)
    assert page.locator("#meter path").get_attribute("d")
    page.keyboard.up("Space")

    expect_the_film(page)
    first = page.locator(".result").first
    expect(first.locator("mark")).to_have_text(["Jurassic Park"])
    expect(first.locator(".match")).to_have_text("exact words")
    expect(page.locator("#timing")).to_contain_text("recognise")
    expect(page.locator("#recording-facts")).to_contain_text("of silence cut")
    expect(page.locator("#waveform .shade")).to_have_count(2)
    page.screenshot(path=screenshots / "search-page.png")


def test_holding_the_button_and_speaking_finds_the_film(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Start speaking").hover()
    page.mouse.down()
    wait_for_the_recording(page)
    page.mouse.up()
    expect_the_film(page)


def test_after_one_click_the_page_notices_when_the_speech_is_over(open_page: OpenPage) -> None:
    page = open_page()
    uploads: list[str] = []
    page.on("request", lambda request: uploads.append(request.method) if request.method == "POST" else None)
    page.get_by_role("button", name="Start speaking").click()
    expect(page.get_by_role("status")).to_have_text("Listening. It searches when you have finished. Esc discards.")
    expect_the_film(page)
    expect(page.locator("#recording-facts")).to_contain_text("s recorded")
    expect(page.locator("#heard")).to_have_attribute("aria-live", "polite")
    assert uploads == []


def test_words_and_results_show_while_the_person_speaks(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page(device_scale_factor=1.5)
    page.evaluate(WATCH_THE_WORDS)
    page.keyboard.down("Space")
    page.wait_for_function("() => window.shown.length > 1")
    expect(page.locator("body")).to_have_attribute("data-state", "listening")
    expect(page.locator("#heard")).to_have_attribute("aria-live", "off")
    expect(page.locator(".result").first).to_be_visible()
    page.screenshot(path=screenshots / "search-while-speaking.png")
    wait_for_the_recording(page)
    page.keyboard.up("Space")
    expect_the_film(page)
    shown = page.evaluate("() => window.shown")
    for before, after in pairwise(shown):
        assert after.startswith(before), "words that were shown as stable changed"


def test_nothing_is_sent_before_somebody_speaks(open_page: OpenPage) -> None:
    page = open_page()
    sent: list[int] = []
    page.on("websocket", lambda opened: opened.on("framesent", lambda data: sent.append(len(data))))
    page.get_by_role("button", name="Start speaking").click()
    page.wait_for_function("() => parseFloat(document.querySelector('#clock').textContent) > 0.7")
    assert [length for length in sent if length == SOUND_MESSAGE] == []
    expect_the_film(page)
    assert 20 < len([length for length in sent if length == SOUND_MESSAGE]) < 70


@pytest.mark.parametrize("room_db", [-80.0, -55.0])
def test_the_gate_cuts_no_onset_in_a_quiet_or_a_noisy_room(open_page: OpenPage, room_db: float) -> None:
    chance = np.random.default_rng(0)
    before = 2 * SAMPLE_RATE
    page = open_page()
    for path in sorted(QUERIES.glob("*.flac")):
        samples = np.concatenate([np.zeros(before, np.float32), read_clip(path)])
        heard = samples + chance.normal(0.0, 10.0 ** (room_db / 20.0), len(samples)).astype(np.float32)
        speech = np.flatnonzero(speech_frames(voice_probabilities(heard), VoiceOptions()))
        sent_from = page.evaluate(GATE, base64.b64encode(to_pcm(heard).tobytes()).decode())
        assert sent_from + 3_200 <= int(speech[0]) * FRAME, path.stem  # 200 ms, which conditioning keeps
        if room_db < -70.0:
            assert sent_from > before / 2, path.stem


@pytest.mark.parametrize("missing", ["WebSocket", "AudioWorkletNode"])
def test_without_what_streaming_needs_the_recording_is_sent_whole(open_page: OpenPage, missing: str) -> None:
    page = open_page()
    page.evaluate("(name) => { window[name] = class { constructor() { throw new Error(name); } } }", missing)
    page.get_by_role("button", name="Start speaking").click()
    wait_for_the_recording(page)
    with page.expect_response("**/v1/search"):
        page.get_by_role("button", name="Stop and search").click()
    expect_the_film(page)


def test_a_stream_that_breaks_off_costs_nothing(open_page: OpenPage) -> None:
    page = open_page(expected="WebSocket")
    page.context.route_web_socket("**/v1/stream", lambda opened: opened.close(code=1011, reason="gone"))
    page.keyboard.down("Space")
    wait_for_the_recording(page)
    with page.expect_response("**/v1/search"):
        page.keyboard.up("Space")
    expect_the_film(page)


def test_one_more_click_ends_it_at_once(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Start speaking").click()
    page.wait_for_function("() => parseFloat(document.querySelector('#clock').textContent) > 1.9")
    page.get_by_role("button", name="Stop and search").click()
    expect_the_film(page)


def test_the_level_meter_follows_the_voice(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Start speaking").click()
    meter = page.get_by_role("meter")
    expect(meter).to_have_attribute("aria-valuenow", "0")
    page.wait_for_function("() => document.querySelector('#meter').ariaValueNow > 40")
    expect(page.get_by_role("status")).to_contain_text("Listening")


def test_escape_discards_what_was_said(open_page: OpenPage) -> None:
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.keyboard.press("Space")
    expect(page.locator("body")).to_have_attribute("data-state", "listening")
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text("Discarded.")
    page.get_by_role("searchbox").fill("finding nemo")
    expect(page.locator(".title").first).to_have_text("Finding Nemo")
    assert "POST" not in sent


def test_typing_finds_the_film_without_pressing_enter(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("searchbox").press_sequentially("big lebowski", delay=20)
    expect(page.locator(".title").first).to_have_text("The Big Lebowski")
    expect(page.locator("#summary")).to_contain_text("for “big lebowski”")


def test_enter_searches_at_once_and_the_newest_answer_stays(open_page: OpenPage) -> None:
    page = open_page()
    field = page.get_by_role("searchbox")
    field.fill("finding nemo")
    field.press("Enter")
    field.fill("casablanca")
    field.press("Enter")
    expect(page.locator(".title").first).to_have_text("Casablanca")
    expect(page.locator("#summary")).to_contain_text("for “casablanca”")


def test_an_example_searches(open_page: OpenPage) -> None:
    page = open_page()
    example = page.locator(".chip").first
    words = example.inner_text()
    example.click()
    expect(page.get_by_role("searchbox")).to_have_value(words)
    expect(page.locator(".title").first).to_be_visible()


def test_a_file_dropped_anywhere_is_searched_with(open_page: OpenPage, film_recording: Path) -> None:
    page = open_page()
    dropped = page.evaluate_handle(
        """(content) => {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "query.wav", { type: "audio/wav" }));
            return transfer;
        }""",
        base64.b64encode(film_recording.read_bytes()).decode(),
    )
    page.dispatch_event("header", "dragenter", {"dataTransfer": dropped})
    expect(page.get_by_text("Drop the recording to search with it")).to_be_visible()
    page.dispatch_event("header", "drop", {"dataTransfer": dropped})
    expect_the_film(page)
    expect(page.locator("#drop")).to_be_hidden()


def test_a_click_on_a_result_is_recorded_and_the_page_stays(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page()
    with page.expect_response("**/v1/search?*") as searched:
        page.get_by_role("searchbox").fill("jurassic park")
    with page.expect_response("**/v1/feedback") as given:
        page.get_by_role("button", name="Jurassic Park 3").click()
    assert given.value.json() == {"recorded": True, "duplicate": False}
    expect(page.locator(".result").nth(1)).to_contain_text("Choice recorded")
    expect(page.locator("#announcement")).to_contain_text("Jurassic Park 3, number 2")
    assert page.url == f"{server.url}/"

    store = Store.open(HomeSettings.load().database)
    query_id = searched.value.json()["query_id"]
    (click,) = (event for event in EventStore(store).read(kind=EventKind.CLICK) if event.query_id == query_id)
    store.close()
    assert isinstance(click.figures, FeedbackFigures)
    assert (click.figures.item_id, click.figures.rank) == ("jurassic-park-3-2001", 2)


def test_saying_what_was_really_said_is_recorded_and_searched(open_page: OpenPage, film_recording: Path) -> None:
    page = open_page()
    page.get_by_label("Choose a recording").set_input_files(film_recording)
    expect_the_film(page)
    page.get_by_role("button", name="Not what you said?").click()
    page.keyboard.type("gosford park")
    with page.expect_response("**/v1/feedback") as given:
        page.keyboard.press("Enter")
    assert given.value.json()["recorded"] is True
    expect(page.locator(".title").first).to_have_text("Gosford Park")


@pytest.mark.parametrize("consent", [False, True])
def test_a_recording_is_kept_only_with_consent(open_page: OpenPage, film_recording: Path, consent: bool) -> None:
    page = open_page()
    box = page.get_by_role("checkbox", name="Keep my recording")
    expect(box).not_to_be_checked()
    if consent:
        box.check()
    with page.expect_response("**/v1/search") as searched:
        page.get_by_label("Choose a recording").set_input_files(film_recording)
    query_id = searched.value.json()["query_id"]
    store = Store.open(HomeSettings.load().database)
    with store.begin() as connection:
        kept = connection.execute(select(utterances.c.audio).where(utterances.c.query_id == query_id)).scalars().all()
    store.close()
    assert kept == ([film_recording.read_bytes()] if consent else [])


def test_everything_works_from_the_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Start speaking")).to_be_focused()
    page.keyboard.press("Enter")
    expect_the_film(page)

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".title").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".result").nth(1)).to_contain_text("Choice recorded")


def test_transcript_results_and_state_are_read_out(open_page: OpenPage, film_recording: Path) -> None:
    page = open_page()
    page.get_by_label("Choose a recording").set_input_files(film_recording)
    expect_the_film(page)
    for live in ("#heard", "#summary", "#announcement"):
        expect(page.locator(live)).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("list", name="Results").get_by_role("listitem").first).to_contain_text("1993")
    nameless = page.get_by_role("button", name=re.compile(r"^\s*$"))
    expect(nameless).to_have_count(0)


@pytest.mark.parametrize("speaks", [False, True])
def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, film_recording: Path, speaks: bool) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.locator(".chip").first).to_be_visible()
    if speaks:
        page.get_by_label("Choose a recording").set_input_files(film_recording)
        expect_the_film(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    button = page.locator("#speak").bounding_box()
    assert button is not None
    assert button["width"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page: OpenPage, film_recording: Path, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.get_by_label("Choose a recording").set_input_files(film_recording)
    expect_the_film(page)
    paper = luminance(page, "body", "background-color")
    assert (paper < 0.1) == (scheme == "dark")
    for selector in ("#transcript", ".title", ".fields", ".match", "#hint", "#timing", "#correct"):
        assert contrast(luminance(page, selector, "color"), paper) >= 4.5, selector
    accent = luminance(page, "#speak", "background-color")
    assert contrast(luminance(page, "#speak", "color"), accent) >= 4.5


def luminance(page: Page, selector: str, name: str) -> float:
    """Relative luminance of a computed colour, 0 to 1 (WCAG 2.2)."""
    colour = page.locator(selector).first.evaluate("(element, name) => getComputedStyle(element)[name]", name)
    channels = [int(channel) / 255 for channel in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Contrast ratio of two luminances, 1 to 21 (WCAG 2.2)."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_nothing_moves_where_motion_is_unwanted(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    page.get_by_role("button", name="Start speaking").click()
    expect(page.locator("body")).to_have_attribute("data-state", "listening")
    ring = page.locator("#speak").evaluate("element => getComputedStyle(element, '::before').transform")
    assert ring == "none"
