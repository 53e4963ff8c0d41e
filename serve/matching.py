"""From readings of a query to the items that may be meant: one Tantivy query over words, sounds and pieces of sounds.

It has to bring the right item among the first 150; `serve/ranking.py` puts it on top. BM25 (Robertson and Zaragoza,
"The Probabilistic Relevance Framework", 2009) with Tantivy's k1 = 1.2 and b = 0.75, summed over what any reading has,
each by the probability that it was said.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import tantivy

from data.phonetics import sound_of
from serve.readings import Reading

TITLE, OTHER, SOUNDS, PIECES = "title", "other", "sounds", "pieces"
"""Index fields: words of the title, of the other searched columns, the sound of all of them, pieces of the title's."""

WEIGHTS = {TITLE: 0.5, OTHER: 0.4, SOUNDS: 0.4, PIECES: 0.8}
"""What a match in each field counts. Flat around these values: 0.87 to 0.9 of misheard titles are among 60 items."""

PIECE = 3
"""Letters of a piece."""

CANDIDATES = 150
"""Items that are looked at closely."""

MAX_SOUND = 120
"""Letters of a title's sound that are looked at."""


def joined_sound(said: str) -> str:
    """Give the sound of a text without spaces, so that "spider man" and "spiderman" are one.

    Args:
        said: Words in spoken form.

    Returns:
        At most 120 letters.
    """
    return "".join(sound_of(word) for word in said.split())[:MAX_SOUND]


def pieces_of(said: str) -> list[str]:
    """Cut the sound of a title into overlapping pieces of three letters, with marks for its ends.

    Args:
        said: Words in spoken form.

    Returns:
        Different pieces, in order.
    """
    sound = f"<{joined_sound(said)}>"
    return list(dict.fromkeys(sound[start : start + PIECE] for start in range(len(sound) - PIECE + 1)))


def with_decades(terms: Iterable[str]) -> list[str]:
    """Add to each year its decade as people name it: 1994 is of the `1990s` and of the `90s`.

    Args:
        terms: Of a column that is not the title.

    Returns:
        Them, and the decades.
    """
    own = list(terms)
    years = [term for term in own if re.fullmatch(r"(?:1[89]|20)\d\d", term)]
    return own + [decade for year in years for decade in (f"{year[:3]}0s", f"{year[2]}0s")]


def candidate_query(schema: tantivy.Schema, understood: Sequence[Reading]) -> tantivy.Query:
    """Build the query for all items that may be meant.

    Args:
        schema: Of the index.
        understood: At least one reading.

    Returns:
        A query made of terms alone, nothing of them read as syntax.
    """
    counts: dict[tuple[str, str], float] = defaultdict(float)
    for reading in understood:
        for term in reading.phrase.terms:
            counts[TITLE, term] += reading.share
            counts[OTHER, term] += reading.share
            counts[SOUNDS, sound_of(term)] += reading.share
        for piece in pieces_of(reading.titles[-1]):
            counts[PIECES, piece] += reading.share
    parts = [
        tantivy.Query.boost_query(tantivy.Query.term_query(schema, field, term, "freq"), WEIGHTS[field] * share)
        for (field, term), share in counts.items()
    ]
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])
