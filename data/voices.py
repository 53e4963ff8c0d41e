"""Voices that read text aloud: espeak-ng, flite, festival, piper and more, each a program of its own.

Whole voices are kept out of training, so that a recogniser is tested on voices that it has never heard.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.errors import InvalidRequestError, ToolMissingError
from data.more_voices import HIBARI_VERSION, PICO_VERSION, hibari_command, pico_command
from data.piper import PIPER_VERSION, piper_command

RATE = 175
"""Words a minute that espeak-ng speaks at speed 1."""

SECONDS_EACH = 60
"""Longest that a program may take for one text."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: the program that has it, what that program calls it, and where its clips belong.

    `family` is the person or the machine behind it: the same person's voice in two programs is one family. `split` is
    `test` for the families that are held out, `train` for those that only train, None for those that splitting places.
    """

    name: str
    engine: str
    setting: str
    family: str
    split: str | None = None


VOICES = (
    Voice("espeak-us", "espeak-ng", "en-us", "espeak", "train"),
    Voice("espeak-us-f3", "espeak-ng", "en-us+f3", "espeak", "train"),
    Voice("espeak-gb", "espeak-ng", "en-gb", "espeak", "train"),
    Voice("espeak-scotland", "espeak-ng", "en-gb-scotland+m3", "espeak", "train"),
    Voice("flite-slt", "flite", "slt", "slt"),
    Voice("flite-rms", "flite", "rms", "rms"),
    Voice("flite-awb", "flite", "awb", "awb"),
    Voice("festival-kal", "festival", "voice_kal_diphone", "kal", "test"),
    Voice("piper-joe", "piper", "en_US-joe-medium", "joe", "test"),
)
"""The voices that speak where none are named. flite's `kal` is left out: it is the same person as festival's, which is
held out."""

ESPEAK_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
ESPEAK_VARIANTS = ("m1", "m2", "m4", "m5", "m6", "m7", "f1", "f2", "f4", "f5", "klatt2", "Andy")
MORE_VOICES = (
    *(
        Voice(f"espeak-{number}", "espeak-ng", f"{ESPEAK_ACCENTS[number % 6]}+{variant}", "espeak", "train")
        for number, variant in enumerate(ESPEAK_VARIANTS)
    ),
    Voice("hibari-heart", "hibari", "heart", "heart", "train"),
    Voice("pico-us", "pico", "en-US", "lh0", "train"),
    Voice("pico-gb", "pico", "en-GB", "kh0", "train"),
)
"""Voices that speak where they are named: variety to train on."""

PACKAGES = {"espeak-ng": "espeak-ng", "flite": "flite", "festival": "festival with festvox-kallpc16k"}
"""Debian packages of each program."""


def voices_named(names: Sequence[str]) -> tuple[Voice, ...]:
    """Find voices by name.

    Args:
        names: Names; where there are none, all of `VOICES`.

    Returns:
        The voices, in the order of `VOICES` and `MORE_VOICES`.

    Raises:
        InvalidRequestError: A name is not known.
    """
    known = {voice.name: voice for voice in (*VOICES, *MORE_VOICES)}
    for name in names:
        if name not in known:
            raise InvalidRequestError(f"there is no voice {name!r}; known are {', '.join(known)}")
    return tuple(voice for voice in known.values() if voice.name in names) if names else VOICES


def require(voices: Sequence[Voice], home: Path, report: Callable[[str], None]) -> None:
    """Make sure that every voice can speak, before any work begins.

    Args:
        voices: The voices.
        home: Folder of everything that is written; piper is installed below it.
        report: Called with a line when something takes long.

    Raises:
        ToolMissingError: naming the program and how to get it, or how to do without.
    """
    for voice in voices:
        if voice.engine in _INSTALLED:
            _INSTALLED[voice.engine](home, report)
        elif shutil.which(voice.engine) is None:
            raise ToolMissingError(f"{voice.engine} is not installed; {_remedy(voice)}")
        if speak(voice, ["hello"], 1.0, home)[0] is None:
            raise ToolMissingError(f"{voice.engine} cannot speak with the voice {voice.setting}; {_remedy(voice)}")


def speak(voice: Voice, texts: Sequence[str], speed: float, home: Path) -> list[bytes | None]:
    """Read texts aloud.

    Args:
        voice: Which voice.
        texts: Spoken forms: words only.
        speed: 1 is as the voice speaks, above is faster.
        home: Folder below which piper is installed.

    Returns:
        A WAV file for each text; None where the program gave none.

    Raises:
        ToolMissingError: The program is not there.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _ENGINES[voice.engine](voice, texts, speed, folder, home)
        paths = [folder / f"{number:06d}.wav" for number in range(len(texts))]
        return [path.read_bytes() if path.is_file() else None for path in paths]


