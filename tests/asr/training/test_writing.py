"""Labels as Whisper writes them."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.training.writing import Writing, writing_of
from labeling.normalization import normalize

CATALOGUE = """id,title,year,director
1,The Silence of the Lambs,1991,Jonathan Demme
2,"Godfather, The",1972,Francis Ford Coppola
3,Clerks II,2006,Kevin Smith
4,"First Love, Last Rites",1998,Jesse Peretz
5,In,2001,Ann Lee
"""
MAPPING = """id = "id"
title = "title"
facets = ["director", "year"]

[searched]
title = 3.0
director = 3.0
year = 1.0
"""


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Writing:
    """What four films and a trap teach."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "films.csv").write_text(CATALOGUE, encoding="utf-8")
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    return writing_of(folder / "films.csv")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("play the silence of the lambs", "Play The Silence of the Lambs"),
        ("films by francis ford coppola", "Films by Francis Ford Coppola"),
        ("find the godfather from nineteen seventy two", "Find The Godfather from 1972"),
        ("first love last rites", "First Love Last Rites"),
        ("where is my phone", "Where is my phone"),
        ("", ""),
    ],
)
def test_names_have_their_capitals_and_years_their_digits(writing: Writing, said: str, written: str) -> None:
    assert writing.written(said) == written


def test_without_a_catalogue_a_sentence_has_its_capital_and_the_first_person_too() -> None:
    assert writing_of(None).written("the line i'm on was built in nineteen ten") == "The line I'm on was built in 1910"


def test_a_roman_numeral_stays_the_word_that_is_said(writing: Writing) -> None:
    assert writing.written("clerks two") == "Clerks Two"


def test_a_name_of_one_small_word_is_no_name_in_a_sentence(writing: Writing) -> None:
    assert writing.written("films in colour") == "Films in colour"


PARTS = ["the silence of", "the lambs", "godfather", "clerks", "two", "nineteen seventy", "hundred", "oh", "in", "one"]
WORDS = st.sampled_from(PARTS)


@given(words=st.lists(WORDS | st.text(string.ascii_lowercase, min_size=1, max_size=6), max_size=10))
def test_writing_never_changes_the_words(writing: Writing, words: list[str]) -> None:
    text = " ".join(words)
    assert normalize(writing.written(text)) == normalize(text)


def test_the_films_are_written_as_their_catalogue_has_them() -> None:
    films = Path(__file__).parents[3] / "examples" / "films" / "catalogue.csv"
    assert writing_of(films).written("i want to watch rabbit proof fence") == "I want to watch Rabbit-Proof Fence"
