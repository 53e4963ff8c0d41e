import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.analysis import MAX_WORD, words


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
