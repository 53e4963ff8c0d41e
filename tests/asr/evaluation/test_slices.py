"""Slices: tags and bands, none that says nothing."""

from asr.evaluation.slices import SCALES, slices_of
from tests.asr.evaluation.conftest import MakeTrials


def test_tags_on_five_clips_are_slices_and_those_on_one_or_all_are_not(make_trials: MakeTrials) -> None:
    tags = [["all", "often"]] * 5 + [["all", f"once-{n}"] for n in range(5)]
    trials = make_trials(*[("a", "a")] * 10, tags=tags)
    assert [each.name for each in slices_of(trials.all) if each.kind == "tag"] == ["often"]


def test_bands_are_named_with_their_bounds(make_trials: MakeTrials) -> None:
    trials = make_trials(("find", ""), ("find a red planet", ""), snr=[4.9, 30.0])
    names = [each.name for each in slices_of(trials.all)]
    assert names == [
        "noise: SNR under 5 dB",
        "noise: SNR 30 dB and more",
        "length under 2 words",
        "length 3 to 4 words",
    ]


def test_a_bound_belongs_to_the_band_above_it() -> None:
    noise = SCALES[0]
    assert [noise.band(value) for value in (4.99, 5.0, 9.9, 10.0, 99.0)] == [0, 1, 1, 2, 4]
