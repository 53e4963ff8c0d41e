"""The retriever that this project began with, frozen: what today's search is compared with.

BM25 over the words of the best reading, words a few letters away, and a bonus for the whole title. Nothing here follows
`serve/`; nothing here is to be improved.
"""

import re
import unicodedata
from collections.abc import Sequence
from math import log

import tantivy
from rapidfuzz import process
from rapidfuzz.distance import OSA

from data.catalogue import Catalogue

NEAR_WEIGHTS = {1: 0.5, 2: 0.3}
EXACT_TITLE = 20.0
MAX_NEAR = 16
MAX_QUERY_TERMS = 32

_CHUNK = re.compile(r"(?:[^\W_]|[\u0300-\u036f'\u2018\u2019\u02bc\u00b4`\u00a2])+|&")
_APOSTROPHES = "'\u2018\u2019\u02bc\u00b4`"
_LETTERS = str.maketrans(
    dict.fromkeys(_APOSTROPHES)
    | {"ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "¢": "c"}
)


class BaselineSearch:
    """The frozen retriever over a catalogue, in memory."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._weights = list(catalogue.mapping.searched.values())
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("place", stored=True)
        builder.add_text_field("key", tokenizer_name="raw", index_option="basic")
        for position in range(len(self._weights)):
            builder.add_text_field(f"words_{position}", tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        index = tantivy.Index(self._schema)
        writer = index.writer(64_000_000, num_threads=1)
        for place, item in enumerate(catalogue.items):
            document = tantivy.Document()
            document.add_unsigned("place", place)
            document.add_text("key", " ".join(_terms(item.title))[:1000])
            for position, column in enumerate(catalogue.mapping.searched):
                document.add_text(f"words_{position}", " ".join(_terms(item.text(column, catalogue.mapping))))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()
        names = [f"words_{position}" for position in range(len(self._weights))]
        self._fields = {name: dict(self._searcher.terms_with_prefix(name, "")) for name in names}
        self._counts: dict[str, int] = {}
        for counts in self._fields.values():
            for term, count in counts.items():
                self._counts[term] = max(count, self._counts.get(term, 0))
        self._by_length: dict[int, list[str]] = {}
        for term in sorted(self._counts):
            self._by_length.setdefault(len(term), []).append(term)

    def search(self, text: str, limit: int = 10) -> list[str]:
        """Give the ids found for a text, best first."""
        terms = _terms(text)
        parts: list[tantivy.Query] = []
        for term in list(dict.fromkeys(terms))[:MAX_QUERY_TERMS]:
            ways = [
                tantivy.Query.boost_query(
                    tantivy.Query.term_query(self._schema, name, other, "freq"), self._weights[position] * weight
                )
                for other, weight in self._spellings(term)
                for position, (name, counts) in enumerate(self._fields.items())
                if other in counts
            ]
            if ways:
                parts.append(tantivy.Query.disjunction_max_query(ways))
        if not parts:
            return []
        whole = tantivy.Query.term_query(self._schema, "key", " ".join(terms)[:1000], "basic")
        parts.append(tantivy.Query.const_score_query(whole, EXACT_TITLE))
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts])
        found = self._searcher.search(query, limit, count=False).hits
        return [self._catalogue.items[self._searcher.doc(address)["place"][0]].id for _, address in found]

    def _spellings(self, term: str) -> list[tuple[str, float]]:
        known = term in self._counts
        distance = 0 if term.isdigit() or len(term) < 4 else 1 if len(term) < 8 else 2
        near: list[tuple[int, str]] = []
        for length in range(len(term) - distance, len(term) + distance + 1) if distance else ():
            choices = self._by_length.get(length, ())
            found = process.extract(term, choices, scorer=OSA.distance, score_cutoff=distance, limit=None)
            near += [(int(letters), other) for other, letters, _ in found if letters]
        ceiling = self._rarity(term) if known else float("inf")
        return [(term, 1.0)] * known + [
            (other, NEAR_WEIGHTS[letters] * min(1.0, ceiling / self._rarity(other)))
            for letters, other in sorted(near)[:MAX_NEAR]
        ]

    def _rarity(self, term: str) -> float:
        count = self._counts[term]
        return log(1.0 + (self._searcher.num_docs - count + 0.5) / (count + 0.5))


def _terms(text: str) -> Sequence[str]:
    terms: list[str] = []
    for chunk in _CHUNK.finditer(unicodedata.normalize("NFC", text[:10_000])):
        surface = chunk.group().strip(_APOSTROPHES)
        spaced = "".join(f" {c} " if unicodedata.category(c) == "No" else c for c in surface)
        letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spaced.casefold()).casefold())
        folded = "".join(c for c in letters if not unicodedata.combining(c)).translate(_LETTERS)
        terms += ["and"] if surface == "&" else [word[:64] for word in re.findall(r"[^\W_]+", folded)]
    return terms
