"""Text to the words that the index holds; items and queries pass through the same function.

Lower case, diacritics folded, apostrophes dropped inside a word, "&" read as "and". Knows no language beyond that: no
stop words, no stems.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

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


def words(text: str) -> Iterator[Word]:
    """Take a text apart.

    Args:
        text: Any text; the first 10,000 characters are looked at.

    Yields:
        Its words in order, each of 1 to 64 characters; none for text without a letter or digit.
    """
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFC", text[:MAX_CHARACTERS])):
        surface = chunk.group().strip(_APOSTROPHES)
        for term in _terms(surface):
            yield Word(term[:MAX_WORD], surface)


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
