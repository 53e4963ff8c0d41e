"""The systemd unit: systemd itself reads it, and finds little that is exposed."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT

UNIT = ROOT / "deploy" / "voicesearch.service"


def test_systemd_reads_every_line_and_finds_little_exposed(needs_tool: Callable[[str], str], tmp_path: Path) -> None:
    analyze = needs_tool("systemd-analyze")
    unit = tmp_path / UNIT.name  # verifying wants the program to be there
    unit.write_text(UNIT.read_text().replace("/opt/voicesearch/.venv/bin/voicesearch", "/bin/true"))
    verified = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        [analyze, "security", "--offline=yes", "--no-pager", unit], capture_output=True, text=True, check=False
    )
    level = re.search(r"Overall exposure level for voicesearch\.service: ([\d.]+)", judged.stdout)
    assert level is not None, judged.stderr
    assert float(level[1]) <= 1.5  # 0 is nothing exposed, 9.6 a unit without hardening
