"""Human level: the shipped trap to the digit, people against each other and against themselves, before and after."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.manifest import read_manifest
from labeling.agreement import Agreement, measure_agreement
from labeling.rulebook import shipped_convention
from labeling.transcriptions import Transcription, read_transcriptions
from labeling.variants import by_rule, census, settling_rule

CONVENTION = shipped_convention()
EXAMPLES = Path(__file__).parents[2] / "examples" / "labeling"


def agreement(*transcriptions: Transcription, **options: dict[str, str]) -> Agreement:
    measured = measure_agreement(transcriptions, CONVENTION, resamples=50, **options)
    assert measured is not None
    return measured


def test_two_habits_at_70_and_30_agree_58_percent_and_the_majority_form_beats_them_by_12_points_for_nothing() -> None:
    heard = {u.id: u.pred_text or "" for u in read_manifest(EXAMPLES / "majority.jsonl", check_files=False)}
    trap = read_transcriptions(EXAMPLES / "trap.jsonl")
    measured = measure_agreement(trap, CONVENTION, recognised=heard)
    assert measured is not None
    assert measured.model is not None
    assert sum("," in transcription.text for transcription in trap) / len(trap) == 0.7
    assert measured.human.before.exact == 0.58
    assert measured.model.before.exact == 0.7
    assert measured.lead_before == pytest.approx(0.12, abs=1e-12)
    assert measured.human.after.exact == measured.model.after.exact == 1.0
    assert measured.lead_after == 0.0
    assert [(v.first, v.second, v.count, v.rule) for v in measured.variants] == [("um,", "um...", 42, "punctuation")]


def test_the_interval_of_the_trap_holds_its_figure() -> None:
    measured = agreement(*read_transcriptions(EXAMPLES / "trap.jsonl"))
    interval = measured.human.before.exact_interval
    assert 0.45 < interval.low < 0.58 < interval.high < 0.71


def test_the_example_of_habits_names_the_rule_behind_each_disagreement() -> None:
    measured = agreement(*read_transcriptions(EXAMPLES / "habits.jsonl"))
    settled = {(v.first, v.second): v.rule for v in measured.variants}
    assert settled["2", "two"] == "numbers"
    assert settled["", "um,"] == settled["Um", "umm..."] == "fillers"
    assert settled["The", "the"] == "case"
    assert by_rule(measured.variants)[0].rule == "fillers"
    assert {level.name: level.before.exact for level in measured.tags} == {"numbers": 0.3, "titles": 0.0}


def test_people_are_held_against_all_the_others() -> None:
    measured = agreement(
        *(Transcription("a", person, text) for person, text in (("x", "alien"), ("y", "alien"), ("z", "aliens")))
    )
    assert {level.name: level.before.exact for level in measured.people} == {"x": 0.5, "y": 0.5, "z": 0.0}
    assert {level.name: level.before.exact for level in measured.pairs} == {"x and y": 1, "x and z": 0, "y and z": 0}


def test_errors_between_people_are_divided_by_the_mean_length_of_both() -> None:
    measured = agreement(Transcription("a", "x", "play alien three"), Transcription("a", "y", "alien"))
    assert measured.human.before.wer == 2 / ((3 + 1) / 2)


def test_a_second_take_measures_a_person_against_themselves_only() -> None:
    measured = agreement(
        Transcription("a", "x", "alien"),
        Transcription("a", "x", "aliens", take=2),
        Transcription("a", "y", "alien"),
    )
    assert measured.human.before.exact == 1.0
    assert [(level.name, level.before.exact) for level in measured.repeats] == [("x", 0.0)]


def test_clips_of_one_person_and_skipped_clips_say_nothing() -> None:
    assert measure_agreement([Transcription("a", "x", "alien")], CONVENTION) is None
    skipped = Transcription("a", "y", "", skipped=True)
    assert measure_agreement([Transcription("a", "x", "alien"), skipped], CONVENTION) is None


TEXTS = st.sampled_from(["um, alien", "Alien", "alien 3", "alien three", "", "ok", "okay alien", "1917"])
LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), TEXTS), min_size=2, max_size=20).map(
    lambda drawn: list({(clip, person): Transcription(clip, person, text) for clip, person, text in drawn}.values())
)


@given(LABELS, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_the_lines_does_not_matter(labels: list[Transcription], chance: random.Random) -> None:
    shuffled = list(labels)
    chance.shuffle(shuffled)
    measured, again = (measure_agreement(lines, CONVENTION, resamples=1) for lines in (labels, shuffled))
    assert (measured is None) == (again is None)
    if measured and again:
        assert (measured.human.before.exact, measured.human.after.wer) == (
            again.human.before.exact,
            again.human.after.wer,
        )
        assert {(v.first, v.second, v.count) for v in measured.variants} == {
            (v.first, v.second, v.count) for v in again.variants
        }


@given(LABELS)
@settings(max_examples=50)
def test_the_convention_never_makes_people_agree_less_often(labels: list[Transcription]) -> None:
    if measured := measure_agreement(labels, CONVENTION, resamples=1):
        assert measured.human.after.exact >= measured.human.before.exact
        assert 0 <= measured.human.before.exact <= 1


@given(LABELS)
@settings(max_examples=50)
def test_people_who_write_the_same_agree_fully(labels: list[Transcription]) -> None:
    same = [replace(label, text=f"query {label.clip}") for label in labels]
    if measured := measure_agreement(same, CONVENTION, resamples=1):
        assert (measured.human.before.exact, measured.human.before.wer, measured.variants) == (1.0, 0.0, ())


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("um, alien", "um... alien", "punctuation"),
        ("um, alien", "alien", "fillers"),
        ("umm alien", "um alien", "fillers"),
        ("press 1", "press one", "numbers"),
        ("Alien", "alien", "case"),
        ("films of 1917", "films of nineteen seventeen", None),
        ("alien", "aliens", None),
    ],
)
def test_the_rule_that_settles_a_difference_is_the_one_after_which_the_texts_are_the_same(
    first: str, second: str, rule: str | None
) -> None:
    assert settling_rule(first, second, CONVENTION) == rule


def test_the_census_takes_each_stretch_by_itself() -> None:
    variants = census([("um, Play alien 3 now", "play aliens three now")], CONVENTION)
    assert {(v.first, v.second, v.rule) for v in variants} == {
        ("Play", "play", "case"),
        ("alien 3", "aliens three", None),
        ("", "um,", "fillers"),
    }
