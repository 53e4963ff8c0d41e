"""The guide's commands do what the guide says."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import labeling.commands
from data.manifest import read_lock, read_manifest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "labels.md"

app = typer.Typer()
app.add_typer(labeling.commands.app, name="labeling")


def test_the_commands_of_the_guide_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    lease = ""
    for block in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line.replace("LEASE", lease), comments=True)
            if words[0] != "voicesearch":
                subprocess.run(words, check=True)
                continue
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == ("# exit code 1" in line), line + result.output
            if found := re.search(r"queue label ([0-9a-f]{32})", result.output):
                lease = found.group(1)
    lock = read_lock(tmp_path / "tour" / "manifest.jsonl")
    assert lock is not None
    assert lock.convention == "voice-search-en/1"
    assert read_manifest(tmp_path / "tour" / "manifest.jsonl")[4].text == "seven"
