"""How people say what is written: a title, a name or a transcript as lower-case words.

English only. The rules are those of a catalogue's names: years, sequels, initials, "&", "2½", "Godfather, The".
"""

import re
import unicodedata
from collections.abc import Callable
from functools import partial
from re import Match

from data.numerals import FIRST_YEAR, LAST_YEAR, ONES, cardinal, digits, ordinal, plural, roman_value, year

VERSION = "1"
"""Changes whenever some text would be said differently; part of every synthetic clip's lineage."""

ABBREVIATIONS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st.": "saint",
    "mt.": "mount",
    "lt.": "lieutenant",
    "sgt.": "sergeant",
    "capt.": "captain",
    "prof.": "professor",
    "jr": "junior",
    "sr.": "senior",
    "vs": "versus",
    "v.": "versus",
    "vol": "volume",
    "pt.": "part",
    "etc": "et cetera",
}
"""With a full stop where the word without it is another."""

SYMBOLS = {"&": " and ", "+": " plus ", "@": " at ", "%": " percent ", "=": " equals ", "°": " degrees "}
CURRENCIES = {"$": "dollar", "£": "pound", "€": "euro"}
FRACTIONS = {"1/2": "a half", "1/3": "a third", "2/3": "two thirds", "1/4": "a quarter", "3/4": "three quarters"}
LETTERS = str.maketrans({"æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "Oe", "ß": "ss", "ł": "l", "¢": "c"})
MARKS = str.maketrans(
    {
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{EN DASH}": " ",
        "\N{EM DASH}": " ",
        "-": " ",
        "_": " ",
        "\N{FRACTION SLASH}": "/",
    }
)

NUMBERED = {"part", "chapter", "episode", "volume", "vol", "book", "act", "phase", "season", "war", "number"}
"""After these even a single letter is a Roman numeral."""

REGNAL = {"henry", "richard", "louis", "george", "edward", "charles", "james", "william", "paul", "elizabeth", "pope"}
"""After these a Roman numeral is an ordinal: Henry V is "henry the fifth"."""

SPELLED = {"FBI", "CIA", "USA", "UK", "UFO", "ATM", "NBA", "AI", "DUI", "EU", "BBC", "IQ"}
"""Initialisms with vowels; those without are told by that."""


def spoken_form(text: str) -> str:
    """Say a text as words, with the letters of an initialism apart: `J.F.K.` and `JFK` are `j f k`.

    Args:
        text: A title, a name, a query.

    Returns:
        Words of the letters a to z and inner apostrophes, separated by single spaces; the spoken form of a spoken form
        is itself.
    """
    said = _plain_letters(text)
    said = re.sub(r"^(.+), (the|an?)$", r"\2 \1", said.strip(), flags=re.IGNORECASE)
    said = re.sub(r"(?<=\S)\s*\([^()]*\)$", "", said)  # "(1933)", "(Theatrical Release)": not said
    said = re.sub(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?", lambda match: match[0].replace(".", " ") + " ", said)
    said = _abbreviations(_numbers(said))
    for symbol, word in SYMBOLS.items():
        said = said.replace(symbol, word)
    return plain_words(" ".join(_spelled(word) for word in _roman(re.findall(r"[A-Za-z']+|:", said))))


def transcript_words(text: str) -> list[str]:
    """Give the words of a transcript in their spoken form, without tags such as `[noise]`.

    Args:
        text: A transcript.

    Returns:
        The words; none where nobody speaks.
    """
    return spoken_form(re.sub(r"\[[^\[\]]*\]", " ", text)).split()


def plain_words(text: str) -> str:
    """Give the words of a text without case, accents and punctuation, for comparing.

    Args:
        text: Any text.

    Returns:
        Words of a to z, digits and inner apostrophes, separated by single spaces.
    """
    return " ".join(re.findall(r"[a-z0-9]+(?:'[a-z0-9]+)*", _plain_letters(text).lower()))


def _plain_letters(text: str) -> str:
    """Take off accents, unify quotation marks and hyphens, drop what English has not; `½` becomes ` 1/2`."""
    spaced = re.sub(r"([¼½¾⅓⅔])", r" \1", text)
    decomposed = unicodedata.normalize("NFKD", spaced).translate(LETTERS).translate(MARKS)
    folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return re.sub(r"[^\x00-\x7f£€°]", " ", folded)


def _abbreviations(text: str) -> str:
    def expanded(match: Match[str]) -> str:
        written = match[0].lower()
        return ABBREVIATIONS.get(written) or ABBREVIATIONS.get(written.rstrip("."), match[0])

    return re.sub(r"\b[A-Za-z]+\b\.?", expanded, text)


def _numbers(text: str) -> str:
    text = re.sub(r"\bno\.\s*(?=\d)|#\s*(?=\d)", " number ", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    for pattern, said in _RULES:
        text = re.sub(pattern, partial(_spaced, said), text, flags=re.ASCII | re.IGNORECASE)
    return text


def _spaced(said: Callable[[Match[str]], str], match: Match[str]) -> str:
    return f" {said(match)} "


def _number(written: str) -> str:
    value = int(written)
    if (written[0] == "0" and len(written) > 1) or len(written) > 12 or written == "911":
        return digits(written)
    return year(value) if len(written) == 4 and FIRST_YEAR <= value <= LAST_YEAR else cardinal(value)


def _decade(written: str) -> str:
    return "hundreds" if written == "00" else plural(cardinal(int(written))) if written != "10" else "tens"


def _money(match: Match[str]) -> str:
    name, whole, cents = CURRENCIES[match[1]], int(match[2]), int(match[3] or 0)
    said = f"{cardinal(whole)} {name}{'s' * (whole != 1)}"
    return f"{said} {cardinal(cents)}" if cents else said


def _clock(match: Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    if minute == 0:
        return f"{cardinal(hour)} o'clock"
    return f"{cardinal(hour)} {'oh ' if minute < 10 else ''}{cardinal(minute)}"


def _mixed_fraction(match: Match[str]) -> str:
    return f"{_number(match[1]) if match[1].isdecimal() else match[1]} and {FRACTIONS[match[2]]}"


def _decades(match: Match[str]) -> str:
    return f"{cardinal(int(match[1]))} {_decade(match[2])}"


def _decimal(match: Match[str]) -> str:
    return f"{cardinal(int(match[1]))} point {digits(match[2])}"


_RULES: tuple[tuple[str, Callable[[Match[str]], str]], ...] = (
    (r"([$£€])\s*(\d{1,12})(?:\.(\d\d))?(?!\d)", _money),
    (rf"\b(\d{{1,6}}|{'|'.join(ONES)}) (1/2|1/3|2/3|1/4|3/4)(?!\d)", _mixed_fraction),
    (r"(?<![\d/])(1/2|1/3|2/3|1/4|3/4)(?![\d/])", lambda match: FRACTIONS[match[1]]),
    (r"\b(\d{1,2}):(\d\d)\b", _clock),
    (r"\b(1\d|20)(\d0)'?s\b", _decades),
    (r"(?<!\d)'?([2-9]0)'?s\b", lambda match: _decade(match[1])),
    (r"(\d{1,12})(?:st|nd|rd|th)\b", lambda match: ordinal(int(match[1]))),
    (r"(\d{1,12})\.(\d{1,12})", _decimal),
    (r"\d+", lambda match: _number(match[0])),
)
"""What a pattern is said as; each takes what those before it left."""


def _roman(words: list[str]) -> list[str]:
    """Say Roman numerals; the list has a colon where the text had one."""
    said: list[str] = []
    for index, word in enumerate(words):
        before = words[index - 1].lower() if index else ""
        ends = index + 1 == len(words) or words[index + 1] == ":"
        value = _sequel(word, before, ends)
        if value is None:
            said.append(word)
        else:
            said.append(f"the {ordinal(value)}" if before in REGNAL else cardinal(value))
    return said


def _sequel(word: str, before: str, ends: bool) -> int | None:
    """Give the value of a word that is a Roman numeral here: `Rocky IV`, `Part I`, but not `Malcolm X`."""
    if len(before) < 2 or word == "XXX" or not set(word) <= set("IVX"):
        return None
    certain = before in NUMBERED | REGNAL
    return roman_value(word) if certain or len(word) > 1 or (word == "V" and ends) else None


def _spelled(word: str) -> str:
    silent = not set(word) & set("AEIOUY")
    return " ".join(word) if word in SPELLED or (word.isupper() and 2 <= len(word) <= 5 and silent) else word
