import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.phonetics import sound_of


@pytest.mark.parametrize(
    "alike",
    [
        ("night", "knight", "nite"),
        ("philip", "filip", "phillip"),
        ("right", "wright", "rite"),
        ("spielberg", "speelberg"),
        ("cider", "sider"),
        ("kubrick", "coobrik"),
        ("four", "for", "fore"),
        ("two", "too", "to"),
        ("quay", "kay"),
    ],
)
def test_words_of_one_sound_are_written_alike(alike: tuple[str, ...]) -> None:
    assert len({sound_of(word) for word in alike}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("cat", "cut off"), ("alien", "aliens"), ("lamb", "lamp"), ("ring", "king")]
)
def test_words_of_other_consonants_are_not(one: str, other: str) -> None:
    assert sound_of(one) != sound_of(other)


def test_numbers_and_other_scripts_stay() -> None:
    assert (sound_of("2001"), sound_of("千"), sound_of("1100")) == ("2001", "千", "1100")


@given(word=st.text(max_size=64))
def test_no_word_sounds_like_nothing_or_grows_without_bound(word: str) -> None:
    assert bool(sound_of(word)) == bool(word)
    assert len(sound_of(word)) <= 2 * len(word)
