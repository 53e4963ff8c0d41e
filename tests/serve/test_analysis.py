import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.analysis import MAX_WORD, phrase, words


def terms(text: str) -> list[str]:
    return [word.term for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Schindler's List", ["schindlers", "list"]),
        ("rock 'n' roll", ["rock", "n", "roll"]),
        ("Aimée & Jaguar", ["aimee", "and", "jaguar"]),
        ("The Naked Gun 2½", ["the", "naked", "gun", "2", "1", "2"]),
        ("Alien³", ["alien", "3"]),
        ("Ri¢hie Ri¢h", ["richie", "rich"]),
        ("Spider-Man_2", ["spider", "man", "2"]),
        ("Straße, Ærø, Łódź", ["strasse", "aero", "lodz"]),
        ("?!… &'", ["and"]),
        ("", []),
    ],
)
def test_words_are_folded(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_a_word_knows_how_it_was_written() -> None:
    assert [word.surface for word in words("Léon & 'Schindler's'")] == ["Léon", "&", "Schindler's"]


@given(text=st.text(max_size=100))
def test_words_have_the_same_words(text: str) -> None:
    assert terms(" ".join(terms(text))) == terms(text)


@given(text=st.text(max_size=100))
def test_case_and_composition_do_not_matter(text: str) -> None:
    assert terms(text.casefold()) == terms(text)


@given(text=st.text(max_size=300))
def test_no_word_is_empty_or_too_long(text: str) -> None:
    assert all(0 < len(term) <= MAX_WORD and not term.isspace() for term in terms(text))


@pytest.mark.parametrize(
    ("text", "said", "expected"),
    [
        ("Rocky IV", "rocky four", ["rocky", "4"]),
        ("two thousand and one", "two thousand and one", ["2001"]),
        ("2001", "two thousand one", ["2001"]),
        ("nineteen eighty four", "nineteen eighty four", ["1984"]),
        ("the nineties", "the nineties", ["the", "90s"]),
        ("the 1990s", "the nineteen nineties", ["the", "1990s"]),
        ("E.T.", "e t", ["et"]),
        ("e t", "e t", ["et"]),
        ("Aimée & Jaguar", "aimee and jaguar", ["aimee", "and", "jaguar"]),
        ("千と千尋", "千と千尋", ["千と千尋"]),
        ("?!", "", []),
    ],
)
def test_a_phrase_is_as_people_say_it_and_with_numbers_in_digits(text: str, said: str, expected: list[str]) -> None:
    assert (phrase(text).said, list(phrase(text).terms)) == (said, expected)


@given(text=st.text(max_size=200))
def test_the_terms_of_a_phrase_are_bounded_words(text: str) -> None:
    assert all(0 < len(term) <= MAX_WORD and " " not in term for term in phrase(text).terms)
