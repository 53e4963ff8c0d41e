"""Which of the items that may be meant is meant: how well each one explains the query, feature by feature.

An item explains a query by its title, which the query then sounds and is spelt like, or by its other columns alone
("films by ridley scott"); what stands in other columns always counts, and never excludes an item. The score of an item
is the best over all readings of the query; its weights were fitted (`python -m benchmarks.ranking_fit`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from data.phonetics import sound_of
from serve.matching import joined_sound
from serve.readings import Reading

Matrix: TypeAlias = NDArray[np.floating]

FEATURES = ("spelling", "sound", "inside", "asked", "facets")
"""What is measured of a reading and an item, from 0 (not at all) to 1.

`spelling` and `sound` compare the title with what may be one; `inside` is high where one is a part of the other;
`asked` is the share of the query's words that the title has, `facets` of those that other columns have and the title
has not, by their rarity. All but `facets` are 0 where a reading is taken to name no title.
"""

EVIDENCE = ("alike", "clear", "besides")
"""What makes sure that the best item is meant, from 0 to 1.

`alike` is its spelling times its sound; `clear` is how probable it and those that nearly tie with it are among all
candidates, as their scores have it; `besides` is the fourth power of its facets.
"""

TIED = 1.0
"""Difference of score up to which items answer a query about as well."""

SAME_SOUND = 0.95
"""What two words of the same sound count beside the same word."""

EXPLAINED = 0.9
"""Share of the query's words that columns other than the title must have for them to be the whole answer."""

LIKE = 0.5
"""Spelling times sound of a title, from which on the query may well mean it, whatever other columns say."""

TELLING = 8
"""From so many letters on, it means something that one text is a part of the other."""

