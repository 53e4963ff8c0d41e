"""The error report in real Chromium, opened from disk: heard, tagged by keyboard, exported, printed, on a phone."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from data.manifest import read_manifest, write_lock, write_manifest
from data.store import Store
from labeling.queue import ReviewQueue
from labeling.review import Lease
from tests.conftest import FILMS, QUERIES, RunningServer
from voicesearch import main

EVIL = "<img src=x onerror=alert(1)>"
PHONE = {"width": 375, "height": 740}

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped film queries as two recognisers may have heard them, and the report on both."""
    root = tmp_path_factory.mktemp("report") / "queries"
    shutil.copytree(QUERIES, root)
    manifest = root / "manifest.jsonl"
    utterances = [replace(u, tags=(*u.tags, EVIL)) for u in read_manifest(manifest)]
    write_manifest(manifest, utterances)
    write_lock(manifest, "voice-search-en/1")
    heard = {"the-godfather": "the good father", "pulp-fiction": "", "jurassic-park": EVIL}
    before = {"finding-nemo": "finding demo", "jurassic-park": "jurassic park"}
    for name, changes in (("heard", heard), ("before", before)):
        lines = [replace(u, pred_text=changes.get(u.id, u.text), confidence=0.8) for u in utterances]
        write_manifest(root / f"{name}.jsonl", lines)
    files = [str(manifest), str(root / "heard.jsonl"), "--baseline", str(root / "before.jsonl")]
    options = ["--catalogue", str(FILMS), "--out", str(root / "report.html"), "--processes", "1"]
    assert main(["asr", "report", *files, *options]) == 0
    return root


