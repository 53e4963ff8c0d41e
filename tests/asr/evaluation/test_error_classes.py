"""Error classes: each kind of mistake is told from the others."""

import pytest

from asr.evaluation.error_classes import ErrorClass, class_figures, mistakes_of, sound_of
from asr.evaluation.names import NameFinder
from tests.asr.evaluation.conftest import MakeTrials

NAMES = NameFinder(["the silence of the lambs", "rocky"])


@pytest.mark.parametrize(
    ("said", "heard", "kind"),
    [
        ("press one", "Press 1.", ErrorClass.CONVENTION),
        ("sci fi films", "scifi films", ErrorClass.CONVENTION),
        ("show me films", "", ErrorClass.REFUSED),
        ("[noise]", "thank you", ErrorClass.HALLUCINATION),
        ("films", "films i will be right back", ErrorClass.HALLUCINATION),
        ("the good the bad", "the good", ErrorClass.TRUNCATION),
        ("seven samurai", "eleven samurai", ErrorClass.NUMBER),
        ("show me a film", "show me a films", ErrorClass.INFLECTION),
        ("a night out", "a knight out", ErrorClass.HOMOPHONE),
        ("the silence of the lambs", "the silence of the lamps", ErrorClass.NAME),
        ("the silence of the ham", "the silence of the tub", ErrorClass.OTHER),
    ],
)
def test_a_mistake_is_classed(make_trials: MakeTrials, said: str, heard: str, kind: ErrorClass) -> None:
    (trial,) = make_trials((said, heard)).all
    assert {mistake.kind for mistake in mistakes_of(trial, NAMES)} == {kind}


def test_a_right_transcript_has_no_mistakes(make_trials: MakeTrials) -> None:
    (trial,) = make_trials(("rocky", "rocky")).all
    assert mistakes_of(trial, NAMES) == ()
    assert class_figures([]) == ()


def test_shares_are_of_all_errors_and_writing_is_kept_apart(make_trials: MakeTrials) -> None:
    trials = make_trials(("one dog", "1 dog"), ("a cat", "a rat"), ("see rocky", "see rookie soon"))
    figures = class_figures(mistake for trial in trials.all for mistake in mistakes_of(trial, NAMES))
    assert [(each.kind, each.errors) for each in figures] == [
        (ErrorClass.NAME, 2),
        (ErrorClass.OTHER, 1),
        (ErrorClass.CONVENTION, 1),
    ]
    assert [each.share for each in figures] == pytest.approx([2 / 3, 1 / 3, 1 / 4])


@pytest.mark.parametrize(
    "pair", [("knight", "night"), ("write", "right"), ("sea", "see"), ("phil", "fill"), ("cell", "sell")]
)
def test_words_that_sound_alike_share_a_key(pair: tuple[str, str]) -> None:
    assert sound_of(pair[0]) == sound_of(pair[1])


@pytest.mark.parametrize("pair", [("cat", "dog"), ("lamp", "lamb"), ("ship", "chip")])
def test_words_that_sound_different_do_not(pair: tuple[str, str]) -> None:
    assert sound_of(pair[0]) != sound_of(pair[1])
