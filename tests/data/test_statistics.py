"""Statistics: measured as planted, wrong things named first, one page that needs nothing else."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.catalogue import read_catalogue
from data.concerns import Concern, Severity
from data.effects import add_noise, coloured_noise, through_telephone
from data.manifest import read_manifest, write_lock, write_manifest
from data.measurement import ClipFigures, measure
from data.page import render_page
from data.plots import histogram, nice_step
from data.records import SAMPLE_RATE, Samples, Step, Utterance
from data.statistics import Statistics, distribution, measure_manifest, summarise

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEECH = EXAMPLES / "speech" / "manifest.jsonl"
FILMS = EXAMPLES / "films" / "catalogue.csv"


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Writes clips and their manifest."""

    def write(*entries: tuple[Samples, dict[str, object]]) -> Path:
        utterances = []
        for number, (samples, fields) in enumerate(entries):
            soundfile.write(tmp_path / f"{number}.wav", samples, SAMPLE_RATE, subtype="PCM_16")
            known = {"id": f"u{number}", "audio_filepath": f"{number}.wav", "duration": len(samples) / SAMPLE_RATE}
            utterances.append(Utterance(**{**known, **fields}))  # type: ignore[arg-type]  # any field, for brevity
        write_manifest(tmp_path / "manifest.jsonl", utterances)
        return tmp_path / "manifest.jsonl"

    return write


def described(manifest: Path) -> tuple[Statistics, tuple[ClipFigures, ...]]:
    utterances = read_manifest(manifest, check_files=False)
    clips = measure_manifest(utterances, manifest, processes=1, progress=lambda *_: None)
    return summarise(utterances, clips, manifest), clips


def named(statistics: Statistics, part: str) -> Concern | None:
    return next((concern for concern in statistics.concerns if part in concern.title), None)


# Clips


def test_silence_around_the_speech_is_measured(corpus: Callable[..., Path], clip: Callable[[str], Samples]) -> None:
    manifest = corpus((np.pad(clip("conf-getpin"), (SAMPLE_RATE, 2 * SAMPLE_RATE)), {"text": "please enter"}))
    figures = measure(read_manifest(manifest)[0], manifest)
    assert figures.silence_before_ms == pytest.approx(1_000, abs=200)
    assert figures.silence_after_ms == pytest.approx(2_000, abs=200)


def test_bandwidth_tells_a_telephone_from_a_microphone(
    corpus: Callable[..., Path], clip: Callable[[str], Samples]
) -> None:
    speech = clip("conf-getpin")
    manifest = corpus((speech, {}), (through_telephone(speech, "pcm_alaw"), {}))
    wide, narrow = (measure(utterance, manifest).bandwidth_hz for utterance in read_manifest(manifest))
    assert narrow is not None
    assert wide is not None
    assert narrow < 5_000 < wide


def test_what_conditioning_did_is_read_from_the_lineage(
    corpus: Callable[..., Path], clip: Callable[[str], Samples]
) -> None:
    did = {"loudness_before": -30.5, "gain_db": 7.5, "cut_before_ms": 12.0, "cut_after_ms": 0.0, "clipped_share": 0.0}
    manifest = corpus((clip("auth-thankyou"), {"lineage": (Step("condition", "1", did),)}))
    source = measure(read_manifest(manifest)[0], manifest).source
    assert source is not None
    assert (source.loudness, source.gain_db) == (-30.5, 7.5)


def test_a_clip_that_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF....WAVEbroken")
    write_manifest(tmp_path / "manifest.jsonl", [Utterance("a", "a.wav", 1.0, "words")])
    statistics, (figures,) = described(tmp_path / "manifest.jsonl")
    assert figures.unreadable
    assert statistics.concerns[0].title == "1 clip cannot be read"


# What looks wrong


def test_planted_faults_are_found_and_named(corpus: Callable[..., Path], clip: Callable[[str], Samples]) -> None:
    speech = clip("conf-getpin")
    text = "Please enter the conference pin number."
    manifest = corpus(
        (speech, {"text": text}),
        (speech, {"text": "Thank you."}),
        (np.pad(speech * np.float32(0.1), (2 * SAMPLE_RATE, 0)), {"text": text}),
        (add_noise(speech, coloured_noise(len(speech), "pink", np.random.default_rng(0)), 3.0), {"text": text}),
        (through_telephone(speech, "pcm_mulaw"), {"text": text}),
        (0.1 * np.sin(np.arange(SAMPLE_RATE) * 0.2).astype(np.float32), {"text": "press 1 now or two"}),
        (clip("auth-thankyou"), {"text": "thank you so very much indeed for all of the things you have done"}),
        (clip("agent-loginok"), {"text": ""}),
    )
    statistics, _ = described(manifest)
    expected = {
        "the audio of another clip but another text": ("u0", "u1"),
        "no speech in them": ("u5",),
        "long silence": ("u2",),
        "noisy": ("u3",),
        "narrow band": ("u4", "u5"),
        "too fast or too slow": ("u6",),
        "no transcript": ("u7",),
    }
    for title, ids in expected.items():
        concern = named(statistics, title.replace("have ", ""))
        assert concern is not None, title
        assert set(ids) <= set(concern.clips), title
    assert named(statistics, "of the transcripts begin with a capital letter") is not None
    assert named(statistics, "Numbers are digits in 1 transcripts and words in 1") is not None


