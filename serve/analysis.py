"""Text to the words that the index holds; items and queries pass through the same functions.

Lower case, diacritics folded, apostrophes dropped inside a word, "&" read as "and", initials one word ("E.T." and "e t"
are `et`), and numbers in digits however they are written or said: "Rocky IV" and "rocky four" are both `rocky 4`.
Numbers are English; the rest knows no language: no stop words, no stems.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from data.spoken import spoken_form

MAX_CHARACTERS = 10_000
"""Text beyond this is not looked at."""

MAX_WORD = 64
"""Characters of a word that are kept."""

_CHUNK = re.compile(r"(?:[^\W_]|[\u0300-\u036f'\u2018\u2019\u02bc\u00b4`\u00a2])+|&")
_APOSTROPHES = "'\u2018\u2019\u02bc\u00b4`"
_LETTERS = str.maketrans(
    dict.fromkeys(_APOSTROPHES)
    | {"ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "¢": "c"}
)
"""Letters that Unicode does not take apart, and the cent sign that stands for one."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as the index holds it, and as it is written in the text."""

    term: str
    surface: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text twice: its words as people say them (`rocky four`), and as terms, with numbers in digits (`rocky 4`)."""

    said: str
    terms: tuple[str, ...]


def phrase(text: str) -> Phrase:
    """Take a text apart for matching.

    Args:
        text: Any text; the first 10,000 characters are looked at.

    Returns:
        Its words; none for text without a letter or digit.
    """
    text = text[:MAX_CHARACTERS]
    plain = [word.term for word in words(text)]
    said = " ".join(word.term for word in words(spoken_form(" ".join(_whole(text)))))
    terms = [word.term for word in words(_digits()(said))]
    terms += [term for term in plain if not (terms and term.isascii())]
    return Phrase(said or " ".join(terms), tuple(_with_initials_joined(terms)))


def words(text: str) -> Iterator[Word]:
    """Take a text apart as it is written.

    Args:
        text: Any text; the first 10,000 characters are looked at.

    Yields:
        Its words in order, each of 1 to 64 characters; none for text without a letter or digit.
    """
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFC", text[:MAX_CHARACTERS])):
        surface = chunk.group().strip(_APOSTROPHES)
        for term in _terms(surface):
            yield Word(term[:MAX_WORD], surface)


def _with_initials_joined(terms: Iterable[str]) -> Iterator[str]:
    """Make one term of letters in a row: `e t` is `et`."""
    for single, run in groupby(terms, key=lambda term: len(term) == 1 and term.isalpha()):
        if single:
            yield "".join(run)[:MAX_WORD]
        else:
            yield from run


def _whole(text: str) -> list[str]:
    """Give the text's parts without those that are too long for a word, on which rules for numbers are not tried."""
    return [part for part in text.split() if len(part) <= MAX_WORD]


@cache
def _digits() -> Callable[[str], str]:
    """Give Whisper's rules that write spoken numbers in digits; their package takes a while to import."""
    from whisper_normalizer.english import EnglishNumberNormalizer

    rules: Callable[[str], str] = EnglishNumberNormalizer()
    return rules


def _terms(surface: str) -> list[str]:
    if surface == "&":
        return ["and"]
    if surface.isalnum() and surface.isascii():
        return [surface.lower()]
    spaced = "".join(f" {c} " if unicodedata.category(c) == "No" else c for c in surface)
    # Taking apart can bring capitals to light and lower case can need taking apart: the Unicode Standard, D146.
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spaced.casefold()).casefold())
    folded = "".join(c for c in letters if not unicodedata.combining(c)).translate(_LETTERS)
    return re.findall(r"[^\W_]+", folded)
