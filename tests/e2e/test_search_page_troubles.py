"""What the search page says when it cannot hear, cannot find, or is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.conftest import RunningServer
from tests.e2e.conftest import REPORT_VIOLATIONS

LOAD_FAILURE = "Failed to load resource"
"""What Chromium itself writes to the console for an answer of 400 and above."""

OpenPage = Callable[..., Page]


def test_silence_gets_a_plain_sentence_and_a_remedy(open_page: OpenPage, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(16_000, np.float32), 16_000)
    page = open_page()
    page.get_by_label("Choose a recording").set_input_files(path)
    expect(page.locator("#heard")).to_contain_text("The recording is silent.")
    expect(page.locator("#heard")).to_contain_text("not muted")
    expect(page.locator(".result")).to_have_count(0)


def test_words_that_nothing_has_are_said_so(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("千と千尋の神隠し")
    expect(page.locator("#heard")).to_contain_text("Nothing here matches “千と千尋の神隠し”.")
    expect(page.locator(".chip").first).to_be_visible()


def test_without_a_sure_match_the_nearest_are_offered_as_a_question(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("searchbox").fill("tuesday morning kettle")
    expect(page.locator("#heard")).to_contain_text("No sure match for “tuesday morning kettle”.")
    expect(page.locator("#heard")).to_contain_text("Did you mean one of these?")
    expect(page.locator(".result").first).to_be_visible()
    assert page.locator(".result").count() <= 5
    expect(page.locator("#summary")).to_be_empty()


def test_a_refusal_shows_the_servers_message(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("no audio at all")
    page = open_page(expected=LOAD_FAILURE)
    with page.expect_response("**/v1/search") as refused:
        page.get_by_label("Choose a recording").set_input_files(path)
    error = refused.value.json()["error"]
    expect(page.locator("#notices")).to_contain_text(error["message"])
    expect(page.locator("#notices")).to_contain_text(error["request_id"])


def test_a_recording_outlives_a_lost_connection(open_page: OpenPage, film_recording: Path) -> None:
    page = open_page(expected=LOAD_FAILURE)
    page.context.set_offline(True)
    page.get_by_label("Choose a recording").set_input_files(film_recording)
    expect(page.locator("#notices")).to_contain_text("The server cannot be reached.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".title").first).to_have_text("Jurassic Park")
    expect(page.locator("#notices")).to_be_empty()


@pytest.mark.parametrize(
    ("flags", "sentence", "remedy"),
    [
        (
            ["--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream"],
            "The microphone is blocked for this page.",
            "site settings, beside the address",
        ),
        (["--use-fake-ui-for-media-stream", "--disable-audio-input"], "No microphone was found.", "Connect one"),
    ],
)
def test_a_microphone_that_cannot_be_had_is_said_so(
    open_page: OpenPage, launch: Callable[..., Browser], flags: list[str], sentence: str, remedy: str
) -> None:
    page = open_page(browser=launch(*flags))
    page.get_by_role("button", name="Start speaking").click()
    expect(page.locator("#notices")).to_contain_text(sentence)
    expect(page.locator("#notices")).to_contain_text(remedy)
    expect(page.locator("body")).to_have_attribute("data-state", "ready")


def test_plain_http_off_localhost_names_the_certificate_options(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page(url=server.url.replace("127.0.0.1", "voicesearch.test"))
    assert page.evaluate("isSecureContext") is False
    expect(page.locator("#notices")).to_contain_text("did not come over HTTPS")
    expect(page.locator("#notices code")).to_contain_text("voicesearch serve run --tls-cert")
    expect(page.get_by_role("button", name="Start speaking")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("searchbox").fill("finding nemo")
    expect(page.locator(".title").first).to_have_text("Finding Nemo")


def test_the_policy_forbids_what_the_page_does_without(browser: Browser, server: RunningServer) -> None:
    page = browser.new_page()
    page.add_init_script(REPORT_VIOLATIONS)
    page.goto(server.url)
    for directive, forbidden in {
        "script-src": "document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))",
        "style-src": "document.body.setAttribute('style', 'color: red')",
    }.items():
        with page.expect_console_message(_names(directive)):
            page.evaluate(forbidden)
    page.close()


def _names(directive: str) -> Callable[[ConsoleMessage], bool]:
    return lambda message: f"refused by policy: {directive}" in message.text
