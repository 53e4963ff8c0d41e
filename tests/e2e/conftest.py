"""Chromium for the tests of pages: its microphone plays a recording, and its console has to stay empty."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.conftest import RunningServer

DESKTOP = {"width": 1200, "height": 860}

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REPORT_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Ends with the module: while it runs, no other test could start an event loop."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def launch(playwright: Playwright, needs_tool: Callable[[str], str]) -> Iterator[Callable[..., Browser]]:
    chromium = needs_tool("chromium")
    browsers: list[Browser] = []

    def start(*flags: str) -> Browser:
        browsers.append(playwright.chromium.launch(executable_path=chromium, headless=True, args=[*FLAGS, *flags]))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser], film_recording: Path) -> Browser:
    """Chromium whose microphone plays the recording from the moment it is opened, then silence."""
    return launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={film_recording}%noloop",
        "--host-resolver-rules=MAP voicesearch.test 127.0.0.1",
    )


@pytest.fixture
def open_page(browser: Browser, server: RunningServer) -> Iterator[Callable[..., Page]]:
    """Opens the page in a session of its own; afterwards nothing may have been written to its console."""
    complaints: list[str] = []
    contexts = []

    def open_(expected: str | None = None, browser: Browser = browser, url: str = server.url, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type in ("error", "warning") and not (expected and expected in message.text)
                else None
            ),
        )
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
