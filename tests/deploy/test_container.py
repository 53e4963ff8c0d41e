"""The container file: it copies what there is, its steps run on this machine, and what they make answers a query."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.containerfile import read_instructions
from tests.conftest import ROOT

CONTAINERFILE = ROOT / "deploy" / "Containerfile"


def test_continued_lines_are_one_instruction_and_an_unknown_one_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "Containerfile"
    path.write_text('# a comment\nFROM a AS b\nRUN one \\\n    && two\n\nCMD ["x", "y z"]\n')
    first, second, third = read_instructions(path)
    assert (first.name, first.words, first.line) == ("FROM", ["a", "AS", "b"], 2)
    assert (second.text, second.line) == ("one && two", 3)
    assert third.listed == ["x", "y z"]
    path.write_text("FROM a\nONBUILD RUN x\n")
    with pytest.raises(ValueError, match="Containerfile:2: ONBUILD"):
        read_instructions(path)


def test_everything_that_is_copied_is_there_and_is_let_into_the_build() -> None:
    ignored = (ROOT / "deploy" / "Containerfile.dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for step in read_instructions(CONTAINERFILE):
        if step.name == "COPY" and "from" not in step.options:
            for source in step.words[:-1]:
                assert (ROOT / source).exists(), source
                assert any(source == name or source.startswith(f"{name}/") for name in let_in), source


def test_every_package_that_is_installed_is_copied_and_checked_by_its_hash() -> None:
    text = CONTAINERFILE.read_text()
    for package in ("data", "labeling", "asr", "monitor", "serve"):
        assert f"COPY {package} {package}\n" in text
    for line in text.splitlines():
        assert "pip install" not in line or "--require-hashes" in line or "--no-index" in line, line


@pytest.mark.slow
@pytest.mark.network
def test_the_steps_make_an_image_that_answers_closed_in_and_without_a_network(needs_tool: Callable[[str], str]) -> None:
    needs_tool("bwrap")
    if os.geteuid() != 0:
        pytest.skip("the rehearsal of the container file needs root")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.rehearsal"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("added_mb") < 1000
    assert found.pop("healthy_after_s") < 60
    assert found == {
        "first_result": "Jurassic Park",
        "uid": 10001,
        "capabilities": 0,
        "no_new_privileges": True,
        "root_is_read_only": True,
        "torch": False,
        "refuses_without_a_key": True,
        "exit_code": 0,
    }
