"""Splits: the same every time, exact where they can be, and nothing on two sides that should not be."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.balance import balance_of, find_leaks, refuse_leaks
from data.choices import SplitBy
from data.errors import InvalidRequestError, ManifestError
from data.groups import text_key
from data.records import Step, Utterance
from data.split import Assignment, SplitOptions, split


def utterance(number: int, **values: object) -> Utterance:
    known = {
        "id": f"u{number}",
        "audio_filepath": f"{number}.flac",
        "duration": 1.0 + number % 7,
        "text": f"text {number}",
    }
    return Utterance(**{**known, **values})  # type: ignore[arg-type]  # any field, for brevity


def divided(utterances: list[Utterance], **options: object) -> Assignment:
    digests = {u.id: u.audio_filepath for u in utterances}
    return split(utterances, digests, SplitOptions(**options))  # type: ignore[arg-type]  # options are drawn by name


def counts(assignment: Assignment) -> dict[str, int]:
    return dict(Counter(str(u.split) for u in assignment.utterances))


def test_each_stratum_is_split_exactly_where_the_shares_divide_it() -> None:
    utterances = [utterance(n, tags=(f"kind:{n % 5}",)) for n in range(50)]
    for kind in range(5):
        members = [u for u in divided(utterances).utterances if u.tags == (f"kind:{kind}",)]
        assert Counter(u.split for u in members) == {"train": 6, "dev": 2, "test": 2}


def test_what_the_shares_do_not_divide_still_adds_up_over_the_strata() -> None:
    utterances = [utterance(n, tags=(f"kind:{n % 7}",)) for n in range(49)]
    totals = counts(divided(utterances))
    assert all(abs(totals[name] - 49 * share) <= 1 for name, share in (("train", 0.6), ("dev", 0.2), ("test", 0.2)))


def test_lengths_are_balanced() -> None:
    utterances = [utterance(n, duration=0.5 + n / 100) for n in range(300)]
    medians = [figures.lengths[1] for figures in balance_of(divided(utterances).utterances).sets.values()]
    assert max(medians) - min(medians) < 0.4


def test_speakers_are_disjoint_where_they_are_known() -> None:
    assignment = divided([utterance(n, speaker=f"s{n % 12}") for n in range(120)])
    balance = balance_of(assignment.utterances)
    assert assignment.by is SplitBy.SPEAKER
    assert set(balance.shared_speakers.values()) == {0}
    assert set(balance.sets) == {"train", "dev", "test"}
    assert balance.sets["train"].share == pytest.approx(0.6, abs=0.1)


def test_speakers_of_a_kind_are_spread_over_the_splits() -> None:
    utterances = [utterance(n, speaker=f"s{n % 20}", tags=(("gender:f", "gender:m")[n % 20 < 10],)) for n in range(200)]
    tags = balance_of(divided(utterances).utterances).tags
    assert tags["gender:f"] == tags["gender:m"] == {"train": 60, "dev": 20, "test": 20}


def test_with_one_speaker_texts_are_disjoint_and_the_report_says_so() -> None:
    utterances = [utterance(n, speaker="allison", text=f"Text {n // 3}!") for n in range(90)]
    assignment = divided(utterances)
    assert (assignment.by, assignment.reason) == (SplitBy.TEXT, "1 speaker cannot fill 3 splits, so voices are shared")
    assert set(balance_of(assignment.utterances).shared_texts.values()) == {0}


def test_tags_are_no_text_and_numbers_have_one_spelling() -> None:
    assert text_key("Press 1!") == text_key("press one [noise]")
    assert text_key("[noise]") == ""


def test_a_clip_without_a_speaker_means_texts_not_speakers() -> None:
    utterances = [utterance(n, speaker=f"s{n}" if n else None) for n in range(20)]
    assert divided(utterances).by is SplitBy.TEXT
    with pytest.raises(InvalidRequestError, match="u0 has no speaker"):
        divided(utterances, by=SplitBy.SPEAKER)


def test_the_same_audio_under_two_names_stays_together() -> None:
    utterances = [utterance(n, audio_filepath=f"{n % 10}.flac") for n in range(20)]
    assignment = divided(utterances)
    digests = {u.id: u.audio_filepath for u in utterances}
    assert find_leaks(assignment.utterances, digests, assignment.by, text_disjoint=False) == ()


def test_a_clip_made_from_another_stays_with_it() -> None:
    parents = [utterance(n) for n in range(10)]
    noisy = (Step("noise", "1", {"parent": "u3"}),)
    children = [utterance(100 + n, lineage=noisy) for n in range(3)]
    splits = {u.id: u.split for u in divided(parents + children).utterances}
    assert len({splits[name] for name in ("u3", "u100", "u101", "u102")}) == 1


def test_clips_of_one_recording_stay_together() -> None:
    lineage = (Step("record", "1", {"sha256": "aa"}),)
    utterances = [utterance(n, lineage=lineage if n < 4 else ()) for n in range(12)]
    assert len({u.split for u in divided(utterances).utterances[:4]}) == 1


def test_a_split_that_is_there_stays_and_draws_its_group_after_it() -> None:
    voices = [("joe", "test"), ("espeak", "train"), ("slt", None), ("awb", None), ("rms", None)]
    utterances = [utterance(n, speaker=voices[n % 5][0], split=voices[n % 5][1]) for n in range(50)]
    splits = {u.speaker: u.split for u in divided(utterances).utterances}
    assert (splits["joe"], splits["espeak"]) == ("test", "train")
    assert sorted(str(splits[name]) for name in ("slt", "awb", "rms")) == ["dev", "train", "train"]


def test_a_group_that_is_on_two_sides_already_is_refused() -> None:
    utterances = [utterance(0, speaker="a", split="train"), utterance(1, speaker="a", split="test")]
    utterances += [utterance(n, speaker=f"s{n}") for n in range(2, 9)]
    with pytest.raises(ManifestError, match="u1 is in test and u0 in train, but they belong together"):
        divided(utterances, by=SplitBy.SPEAKER)


def test_by_time_the_newest_are_held_out() -> None:
    utterances = [utterance(n, recorded_at=f"2026-{1 + n // 10:02d}-{1 + n % 10:02d}") for n in range(100)]
    assignment = divided(utterances, by=SplitBy.TIME)
    newest = {
        name: max(str(u.recorded_at) for u in assignment.utterances if u.split == name) for name in counts(assignment)
    }
    oldest = {
        name: min(str(u.recorded_at) for u in assignment.utterances if u.split == name) for name in counts(assignment)
    }
    assert newest["train"] < oldest["dev"] <= newest["dev"] < oldest["test"]
    assert counts(assignment) == {"train": 60, "dev": 20, "test": 20}


def test_by_time_the_last_two_months_can_be_named() -> None:
    utterances = [utterance(n, recorded_at=f"{2024 + n // 12}-{1 + n % 12:02d}-15T10:00:00Z") for n in range(24)]
    assignment = divided(utterances, by=SplitBy.TIME, test_from="2025-11-01", shares=(100, 0, 20))
    assert {u.recorded_at for u in assignment.utterances if u.split == "test"} == {
        "2025-11-15T10:00:00Z",
        "2025-12-15T10:00:00Z",
    }


def test_clips_of_one_moment_are_not_parted_by_time() -> None:
    utterances = [utterance(n, recorded_at=f"2026-01-{1 + n // 30:02d}") for n in range(90)]
    assert len({(u.recorded_at, u.split) for u in divided(utterances, by=SplitBy.TIME).utterances}) == 3


@pytest.mark.parametrize("when", [None, "yesterday"])
def test_by_time_a_clip_without_a_time_is_named(when: str | None) -> None:
    utterances = [utterance(n, recorded_at="2026-01-01" if n else when) for n in range(9)]
    with pytest.raises(InvalidRequestError, match="u0"):
        divided(utterances, by=SplitBy.TIME)


@pytest.mark.parametrize("shares", [(0, 50, 50), (-1, 50, 50)])
def test_impossible_shares_are_refused(shares: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidRequestError, match="shares"):
        divided([utterance(n) for n in range(9)], shares=shares)


corpora = st.lists(
    st.builds(
        lambda speaker, text, audio, duration, tag: {
            "speaker": speaker, "text": text, "audio_filepath": audio, "duration": duration, "tags": (tag,)
        },
        st.none() | st.sampled_from("abcdef"),
        st.sampled_from(["one", "two", "Two!", "three", "four", "five"]),
        st.integers(0, 30).map(str),
        st.floats(0.2, 30),
        st.sampled_from("xyz"),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@settings(max_examples=60)
@given(corpora, st.booleans(), st.integers(0, 3))
def test_nothing_ever_leaks(values: list[dict[str, object]], text_disjoint: bool, seed: int) -> None:
    utterances = [utterance(n, **fields) for n, fields in enumerate(values)]
    digests = {u.id: u.audio_filepath for u in utterances}
    assignment = divided(utterances, text_disjoint=text_disjoint, seed=seed)
    assert find_leaks(assignment.utterances, digests, assignment.by, text_disjoint=text_disjoint) == ()
    assert [replace(u, split=None) for u in assignment.utterances] == utterances


@settings(max_examples=100)
@given(corpora, st.randoms(use_true_random=False))
def test_the_order_of_the_manifest_does_not_matter(values: list[dict[str, object]], random: Random) -> None:
    utterances = [utterance(n, **fields) for n, fields in enumerate(values)]
    shuffled = list(utterances)
    random.shuffle(shuffled)
    assert {u.id: u.split for u in divided(utterances).utterances} == {
        u.id: u.split for u in divided(shuffled).utterances
    }


def test_another_seed_splits_otherwise() -> None:
    utterances = [utterance(n) for n in range(50)]
    assert divided(utterances, seed=1).utterances != divided(utterances, seed=2).utterances


def test_a_leak_of_audio_or_speaker_fails_and_names_the_clips() -> None:
    sides = [utterance(0, split="train", speaker="a"), utterance(1, split="test", speaker="a")]
    leaks = find_leaks(sides, {"u0": "x", "u1": "x"}, SplitBy.SPEAKER, text_disjoint=False)
    assert [leak.kind for leak in leaks] == ["audio", "speaker"]
    with pytest.raises(ManifestError, match=r"u0 \(train\) and u1 \(test\) have the same audio"):
        refuse_leaks(leaks)


def test_the_same_text_is_a_leak_only_when_asked() -> None:
    sides = [utterance(0, split="train", text="Thank you."), utterance(1, split="test", text="thank you")]
    digests = {"u0": "x", "u1": "y"}
    assert find_leaks(sides, digests, SplitBy.TEXT, text_disjoint=False) == ()
    (leak,) = find_leaks(sides, digests, SplitBy.TEXT, text_disjoint=True)
    assert (leak.kind, leak.what) == ("text", text_key("Thank you."))
