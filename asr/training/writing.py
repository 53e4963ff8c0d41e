"""Labels as Whisper writes them: it knows names by their capitals and years by their digits.

The transcription convention has neither. A model that is taught small letters must spell anew the names that it had
right, so the texts are taught in the writing that the model uses, and compared in the convention's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from asr.recognizer import SENTENCE_MARKS
from data.catalogue import read_catalogue
from data.numerals import FIRST_YEAR, LAST_YEAR, year
from data.spoken import plain_words, spoken_form
from labeling.normalization import normalize

SMALL_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
"""Words that have no capital in the middle of a name."""


FIRST_PERSON = ("i", "i'm", "i've", "i'd", "i'll")

NAMING_WEIGHT = 1.0
"""Least weight in the search of a column whose texts are names."""

LONGEST_NAME = 12
"""In words; what is longer is a description."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How names are written: `names` maps a name as it is said to its writing."""

    names: Mapping[str, str]

    def written(self, text: str) -> str:
        """Write a text with the capitals of its names, the digits of its years, and a capital at its start.

        Args:
            text: As the convention has it.

        Returns:
            The same words: both texts are equal once they are normalised.
        """
        words, found, place = text.split(), [], 0
        while place < len(words):
            for end in range(min(place + LONGEST_NAME, len(words)), place, -1):
                name = self.names.get(" ".join(words[place:end]))
                if name is not None and not (end == place + 1 and words[place] in SMALL_WORDS):
                    break
            else:
                name, end = words[place], place + 1
            found.append(name)
            place = end
        written = " ".join(found)
        written = written[:1].upper() + written[1:]
        return written if normalize(written) == normalize(text) else text


def writing_of(catalogue: Path | None) -> Writing:
    """Learn how names are written.

    Args:
        catalogue: A file whose titles, and what else weighs much in its search, count as names; None for no names.

    Returns:
        The writing of these names, of years and of "I".

    Raises:
        CatalogueError: It cannot be read.
    """
    names = {year(number): str(number) for number in range(FIRST_YEAR, LAST_YEAR + 1)}
    names |= {word: word.capitalize() for word in FIRST_PERSON}
    if catalogue is None:
        return Writing(names)
    found = read_catalogue(catalogue)
    columns = [column for column, weight in found.mapping.searched.items() if weight >= NAMING_WEIGHT]
    for item in found.items:
        for column in columns:
            name = item.text(column, found.mapping)
            said = plain_words(spoken_form(name))
            if said and len(said.split()) <= LONGEST_NAME:
                names[said] = written_name(name, said)
    return Writing(names)


def written_name(name: str, said: str) -> str:
    """Write a name as a transcript has it.

    Args:
        name: As the catalogue has it.
        said: As it is said.

    Returns:
        The catalogue's writing without sentence marks where its words are those that are said; else the words that
        are said, with capitals.
    """
    written = " ".join(name.translate(str.maketrans("", "", SENTENCE_MARKS)).split())
    return written if written.isascii() and normalize(written) == normalize(said) else with_capitals(said.split())


def with_capitals(words: Iterable[str]) -> str:
    """Write words as a title: capitals but for the small words in its middle."""
    return " ".join(
        word if place and word in SMALL_WORDS else word[:1].upper() + word[1:] for place, word in enumerate(words)
    )
