"""Damaged audio: whatever is done to a real file, samples or one of our errors come of it, and memory stays bounded."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

from data.audio import decode
from data.errors import AudioError
from tests.conftest import ROOT
from tests.data.damage import LIMITS, damaged, real_files


@settings(max_examples=300)
@given(damaged(real_files()))
def test_any_damage_to_a_file_gives_samples_or_one_of_our_errors(content: bytes) -> None:
    try:
        decoded = decode(content, LIMITS)
    except AudioError:
        return
    assert 0 < len(decoded.samples) <= LIMITS.max_seconds * 16_000 + 1
    assert np.isfinite(decoded.samples).all()


@pytest.mark.slow
def test_decoding_thousands_of_damaged_files_takes_little_memory_each() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.data.damage", "5000"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["files"] >= 5000
    assert len(figures["outcomes"]) > 3  # some are heard, others refused for different reasons
    assert figures["peak_mb"] < 64
