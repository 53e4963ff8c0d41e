"""How a written word sounds in English, roughly: words that sound alike are written alike.

A recogniser that does not know a name writes down other words of the same sound. The rules are those on which English
spelling is regular, after Lawrence Philips' Metaphone ("Hanging on the Metaphone", Computer Language, 1990), except
that a vowel stays where it is, as one letter for all: where the vowels are says more than which they are.
"""

import re
from functools import lru_cache

VOWEL = "a"
"""Stands for every run of vowels."""

_RULES = (
    (r"^(?:[kgp])n", "n"),
    (r"^wr", "r"),
    (r"^ps", "s"),
    (r"^x", "s"),
    (r"mb$", "m"),
    (r"sch|t?ch", "C"),
    (r"sh|(?:[ts]i|ci)(?=[ao])", "S"),
    (r"th", "T"),
    (r"ph", "f"),
    (r"dg(?=[eiy])|j|g(?=[eiy])", "J"),
    (r"gh(?=[^aeiouy]|$)", ""),
    (r"c(?=[eiy])|z", "s"),
    (r"ck|c|q", "k"),
    (r"x", "ks"),
    (r"(?<=[^aeiouy])e$", ""),
    (r"(?<=.)[hw]", ""),
    (r"(?<=.)y|^y(?=[^aeiou]|$)", "i"),
    (r"[aeiou]+", VOWEL),
    (r"([^\d])\1+", r"\1"),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


@lru_cache(maxsize=65_536)
def sound_of(word: str) -> str:
    """Write a word as it sounds.

    Args:
        word: Lower case, without accents; what is not a letter of a to z stays as it is.

    Returns:
        Its consonants as sounds, vowels as `a`; the word itself where nothing of it sounds.
    """
    sound = word
    for pattern, replacement in _COMPILED:
        sound = pattern.sub(replacement, sound)
    return sound or word
