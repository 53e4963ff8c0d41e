"""One finished index, open for reading: from what was heard to the items meant.

Knows nothing of how an index is written or swapped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from data.catalogue import CatalogueMapping, Item
from data.numerals import roman_value
from data.phonetics import sound_of
from data.records import Hypothesis, MatchKind, SearchHit
from serve.analysis import phrase, words
from serve.matching import CANDIDATES, OTHER, PIECES, SOUNDS, TITLE, candidate_query, pieces_of, with_decades
from serve.ranking import Candidate, Ranked, Weights, rank, similarity, word_similarity
from serve.readings import Reading, readings

FORMAT = 2
"""Raised whenever the same catalogue must be indexed anew."""

ABOUT = "about.json"

NEAREST = 5
"""Items that are offered where none is surely meant."""

RELATED = 0.7
"""Share of the best item's score from which on others are shown beside one that is surely meant."""

MATCHED = 0.4
"""From this likeness on, a word of an item is shown as matched."""

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds: the catalogue's name, file hash and size, the fields shown, queries to try, its folder."""

    name: str
    items: int
    sha256: str
    displayed: tuple[str, ...]
    examples: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: hits, best first, and whether the first is surely meant; where not, they are the nearest few."""

    hits: tuple[SearchHit, ...]
    sure: bool


class Generation:
    """One finished index; it never changes."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}, {FORMAT} expected")
        self.mapping = mapping_of(about["mapping"])
        self.weights = Weights(**about["weights"])
        index = tantivy.Index.open(str(folder))
        index.config_reader("manual")
        self._searcher = index.searcher()
        self._schema = index.schema
        self.info = IndexInfo(
            name=about["name"],
            items=self._searcher.num_docs,
            sha256=about["sha256"],
            displayed=self.mapping.displayed,
            examples=tuple(about["examples"]),
            folder=folder,
        )
        if self.info.items != about["items"]:
            raise ValueError(f"{self.info.items} items in it, {about['items']} expected")
        self._rarity = lru_cache(maxsize=65_536)(self._rarity_of)

    def find(self, hypotheses: Sequence[Hypothesis], limit: int) -> Findings:
        """Find the items that are asked for.

        Args:
            hypotheses: What was heard, best first; a typed text is a single one.
            limit: Most hits, at least 1.

        Returns:
            The hits; none where no item has anything in common with the query.
        """
        understood = readings(hypotheses)
        if not understood or not self.info.items:
            return Findings((), sure=False)
        limit = min(limit, self.info.items)
        documents, candidates = self.candidates(understood, max(CANDIDATES, limit))
        if not documents:
            return Findings((), sure=False)
        ranked, sure = rank(understood, candidates, self._rarity, self.weights)
        worth = RELATED * ranked[0].score if sure else 0.0
        shown = [each for each in ranked[: limit if sure else min(limit, NEAREST)] if each.score >= worth]
        return Findings(
            tuple(self._hit(documents[each.place], candidates[each.place], each) for each in shown), sure=sure
        )

    def has(self, identifier: str) -> bool:
        """Say whether there is an item with an id."""
        query = tantivy.Query.term_query(self._schema, "id", identifier, "basic")
        return bool(self._searcher.search(query, 1, count=False).hits)

    def candidates(self, understood: Sequence[Reading], count: int) -> tuple[list[tantivy.Document], list[Candidate]]:
        """Give the items that may be meant, in the order of the catalogue, which decides between equals.

        Args:
            understood: Readings of a query, at least one.
            count: Most items.

        Returns:
            What is stored of each, and what it is ranked by.
        """
        found = self._searcher.search(candidate_query(self._schema, understood), count, count=False).hits
        addresses = sorted((address for _, address in found), key=lambda each: (each.segment_ord, each.doc))
        documents = [self._searcher.doc(address) for address in addresses]
        return documents, [candidate_of(document["match"][0].decode()) for document in documents]

    def rarity(self, term: str) -> float:
        """Give a term's inverse document frequency as BM25 has it; above 0."""
        return self._rarity(term)

    def _hit(self, document: tantivy.Document, candidate: Candidate, ranked: Ranked) -> SearchHit:
        item = Item(**json.loads(document["item"][0]))
        columns = dict.fromkeys((leading(self.mapping), *others(self.mapping)))
        return SearchHit(
            id=item.id,
            title=item.title,
            score=ranked.score,
            match=_kind(ranked.reading, candidate),
            hypothesis=ranked.reading.hypothesis,
            matched=_matched(ranked.reading, [item.text(column, self.mapping) for column in columns]),
            fields={name: item.fields[name] for name in self.mapping.displayed if name in item.fields},
        )

    def _rarity_of(self, term: str) -> float:
        """Give the inverse document frequency as BM25 has it; above 0."""
        count = max(self._searcher.doc_freq(TITLE, term), self._searcher.doc_freq(OTHER, term))
        return log(1.0 + (max(self.info.items - count, 0) + 0.5) / (count + 0.5))


