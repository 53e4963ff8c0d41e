"""Names: B-WER and U-WER, and whole names that came through."""

from asr.evaluation.names import NameFinder, measure_names, names_of
from asr.evaluation.resampling import resample
from data.catalogue import read_catalogue
from tests.asr.evaluation.conftest import MakeTrials
from tests.conftest import FILMS


def test_the_longest_name_is_found_and_none_overlap() -> None:
    finder = NameFinder(["star wars", "star wars episode two", "episode two", "it"])
    words = ["play", "star", "wars", "episode", "two", "it"]
    assert [words[span.start : span.stop] for span in finder.find(words)] == [["star", "wars", "episode", "2"]] or [
        list(span) for span in finder.find(["play", "star", "wars", "episode", "2", "it"])
    ] == [[1, 2, 3, 4]]


def test_errors_inside_names_are_told_from_the_others(make_trials: MakeTrials) -> None:
    trials = make_trials(
        ("play the big lebowski", "play the pig lebowski now"), ("show the big lebowski", "show the big lebowski")
    )
    figures = measure_names(trials.all, NameFinder(["the big lebowski"]), resample([None] * 2))
    assert (figures.errors, figures.words) == (1, 6)
    assert (figures.other_errors, figures.other_words) == (1, 2)
    assert (figures.said, figures.heard, figures.right) == (2, 1, 1)
    assert (figures.recall, figures.precision) == (0.5, 1.0)
    assert figures.missed == {"the big lebowski": 1}


def test_a_word_added_inside_a_name_is_the_names_error(make_trials: MakeTrials) -> None:
    trials = make_trials(("big lebowski", "big old lebowski"))
    figures = measure_names(trials.all, NameFinder(["big lebowski"]), resample([None]))
    assert (figures.errors, figures.other_errors, figures.b_wer) == (1, 0, 0.5)


def test_without_any_name_all_figures_are_defined(make_trials: MakeTrials) -> None:
    figures = measure_names(make_trials(("a", "b")).all, NameFinder([]), resample([None]))
    assert (figures.b_wer, figures.precision, figures.recall, figures.u_wer) == (0.0, 1.0, 1.0, 1.0)


def test_names_are_titles_and_what_weighs_as_much() -> None:
    names = names_of(read_catalogue(FILMS))
    assert {"jurassic park", "steven spielberg"} <= set(names)
    assert not {"comedy", "nineteen ninety three"} & set(names)
