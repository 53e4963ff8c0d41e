"""Suspect labels: what each kind of evidence finds, what it leaves alone, and how it adds up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Hypothesis, Utterance
from labeling.rulebook import shipped_convention
from labeling.suspects import EvidenceKind, Suspect, distance, find_suspects, rate_outliers

CONVENTION = shipped_convention()
WORDS = st.lists(st.sampled_from(["alien", "play", "press", "1", "22", "the", "godfather"]), max_size=6).map(" ".join)


def clip(name: str, text: str, seconds: float = 1.0, path: str | None = None) -> Utterance:
    return Utterance(name, path or f"{name}.flac", seconds, text)


def heard(name: str, *texts: str, confidence: float = 0.9) -> dict[str, Utterance]:
    nbest = tuple(Hypothesis(text, -0.1 - place) for place, text in enumerate(texts))
    return {name: Utterance(name, f"{name}.flac", 1.0, pred_text=texts[0], confidence=confidence, nbest=nbest)}


def suspects(utterances: list[Utterance], hypotheses: dict[str, Utterance] | None = None) -> tuple[Suspect, ...]:
    return find_suspects(utterances, hypotheses or {}, CONVENTION)


def score(label: str, *texts: str, confidence: float = 0.9) -> float:
    found = suspects([clip("a", label)], heard("a", *texts, confidence=confidence))
    return found[0].score if found else 0.0


def test_a_label_that_was_heard_is_not_suspected_however_it_is_written() -> None:
    assert score("Press 1, please.", "press one please") == 0.0


def test_a_label_in_the_list_of_hypotheses_is_not_suspected() -> None:
    assert score("the caller", "the color", "the caller") == 0.0


def test_the_surer_the_recogniser_the_stronger_the_evidence() -> None:
    assert score("alien", "the godfather", confidence=0.9) > score("alien", "the godfather", confidence=0.3) > 0


def test_a_wrong_number_and_a_cut_text_weigh_more_than_a_word_misheard() -> None:
    misheard = score("undelete this message", "undelieve this message")
    assert score("press 4 now", "press 6 now") > 2 * misheard
    assert score("press star", "press star to return to the main menu") > 2 * misheard


def test_a_clip_that_was_not_recognised_says_nothing() -> None:
    assert suspects([clip("a", "alien")]) == ()
    assert suspects([clip("a", "alien")], {"a": Utterance("a", "a.flac", 1.0, pred_text="", confidence=0.0)}) == ()


def test_one_recording_with_two_texts_is_suspected_on_both_sides() -> None:
    found = suspects([clip("a", "alien", path="x.flac"), clip("b", "aliens", path="x.flac"), clip("c", "alien")])
    assert {(s.utterance.id, s.evidence[0].kind) for s in found} == {
        ("a", EvidenceKind.DUPLICATE),
        ("b", EvidenceKind.DUPLICATE),
    }
    assert "is the same recording and says 'alien'" in found[1].evidence[0].detail


def test_the_one_that_differs_from_many_copies_comes_first() -> None:
    copies = [clip(name, "alien", path="x.flac") for name in "abc"]
    assert suspects([*copies, clip("z", "aliens", path="x.flac")])[0].utterance.id == "z"


def test_copies_are_found_by_the_hash_of_their_audio_too() -> None:
    found = find_suspects([clip("a", "alien"), clip("b", "aliens")], {}, CONVENTION, {"a": "1", "b": "1"})
    assert len(found) == 2


def test_a_text_that_the_convention_leaves_to_a_person_is_mild_evidence() -> None:
    (found,) = suspects([clip("a", "films of 1917"), clip("b", "Alien!")])
    assert (found.utterance.id, found.evidence[0].kind) == ("a", EvidenceKind.CONVENTION)
    assert found.score == pytest.approx(0.15)


def test_a_clip_far_too_long_for_its_text_stands_out() -> None:
    chance = np.random.default_rng(0)
    ordinary = [clip(str(n), "la " * n, 0.5 + 0.15 * n * float(chance.normal(1, 0.05))) for n in range(5, 45)]
    found = suspects([*ordinary, clip("odd", "la la la la la", 9.0)])
    assert found[0].utterance.id == "odd"
    assert found[0].evidence[0].detail == "9.0 s is too long for 10 letters"


def test_wrong_labels_do_not_bend_the_speaking_rate() -> None:
    letters = np.arange(10, 110)
    seconds = 0.4 + 0.06 * letters + np.random.default_rng(1).normal(0, 0.05, 100)
    spoiled = seconds.copy()
    spoiled[::10] *= 3
    assert np.abs(rate_outliers(spoiled.tolist(), letters.tolist())[1::10]).max() < 5
    assert rate_outliers(spoiled.tolist(), letters.tolist())[::10].min() > 10


@given(WORDS, WORDS)
def test_the_distance_is_none_only_between_the_same_words(first: str, second: str) -> None:
    assert distance(first, first) == 0.0
    assert distance(first, second) > 0 or first == second


@given(st.lists(st.tuples(WORDS, WORDS, st.floats(0, 1)), min_size=1, max_size=6))
def test_scores_are_shares_and_the_most_doubtful_comes_first(drawn: list[tuple[str, str, float]]) -> None:
    utterances = [clip(str(n), label) for n, (label, _, _) in enumerate(drawn)]
    hypotheses: dict[str, Utterance] = {}
    for n, (_, text, confidence) in enumerate(drawn):
        hypotheses |= heard(str(n), text, confidence=confidence)
    scores = [suspect.score for suspect in suspects(utterances, hypotheses)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= value <= 1 for value in scores)
