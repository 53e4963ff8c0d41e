"""Debian's Asterisk prompts: 568 recordings of one speaker in G.722, with their transcripts; CC BY-SA 3.0.

Fetched with apt-get and dpkg, which need no root for this. Source: the packages `asterisk-core-sounds-en-g722` and
`asterisk-core-sounds-en`.
"""

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from data.corpora.recording import Corpus, Recording, corpus_of, recording_id
from data.errors import CorpusUnavailableError, InvalidRequestError, ManifestError, ToolMissingError
from data.files import atomic_writer

PACKAGES = ("asterisk-core-sounds-en-g722", "asterisk-core-sounds-en")
SOUNDS = "sounds"
TRANSCRIPTS = "core-sounds-en.txt.gz"
VERSION = "VERSION"
SPEAKER = "allison"

NON_SPEECH = {"[": "]", "(": ")", "<": ">"}
"""A transcript wholly in brackets describes a sound: `[ascending tones]`, `(4 seconds of silence)`."""


def fetch_asterisk(folder: Path) -> Path:
    """Fetch the prompts into a folder, whole or not at all; a folder that has them is left as it is.

    Args:
        folder: Where; its last part must not exist or hold the prompts already.

    Returns:
        The folder.

    Raises:
        ToolMissingError: apt-get or dpkg is not there.
        CorpusUnavailableError: The packages cannot be fetched.
        InvalidRequestError: The folder holds something else.
    """
    if is_asterisk(folder):
        return folder
    if folder.exists() and any(folder.iterdir()):
        raise InvalidRequestError(f"{folder}: holds something else than the prompts; name another folder with --out")
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise ToolMissingError(
            f"{missing[0]} is not installed, and the prompts are Debian packages; fetch {' and '.join(PACKAGES)} on a "
            f"Debian or Ubuntu system and copy the folder from there"
        )
    folder = folder.absolute()  # the programs run in a folder of their own
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        packages = _download(Path(scratch))
        unpacked, whole = Path(scratch, "unpacked"), Path(scratch, "whole")
        for package in packages:
            _run(["dpkg", "-x", str(package), str(unpacked)], Path(scratch))
        _arrange(unpacked, whole, packages[0].name.split("_")[1])
        folder.rmdir() if folder.exists() else None
        whole.rename(folder)
    return folder


def is_asterisk(root: Path) -> bool:
    """Say whether a folder holds the prompts as `fetch_asterisk` leaves them."""
    return (root / TRANSCRIPTS).is_file() and (root / SOUNDS).is_dir()


def read_asterisk(root: Path) -> Corpus:
    """Read the fetched prompts.

    Args:
        root: The folder that `fetch_asterisk` filled.

    Returns:
        Their recordings. Prompts without words (tones, silence, monkeys) are tagged `non-speech`.

    Raises:
        ManifestError: A line of the transcripts has no colon, or no line has its recording.
    """
    version = (root / VERSION).read_text(encoding="utf-8").strip() if (root / VERSION).is_file() else ""
    return corpus_of(f"{PACKAGES[1]} {version}".strip(), root, _read(root))


def _read(root: Path) -> Iterator[Recording]:
    with gzip.open(root / TRANSCRIPTS, "rt", encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith(";"):
                continue
            name, colon, text = line.strip().partition(":")
            if not colon:
                raise ManifestError(f"{root / TRANSCRIPTS}:{number}: no colon after the name; fetch the corpus again")
            path = PurePosixPath(SOUNDS, f"{name}.g722")
            if not (root / path).is_file():
                continue  # the packaged list names one prompt that the package does not hold
            text = text.strip()
            yield Recording(
                id=recording_id(PurePosixPath(f"{name}.g722")),
                path=path,
                text=text,
                speaker=SPEAKER,
                container="g722",
                tags=("non-speech",) if text and NON_SPEECH.get(text[0]) == text[-1] else (),
            )


def _arrange(unpacked: Path, whole: Path, version: str) -> None:
    """Bring the packages' files into the shape that `read_asterisk` reads."""
    documents = unpacked / "usr" / "share" / "doc" / PACKAGES[1]
    voices = sorted((unpacked / "usr" / "share" / "asterisk" / SOUNDS).glob("en_*"))
    if not voices or not (documents / TRANSCRIPTS).is_file():
        raise CorpusUnavailableError(f"the packages {' and '.join(PACKAGES)} do not hold what they should ({version})")
    whole.mkdir()
    shutil.move(voices[0], whole / SOUNDS)
    shutil.move(documents / TRANSCRIPTS, whole / TRANSCRIPTS)
    shutil.move(documents / "copyright", whole / "copyright")
    with atomic_writer(whole / VERSION) as file:
        file.write(version.partition("-")[0] + "\n")


def _download(scratch: Path) -> list[Path]:
    """Fetch the packages with the system's package lists or, where it has none, with lists of our own."""
    try:
        _run(["apt-get", "download", *PACKAGES], scratch)
    except CorpusUnavailableError:
        state = scratch / "apt"
        (state / "lists" / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::lists={state / 'lists'}", "-o", f"Dir::Cache={state / 'cache'}"]
        (state / "cache" / "archives" / "partial").mkdir(parents=True)
        _run(["apt-get", *own, "update"], scratch)
        _run(["apt-get", *own, "download", *PACKAGES], scratch)
    return [next(scratch.glob(f"{package}_*.deb")) for package in PACKAGES]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
        reason = " ".join(lines) or f"exit code {done.returncode}"
        raise CorpusUnavailableError(
            f"{' '.join(command[:1])} failed: {reason}; check the network and the package sources"
        )
