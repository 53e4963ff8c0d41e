"""General phrases to say: the examples that WordNet gives of its words, short, of every subject, free to use.

Source: Debian's `wordnet-base` (Princeton University, WordNet 3.0).
"""

import csv
import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.catalogue import Catalogue, read_catalogue
from data.corpora.debian import unpack_packages
from data.files import atomic_writer
from data.settings import HomeSettings

PACKAGE = "wordnet-base"
EXAMPLE = re.compile(r'"([^"]+)"')
PHRASE = re.compile(r"[A-Za-z']+(?: [A-Za-z']+){1,7}")
"""Two to eight words, without figures and marks."""

TEMPLATES = ("{title}",)


def phrase_catalogue(out: Path, count: int) -> Catalogue:
    """Draw phrases, and write them as a catalogue whose titles they are.

    Args:
        out: The CSV file.
        count: How many.

    Returns:
        The catalogue; the same for the same number.

    Raises:
        ToolMissingError: apt-get or dpkg is not there.
        CorpusUnavailableError: The package cannot be fetched.
    """
    found = sorted(set(_phrases(_fetched(HomeSettings.load().corpora / "wordnet"))))
    drawn = [found[place] for place in np.random.default_rng(0).permutation(len(found))[:count]]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "title"), *((f"phrase-{number:05}", each) for number, each in enumerate(drawn))])
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(out) as file:
        file.write(text.getvalue())
    return read_catalogue(out)


def _phrases(folder: Path) -> Iterator[str]:
    for path in folder.glob("data.*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for example in EXAMPLE.findall(line.partition("|")[2]):
                if PHRASE.fullmatch(phrase := example.rstrip(".!?").strip()):
                    yield phrase


def _fetched(folder: Path) -> Path:
    """Fetch WordNet, whole or not at all."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent.absolute()) as scratch:
            unpacked, _ = unpack_packages([PACKAGE], Path(scratch))
            shutil.move(unpacked / "usr" / "share" / "wordnet", folder)
    return folder