def test_what_is_wrong_comes_before_what_is_doubtful(
    corpus: Callable[..., Path], clip: Callable[[str], Samples]
) -> None:
    manifest = corpus(
        (clip("conf-getpin"), {"text": ""}), (clip("auth-thankyou") * np.float32(0.01), {"text": "thank you"})
    )
    severities = [concern.severity for concern in described(manifest)[0].concerns]
    assert severities == sorted(severities, key=list(Severity).index)
    assert severities[0] is Severity.WRONG


def test_a_leak_between_splits_is_wrong(corpus: Callable[..., Path], clip: Callable[[str], Samples]) -> None:
    speech = clip("auth-thankyou")
    manifest = corpus(
        (speech, {"text": "thank you", "split": "train"}), (speech, {"text": "thank you", "split": "test"})
    )
    concern = named(described(manifest)[0], "in two splits")
    assert concern is not None
    assert concern.severity is Severity.WRONG


def test_a_manifest_that_is_not_what_was_locked_is_wrong(
    corpus: Callable[..., Path], clip: Callable[[str], Samples]
) -> None:
    manifest = corpus((clip("auth-thankyou"), {"text": "thank you"}))
    assert named(described(manifest)[0], "not locked") is not None
    write_lock(manifest)
    assert named(described(manifest)[0], "not locked") is None
    write_manifest(manifest, [replace(read_manifest(manifest)[0], text="thanks")])
    assert named(described(manifest)[0], "not what was locked") is not None


# Figures


def test_words_are_compared_with_the_catalogue(corpus: Callable[..., Path], clip: Callable[[str], Samples]) -> None:
    manifest = corpus((clip("jurassic-park"), {"text": "play jurassic park zyzzyva"}))
    utterances = read_manifest(manifest)
    clips = measure_manifest(utterances, manifest, processes=1, progress=lambda *_: None)
    fit = summarise(utterances, clips, manifest, read_catalogue(FILMS)).catalogue
    assert fit is not None
    assert fit.unknown == {"zyzzyva": 1}
    assert fit.unknown_share == 0.25


def test_a_distribution_leaves_out_what_is_not_known() -> None:
    spread = distribution([1.0, None, 3.0, 2.0])
    assert spread is not None
    assert (spread.clips, spread.median, spread.low, spread.high) == (3, 2.0, 1.0, 3.0)
    assert distribution([None]) is None


@pytest.mark.slow
def test_processes_measure_what_one_process_measures() -> None:
    utterances = [replace(u, id=f"{u.id}-{n}") for u in read_manifest(SPEECH) for n in range(2)]
    one = measure_manifest(utterances, SPEECH, processes=1, progress=lambda *_: None)
    assert measure_manifest(utterances, SPEECH, processes=2, progress=lambda *_: None) == one


# Page


@pytest.fixture(scope="module")
def page() -> str:
    utterances = [replace(u, split=("train", "test")[n % 2]) for n, u in enumerate(read_manifest(SPEECH))]
    clips = measure_manifest(utterances, SPEECH, processes=1, progress=lambda *_: None)
    statistics = summarise(utterances, clips, SPEECH, read_catalogue(FILMS))
    return render_page(statistics, utterances, clips, SPEECH)


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    addresses = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]{1,12})", page)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert "<script" not in page


def test_the_page_shows_and_plays_clips(page: str) -> None:
    assert page.count("<audio") == page.count('<img src="data:image/png') >= 4
    assert "Look and listen" in page


def test_the_page_escapes_what_it_shows(corpus: Callable[..., Path], clip: Callable[[str], Samples]) -> None:
    manifest = corpus((clip("auth-thankyou"), {"text": "<script>alert('thank you')</script>", "speaker": "<b>"}))
    statistics, clips = described(manifest)
    assert "<script" not in render_page(statistics, read_manifest(manifest), clips, manifest)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.slow
def test_the_page_fits_the_screen(
    page: str, tmp_path: Path, needs_tool: Callable[[str], str], width: int, scheme: str
) -> None:
    from playwright.sync_api import sync_playwright

    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs_tool("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]  # one of its literals
        tab = context.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.goto((tmp_path / "page.html").as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert said == []
        browser.close()


# Plots


def test_a_histogram_counts_every_value() -> None:
    values = np.random.default_rng(0).normal(size=500)
    shape = histogram(list(values), "dB")
    assert shape is not None
    assert sum(int(bar.label.rsplit(" ", 1)[1].replace(",", "")) for bar in shape.bars) == 500


@pytest.mark.parametrize("value", [0.0, -23.0])
def test_a_histogram_of_one_value_has_one_bar(value: float) -> None:
    shape = histogram([value] * 7, "LUFS", marks=[(value, "target")])
    assert shape is not None
    assert [bar.label.rsplit(" ", 1)[1] for bar in shape.bars] == ["7"]


@pytest.mark.parametrize(("step", "nice"), [(0.13, 0.2), (0.1, 0.1), (3.0, 5.0), (70.0, 100.0)])
def test_steps_are_round_numbers(step: float, nice: float) -> None:
    assert nice_step(step) == nice
