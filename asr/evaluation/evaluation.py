"""Everything that is measured of one recogniser on one test set, in one record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.alignment import Counts, align_words, count
from asr.evaluation.acceptance import AcceptanceFigures, measure_acceptance
from asr.evaluation.confidence import ConfidenceFigures, measure_confidence
from asr.evaluation.curves import Curve, SpeakerRange, curves_of, speaker_ranges
from asr.evaluation.error_classes import ClassFigures, Mistake, class_figures, mistakes_of
from asr.evaluation.names import NameFigures, NameFinder, measure_names, names_of
from asr.evaluation.prioritisation import HumanLevel, Priority, prioritise
from asr.evaluation.provenance import Provenance
from asr.evaluation.recommendations import SUSPECT, Action, Findings, recommend
from asr.evaluation.resampling import Resampling, resample
from asr.evaluation.retrieval import Search, SearchImpact, measure_search
from asr.evaluation.slices import slices_of
from asr.evaluation.trials import Trial, Trials
from asr.evaluation.vocabulary import VocabularyFigures, catalogue_words, measure_vocabulary
from data.catalogue import Catalogue
from data.charter import Metric
from data.intervals import Interval, rate
from labeling.normalization import normalize
from labeling.suspects import Suspect

LISTED_SUSPECTS = 20
"""Suspect labels that are listed at least; of a large set it is the first tenth of the ranking."""

WEAKEST_SUSPICION = 0.2
"""Score under which a label is not listed."""

FULL_LEVEL = HumanLevel(100.0, {}, "not measured; 100% is taken, which overstates every gap", measured=False)


@dataclass(frozen=True, slots=True)
class FormFigures:
    """Errors in one form of the texts, pooled over all clips: strict or normalised; rates in shares."""

    counts: Counts
    wer: float
    wer_interval: Interval
    sentence_accuracy: float
    sentence_interval: Interval


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures that come first; `cer` is the character error rate of the normalised form."""

    strict: FormFigures
    normalised: FormFigures
    cer: float
    cer_interval: Interval
    oracle_wer: float | None


