"""Texts against the shipped convention: what is fixed, what is left to a person, and the laws of fixing."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labeling.convention import check_text, fix_text, with_names
from labeling.rulebook import shipped_convention

CONVENTION = shipped_convention()

SPOKEN = (
    "um Um, umm... uh er OK o.k. press café naïve Mr. mister robot St. don't 'tis users' t v D.V.D. e.t. a.m god- -ing"
)
ODD = "1 12 1917. 2.5 $5 [noise] [Inaudible] (note:x) <beep> ' '' rock\u2019n\u2019roll & at&t #1 *"
MARKS = "hello...world a,b x/y - [ ] \u2014"
FOREIGN = "\u0130 \u0391\u03a3 \u304c \u00df"
FRAGMENTS = st.sampled_from(
    [*SPOKEN.split(), *ODD.split(), *MARKS.split(), *FOREIGN.split(), "\u00a0", "\t", "\n", "", " "]
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.tuples(st.lists(FRAGMENTS, max_size=8), st.sampled_from(["", " ", "  "])).map(lambda t: t[1].join(t[0])),
)


@given(TEXTS)
@example("um '")
@example("hello'' um")
@settings(max_examples=400)
def test_fixing_twice_is_fixing_once(text: str) -> None:
    fixed = fix_text(text, CONVENTION)
    assert fix_text(fixed, CONVENTION) == fixed


@given(TEXTS)
@settings(max_examples=400)
def test_a_fixed_text_passes_but_for_what_needs_a_person(text: str) -> None:
    assert not [v for v in check_text(fix_text(text, CONVENTION), CONVENTION).violations if v.safe]


@given(TEXTS)
@settings(max_examples=200)
def test_a_text_with_no_violation_is_left_alone(text: str) -> None:
    checked = check_text(text, CONVENTION)
    assert checked.violations or checked.fixed == text


@given(st.lists(st.from_regex(r"[b-z]{4,9}", fullmatch=True), min_size=1, max_size=6))
@settings()
def test_plain_words_pass(words: list[str]) -> None:
    settled = {form for rule in CONVENTION.rules for form in rule.check.forms}
    text = " ".join(word for word in words if word not in settled) or "alien"
    assert check_text(text, CONVENTION).violations == ()


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("Agent logged in.", "agent logged in"),
        ("...to lock, or unlock the conference.", "to lock or unlock the conference"),
        ("Press 3, to delete  it...", "press three to delete it"),
        ("It's 7 A.M.", "it's seven a m"),
        ("um, play Amélie, uh", "play amelie"),
        ("hello...world", "hello world"),
        ("O.K., call-forwarding & voice mail", "okay call forwarding and voicemail"),
        ("[Noise] hello[inaudible]", "[noise] hello [unintelligible]"),
        ("\u201cDon\u2019t\u201d", "don't"),
    ],
)
def test_what_can_be_read_in_one_way_is_fixed(text: str, fixed: str) -> None:
    assert fix_text(text, CONVENTION) == fixed
    assert check_text(fixed, CONVENTION).violations == ()


@pytest.mark.parametrize(
    ("text", "rule", "found"),
    [
        ("films of 1917", "numbers", "1917"),
        ("dial 2.5 now", "numbers", "2.5"),
        ("costs $5", "numbers", "$5"),
        ("dial 0", "numbers", "0"),
        ("the god- the godfather", "false-starts", "god-"),
        ("st petersburg", "abbreviations", "st"),
        ("press * now", "alphabet", "*"),
        ("at&t", "alphabet", "&"),
        ("x [door slams] y", "tags", "[door slams]"),
        ("er play it", "fillers", "er"),
        ("um", "fillers", "um"),
        ("", "words", ""),
    ],
)
def test_what_only_the_recording_tells_is_left_to_a_person(text: str, rule: str, found: str) -> None:
    checked = check_text(text, CONVENTION)
    assert [(v.rule, v.found, v.safe) for v in checked.violations] == [(rule, (found,), False)]
    assert checked.fixed == text


def test_a_number_that_needs_a_person_keeps_its_point_and_comma() -> None:
    assert fix_text("Dial 3,000 or 28.8, then 7.", CONVENTION) == "dial 3,000 or 28.8 then seven"


def test_a_person_is_shown_the_choices() -> None:
    (violation,) = check_text("st petersburg", CONVENTION).violations
    assert violation.suggestion == "saint or street"


def test_a_violation_shows_the_text_as_it_should_be() -> None:
    assert [(v.rule, v.suggestion) for v in check_text("Press 1.", CONVENTION).violations] == [
        ("case", "press 1."),
        ("numbers", "press one."),
        ("punctuation", "press one"),
    ]


def test_names_from_the_catalogue_keep_their_spelling() -> None:
    names = with_names(CONVENTION, ["Mr. Nobody", "Amélie Poulain", "OK", "2001: A Space Odyssey", "Alien"])
    assert fix_text("Play mister nobody!", names) == "play mr nobody"
    assert fix_text("amelie poulain", names) == "amélie poulain"
    assert check_text("mr nobody and amélie poulain", names).violations == ()
    assert fix_text("mr smith in a café", names) == "mister smith in a cafe"


def test_a_name_of_one_word_counts_only_where_it_is_all_that_was_said() -> None:
    names = with_names(CONVENTION, ["OK"])
    assert fix_text("OK", names) == "ok"
    assert fix_text("ok play it", names) == "okay play it"


@given(TEXTS)
@settings(max_examples=200)
def test_fixing_twice_is_fixing_once_with_names_too(text: str) -> None:
    names = with_names(CONVENTION, ["Mr. Robot", "Café Society", "OK Computer", "St. Vincent", "T.V. Okay"])
    fixed = fix_text(text, names)
    assert fix_text(fixed, names) == fixed
