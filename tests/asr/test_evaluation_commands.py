"""Commands of error analysis: on real clips, gated by the convention, one clear line for what is wrong."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data.manifest import read_manifest, write_lock, write_manifest
from tests.conftest import FILMS, QUERIES, ROOT
from voicesearch import main

CONVENTION = "voice-search-en/1"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The shipped film queries as a locked manifest, with hypotheses of two recognisers beside it."""
    shutil.copytree(QUERIES, tmp_path / "queries")
    manifest = tmp_path / "queries" / "manifest.jsonl"
    write_lock(manifest, CONVENTION)
    utterances = read_manifest(manifest)
    heard = [replace(u, pred_text=u.text.title(), confidence=0.9) for u in utterances]
    write_manifest(manifest.with_name("good.jsonl"), heard)
    write_manifest(manifest.with_name("bad.jsonl"), [replace(u, pred_text="something else") for u in heard])
    return manifest


def test_an_evaluation_is_one_line_of_json(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["asr", "evaluate", str(corpus), str(corpus.with_name("good.jsonl")), "--catalogue", str(FILMS), "--json"]
    )
    assert code == 0
    (line,) = capsys.readouterr().out.splitlines()
    figures = json.loads(line)
    assert figures["headline"]["normalised"]["wer"] == 0.0
    assert figures["headline"]["strict"]["wer"] > 0.9
    assert figures["search"]["heard"]["mrr"] == figures["search"]["reference"]["mrr"]
    assert figures["provenance"]["convention"] == CONVENTION
    assert figures["target"]["name"] == "wer"


def test_people_see_the_headline_the_slices_and_what_to_do(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["asr", "evaluate", str(corpus), str(corpus.with_name("bad.jsonl")), "--human-level", "0.97"]) == 0
    shown = capsys.readouterr().out
    for expected in ("word error rate", "potential", "97.0%", "1. ", "bootstrap over utterances: 1 speaker"):
        assert expected in shown


def test_the_level_of_people_is_measured_on_their_transcriptions(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = str(ROOT / "examples" / "labeling" / "habits.jsonl")
    assert main(["asr", "evaluate", str(corpus), str(corpus.with_name("bad.jsonl")), "--people", people, "--json"]) == 0
    human = json.loads(capsys.readouterr().out)["human"]
    assert human["measured"]
    assert "agreement of people" in human["source"]
    assert 80 < human["overall"] <= 100


def test_a_release_hears_the_clips_itself_once(
    corpus: Path, release: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["asr", "evaluate", str(corpus), "--json", "--processes", "1"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["provenance"]["release"] == "tiny.en-words"
    assert figures["provenance"]["decoding"]["beam size"] == "5"
    assert figures["headline"]["normalised"]["wer"] < 0.35
    assert figures["confidence"]["clips"] == 11


def test_labels_that_were_not_checked_are_refused_unless_asked(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lock(corpus)
    arguments = ["asr", "evaluate", str(corpus), str(corpus.with_name("good.jsonl"))]
    assert main(arguments) == 2
    assert "not checked against a convention" in capsys.readouterr().err
    assert main([*arguments, "--any-convention"]) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines, lines[0]], "is already on line 1"),
        (lambda lines: [line.replace('"pred_text"', '"pred"') for line in lines], "has no pred_text"),
        (lambda lines: [line.replace('"id": "', '"id": "x') for line in lines], "none of the 11 hypotheses belongs"),
    ],
)
def test_hypotheses_that_cannot_be_used_are_one_clear_line(
    corpus: Path, change: Callable[[list[str]], list[str]], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = corpus.with_name("good.jsonl")
    heard.write_text("".join(line + "\n" for line in change(heard.read_text().splitlines())))
    assert main(["asr", "evaluate", str(corpus), str(heard)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_the_gate_stops_a_release_that_got_worse(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    utterances = [replace(u, id=f"{u.id}-{n}") for n in range(3) for u in read_manifest(corpus)]
    write_manifest(corpus, utterances)
    write_lock(corpus, CONVENTION)
    good, bad = corpus.with_name("good.jsonl"), corpus.with_name("bad.jsonl")
    write_manifest(good, [replace(u, pred_text=u.text) for u in utterances])
    write_manifest(bad, [replace(u, pred_text="something else") for u in utterances])
    alone = ["--processes", "1"]
    assert main(["asr", "compare", str(corpus), str(good), str(bad), "--gate", *alone]) == 0
    assert "gate passed" in capsys.readouterr().out
    assert main(["asr", "compare", str(corpus), str(bad), str(good), "--gate", "--json", *alone]) == 1
    gate = json.loads(capsys.readouterr().out)["gate"]
    assert (gate["passed"], gate["cap"], gate["regressed"][0]) == (False, 0.02, "everything")


def test_a_report_is_a_page_with_its_figures_beside_it(corpus: Path, tmp_path: Path) -> None:
    page = tmp_path / "out" / "report.html"
    heard, before = (str(corpus.with_name(f"{name}.jsonl")) for name in ("good", "bad"))
    arguments = ["asr", "report", str(corpus), heard, "--baseline", before, "--out", str(page), "--processes", "1"]
    assert main(arguments) == 0
    assert page.read_text().count('type="text/plain" id="sound-') == 11
    assert json.loads(page.with_suffix(".json").read_text())["comparison"]["ours"] == "good"
    assert page.with_suffix(".csv").read_text().count("\n") == 12
    assert page.with_suffix(".priorities.csv").is_file()
    assert main([*arguments, "--audio-mb", "0.02"]) == 0
    assert 0 < page.read_text().count('type="text/plain" id="sound-') < 11


def test_evaluation_and_comparison_need_no_torch(corpus: Path) -> None:
    heard = str(corpus.with_name("good.jsonl"))
    program = (
        f"import sys; from voicesearch import main; test = [{str(corpus)!r}, {heard!r}, '--processes', '1']\n"
        "assert main(['asr', 'evaluate', *test, '--json']) == 0\n"
        f"assert main(['asr', 'report', *test, '--out', {heard + '.html'!r}]) == 0\n"
        "loaded = {'torch', 'transformers', 'librosa', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    environment = {**os.environ, "VOICESEARCH_HOME": str(corpus.parent / "home")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
