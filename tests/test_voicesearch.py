"""The command line: the same answer with no server, one line for what is wrong, no training libraries loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from serve.index import SearchIndex
from tests.conftest import FILMS, QUERIES, SPEECH, RunningServer

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(home: Path, release: object, film_index: SearchIndex) -> Run:
    """Runs the command line as a process; no proxy or package index is within its reach."""

    def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "voicesearch", *arguments],
            env={**os.environ, "VOICESEARCH_HOME": str(home), "PIP_NO_INDEX": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


def test_a_recording_gets_the_answer_that_the_server_gives(run: Run, server: RunningServer) -> None:
    recording = QUERIES / "jurassic-park.flac"
    here = json.loads(run("search", str(recording), "--json").stdout)
    there = httpx2.post(f"{server.url}/v1/search", files={"audio": recording.read_bytes()}, timeout=30).json()
    assert here["transcript"] == there["transcript"]
    assert here["results"] == there["results"]


def test_typed_text_is_answered_for_people_and_for_machines(run: Run) -> None:
    people = run("search", "jurassic park", "--limit", "2")
    assert people.returncode == 0
    assert "Jurassic Park  (1993" in people.stdout
    machines = run("search", "jurassic park", "--json")
    assert machines.stdout.count("\n") == 1
    assert json.loads(machines.stdout)["results"][0]["id"] == "jurassic-park-1993"


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["search", str(FILMS)], {}, "not audio that can be decoded"),
        (["search", "x"], {"VOICESEARCH_MODEL": "huge"}, "VOICESEARCH_MODEL=huge: neither a packaged model"),
        (["search", "missing.wav"], {}, "missing.wav: there is no such recording"),
        (["search", " "], {}, "the query is empty"),
        (["search", "x"], {"VOICESEARCH_DATABASE_URL": "nonsense"}, "not a database address"),
        (["search", "x"], {"VOICESEARCH_BEAM_SIZE": "no"}, "VOICESEARCH_BEAM_SIZE='no'"),
        (["serve", "index", "gone.csv"], {}, "gone.csv"),
        (["serve", "run", "--tls-cert", str(FILMS)], {}, "--tls-cert and --tls-key go together"),
        (["serve", "run", "--port", "soon"], {}, "Invalid value for '--port'"),
        (["sing"], {}, "No such command 'sing'; see --help"),
        (["search", "x"], {"VOICESEARCH_DATABASE_URL": "", "VOICESEARCH_MODEL": str(SPEECH)}, "model.bin is missing"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(
    run: Run, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    refused = run(*arguments, **environment)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1


def test_every_command_has_help_with_an_example(run: Run) -> None:
    for arguments in (["search"], ["demo"], ["labeling", "check"], ["serve", "index"], ["serve", "run"]):
        shown = run(*arguments, "--help")
        assert shown.returncode == 0
        assert "Example: voicesearch" in shown.stdout


def test_serving_loads_no_training_library(run: Run, home: Path) -> None:
    code = (
        "import sys, serve.app\n"
        "from serve.preparation import open_pipeline, prepare\n"
        "pipeline = open_pipeline(prepare(None, print))\n"
        "pipeline.search_audio(open(sys.argv[1], 'rb').read(), 3)\n"
        "print(sorted({'torch', 'torchaudio', 'transformers', 'librosa', 'ray', 'matplotlib'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, str(QUERIES / "jurassic-park.flac")]
    done = subprocess.run(
        command, env={**os.environ, "VOICESEARCH_HOME": str(home)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.network
def test_the_demo_scores_real_speech_and_finds_films(run: Run) -> None:
    done = run("demo", "--clips", "30", "--json", PIP_NO_INDEX="")
    figures = json.loads(done.stdout)
    assert figures["clips"] == 30
    assert figures["ours"]["score"]["wer"] < 0.2
    search = figures["search"]
    assert search["typed"] == search["queries"]
    assert search["found"] >= 0.7 * search["queries"]