@dataclass(frozen=True, slots=True)
class Yardsticks:
    """What the figures are held against: the level of people, the charter's error rate, the catalogue, its search."""

    human: HumanLevel = FULL_LEVEL
    target: Metric | None = None
    catalogue: Catalogue | None = None
    search: Search | None = None
    suspects: Sequence[Suspect] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole evaluation; `mistakes` are all errors, by utterance in the order of the manifest."""

    provenance: Provenance
    utterances: int
    speakers: int
    unheard: tuple[str, ...]
    unknown: tuple[str, ...]
    headline: Headline
    human: HumanLevel
    target: Metric | None
    acceptance: AcceptanceFigures
    names: NameFigures | None
    search: SearchImpact | None
    priorities: tuple[Priority, ...]
    classes: tuple[ClassFigures, ...]
    vocabulary: VocabularyFigures
    curves: tuple[Curve, ...]
    ranges: tuple[SpeakerRange, ...]
    confidence: ConfidenceFigures | None
    suspects: tuple[Suspect, ...]
    actions: tuple[Action, ...]
    mistakes: Mapping[str, tuple[Mistake, ...]] = field(repr=False)


def evaluate(trials: Trials, provenance: Provenance, yardsticks: Yardsticks, *, resamples: int = 1000) -> Evaluation:
    """Measure everything.

    Args:
        trials: Of one recogniser, at least one.
        provenance: What was measured, and how.
        yardsticks: What to hold it against.
        resamples: Bootstrap resamples behind every interval.

    Returns:
        The evaluation.
    """
    speakers = [trial.utterance.speaker for trial in trials.all]
    resampling = resample(speakers, resamples=resamples, seed=provenance.seed)
    own = resample([None] * len(trials.all), resamples=resamples, seed=provenance.seed)
    catalogue = yardsticks.catalogue
    finder = NameFinder(names_of(catalogue)) if catalogue else None
    mistakes = {trial.utterance.id: mistakes_of(trial, finder) for trial in trials.all}
    headline = headline_of(trials, resampling)
    priorities = prioritise(trials, slices_of(trials.all), resampling, yardsticks.human)
    classes = class_figures(mistake for found in mistakes.values() for mistake in found)
    acceptance = measure_acceptance(trials.all, resampling)
    names = measure_names(trials.all, finder, resampling) if finder else None
    search = measure_search(trials.all, yardsticks.search, resampling) if yardsticks.search else None
    confidence = measure_confidence(trials.all)
    most = max(LISTED_SUSPECTS, len(trials.all) // 10)
    suspects = tuple(each for each in yardsticks.suspects[:most] if each.score >= WEAKEST_SUSPICION)
    strong = {each.utterance.id for each in suspects if each.score >= SUSPECT}
    known = len({name for name in speakers if name is not None})
    refused = [trial for trial in trials.all if trial.has_speech and not trial.text]
    actions = recommend(
        Findings(
            words=headline.normalised.counts.words,
            wer=headline.normalised.wer,
            strict_wer=headline.strict.wer,
            oracle_wer=headline.oracle_wer,
            human=yardsticks.human,
            speakers=known,
            priorities=priorities,
            classes=classes,
            acceptance=acceptance,
            names=names,
            search=search,
            confidence=confidence,
            suspects=len(strong),
            suspect_errors=_errors_in(trials, strong),
            refused_right=sum(_oracle(trial).errors == 0 for trial in refused),
            refused_words=sum(trial.normalised.words for trial in refused),
        )
    )
    return Evaluation(
        provenance=provenance,
        utterances=len(trials.all),
        speakers=known,
        unheard=trials.unheard,
        unknown=trials.unknown,
        headline=headline,
        human=yardsticks.human,
        target=yardsticks.target,
        acceptance=acceptance,
        names=names,
        search=search,
        priorities=priorities,
        classes=classes,
        vocabulary=measure_vocabulary(trials.all, catalogue_words(catalogue) if catalogue else None),
        curves=curves_of(trials, resampling),
        ranges=speaker_ranges(trials, own),
        confidence=confidence,
        suspects=suspects,
        actions=actions,
        mistakes=mistakes,
    )


def headline_of(trials: Trials, resampling: Resampling) -> Headline:
    """Pool the errors of all trials.

    Args:
        trials: At least one.
        resampling: Of them.

    Returns:
        Both forms side by side, and the error rate of the best hypothesis of each list where there are lists.
    """
    characters = np.array([trial.aligned.characters for trial in trials.all])
    wrong = np.array([trial.aligned.character_errors for trial in trials.all])
    oracle = sum((_oracle(trial) for trial in trials.all), Counts())
    return Headline(
        strict=_form([trial.strict for trial in trials.all], resampling),
        normalised=_form([trial.normalised for trial in trials.all], resampling),
        cer=rate(int(wrong.sum()), int(characters.sum())),
        cer_interval=resampling.interval(wrong, characters),
        oracle_wer=rate(oracle.errors, oracle.words) if any(trial.nbest for trial in trials.all) else None,
    )


def _form(counts: Sequence[Counts], resampling: Resampling) -> FormFigures:
    total = sum(counts, Counts())
    errors, words = (np.array([getattr(each, name) for each in counts], np.int64) for name in ("errors", "words"))
    right: NDArray[np.int64] = (errors == 0).astype(np.int64)
    return FormFigures(
        counts=total,
        wer=rate(total.errors, total.words),
        wer_interval=resampling.interval(errors, words),
        sentence_accuracy=float(right.mean()),
        sentence_interval=resampling.interval(right, np.ones_like(right)),
    )


def _oracle(trial: Trial) -> Counts:
    """Count the errors of the best of a trial's hypotheses, that which was returned among them."""
    said = normalize(trial.utterance.text).split()
    others = [count(align_words(said, normalize(hypothesis.text).split())) for hypothesis in trial.nbest]
    return min([trial.normalised, *others], key=lambda each: each.errors)


def _errors_in(trials: Trials, ids: set[str]) -> int:
    return sum(trial.normalised.errors for trial in trials.all if trial.utterance.id in ids)
