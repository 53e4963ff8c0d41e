"""Significance: the same answers as NIST's sc_stats, and corrections that correct."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.alignment import align_words, count
from asr.evaluation.resampling import resample
from asr.evaluation.significance import holm, matched_pairs, mcnemar, paired_bootstrap
from labeling.normalization import normalize
from tests.asr.evaluation.conftest import Prompts


def test_matched_pairs_and_mcnemar_agree_with_sc_stats(
    prompts: Prompts, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    needs_tool("sctk")
    kept = [place for place, said in enumerate(prompts.said) if normalize(said)]
    said, wide, narrow = (
        [normalize(texts[place]).split() for place in kept] for texts in (prompts.said, prompts.wide, prompts.narrow)
    )
    for name, texts in (("ref", said), ("one", wide), ("two", narrow)):
        lines = [f"{' '.join(text)} (spk-{place:05d})\n" for place, text in enumerate(texts)]
        (tmp_path / name).write_text("".join(lines))
    hypotheses = ["-h", "one", "trn", "one", "-h", "two", "trn", "two"]
    sclite = ["sctk", "sclite", "-r", "ref", "trn", *hypotheses, "-i", "wsj", "-o", "sgml", "stdout"]
    scored = subprocess.run(sclite, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    compare = ["sctk", "sc_stats", "-p", "-v", "-t", "mapsswe", "-t", "mcn", "-n", "tests"]
    subprocess.run(compare, input=scored, cwd=tmp_path, capture_output=True, text=True, check=True)

    ours = [align_words(*pair) for pair in zip(said, wide, strict=True)]
    theirs = [align_words(*pair) for pair in zip(said, narrow, strict=True)]
    report = (tmp_path / "tests.stats.mapsswe").read_text()
    shown = re.search(r"# segs: (\d+)\).*\(mean: (\S+)\) \(std dev: (\S+)\) \(Z Stat: (\S+)\)", report)
    assert shown is not None
    segments, mean, deviation, z = shown.groups()
    test = matched_pairs(ours, theirs)
    assert test.segments == int(segments) > 30
    assert [f"{value:.3f}" for value in (test.mean, test.deviation, test.z)] == [mean, deviation, z]

    errors = [np.array([count(pairs).errors for pairs in side]) for side in (ours, theirs)]
    sentences = mcnemar(*errors)
    confidence = re.search(r"Conf=\((\S+)\)", (tmp_path / "tests.stats.mcn").read_text())
    assert confidence is not None
    assert max(sentences.p, 0.001) == pytest.approx(float(confidence[1]), abs=6e-4)


def test_a_clear_improvement_is_significant_and_none_is_not() -> None:
    words = np.full(200, 5)
    ours, theirs = np.zeros(200, int), np.tile([0, 1], 100)
    resampling = resample([None] * 200)
    found = paired_bootstrap(resampling, ours, theirs, words)
    assert found.value == pytest.approx(-0.1)
    assert found.interval.low < -0.1 < found.interval.high < 0
    assert found.p == pytest.approx(2 / 1001)
    assert paired_bootstrap(resampling, theirs, theirs, words).p == 1.0


def test_holm_corrects_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_makes_a_value_smaller_or_changes_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(value <= after <= 1 for value, after in zip(values, adjusted, strict=True))
    assert sorted(range(len(values)), key=values.__getitem__) == sorted(
        range(len(values)), key=lambda i: (adjusted[i], values[i])
    )


def test_nothing_to_compare_has_defined_results() -> None:
    assert matched_pairs([], []).p == 1.0
    one = align_words(["a"], ["b"])
    test = matched_pairs([one], [align_words(["a"], ["a"])])
    assert (test.segments, test.mean, test.z, test.p) == (1, 1.0, 0.0, 1.0)
    assert mcnemar(np.array([0]), np.array([0])).p == 1.0
