"""Hibari and Pico: a neural voice and two recorded ones, in virtual environments of their own, only ever run.

Sources: PyPI `hibari-tts` (Apache-2.0), a small network taught by the voice `heart` of Kokoro-82M (Apache-2.0);
PyPI `py-nanotts` (Apache-2.0), SVOX Pico with its American and its British voice.
"""

from collections.abc import Callable
from pathlib import Path

from data.tool_environment import tool_environment

HIBARI_VERSION = "0.2.1"
PICO_VERSION = "0.1.1"

SPEAKER = Path(__file__).parent / "hibari_speaker.py"


def hibari_command(home: Path, report: Callable[[str], None] | None = None) -> list[str]:
    """Give the command that runs Hibari, installing it on first use.

    Args:
        home: Folder of everything that is written.
        report: Called with a line when it is to be installed; without it nothing is installed.

    Returns:
        The command, to which the speed, the file of texts and the folder of clips are added.

    Raises:
        ToolMissingError: It is not there and cannot be installed.
    """
    folder = tool_environment("hibari", (f"hibari-tts[fast]=={HIBARI_VERSION}",), home, report)
    return [str(folder / "bin" / "python"), str(SPEAKER)]


def pico_command(home: Path, report: Callable[[str], None] | None = None) -> list[str]:
    """Give the command that runs Pico, installing it on first use.

    Args:
        home: Folder of everything that is written.
        report: Called with a line when it is to be installed; without it nothing is installed.

    Returns:
        The command, to which text and options are added.

    Raises:
        ToolMissingError: It is not there and cannot be installed.
    """
    folder = tool_environment("pico", (f"py-nanotts=={PICO_VERSION}",), home, report)
    return [str(folder / "bin" / "python"), "-m", "py_nanotts"]
