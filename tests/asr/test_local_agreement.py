"""Stable words of partial transcripts: agreed on twice, then never changed."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from asr.local_agreement import Partial, agree

TEXTS = st.lists(st.lists(st.sampled_from(["the", "The", "big", "bigger", "lebowski", "lebowski,", "?"])), max_size=8)


def partials(texts: list[list[str]]) -> list[Partial]:
    known = [Partial()]
    for words in texts:
        known.append(agree(known[-1], " ".join(words)))
    return known


def test_a_word_is_stable_once_two_hypotheses_begin_with_it() -> None:
    first, second, third = partials([["the", "pig"], ["the", "big"], ["The", "big", "lebowski"]])[1:]
    assert (first.stable, first.tentative) == ((), ("the", "pig"))
    assert (second.stable, second.tentative) == (("the",), ("big",))
    assert (third.stable, third.tentative) == (("the", "big"), ("lebowski",))


def test_a_hypothesis_that_contradicts_stable_words_changes_only_what_follows_them() -> None:
    known = partials([["the", "big"], ["the", "big"], ["a", "pig", "lebowski"], ["the", "big", "lebowski"]])
    assert known[3] == Partial(("the", "big"), ("lebowski",))
    assert known[4] == Partial(("the", "big", "lebowski"), ())


@given(texts=TEXTS)
def test_stable_words_never_change(texts: list[list[str]]) -> None:
    for before, after in pairwise(partials(texts)):
        assert after.stable[: len(before.stable)] == before.stable


@given(texts=TEXTS)
def test_what_is_newly_stable_was_in_the_last_two_hypotheses(texts: list[list[str]]) -> None:
    known = partials(texts)
    for at, (before, after) in enumerate(pairwise(known)):
        new = after.stable[len(before.stable) :]
        if new:
            assert tuple(texts[at])[: len(after.stable)][-len(new) :] == new
            assert len(before.words) >= len(after.stable)
        assert after.words == after.stable or after.tentative == tuple(texts[at])[len(after.stable) :]


@given(texts=TEXTS)
def test_hearing_the_same_twice_makes_all_of_it_stable(texts: list[list[str]]) -> None:
    known = partials(texts)[-1]
    text = " ".join([*known.stable, "big", "lebowski"])
    assert agree(agree(known, text), text).words == agree(agree(known, text), text).stable