@cache
def engine_version(engine: str) -> str:
    """Name a program and its version, for the lineage."""
    if engine in _VERSIONS:
        return f"{engine} {_VERSIONS[engine]}"
    done = subprocess.run([engine, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  a name from VOICES
    number = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return f"{engine} {number[0] if number else ''}".strip()


def _remedy(voice: Voice) -> str:
    packages = PACKAGES.get(voice.engine)
    install = f"install the Debian package {packages}, or " if packages else ""
    return f"{install}choose voices without it with --voice"


def _espeak(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    for number, text in enumerate(texts):
        rate = str(round(RATE * speed))
        _run(["espeak-ng", "-v", voice.setting, "-s", rate, "--stdin", "-w", str(folder / f"{number:06d}.wav")], text)


def _flite(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    for number, text in enumerate(texts):
        source = folder / f"{number:06d}.txt"
        source.write_text(text, encoding="utf-8")
        stretch = f"duration_stretch={1.0 / speed:.3f}"
        _run(
            [
                "flite",
                "-voice",
                voice.setting,
                "--setf",
                stretch,
                "-f",
                str(source),
                "-o",
                str(source.with_suffix(".wav")),
            ]
        )


def _festival(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    script = folder / "speak.scm"
    lines = [f"({voice.setting})", f"(Parameter.set 'Duration_Stretch {1.0 / speed:.3f})"]
    for number, text in enumerate(texts):
        path = folder / f"{number:06d}.wav"
        said = text.replace("\\", "").replace('"', "")
        lines.append(f'(utt.save.wave (utt.synth (Utterance Text "{said}")) "{path}" \'riff)')
    script.write_text("\n".join(lines), encoding="utf-8")
    _run(["festival", "-b", str(script)], patience=len(texts))


def _piper(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    source, out = folder / "texts.txt", folder / "out"
    source.write_text("\n".join(texts), encoding="utf-8")
    command = [*piper_command(home), "--length-scale", f"{1.0 / speed:.3f}", "-i", str(source), "-d", str(out)]
    _run(command, patience=len(texts))
    made = sorted(out.glob("*.wav"), key=lambda path: int(path.stem))  # named after a clock that only runs forward
    if len(made) == len(texts):
        for number, path in enumerate(made):
            path.rename(folder / f"{number:06d}.wav")


def _hibari(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    source = folder / "texts.txt"
    source.write_text("\n".join(texts), encoding="utf-8")
    _run([*hibari_command(home), str(speed), str(source), str(folder)], patience=len(texts))


def _pico(voice: Voice, texts: Sequence[str], speed: float, folder: Path, home: Path) -> None:
    for number, text in enumerate(texts):
        clip = str(folder / f"{number:06d}.wav")
        _run([*pico_command(home), text, "-v", voice.setting, "--speed", f"{speed:.3f}", "-o", clip])


_ENGINES = {
    "espeak-ng": _espeak,
    "flite": _flite,
    "festival": _festival,
    "piper": _piper,
    "hibari": _hibari,
    "pico": _pico,
}

_INSTALLED: Mapping[str, Callable[[Path, Callable[[str], None] | None], list[str]]] = {
    "piper": piper_command,
    "hibari": hibari_command,
    "pico": pico_command,
}
"""Engines that are installed from the package index on first use."""

_VERSIONS = {"piper": PIPER_VERSION, "hibari": HIBARI_VERSION, "pico": PICO_VERSION}


def _run(command: list[str], text: str | None = None, patience: int = 1) -> None:
    """Run a program; one that fails leaves no file behind, which its caller sees."""
    try:
        subprocess.run(  # noqa: S603  a program of VOICES, no shell
            command, input=text, capture_output=True, text=True, check=False, timeout=SECONDS_EACH * patience
        )
    except FileNotFoundError as error:
        raise ToolMissingError(
            f"{command[0]} is not installed; install it, or choose other voices with --voice"
        ) from error
    except subprocess.TimeoutExpired:
        return