NO_TERM = "\0"
"""Stands in an item without words."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be meant: its title in spoken form, the terms of its title and of its other columns.

    `counts` says for each of the other terms what it counts, from 0 to 1.
    """

    said: str
    title: tuple[str, ...]
    other: tuple[str, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature counts.

    `rank` orders items. `sure` and `bias` turn the evidence for the best item into the logarithm of the odds that it is
    the one meant; from the probability `threshold` on it is shown as found.
    """

    rank: Mapping[str, float]
    sure: Mapping[str, float]
    bias: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate's place among those given, its score, and the reading that leads to it."""

    place: int
    score: float
    reading: Reading


def shipped_weights() -> Weights:
    """Give the weights that new indexes get: those of `ranking.json`, fitted on the film catalogue."""
    return Weights(**json.loads((files("serve") / "ranking.json").read_text(encoding="utf-8")))


def rank(
    understood: Sequence[Reading],
    candidates: Sequence[Candidate],
    rarity: Callable[[str], float],
    weights: Weights,
) -> tuple[list[Ranked], bool]:
    """Order candidates.

    Args:
        understood: Readings of the query, at least one.
        candidates: The items, at least one.
        rarity: Gives how much a term says, above 0.
        weights: What each feature counts.

    Returns:
        All candidates, best first, equal ones in the order given; and whether the first is surely meant: probably
        enough, or because its columns alone say all that was asked for. Items of which they do come before all others,
        unless the best is like its title.
    """
    ways, features = measure(understood, candidates, rarity)
    scores = features @ np.array([weights.rank[name] for name in FEATURES], np.float32)
    best, tops = scores.argmax(axis=0), scores.max(axis=0).round(4)
    odds = evidence(features, scores) @ np.array([weights.sure[name] for name in EVIDENCE]) + weights.bias
    first = [number for number, reading in enumerate(ways) if reading.hypothesis == ways[0].hypothesis]
    explained = features[first][:, :, FEATURES.index("facets")].max(axis=0) >= EXPLAINED
    if likeness(features)[tops.argmax()] < LIKE:
        tops = tops + explained * tops.max()
    order = np.argsort(-tops, kind="stable")
    ranked = [Ranked(int(place), float(tops[place]), ways[best[place]]) for place in order]
    return ranked, bool(explained[order[0]] or 1.0 / (1.0 + np.exp(-odds)) >= weights.threshold)


def likeness(features: Matrix) -> Matrix:
    """Give the spelling times the sound of every candidate's title, where they are the most.

    Args:
        features: Shape `(n_ways, n_candidates, n_features)`.

    Returns:
        Shape `(n_candidates,)`.
    """
    alike: Matrix = (features[:, :, FEATURES.index("spelling")] * features[:, :, FEATURES.index("sound")]).max(axis=0)
    return alike


def evidence(features: Matrix, scores: Matrix) -> Matrix:
    """Collect what makes sure that the best candidate is meant.

    Args:
        features: Shape `(n_ways, n_candidates, n_features)`.
        scores: Shape `(n_ways, n_candidates)`.

    Returns:
        Shape `(n_evidence,)`, in the order of `EVIDENCE`.
    """
    tops = scores.max(axis=0)
    place = int(tops.round(4).argmax())
    spelling, sound, facets = features[int(scores[:, place].argmax()), place, [0, 1, FEATURES.index("facets")]]
    odds = np.exp(scores - scores.max())
    return np.array([spelling * sound, odds[:, tops >= tops[place] - TIED].sum() / odds.sum(), facets**4])


def measure(
    understood: Sequence[Reading], candidates: Sequence[Candidate], rarity: Callable[[str], float]
) -> tuple[list[Reading], Matrix]:
    """Measure how well every candidate explains the query.

    Args:
        understood: Readings of the query, at least one.
        candidates: The items, at least one.
        rarity: Gives how much a term says, above 0.

    Returns:
        The reading behind each way to understand the query, and the features, shape
        `(n_ways, n_candidates, n_features)`, in the order of `FEATURES`.
    """
    ways = [(number, title) for number, reading in enumerate(understood) for title in reading.titles]
    behind = [number for number, _ in ways]
    asked, besides, facets = _word_features(understood, candidates, rarity)
    spelling, sound, inside = _title_features([title for _, title in ways], candidates)
    nothing = np.zeros_like(facets)
    by_title = np.stack((spelling, sound, inside, asked[behind], besides[behind]), axis=-1)
    by_facets = np.stack((nothing, nothing, nothing, nothing, facets), axis=-1)
    return [understood[number] for number in behind] + list(understood), np.concatenate((by_title, by_facets))


def _title_features(titles: Sequence[str], candidates: Sequence[Candidate]) -> tuple[Matrix, Matrix, Matrix]:
    """Compare what may be a title with every title, without spaces; shapes `(n_titles, n_candidates)`."""
    ours, theirs = ([_joined(text) for text in texts] for texts in (titles, [each.said for each in candidates]))
    our_sounds = [joined_sound(title) for title in titles]
    their_sounds = [joined_sound(each.said) for each in candidates]
    lengths = np.minimum.outer([len(text) for text in ours], [len(text) for text in theirs])
    inside = process.cdist(ours, theirs, scorer=fuzz.partial_ratio, dtype=np.float32) / np.float32(100.0)
    return (
        similarity(ours, theirs),
        similarity(our_sounds, their_sounds),
        inside * np.minimum(lengths / TELLING, 1.0),
    )


def _word_features(
    understood: Sequence[Reading], candidates: Sequence[Candidate], rarity: Callable[[str], float]
) -> tuple[Matrix, Matrix, Matrix]:
    """Find each word of the query in each item; shapes `(n_readings, n_candidates)`.

    Shares of the query that the title has, that only other columns have, and that these have at all.
    """
    terms = list(dict.fromkeys(term for reading in understood for term in reading.phrase.terms))
    title_terms = [each.title or (NO_TERM,) for each in candidates]
    other_terms = [each.other or (NO_TERM,) for each in candidates]
    columns = {
        term: column
        for column, term in enumerate(dict.fromkeys(t for own in (*title_terms, *other_terms) for t in own))
    }
    alike = word_similarity(terms, list(columns))
    in_title, starts = _gathered(alike, title_terms, columns)
    in_other, other_starts = _gathered(alike, other_terms, columns)
    in_other = in_other * np.array([count for each in candidates for count in each.counts or (0.0,)], np.float32)
    best_title = np.maximum.reduceat(in_title, starts, axis=1)
    best_other = np.maximum.reduceat(in_other, other_starts, axis=1)

    shares = np.array(
        [
            [rarity(term) if term in own.asked and term in own.phrase.terms else 0.0 for term in terms]
            for own in understood
        ],
        np.float32,
    )
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-6)
    return shares @ best_title, shares @ np.maximum(best_other - best_title, 0.0), shares @ best_other


def _gathered(
    alike: Matrix, terms_of: Sequence[Sequence[str]], columns: Mapping[str, int]
) -> tuple[Matrix, NDArray[np.intp]]:
    """Lay the columns of all items side by side, and say where each item's begin."""
    starts = np.cumsum([0, *(len(own) for own in terms_of[:-1])])
    return alike[:, [columns[term] for own in terms_of for term in own]], starts


def word_similarity(ours: Sequence[str], theirs: Sequence[str]) -> Matrix:
    """Say how likely two words are the same word, misspelt or misheard.

    Args:
        ours: Terms.
        theirs: Terms.

    Returns:
        From 0 to 1, shape `(n_ours, n_theirs)`; numbers are the same or not at all.
    """
    spelt = similarity(ours, theirs)
    sounding = similarity([sound_of(term) for term in ours], [sound_of(term) for term in theirs])
    alike: Matrix = np.square(np.clip(2.0 * np.maximum(spelt, SAME_SOUND * sounding) - 1.0, 0.0, 1.0))
    numbers = [row for row, term in enumerate(ours) if term[0].isdigit()]
    alike[numbers] = spelt[numbers] == 1.0
    return alike


def similarity(ours: Sequence[str], theirs: Sequence[str]) -> Matrix:
    """Give 1 less the share of letters to be put in or taken out to make one text of the other.

    Args:
        ours: Texts.
        theirs: Texts.

    Returns:
        From 0 to 1, shape `(n_ours, n_theirs)`.
    """
    return process.cdist(ours, theirs, scorer=Indel.normalized_similarity, dtype=np.float32)


def _joined(said: str) -> str:
    return said.replace(" ", "")[:200]
