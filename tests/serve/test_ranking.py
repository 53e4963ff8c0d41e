import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Hypothesis
from serve.analysis import phrase
from serve.ranking import EVIDENCE, FEATURES, Candidate, measure, rank, shipped_weights, word_similarity
from serve.readings import readings

WEIGHTS = shipped_weights()

words = st.lists(st.sampled_from(["alien", "aliens", "heat", "2001", "of", "千", "spielberg"]), min_size=1, max_size=5)


def candidate(title: str, other: str = "") -> Candidate:
    terms = phrase(other).terms
    return Candidate(phrase(title).said, phrase(title).terms, terms, (1.0,) * len(terms))


def order(query: str, *candidates: Candidate) -> list[int]:
    ranked, _ = rank(readings([Hypothesis(query, 0.0)]), candidates, lambda term: 1.0, WEIGHTS)
    return [each.place for each in ranked]


def is_sure(query: str, *candidates: Candidate) -> bool:
    return rank(readings([Hypothesis(query, 0.0)]), candidates, lambda term: 1.0, WEIGHTS)[1]


def test_the_weights_name_every_feature_and_every_evidence() -> None:
    assert (set(WEIGHTS.rank), set(WEIGHTS.sure)) == (set(FEATURES), set(EVIDENCE))


def test_the_title_that_sounds_like_the_query_is_first() -> None:
    assert order("sindlers list", candidate("Shopping List"), candidate("Schindler's List"))[0] == 1


def test_other_columns_decide_between_equal_titles() -> None:
    assert order("heat from 1995", candidate("Heat", "1986"), candidate("Heat", "1995"))[0] == 1


def test_a_query_that_names_no_title_is_answered_by_other_columns() -> None:
    assert order("films by ridley scott", candidate("Scott", "1999"), candidate("Alien", "Ridley Scott"))[0] == 1


@pytest.mark.parametrize(
    ("query", "sure"),
    [
        ("jurassic park", True),
        ("films by steven spielberg", True),
        ("tax forms", False),
        ("spielberg tax forms", False),
    ],
)
def test_only_what_is_there_is_sure(query: str, sure: bool) -> None:
    assert is_sure(query, candidate("Jurassic Park", "Steven Spielberg"), candidate("Heat", "Michael Mann")) == sure


def test_numbers_are_the_same_or_not_at_all() -> None:
    assert word_similarity(["2001", "two"], ["2001", "2010", "too"]).tolist()[0] == [1.0, 0.0, 0.0]


@given(query=words, titles=st.lists(words, min_size=1, max_size=6))
def test_features_are_between_0_and_1_and_every_candidate_is_ranked_once(
    query: list[str], titles: list[list[str]]
) -> None:
    candidates = [candidate(" ".join(title), "1979") for title in titles]
    understood = readings([Hypothesis(" ".join(query), 0.0), Hypothesis("heat", -1.0)])
    _, features = measure(understood, candidates, lambda term: 1.0)
    assert features.min() >= -1e-5
    assert features.max() <= 1.0 + 1e-5
    ranked, sure = rank(understood, candidates, lambda term: 1.0, WEIGHTS)
    assert sorted(each.place for each in ranked) == list(range(len(candidates)))
    assert np.all(np.diff([each.score for each in ranked]) <= 0.0)
    assert sure in (True, False)


@pytest.mark.parametrize("query", ["?", "the", "千と千尋"])
def test_candidates_without_words_do_no_harm(query: str) -> None:
    assert order(query + " alien", Candidate("", (), (), ()), candidate("Alien")) == [1, 0]
