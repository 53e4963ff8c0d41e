"""How far to go from the start to the tuned weights."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.adapter import difference, int8_difference, low_rank, scaled
from asr.training.judge import Point, best_point

RATE = st.floats(0.0, 1.0)
POINTS = st.lists(st.tuples(RATE, RATE), min_size=1, max_size=6).map(
    lambda rates: [Point(place / 5, dev, general) for place, (dev, general) in enumerate(rates)]
)


@given(POINTS, st.floats(0.0, 0.1))
def test_what_is_chosen_never_forgets_more_than_allowed_and_is_never_worse_than_the_start(
    points: list[Point], allowed: float
) -> None:
    chosen = best_point(points, allowed)
    start = points[0]
    assert chosen.dev <= start.dev
    assert chosen is start or (chosen.general or 0.0) <= (start.general or 0.0) + allowed
    for point in points:
        kept = (point.general or 0.0) <= (start.general or 0.0) + allowed
        assert not kept or chosen.dev <= point.dev


def test_of_two_that_are_equal_the_nearer_to_the_start_is_chosen() -> None:
    points = [Point(0.0, 0.3), Point(0.5, 0.2), Point(1.0, 0.2)]
    assert best_point(points, 0.0).share == 0.5


@given(st.floats(0.0, 1.0))
def test_a_share_of_an_adapter_is_that_share_of_its_differences(share: float) -> None:
    chance = np.random.default_rng(0)
    arrays = {
        **low_rank("matrix", chance.normal(size=(2, 6)), chance.normal(size=(5, 2))),
        **int8_difference("whole", chance.normal(size=(4, 3))),
        **int8_difference("vector", chance.normal(size=7)),
    }
    for name in ("matrix", "whole", "vector"):
        part, all_of_it = difference(name, scaled(arrays, share)), difference(name, arrays)
        assert np.allclose(part, share * all_of_it, atol=5e-3)