def leading(mapping: CatalogueMapping) -> str:
    """Name the column by which items are called: the title where it is searched, else what counts most."""
    return (
        mapping.title if mapping.title in mapping.searched else max(mapping.searched, key=mapping.searched.__getitem__)
    )


def others(mapping: CatalogueMapping) -> tuple[str, ...]:
    """Name the other columns in which words are looked for."""
    named = dict.fromkeys((*mapping.searched, *mapping.facets))
    return tuple(column for column in named if column != leading(mapping))


def document_of(item: Item, mapping: CatalogueMapping) -> tantivy.Document:
    """Make of an item what an index holds.

    Args:
        item: The item.
        mapping: That of its catalogue.

    Returns:
        The document.
    """
    title = phrase(item.text(leading(mapping), mapping))
    heaviest = mapping.searched[leading(mapping)]
    other = {column: with_decades(_cell_terms(item.text(column, mapping))) for column in others(mapping)}
    counts = {
        column: 1.0 if column in mapping.facets else min(mapping.searched[column] / heaviest, 1.0) for column in other
    }
    terms = [term for own in other.values() for term in own]
    document = tantivy.Document()
    document.add_bytes(
        "item",
        json.dumps({"id": item.id, "title": item.title, "fields": dict(item.fields)}, ensure_ascii=False).encode(),
    )
    document.add_text("id", item.id)
    document.add_text(TITLE, " ".join(title.terms))
    document.add_text(OTHER, " ".join(terms))
    document.add_text(SOUNDS, " ".join(sound_of(term) for term in (*title.terms, *terms)))
    document.add_text(PIECES, " ".join(pieces_of(title.said)))
    listed = " ".join(f"{counts[column]:.2f}:{term}" for column, own in other.items() for term in own)
    document.add_bytes("match", _SEPARATOR.join((title.said, " ".join(title.terms), listed)).encode())
    return document


def candidate_of(stored: str) -> Candidate:
    """Read what a document holds for ranking."""
    said, title, listed = stored.split(_SEPARATOR)
    other = [each.split(":", 1) for each in listed.split()]
    return Candidate(
        said, tuple(title.split()), tuple(term for _, term in other), tuple(float(count) for count, _ in other)
    )


def schema() -> tantivy.Schema:
    """Give the schema of every index."""
    builder = tantivy.SchemaBuilder()
    builder.add_bytes_field("item", stored=True)
    builder.add_bytes_field("match", stored=True)
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    for field in (TITLE, OTHER, SOUNDS, PIECES):
        builder.add_text_field(field, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def mapping_of(table: dict[str, Any]) -> CatalogueMapping:
    """Read a mapping that was written as JSON."""
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return CatalogueMapping(**(table | lists))


@lru_cache(maxsize=65_536)
def _cell_terms(text: str) -> tuple[str, ...]:
    """Remembered, for many items share a director or a year."""
    return phrase(text).terms


def _kind(reading: Reading, candidate: Candidate) -> MatchKind:
    """Say what brought an item: the query's very words, others spelt alike, or others that sound alike."""
    asked = sorted(reading.asked)
    theirs = [*candidate.title, *candidate.other]
    if not theirs:
        return "fuzzy"
    spelt = similarity(asked, theirs).max(axis=1)
    if bool(np.all(spelt == 1.0)):
        return "exact"
    sounding = similarity([sound_of(term) for term in asked], [sound_of(term) for term in theirs]).max(axis=1)
    return "phonetic" if float(sounding.sum()) > float(spelt.sum()) else "fuzzy"


def _matched(reading: Reading, texts: Sequence[str]) -> tuple[str, ...]:
    """Give the words of an item, as written, that are like a word of the query."""
    said = reading.titles[-1].split()
    pairs = ["".join(pair) for pair in pairwise(said)]
    own = [word for text in texts for word in words(text)]
    terms = [str(roman_value(word.surface) or word.term) for word in own]
    glued = [after + before for after, before in zip(terms, [*terms[1:], ""], strict=True)]
    wanted = list(dict.fromkeys((*said, *pairs, *sorted(reading.asked))))
    if not own or not wanted:
        return ()
    alike = word_similarity(wanted, terms).max(axis=0)
    together = word_similarity(wanted, glued).max(axis=0) == 1.0
    together[1:] |= together[:-1]
    hit = (alike >= MATCHED) | together
    return tuple(dict.fromkeys(word.surface for word, matches in zip(own, hit, strict=True) if matches))
