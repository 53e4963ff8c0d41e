"""The recogniser on real recordings: what is said, and nothing where nothing is said."""

import threading
from collections.abc import Callable

import numpy as np
import pytest

from asr.nonspeech import make_sound
from asr.recognizer import Recognizer, distinct
from asr.settings import RecognizerSettings
from data.condition import condition
from data.errors import ModelUnavailableError
from data.records import SAMPLE_RATE, Hypothesis, NullReason, Release, Samples
from labeling.normalization import normalize

Clip = Callable[[str], Samples]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("agent-loginok", "agent logged in"),
        ("auth-thankyou", "thank you"),
        ("all-circuits-busy-now", "all circuits are busy now"),
        ("vm-goodbye", "goodbye"),
        ("digits-7", "7"),
        ("jurassic-park", "jurassic park"),
    ],
)
def test_speech_is_recognised_also_under_a_second(recognizer: Recognizer, clip: Clip, name: str, said: str) -> None:
    transcript = recognizer.recognize(condition(clip(name)))
    assert normalize(transcript.text) == said
    assert transcript.null_reason is None
    assert 0.2 < transcript.confidence <= 1.0


def test_the_n_best_list_is_ordered_and_has_no_two_of_the_same_words(recognizer: Recognizer, clip: Clip) -> None:
    nbest = recognizer.recognize(condition(clip("schindlers-list"))).nbest
    scores = [hypothesis.log_prob for hypothesis in nbest]
    assert len(nbest) > 1
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 0.0
    assert distinct(nbest) == nbest


def test_sentence_punctuation_is_not_written(recognizer: Recognizer, clip: Clip) -> None:
    transcript = recognizer.recognize(condition(clip("agent-alreadyon")))
    assert (
        transcript.text.lower()
        == "that agent is already logged on please enter your agent number followed by the pound key"
    )


def test_hypotheses_that_differ_in_case_or_punctuation_are_one() -> None:
    hypotheses = [
        Hypothesis("Hello!", -0.1),
        Hypothesis("hello", -0.2),
        Hypothesis("yellow", -0.3),
        Hypothesis("...", -0.4),
    ]
    assert distinct(hypotheses) == (hypotheses[0], hypotheses[2])


def noise(level: float) -> Samples:
    return np.random.default_rng(1).normal(0, level, 3 * SAMPLE_RATE).astype(np.float32)


def hum() -> Samples:
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    return sum((0.1 * np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 8)), np.zeros(1)).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(SAMPLE_RATE, np.float32), NullReason.SILENCE),
        (np.full(600, 0.1, np.float32), NullReason.TOO_SHORT),
        (noise(0.003), NullReason.NO_SPEECH),
        (noise(0.1), NullReason.NO_SPEECH),
        (hum(), NullReason.NO_SPEECH),
        (make_sound("music", 0.91, 41), NullReason.NO_SPEECH),
    ],
    ids=["silence", "a click", "faint noise", "loud noise", "hum", "music that sounds like a voice"],
)
def test_where_nobody_speaks_there_is_no_text_but_a_reason(
    recognizer: Recognizer, samples: Samples, reason: NullReason
) -> None:
    transcript = recognizer.recognize(condition(samples))
    assert (transcript.text, transcript.null_reason) == ("", reason)


def test_several_threads_get_what_one_gets(recognizer: Recognizer, clip: Clip) -> None:
    names = ["agent-loginok", "auth-thankyou", "jurassic-park", "vm-goodbye"]
    clips = [condition(clip(name)) for name in names]
    alone = [recognizer.recognize(each).text for each in clips]
    together = [""] * len(clips)

    def work(place: int) -> None:
        together[place] = recognizer.recognize(clips[place]).text

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(clips))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_model_that_does_not_load_says_which(release: Release, tmp_path: "object") -> None:
    broken = Release("broken", str(tmp_path), "0" * 64)
    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        Recognizer(broken, RecognizerSettings.load())


@pytest.mark.gpu
def test_on_a_gpu_the_recogniser_runs_in_half_precision_and_hears_the_same(release: Release, clip: Clip) -> None:
    on_gpu = Recognizer(release, RecognizerSettings(device="cuda"))
    assert on_gpu.device == "cuda"
    assert normalize(on_gpu.recognize(condition(clip("auth-thankyou"))).text) == "thank you"
