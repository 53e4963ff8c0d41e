"""Spoken forms: what people say when they read a title aloud."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.numerals import cardinal, ordinal, roman, roman_value
from data.spoken import plain_words, spoken_form

FILMS = Path(__file__).parents[2] / "examples" / "films" / "catalogue.csv"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Mr. & Mrs. Smith", "mister and missus smith"),
        ("2001: A Space Odyssey", "two thousand one a space odyssey"),
        ("Class of 1984", "class of nineteen eighty four"),
        ("2012", "twenty twelve"),
        ("1408", "fourteen oh eight"),
        ("The 1980s", "the nineteen eighties"),
        ("20,000 Leagues Under the Sea", "twenty thousand leagues under the sea"),
        ("101 Dalmatians", "one hundred one dalmatians"),
        ("Friday the 13th", "friday the thirteenth"),
        ("25th Hour", "twenty fifth hour"),
        ("The Naked Gun 2½: The Smell of Fear", "the naked gun two and a half the smell of fear"),
        ("Naked Gun 33 1/3", "naked gun thirty three and a third"),
        ("Nine 1/2 Weeks", "nine and a half weeks"),
        ("3:10 to Yuma", "three ten to yuma"),
        ("$9.99", "nine dollars ninety nine"),
        ("Fahrenheit 9/11", "fahrenheit nine eleven"),
        ("Rocky IV", "rocky four"),
        ("Rocky V", "rocky five"),
        ("V for Vendetta", "v for vendetta"),
        ("Malcolm X", "malcolm x"),
        ("Henry V", "henry the fifth"),
        ("Star Wars: Episode I - The Phantom Menace", "star wars episode one the phantom menace"),
        ("E.T. the Extra-Terrestrial", "e t the extra terrestrial"),
        ("R.V.", "r v"),
        ("JFK and the FBI", "j f k and the f b i"),
        ("J.K. Rowling", "j k rowling"),
        ("Alien vs. Predator", "alien versus predator"),
        ("Dr. Strangelove", "doctor strangelove"),
        ("Godfather, The", "the godfather"),
        ("King Kong (1933)", "king kong"),
        ("Amélie", "amelie"),
        ("Schindler\N{RIGHT SINGLE QUOTATION MARK}s List", "schindler's list"),
        ("What's Up, Doc?", "what's up doc"),
        ("Spider-Man 2", "spider man two"),
        ("R2-D2", "r two d two"),
    ],
)  # fmt: skip
def test_a_title_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken_form(written) == said


written = st.text(max_size=40) | st.text("019IVXai.,:'&½/$#() -pt", max_size=20)


@given(written)
def test_a_spoken_form_has_only_letters_and_inner_apostrophes(text: str) -> None:
    assert re.fullmatch(r"(WORD( WORD)*)?".replace("WORD", "[a-z]+('[a-z]+)*"), spoken_form(text))


@given(written)
def test_the_spoken_form_of_a_spoken_form_is_itself(text: str) -> None:
    assert spoken_form(spoken_form(text)) == spoken_form(text)


def test_every_film_has_a_spoken_form() -> None:
    with FILMS.open(encoding="utf-8", newline="") as file:
        titles = [row["title"] for row in csv.DictReader(file)]
    silent = [title for title in titles if title and not spoken_form(title)]
    assert silent == []


@given(st.integers(1, 3_999))
def test_a_roman_numeral_is_read_back(number: int) -> None:
    assert roman_value(roman(number)) == number


@given(st.integers(0, 10**15 - 1))
def test_numbers_have_words_of_letters_only(number: int) -> None:
    assert re.fullmatch(r"[a-z ]+", cardinal(number))
    assert re.fullmatch(r"[a-z ]*(first|second|third|th)", ordinal(number))


@given(st.text(max_size=40))
def test_plain_words_do_not_depend_on_case_or_punctuation(text: str) -> None:
    assert plain_words(plain_words(text)) == plain_words(text)
    assert plain_words(f"“{text}!”") == plain_words(text)
