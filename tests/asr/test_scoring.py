"""Scores: counted as the field counts, defined for every input."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.scoring import score
from labeling.normalization import normalize

sentences = st.lists(st.sampled_from(["the", "red", "planet", "mars", "attacks"]), max_size=6).map(" ".join)


def test_errors_are_counted_by_kind_and_pooled() -> None:
    result = score(["the quick brown fox", "jumps over"], ["the quack brown", "jumps right over"])
    assert (result.hits, result.substitutions, result.deletions, result.insertions) == (4, 1, 1, 1)
    assert result.words == 6
    assert result.wer == pytest.approx(3 / 6)
    assert result.sentence_accuracy == 0.0
    assert result.normalizer.startswith("whisper-normalizer 0.1.15")


def test_case_punctuation_and_spelled_numbers_are_no_errors() -> None:
    assert score(["Twenty thousand leagues!"], ["20,000 leagues"]).wer == 0.0
    assert normalize("Dr. Strange's colour") == normalize("doctor strange is color")


def test_empty_references_and_hypotheses_have_defined_rates() -> None:
    assert score([""], [""]).wer == 0.0
    assert score([""], ["text out of silence"]).wer == 1.0
    assert score(["words"], [""]).wer == 1.0
    both = score(["one word here", ""], ["one word here", "hallucinated"])
    assert both.insertions == 1
    assert both.wer == pytest.approx(1 / 3)


def test_lists_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="2 references and 1 hypotheses"):
        score(["a", "b"], ["a"])


@settings(max_examples=50)
@given(st.lists(st.tuples(sentences, sentences), min_size=1, max_size=6))
def test_the_interval_holds_its_bounds_and_counts_add_up(pairs: list[tuple[str, str]]) -> None:
    references, hypotheses = zip(*pairs, strict=True)
    result = score(references, hypotheses, resamples=50)
    assert result.wer_interval.low <= result.wer_interval.high
    assert result.hits + result.substitutions + result.deletions == result.words
    assert 0.0 <= result.sentence_accuracy <= 1.0
    assert (result.wer == 0.0) == (result.sentence_accuracy == 1.0)


@given(st.lists(sentences, min_size=1, max_size=6))
def test_a_perfect_transcript_has_no_errors(texts: list[str]) -> None:
    assert score(texts, texts, resamples=20).wer == 0.0
