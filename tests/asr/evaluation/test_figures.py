"""Confidence, acceptance, curves, vocabulary and the cost to the search: small sets with known answers."""

from dataclasses import replace

import pytest

from asr.evaluation.acceptance import measure_acceptance
from asr.evaluation.confidence import measure_confidence
from asr.evaluation.curves import curves_of, speaker_ranges
from asr.evaluation.resampling import resample
from asr.evaluation.retrieval import measure_search
from asr.evaluation.trials import Trials
from asr.evaluation.vocabulary import measure_vocabulary
from data.records import Step
from tests.asr.evaluation.conftest import MakeTrials


def test_a_confidence_that_means_what_it_says_has_no_calibration_error(make_trials: MakeTrials) -> None:
    pairs = [("a", "a")] * 3 + [("a", "b")]
    figures = measure_confidence(make_trials(*pairs, confidence=[0.75] * 4).all)
    assert figures is not None
    assert figures.calibration_error == pytest.approx(0.0)
    boastful = measure_confidence(make_trials(*pairs, confidence=[1.0] * 4).all)
    assert boastful is not None
    assert boastful.calibration_error == pytest.approx(0.25)


def test_risk_grows_with_coverage_where_confidence_ranks_well(make_trials: MakeTrials) -> None:
    figures = measure_confidence(make_trials(("a", "a"), ("a", "b"), confidence=[0.9, 0.1]).all)
    assert figures is not None
    assert [(point.coverage, point.wer) for point in figures.risk] == [(0.5, 0.0), (1.0, 0.5)]
    assert figures.area == figures.best == 0.25


def test_without_confidence_there_are_no_figures_of_it(make_trials: MakeTrials) -> None:
    assert measure_confidence(make_trials(("a", "a")).all) is None


def test_refusals_and_inventions_are_counted_apart(make_trials: MakeTrials) -> None:
    trials = make_trials(("a", ""), ("a", "a"), ("[noise]", ""), ("[noise]", "you"), snr=[2.0, 40.0, None, None])
    figures = measure_acceptance(trials.all, resample([None] * 4))
    assert (figures.nulls.count, figures.nulls.of, figures.nulls.value) == (1, 2, 0.5)
    assert (figures.false_outputs.count, figures.false_outputs.of) == (1, 2)
    assert [(band.band, band.accepted.value, band.right.value) for band in figures.bands] == [
        ("noise: SNR under 5 dB", 0.0, 0.0),
        ("noise: SNR 30 dB and more", 1.0, 1.0),
    ]


def test_a_curve_falls_with_less_noise(make_trials: MakeTrials) -> None:
    pairs = [("a", "b")] * 20 + [("a", "a")] * 20
    trials = make_trials(*pairs, snr=[float(n) for n in range(40)])
    curve = next(each for each in curves_of(trials, resample([None] * 40)) if each.unit == "dB")
    assert [point.wer for point in curve.points] == sorted((point.wer for point in curve.points), reverse=True)
    assert (curve.points[0].wer, curve.points[-1].wer, curve.clips) == (1.0, 0.0, 40)
    assert sum(point.clips for point in curve.points) == 40


def test_speakers_are_ranked_worst_first(make_trials: MakeTrials) -> None:
    trials = make_trials(("a", "a"), ("a", "b"), ("a", "b"), speakers=["good", "bad", None])
    ranges = speaker_ranges(trials, resample([None] * 3))
    assert [(each.speaker, each.wer) for each in ranges] == [("bad", 1.0), ("good", 0.0)]


def test_words_are_counted_by_what_happens_to_them(make_trials: MakeTrials) -> None:
    trials = make_trials(("red planet", "read planet"), ("red mars", "mars"), ("mars", "mars attacks"))
    figures = measure_vocabulary(trials.all, known={"mars", "planet"})
    assert [(c.said, c.heard, c.count) for c in figures.confusions] == [("red", "read", 1)]
    assert [w.word for w in figures.deleted] == ["red"]
    assert [w.word for w in figures.inserted] == ["attacks"]
    assert [(w.word, w.count) for w in figures.never] == [("red", 2)]
    assert [(b.never, b.sometimes, b.always) for b in figures.frequencies] == [
        (0, 0, 1),
        (1, 0, 1),
        (0, 0, 0),
        (0, 0, 0),
    ]
    assert figures.unknown is not None
    assert (figures.unknown.words, figures.unknown.errors, figures.unknown.known_errors) == (2, 2, 0)


def of_item(trials: Trials, item: str, template: str = "{title}") -> Trials:
    """Say which item the queries were made from."""
    step = Step("query", "1", {"item": item, "template": template})
    return Trials(tuple(replace(t, utterance=replace(t.utterance, lineage=(step,))) for t in trials.all), (), ())


def test_the_search_is_asked_with_both_texts_and_its_losses_are_ranked(make_trials: MakeTrials) -> None:
    found = {"jaws": ["jaws", "rocky"], "rocky": ["rocky"], "jars": ["ants", "jaws"], "nothing": []}
    trials = make_trials(("jaws", "jaws"), ("jaws", "jars"), ("rocky", "nothing"), ("rocky", ""))
    impact = measure_search(trials.all, lambda text: found[text], resample([None] * 4))
    assert impact is not None
    assert (impact.reference.mrr, impact.heard.mrr) == (1.0, (1 + 0.5 + 0 + 0) / 4)
    assert impact.heard.recall == ((1, 0.25), (5, 0.5), (10, 0.5))
    assert (impact.heard.no_results, impact.labelled) == (0.5, 0)
    assert [(loss.utterance, loss.lost) for loss in impact.losses] == [("u2", 1.0), ("u3", 1.0), ("u1", 0.5)]
    assert impact.heard.interval.low <= impact.heard.mrr <= impact.heard.interval.high


def test_the_item_that_was_asked_for_counts_where_it_is_known(make_trials: MakeTrials) -> None:
    trials = make_trials(("jaws", "jaws"))
    impact = measure_search(of_item(trials, "jaws two").all, lambda text: ["jaws", "jaws two"], resample([None]))
    assert impact is not None
    assert (impact.labelled, impact.reference.mrr) == (1, 0.5)
    by_genre = of_item(trials, "jaws two", "{genre} films")
    impact = measure_search(by_genre.all, lambda text: ["jaws", "jaws two"], resample([None]))
    assert impact is not None
    assert (impact.labelled, impact.reference.mrr) == (0, 1.0)
