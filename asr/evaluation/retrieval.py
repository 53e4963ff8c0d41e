"""What errors cost the search: the results of the recognised text against those of the reference.

Knows no search index; the search is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from asr.evaluation.resampling import Resampling
from asr.evaluation.trials import Trial
from data.intervals import Interval
from data.records import Utterance

Search: TypeAlias = Callable[[str], Sequence[str]]
"""From a text to the ids of the items found, best first, at most ten."""

DEPTH = 10
RECALL_AT = (1, 5, 10)
SCALE = 1_000_000
"""Reciprocal ranks are resampled as whole millionths."""


@dataclass(frozen=True, slots=True)
class SearchLoss:
    """One query: the place of the wanted item for the reference and for the recognised text, 0 where it is not found.

    `lost` is the loss of reciprocal rank, negative where the error helped.
    """

    utterance: str
    wanted: str
    reference_rank: int
    heard_rank: int
    lost: float


@dataclass(frozen=True, slots=True)
class SearchArm:
    """How one kind of text fares: mean reciprocal rank within ten, share with the item in the first k, no results."""

    mrr: float
    interval: Interval
    recall: tuple[tuple[int, float], ...]
    no_results: float


@dataclass(frozen=True, slots=True)
class SearchImpact:
    """The search with perfect recognition and with the recogniser; `losses` are queries that lost, the most first.

    `labelled` counts queries of which it is known which item was asked for; for the others it is the first result of
    the reference text, which then has rank 1 by definition.
    """

    queries: int
    labelled: int
    reference: SearchArm
    heard: SearchArm
    losses: tuple[SearchLoss, ...]


def measure_search(trials: Sequence[Trial], search: Search, resampling: Resampling) -> SearchImpact | None:
    """Search with every reference and every recognised text.

    Args:
        trials: All trials.
        search: What is asked.
        resampling: Of the trials.

    Returns:
        The impact, None where no query finds anything with its reference text.
    """
    labelled = 0
    rows: list[tuple[int, SearchLoss, bool, bool]] = []
    for place, trial in enumerate(trials):
        if not trial.has_speech:
            continue
        ideal = list(search(trial.utterance.text))[:DEPTH]
        wanted = wanted_item(trial.utterance)
        labelled += wanted is not None
        wanted = wanted or (ideal[0] if ideal else None)
        if wanted is None:
            continue
        found = list(search(trial.text))[:DEPTH] if trial.text else []
        ranks = _rank(wanted, ideal), _rank(wanted, found)
        lost = _reciprocal(ranks[0]) - _reciprocal(ranks[1])
        rows.append((place, SearchLoss(trial.utterance.id, wanted, *ranks, lost), not ideal, not found))
    if not rows:
        return None
    losses = [loss for _, loss, _, _ in rows]
    places = np.array([place for place, *_ in rows])

    def arm(ranks: Sequence[int], empty: Sequence[bool]) -> SearchArm:
        gained = np.zeros(len(trials), np.int64)
        asked = np.zeros(len(trials), np.int64)
        gained[places] = np.round([SCALE * _reciprocal(rank) for rank in ranks])
        asked[places] = 1
        between = resampling.interval(gained, asked)
        recall = tuple((k, float(np.mean([0 < rank <= k for rank in ranks]))) for k in RECALL_AT)
        mean = float(np.mean([_reciprocal(rank) for rank in ranks]))
        return SearchArm(mean, Interval(between.low / SCALE, between.high / SCALE), recall, float(np.mean(empty)))

    return SearchImpact(
        queries=len(rows),
        labelled=labelled,
        reference=arm([loss.reference_rank for loss in losses], [empty for _, _, empty, _ in rows]),
        heard=arm([loss.heard_rank for loss in losses], [empty for _, _, _, empty in rows]),
        losses=tuple(sorted((x for x in losses if x.lost > 0), key=lambda x: (-x.lost, x.utterance))),
    )


def wanted_item(utterance: Utterance) -> str | None:
    """Give the item that a query was made from, by its lineage; None where it asks for several or nobody knows.

    A query that names only a genre, a year or a director is answered as well by other items.
    """
    for step in utterance.lineage:
        if step.name == "query" and "{title}" in str(step.parameters.get("template", "")):
            item = step.parameters.get("item")
            return None if item is None else str(item)
    return None


def _rank(wanted: str, found: Sequence[str]) -> int:
    return found.index(wanted) + 1 if wanted in found else 0


def _reciprocal(rank: int) -> float:
    return 1.0 / rank if rank else 0.0
