"""The guide to data and labels is true: its commands run one after the other, and leave what it says."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.manifest import read_lock, read_manifest
from voicesearch import main

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "data-and-labels.md").read_text(encoding="utf-8")
DATA, LABELS = re.split(r"^## (?:Data|Labels)$", GUIDE, flags=re.MULTILINE)[1:]
CONVENTION = "voice-search-en/1"


def commands_of(part: str) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", part, re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_for_labels_run_one_after_the_other(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VOICESEARCH_HOME", str(checkout / "home"))
    lease = ""
    for line in commands_of(LABELS):
        words = shlex.split(line.replace("LEASE", lease), comments=True)
        if words[0] != "voicesearch":
            subprocess.run(words, check=True)
            continue
        assert main(words[1:]) == ("# exit code 1" in line), line
        if found := re.search(r"queue label ([0-9a-f]{32})", capsys.readouterr().out):
            lease = found.group(1)
    lock = read_lock(checkout / "tour" / "manifest.jsonl")
    assert lock is not None
    assert lock.convention == CONVENTION
    assert read_manifest(checkout / "tour" / "manifest.jsonl")[4].text == "seven"


@pytest.mark.slow
@pytest.mark.network
def test_the_commands_for_data_lead_from_real_recordings_to_locked_linted_splits(
    checkout: Path, home: Path, needs_tool: Callable[[str], str]
) -> None:
    for tool in ("apt-get", "espeak-ng", "flite", "festival"):
        needs_tool(tool)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in commands_of(DATA):
        done = subprocess.run(["bash", "-c", line], env=os.environ | {"PATH": path}, check=False)
        assert done.returncode == ("# exit code 1" in line), line
    for name in ("prompts", "queries"):
        for part in ("train", "dev", "test"):
            manifest = checkout / "corpora" / name / f"{part}.jsonl"
            lock = read_lock(manifest)
            assert lock is not None
            assert lock.convention == CONVENTION, manifest
    assert (checkout / "corpora" / "prompts" / "manifest.html").is_file()
