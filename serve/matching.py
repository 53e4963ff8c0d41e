"""From the words of a query to a Tantivy query: the same words, and words a few letters away.

BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with Tantivy's k1 = 1.2 and b = 0.75. Each
word of the query counts once, through the field and the spelling that bring most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA

EXACT_TITLE = 20.0
"""Added to the score when the whole query is the item's title."""

NEAR_WEIGHTS = {1: 0.5, 2: 0.3}
"""Share of its score that a word keeps by the number of letters in which it differs from the query's."""

MAX_NEAR = 16
"""Other spellings tried for a word."""

MAX_QUERY_TERMS = 32
"""Different words of a query that are looked for."""

KEY_FIELD = "key"
"""Index field of the whole title."""


def words_field(position: int) -> str:
    """Name the index field with the words of a searched column.

    Args:
        position: Of the column in the mapping, from 0.

    Returns:
        The name.
    """
    return f"words_{position}"


def title_key(terms: Sequence[str]) -> str:
    """Give what two texts share when they are the same title.

    Args:
        terms: The words of one text in order.

    Returns:
        One line, cut at 1,000 characters.
    """
    return " ".join(terms)[:1000]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A word of the index that may be what a word of the query means, and the share of its score that it keeps."""

    term: str
    weight: float
    exact: bool


class Vocabulary:
    """The words of an index, and in how many items of each field they are."""

    def __init__(self, fields: Mapping[str, Mapping[str, int]], items: int) -> None:
        self._items = items
        self._fields = fields
        self._counts: dict[str, int] = {}
        for counts in fields.values():
            for term, count in counts.items():
                self._counts[term] = max(count, self._counts.get(term, 0))
        self._by_length: dict[int, list[str]] = {}
        for term in sorted(self._counts):
            self._by_length.setdefault(len(term), []).append(term)
        self.spellings = lru_cache(maxsize=4096)(self._spellings)

    @classmethod
    def of(cls, searcher: tantivy.Searcher, fields: int) -> "Vocabulary":
        """Read the vocabulary of an index.

        Args:
            searcher: Of the index.
            fields: Number of searched columns.

        Returns:
            The vocabulary.
        """
        names = [words_field(position) for position in range(fields)]
        return cls({name: dict(searcher.terms_with_prefix(name, "")) for name in names}, searcher.num_docs)

    def fields_of(self, term: str) -> list[str]:
        """Give the index fields that have a word."""
        return [name for name, counts in self._fields.items() if term in counts]

    def _spellings(self, term: str) -> tuple[Spelling, ...]:
        """Give the words that a query's word may mean, itself first where the index has it."""
        known = term in self._counts
        exact = (Spelling(term, 1.0, exact=True),) if known else ()
        distance = max_distance(term)
        near: list[tuple[int, str]] = []
        for length in range(len(term) - distance, len(term) + distance + 1) if distance else ():
            choices = self._by_length.get(length, ())
            found = process.extract(term, choices, scorer=OSA.distance, score_cutoff=distance, limit=None)
            near += [(int(letters), other) for other, letters, _ in found if letters]
        # A rare word must not gain from being rare when it is only near a common word that was meant.
        ceiling = self._rarity(term) if known else float("inf")
        return exact + tuple(
            Spelling(other, NEAR_WEIGHTS[letters] * min(1.0, ceiling / self._rarity(other)), exact=False)
            for letters, other in sorted(near)[:MAX_NEAR]
        )

    def _rarity(self, term: str) -> float:
        """Give the inverse document frequency as BM25 has it; above 0."""
        count = self._counts[term]
        return log(1.0 + (self._items - count + 0.5) / (count + 0.5))


def max_distance(term: str) -> int:
    """Say in how many letters another word may differ.

    Args:
        term: A word of the query.

    Returns:
        0 for numbers and below 4 letters, 1 below 8, then 2.
    """
    if term.isdigit() or len(term) < 4:
        return 0
    return 1 if len(term) < 8 else 2


def build_query(
    schema: tantivy.Schema, vocabulary: Vocabulary, weights: Sequence[float], terms: Sequence[str]
) -> tantivy.Query | None:
    """Build the query that scores every item with one of the words.

    Args:
        schema: Of the index.
        vocabulary: Of the index.
        weights: Of the searched columns, in their order.
        terms: The words of the query in order; the first 32 different ones are looked for.

    Returns:
        A query made of words alone, nothing of them read as syntax; None where the index has none of them.
    """
    by_field = {words_field(position): weight for position, weight in enumerate(weights)}
    parts: list[tantivy.Query] = []
    for term in query_terms(terms):
        ways = [
            tantivy.Query.boost_query(
                tantivy.Query.term_query(schema, name, spelling.term, "freq"), by_field[name] * spelling.weight
            )
            for spelling in vocabulary.spellings(term)
            for name in vocabulary.fields_of(spelling.term)
        ]
        if ways:
            parts.append(tantivy.Query.disjunction_max_query(ways))
    if not parts:
        return None
    whole = tantivy.Query.term_query(schema, KEY_FIELD, title_key(terms), "basic")
    parts.append(tantivy.Query.const_score_query(whole, EXACT_TITLE))
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])


def query_terms(terms: Sequence[str]) -> list[str]:
    """Give the words of a query that are looked for.

    Args:
        terms: All its words in order.

    Returns:
        The first 32 different ones.
    """
    return list(dict.fromkeys(terms))[:MAX_QUERY_TERMS]


def matched_terms(vocabulary: Vocabulary, terms: Sequence[str], item_terms: set[str]) -> tuple[set[str], bool]:
    """Say which words of an item a query matched.

    Args:
        vocabulary: Of the index.
        terms: The words of the query.
        item_terms: The words of the item.

    Returns:
        Those that matched, and whether every word of the query that matched did so exactly.
    """
    found = [
        next((spelling for spelling in vocabulary.spellings(term) if spelling.term in item_terms), None)
        for term in query_terms(terms)
    ]
    return {spelling.term for spelling in found if spelling}, all(spelling.exact for spelling in found if spelling)
