"""Words of the catalogue's names against all others: where a search breaks, and where only grammar does.

B-WER is the error rate of words inside names, U-WER that of the others (D. Le and others, "Contextualized streaming
end-to-end speech recognition with trie-based deep biasing and shallow fusion", 2021).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asr.alignment import Edit, Pair
from asr.evaluation.resampling import Resampling
from asr.evaluation.trials import Trial
from data.catalogue import Catalogue
from data.intervals import Interval, rate
from data.spoken import spoken_form
from labeling.normalization import normalize

MIN_LETTERS = 3
"""Letters of a name of one word; shorter ones are found everywhere."""


@dataclass(frozen=True, slots=True)
class NameFigures:
    """Error rates inside and outside names, and how many whole names came through.

    `recall` is the share of the names said that were heard, `precision` the share of the names heard that were said;
    both 1 where there was none.
    """

    names: int
    words: int
    errors: int
    b_wer: float
    b_interval: Interval
    other_words: int
    other_errors: int
    u_wer: float
    u_interval: Interval
    said: int
    heard: int
    right: int
    precision: float
    recall: float
    missed: Mapping[str, int]


class NameFinder:
    """Finds the catalogue's names in normalised texts, the longest first."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names: dict[tuple[str, ...], None] = {}
        for name in names:
            words = tuple(normalize(name).split())
            if len(words) > 1 or (words and len(words[0]) >= MIN_LETTERS):
                self._names[words] = None
        self._longest = max(map(len, self._names), default=0)

    def __len__(self) -> int:
        return len(self._names)

    def find(self, words: Sequence[str]) -> tuple[range, ...]:
        """Find names.

        Args:
            words: Of a normalised text.

        Returns:
            Where each name is, from left to right; none overlap.
        """
        found = []
        start = 0
        while start < len(words):
            lengths = range(min(self._longest, len(words) - start), 0, -1)
            length = next((n for n in lengths if tuple(words[start : start + n]) in self._names), 0)
            if length:
                found.append(range(start, start + length))
            start += max(length, 1)
        return tuple(found)


def names_of(catalogue: Catalogue) -> tuple[str, ...]:
    """Give the names of a catalogue, as they are spoken.

    Args:
        catalogue: Its titles are names, and whatever is in columns that weigh as much in a search.

    Returns:
        Each name once.
    """
    mapping = catalogue.mapping
    heaviest = mapping.searched.get(mapping.title, max(mapping.searched.values()))
    columns = dict.fromkeys([mapping.title, *(name for name, weight in mapping.searched.items() if weight >= heaviest)])
    texts = (item.text(column, mapping) for item in catalogue.items for column in columns)
    return tuple(dict.fromkeys(spoken_form(text) for text in texts if text))


def measure_names(trials: Sequence[Trial], finder: NameFinder, resampling: Resampling) -> NameFigures:
    """Measure how well names are recognised.

    Args:
        trials: All trials.
        finder: Of the catalogue's names.
        resampling: Of the trials.

    Returns:
        The figures.
    """
    inside = np.zeros((len(trials), 2), np.int64)
    outside = np.zeros((len(trials), 2), np.int64)
    said = heard = right = 0
    missed: dict[str, int] = {}
    for place, trial in enumerate(trials):
        pairs = trial.aligned.normalised
        reference = [pair.said for pair in pairs if pair.said is not None]
        hypothesis = [pair.heard for pair in pairs if pair.heard is not None]
        spans = finder.find(reference)
        inside[place], outside[place] = _errors(pairs, spans)
        wanted = [" ".join(reference[span.start : span.stop]) for span in spans]
        got = [" ".join(hypothesis[span.start : span.stop]) for span in finder.find(hypothesis)]
        said, heard = said + len(wanted), heard + len(got)
        for name in wanted:
            if name in got:
                got.remove(name)
                right += 1
            else:
                missed[name] = missed.get(name, 0) + 1
    (errors, words), (other_errors, other_words) = (map(int, each.sum(axis=0)) for each in (inside, outside))
    return NameFigures(
        names=len(finder),
        words=words,
        errors=errors,
        b_wer=rate(errors, words),
        b_interval=resampling.interval(inside[:, 0], inside[:, 1]),
        other_words=other_words,
        other_errors=other_errors,
        u_wer=rate(other_errors, other_words),
        u_interval=resampling.interval(outside[:, 0], outside[:, 1]),
        said=said,
        heard=heard,
        right=right,
        precision=right / heard if heard else 1.0,
        recall=right / said if said else 1.0,
        missed=dict(sorted(missed.items(), key=lambda entry: (-entry[1], entry[0]))),
    )


def _errors(pairs: Sequence[Pair], spans: Sequence[range]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Count errors and words inside and outside names; a word added between two words of one name is inside."""
    counts = [[0, 0], [0, 0]]
    inner = {place for span in spans for place in span}
    within = {place for span in spans for place in span[1:]}
    place = 0
    for pair in pairs:
        if pair.edit is Edit.INSERTION:
            counts[place not in within][0] += 1
            continue
        side = place not in inner
        counts[side][0] += pair.edit is not Edit.HIT
        counts[side][1] += 1
        place += 1
    return (counts[0][0], counts[0][1]), (counts[1][0], counts[1][1])
