import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Hypothesis
from serve.readings import MAX_PARTS, MAX_READINGS, MAX_TERMS, readings


def typed(text: str) -> list[Hypothesis]:
    return [Hypothesis(text, 0.0)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("play heat", "heat"),
        ("please show me heat", "heat"),
        ("i want to watch the movie heat please", "heat"),
        ("do you have heat from nineteen ninety five", "heat"),
        ("heat by michael mann", "heat"),
        ("Could you find me Heat?", "heat"),
    ],
)
def test_what_may_be_a_title_is_found_within_the_words_around_it(text: str, title: str) -> None:
    assert readings(typed(text))[0].titles[-1] == title


@pytest.mark.parametrize("text", ["play misty for me", "find me guilty", "the player", "born in east l a"])
def test_the_whole_query_always_may_be_a_title(text: str) -> None:
    assert readings(typed(text))[0].titles[0] == text


def test_words_that_name_nothing_are_not_asked_for() -> None:
    assert readings(typed("show me films by ridley scott from the nineties"))[0].asked == {"ridley", "scott", "90s"}


@pytest.mark.parametrize("text", ["the", "show me", "a film by", "in"])
def test_a_query_of_such_words_alone_asks_for_them(text: str) -> None:
    assert readings(typed(text))[0].asked


def test_likelier_hypotheses_have_larger_shares_and_those_without_words_none() -> None:
    understood = readings([Hypothesis("heat", -0.2), Hypothesis("?!", -0.3), Hypothesis("meet", -0.4)])
    assert [reading.hypothesis for reading in understood] == [0, 2]
    assert understood[0].share > understood[1].share


@given(texts=st.lists(st.tuples(st.text(max_size=300), st.floats(-5.0, 0.0)), max_size=8))
def test_shares_add_up_to_1_and_everything_is_bounded(texts: list[tuple[str, float]]) -> None:
    understood = readings([Hypothesis(text, log_prob) for text, log_prob in texts])
    assert len(understood) <= MAX_READINGS
    if understood:
        assert sum(reading.share for reading in understood) == pytest.approx(1.0)
    for reading in understood:
        assert 0 < len(reading.phrase.terms) <= MAX_TERMS
        assert 0 < len(reading.titles) <= MAX_PARTS
