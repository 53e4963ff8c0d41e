"""How far people agree on what was said: the level that a recogniser can be measured against.

Texts are compared as they are, but for runs of spaces. Error rates between people have no reference: the errors of a
pair are divided by the mean number of words of the two.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations

import numpy as np

from data.intervals import Interval, bootstrap_rate, rate
from labeling.convention import Convention, fix_text
from labeling.transcriptions import Transcription, by_clip
from labeling.variants import Variant, census


@dataclass(frozen=True, slots=True)
class Level:
    """Agreement pooled over `pairs` of transcriptions on `clips` clips.

    `exact` is the share of pairs with the same text, `wer` the word error rate between them; both with a 95% bootstrap
    interval over clips.
    """

    clips: int
    pairs: int
    exact: float
    exact_interval: Interval
    wer: float
    wer_interval: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """A level as people wrote, and after the convention has been applied to every text."""

    name: str
    before: Level
    after: Level


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything that several transcriptions of the same clips tell.

    `human` is the human level; `tags` the same for each tag; `pairs` for every two people; `people` for everybody
    against all the others; `repeats` for everybody's later takes against their first; `model` for a recogniser against
    every person, where its texts were given; `variants` is the census behind the disagreement.
    """

    human: Comparison
    tags: tuple[Comparison, ...]
    pairs: tuple[Comparison, ...]
    people: tuple[Comparison, ...]
    repeats: tuple[Comparison, ...]
    model: Comparison | None
    variants: tuple[Variant, ...]

    @property
    def lead_before(self) -> float | None:
        """By how much the recogniser agrees with people more often than they do with each other; None without one."""
        return None if self.model is None else self.model.before.exact - self.human.before.exact

    @property
    def lead_after(self) -> float | None:
        """The same after the convention."""
        return None if self.model is None else self.model.after.exact - self.human.after.exact


@dataclass(frozen=True, slots=True)
class _Pair:
    clip: str
    texts: tuple[str, str]


def measure_agreement(
    transcriptions: Sequence[Transcription],
    convention: Convention,
    *,
    recognised: Mapping[str, str] | None = None,
    resamples: int = 1000,
) -> Agreement | None:
    """Measure how far transcribers agree, before and after a convention.

    Args:
        transcriptions: Of several people on the same clips; the first take of each counts, later ones only against it.
        convention: Applied to every text for the level after it.
        recognised: A recogniser's text of each clip by id, to be compared with the human level.
        resamples: Bootstrap resamples of clips behind each interval.

    Returns:
        The figures, None where no clip has two transcribers. Human level: the expected agreement of two transcribers
        drawn for a clip without replacement; A. Ng, "Introduction to machine learning in production" (2021), week 2,
        shows how inconsistent labels lower it.
    """
    clips = by_clip(transcriptions)
    firsts = {clip: _first_takes(group) for clip, group in clips.items()}
    pairs = [
        (one, other, _Pair(clip, (texts[one], texts[other])))
        for clip, texts in firsts.items()
        for one, other in combinations(sorted(texts), 2)
    ]
    if not pairs:
        return None
    fixed = cache(lambda text: fix_text(text, convention))

    def compare(name: str, chosen: Sequence[_Pair]) -> Comparison:
        return Comparison(name, _level(chosen, _spaces, resamples), _level(chosen, fixed, resamples))

    people = sorted({person for one, other, _ in pairs for person in (one, other)})
    couples = sorted({(one, other) for one, other, _ in pairs})
    tags = {clip: {tag for t in group for tag in t.tags} for clip, group in clips.items()}
    repeats = _repeats(clips)
    heard = [
        _Pair(clip, (text, recognised[clip]))
        for clip, texts in firsts.items()
        for text in texts.values()
        if recognised and clip in recognised
    ]
    return Agreement(
        human=compare("people", [pair for _, _, pair in pairs]),
        tags=tuple(
            compare(tag, [pair for _, _, pair in pairs if tag in tags[pair.clip]])
            for tag in sorted({tag for _, _, pair in pairs for tag in tags[pair.clip]})
        ),
        pairs=tuple(compare(f"{a} and {b}", [pair for *both, pair in pairs if both == [a, b]]) for a, b in couples),
        people=tuple(compare(person, [pair for a, b, pair in pairs if person in (a, b)]) for person in people),
        repeats=tuple(compare(person, chosen) for person, chosen in sorted(repeats.items())),
        model=compare("recogniser", heard) if heard else None,
        variants=census((pair.texts for _, _, pair in pairs), convention),
    )


def _level(pairs: Sequence[_Pair], written: Callable[[str], str], resamples: int) -> Level:
    """Pool pairs by clip and put an interval around both rates."""
    clips = {clip: place for place, clip in enumerate(dict.fromkeys(pair.clip for pair in pairs))}
    same, of, errors, words = np.zeros((4, len(clips)), dtype=np.int64)
    for pair in pairs:
        first, second = map(written, pair.texts)
        place = clips[pair.clip]
        same[place] += first == second
        of[place] += 1
        # Counted twice, so that the mean number of words of the two stays a whole number.
        errors[place] += 2 * _word_errors(first, second)
        words[place] += len(first.split()) + len(second.split())
    return Level(
        clips=len(clips),
        pairs=len(pairs),
        exact=rate(int(same.sum()), int(of.sum())),
        exact_interval=bootstrap_rate(same, of, resamples=resamples),
        wer=rate(int(errors.sum()), int(words.sum())),
        wer_interval=bootstrap_rate(errors, words, resamples=resamples),
    )


@lru_cache(maxsize=65_536)
def _word_errors(first: str, second: str) -> int:
    if first == second:
        return 0
    import jiwer

    counted = jiwer.process_words(first, second)
    return int(counted.substitutions + counted.deletions + counted.insertions)


def _first_takes(group: Sequence[Transcription]) -> dict[str, str]:
    first: dict[str, Transcription] = {}
    for transcription in group:
        if transcription.take < first.setdefault(transcription.transcriber, transcription).take:
            first[transcription.transcriber] = transcription
    return {person: transcription.text for person, transcription in first.items()}


def _repeats(clips: Mapping[str, Sequence[Transcription]]) -> dict[str, list[_Pair]]:
    repeats: dict[str, list[_Pair]] = {}
    for clip, group in clips.items():
        first = _first_takes(group)
        earliest = {person: min(t.take for t in group if t.transcriber == person) for person in first}
        for transcription in group:
            person = transcription.transcriber
            if transcription.take != earliest[person]:
                repeats.setdefault(person, []).append(_Pair(clip, (first[person], transcription.text)))
    return repeats


def _spaces(text: str) -> str:
    return " ".join(text.split())