@pytest.fixture
def report(browser: Browser, folder: Path) -> Iterator[Open]:
    """Opens the report from disk, with no network; nothing may be written to its console."""
    complaints: list[str] = []
    contexts = []

    def open_(page_file: Path = folder / "report.html", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(page_file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def chosen(page: Page) -> Any:
    return page.locator("#list .item[aria-selected='true']")


def test_an_utterance_is_tagged_by_keyboard_and_the_error_sheet_exported(
    report: Open, folder: Path, tmp_path: Path
) -> None:
    page = report()
    page.locator("#find").fill("godfather")
    expect(page.locator("#list .item")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    page.keyboard.press("5")
    page.keyboard.press("t")
    page.keyboard.type("italian")
    page.keyboard.press("Enter")
    page.keyboard.press("1")  # taken back
    expect(page.locator(".chip[aria-pressed='true']")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Error sheet").click()
    download.value.save_as(tmp_path / "sheet.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sheet.csv").read_text())))
    tagged = next(row for row in rows if row["id"] == "the-godfather")
    assert (tagged["accent"], tagged["italian"], tagged["heard"]) == ("1", "1", "the good father")
    assert "car noise" not in tagged
    assert (rows[-1]["id"], rows[-1]["accent"]) == ("sum", "1")
    page.reload()
    page.locator("#filter").select_option("tagged")
    expect(page.locator("#list .item")).to_have_count(1)


def test_doubtful_labels_are_exported_as_labelling_takes_them(
    report: Open, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = report()
    page.locator("#list").focus()
    page.keyboard.press("j")
    page.keyboard.press("d")
    name = page.locator("#one dd").last.inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Doubtful labels").click()
    download.value.save_as(tmp_path / "doubts.csv")
    monkeypatch.setenv("VOICESEARCH_DATABASE_URL", f"sqlite:///{tmp_path}/queue.db")
    assert main(["labeling", "import", str(tmp_path / "doubts.csv"), "--manifest", str(folder / "manifest.jsonl")]) == 0
    store = Store.open(f"sqlite:///{tmp_path}/queue.db")
    lease = ReviewQueue(store).next("Ann")
    store.close()
    assert isinstance(lease, Lease)
    assert lease.task.clip == name
    assert "doubted while listening" in lease.task.note


def test_a_clip_is_played_as_recorded_and_as_recognised(report: Open) -> None:
    page = report()
    page.locator("#find").fill("lebowski")
    page.keyboard.press("Enter")
    expect(page.locator("#one .wave path")).to_have_count(1)
    for key in ("r", "Space"):
        page.keyboard.press(key)
        page.wait_for_function("() => parseFloat(document.querySelector('#one .wave i').style.left) > 5")
        page.wait_for_function("() => document.querySelector('#one .wave i').style.left === '-3px'")


def test_markup_in_labels_tags_and_hypotheses_is_shown_and_inert(report: Open) -> None:
    page = report()
    page.locator("#find").fill("jurassic")
    expect(chosen(page)).to_contain_text(EVIL)
    assert page.locator("main img").count() == 0
    expect(page.locator("#one dl")).to_contain_text(EVIL)


def test_words_slices_and_flips_lead_to_their_utterances(report: Open) -> None:
    page = report()
    page.locator("#change [data-open='the-godfather']").click()
    expect(chosen(page)).to_contain_text("the good father")
    page.locator("[data-class='refused']").click()
    expect(page.locator("#list .item")).to_have_count(1)
    expect(chosen(page)).to_contain_text("pulp fiction")
    page.locator("#filter").select_option("broken")
    expect(page.locator("#list .item")).to_have_count(3)


def test_ease_and_importance_change_the_rank_and_are_remembered(report: Open) -> None:
    page = report()
    rows = page.locator("#table tbody tr[data-name]")
    second = str(rows.nth(1).get_attribute("data-name"))
    for weight in ("importance", "ease"):
        page.locator(f"#table tr[data-name='{second}'] [data-weight='{weight}']").select_option("5")
    expect(rows.nth(0)).to_have_attribute("data-name", second)
    page.reload()
    expect(rows.nth(0)).to_have_attribute("data-name", second)


def test_thousands_of_utterances_are_drawn_only_where_they_are_seen(report: Open, folder: Path, tmp_path: Path) -> None:
    utterances = [replace(u, id=f"{u.id}-{n}") for n in range(182) for u in read_manifest(folder / "heard.jsonl")]
    write_manifest(tmp_path / "many.jsonl", utterances)
    page_file = tmp_path / "many.html"
    files = [str(tmp_path / "many.jsonl")] * 2
    assert (
        main(
            [
                "asr",
                "report",
                *files,
                "--any-convention",
                "--audio-mb",
                "0",
                "--out",
                str(page_file),
                "--processes",
                "1",
            ]
        )
        == 0
    )
    page = report(page_file)
    expect(page.locator("#shown")).to_have_text("2,002 utterances")
    assert page.locator("#list .item").count() < 40
    page.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight }")
    expect(page.locator("#list .item[aria-posinset='2002']")).to_be_visible()
    assert page.locator("#list .item").count() < 40
    page.locator("#find").fill("nemo-181")
    expect(page.locator("#list .item")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(report: Open, scheme: str) -> None:
    page = report(viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator(".chip").first.tap()
    expect(page.locator(".chip[aria-pressed='true']")).to_have_count(1)


def test_the_printed_report_lists_the_worst_utterances_instead_of_the_browser(report: Open) -> None:
    page = report()
    page.emulate_media(media="print")
    expect(page.locator(".browser")).to_be_hidden()
    expect(page.locator(".printed")).to_contain_text("the good father")
    assert page.pdf()[:5] == b"%PDF-"


def test_the_server_lists_its_reports_and_shows_them(open_page: Open, server: RunningServer, folder: Path) -> None:
    reports = server.home / "reports"
    reports.mkdir(exist_ok=True)
    shutil.copy(folder / "report.html", reports / "queries-tiny.html")
    page = open_page(url=f"{server.url}/review")
    page.get_by_label("Your name").fill("Ann")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Error reports").click()
    page.get_by_role("link", name="queries-tiny").click()
    expect(page.locator("#shown")).to_have_text("11 utterances")
    page.locator("#list").focus()
    page.keyboard.press("Space")
    page.wait_for_function("() => parseFloat(document.querySelector('#one .wave i').style.left) > 5")
