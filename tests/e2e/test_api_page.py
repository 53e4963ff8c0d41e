"""The page on the HTTP interface is true: its reference is the service's own, and its examples run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from serve.app import app
from serve.reference import MARKER, PAGE, reference
from tests.conftest import ROOT, RunningServer

EXAMPLES, _, REFERENCE = PAGE.read_text(encoding="utf-8").partition(MARKER)


def test_the_reference_is_that_of_the_service() -> None:
    assert REFERENCE.strip() == reference(app.openapi()).strip(), "run: python -m serve.reference"


@pytest.mark.parametrize(
    ("language", "code"),
    re.findall(r"```(sh|python|js)\n(.*?)```", EXAMPLES, re.DOTALL),
    ids=lambda each: each if len(each) < 9 else "",
)
def test_every_example_runs_and_shows_an_answer(
    server: RunningServer, needs_tool: Callable[[str], str], language: str, code: str
) -> None:
    commands = {
        "sh": ["bash", "-euc"],
        "python": [sys.executable, "-c"],
        "js": [needs_tool("node") if language == "js" else "node", "--input-type=module", "--eval"],
    }
    strict = code.replace("curl ", "curl --fail --silent --show-error ")
    shown = subprocess.run(
        [*commands[language], strict.replace("http://localhost:8000", server.url)],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    expected = r"Jurassic Park|oodbye|\"recorded\": ?true|'recorded': True|Spielberg"
    assert re.search(expected, shown.stdout), shown.stdout
    if "Idempotency-Key" in code:
        assert len(set(re.findall(r'"query_id":"(\w+)"', shown.stdout))) == 1
