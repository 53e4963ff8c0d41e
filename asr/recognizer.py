"""From a conditioned clip to a transcript with its n-best list: Whisper on CTranslate2."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from ctranslate2 import StorageView, get_cuda_device_count
from ctranslate2.models import Whisper, WhisperGenerationResult
from tokenizers import Tokenizer

from asr.calibration import confidence_of
from asr.features import CONTEXT_SAMPLES, HOP, own_log_mel, padded_log_mel
from asr.rejection import DEFAULT_LIMITS, RejectionLimits, compression_ratio, reject_audio, reject_text
from asr.settings import RecognizerSettings
from data.errors import ModelUnavailableError
from data.records import SAMPLE_RATE, Conditioned, Hypothesis, NullReason, Release, Samples, Transcript

VERSION = "3"
"""Changes whenever the same release would hear the same clip in another way."""

TOKENS_PER_SECOND = 12
"""More tokens than anybody speaks in a second; a decoder that needs more is stuck."""

SPARE_TOKENS = 24
"""Tokens allowed on top, for the prompt and very short clips."""

SENTENCE_MARKS = '.,!?;:\u2026"\u201c\u201d'
"""Punctuation that nobody says and no search needs. Without it the n-best list differs in words, not in commas."""


Heard: TypeAlias = tuple[tuple[Hypothesis, ...], float]
"""Hypotheses with different words, best first, and the probability in [0, 1] that nobody speaks."""


class Recognizer:
    """A loaded release; safe to call from several threads."""

    def __init__(
        self, release: Release, settings: RecognizerSettings, limits: RejectionLimits = DEFAULT_LIMITS
    ) -> None:
        self.release = release
        self.device = choose_device(settings.device)
        self._limits = limits
        self.beam_size = settings.beam_size
        try:
            self._model = Whisper(
                release.directory,
                device=self.device,
                compute_type="float16" if self.device == "cuda" else "int8",
                intra_threads=settings.threads,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelUnavailableError(f"{release.directory}: the model cannot be loaded ({error})") from error
        path = Path(release.directory, "tokenizer.json")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelUnavailableError(f"{path}: not a tokenizer ({error}); remove the folder to fetch it") from error
        self._prompt = list(prompt_of(self._tokenizer, self._model.is_multilingual, release.directory))
        self._suppressed = [-1, *sentence_mark_ids(self._tokenizer)]  # -1 stands for the model's own list
        self._n_mels = self._model.n_mels

    def warm_up(self) -> None:
        """Run once on a second of faint noise, so that the first query does not pay for lazy set-up."""
        noise = np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE).astype(np.float32)
        self.decode(noise)

    def recognize(self, clip: Conditioned) -> Transcript:
        """Transcribe a clip.

        Args:
            clip: A conditioned clip of at most 30 s; what lies beyond is not heard.

        Returns:
            The transcript; without text, and with the reason, where nothing believable was said.
        """
        return self.recognize_all([clip])[0]

    def recognize_all(self, clips: Sequence[Conditioned]) -> list[Transcript]:
        """Transcribe clips; those of like lengths are heard together, which saves time where there are many.

        Args:
            clips: As for `recognize`.

        Returns:
            What `recognize` makes of each, in the same order.
        """
        heard = dict(self.recognize_each(clips))
        return [heard[place] for place in range(len(clips))]

    def recognize_each(self, clips: Sequence[Conditioned]) -> Iterator[tuple[int, Transcript]]:
        """Transcribe clips as `recognize_all` does, the shortest first.

        Args:
            clips: As for `recognize`.

        Yields:
            A clip's place and its transcript, as soon as it is there.
        """
        places = []
        for place, clip in enumerate(clips):
            if (reason := reject_audio(clip, self._limits)) is None:
                places.append(place)
            else:
                yield place, Transcript("", (), 0.0, 1.0, 0.0, reason)
        for among, heard in self._decode_each([clips[place].samples for place in places]):
            place = places[among]
            yield place, self._believed(clips[place], *heard)

    def decode(self, samples: Samples) -> Heard:
        """Transcribe samples as they are, believing whatever the model says.

        Args:
            samples: 16 kHz mono, shape `(n_samples,)`; what lies beyond 30 s is not heard.

        Returns:
            Hypotheses with different words, best first, none where there are no words; and the probability in [0, 1]
            that nobody speaks.
        """
        return self.decode_all([samples])[0]

    def decode_all(self, clips: Sequence[Samples]) -> list[Heard]:
        """Transcribe several clips' samples as they are.

        Args:
            clips: As for `decode`.

        Returns:
            What `decode` makes of each, in the same order.
        """
        heard = dict(self._decode_each(clips))
        return [heard[place] for place in range(len(clips))]

    def _decode_each(self, clips: Sequence[Samples]) -> Iterator[tuple[int, Heard]]:
        extract = padded_log_mel if self.release.context == "padded" else own_log_mel
        features = [extract(samples[:CONTEXT_SAMPLES], self._n_mels) for samples in clips]
        alike: dict[int, list[int]] = {}
        for place, mel in enumerate(features):
            alike.setdefault(mel.shape[1], []).append(place)
        for n_frames, places in sorted(alike.items()):
            results = self._model.generate(
                StorageView.from_array(np.stack([features[place] for place in places])),
                [self._prompt] * len(places),
                beam_size=self.beam_size,
                num_hypotheses=self.beam_size,
                max_length=min(SPARE_TOKENS + math.ceil(TOKENS_PER_SECOND * n_frames * HOP / SAMPLE_RATE), 224),
                suppress_tokens=self._suppressed,
                return_scores=True,
                return_no_speech_prob=True,
            )
            yield from zip(places, map(self._read, results), strict=True)

    def _read(self, result: WhisperGenerationResult) -> Heard:
        texts = self._tokenizer.decode_batch(result.sequences_ids)
        scored = zip(texts, result.scores, result.sequences_ids, strict=True)
        read = [Hypothesis(text.strip(), mean_log_prob(score, len(ids))) for text, score, ids in scored]
        return distinct(sorted(read, key=lambda each: -each.log_prob)), float(result.no_speech_prob)

    def _believed(self, clip: Conditioned, hypotheses: tuple[Hypothesis, ...], no_speech_prob: float) -> Transcript:
        if not hypotheses:
            return Transcript("", (), 0.0, no_speech_prob, 0.0, NullReason.NO_SPEECH)
        best = hypotheses[0]
        reason = reject_text(best.text, confidence_of(best.log_prob, None), no_speech_prob, clip, self._limits)
        return Transcript(
            text="" if reason else best.text,
            nbest=hypotheses if reason in (None, NullReason.LOW_CONFIDENCE) else (),
            confidence=confidence_of(best.log_prob, self.release.calibration),
            no_speech_prob=no_speech_prob,
            compression_ratio=compression_ratio(best.text),
            null_reason=reason,
        )


def choose_device(wanted: str) -> str:
    """Choose where to run.

    Args:
        wanted: `auto`, `cpu` or `cuda`.

    Returns:
        `cpu` or `cuda`.
    """
    if wanted != "auto":
        return wanted
    return "cuda" if get_cuda_device_count() > 0 else "cpu"


def mean_log_prob(score: float, n_tokens: int) -> float:
    """Give the mean log probability of a hypothesis' tokens, the end of text among them.

    Args:
        score: As CTranslate2 gives it: the sum over all tokens divided by their number without the end of text.
        n_tokens: That number.

    Returns:
        At most 0. Source: faster-whisper's `avg_logprob`.
    """
    return min(score * n_tokens / (n_tokens + 1), 0.0)


def prompt_of(tokenizer: Tokenizer, multilingual: bool, where: str) -> tuple[int, ...]:
    """Give the tokens that every decoding starts with.

    Args:
        tokenizer: Whisper's.
        multilingual: Whether the model must be told the language.
        where: The model, for the message.

    Returns:
        Token numbers, that of the start of a transcript first.

    Raises:
        ModelUnavailableError: The tokenizer is not Whisper's.
    """
    names = ["<|startoftranscript|>", "<|notimestamps|>"]
    if multilingual:
        names[1:1] = ["<|en|>", "<|transcribe|>"]
    ids = [token for name in names if (token := tokenizer.token_to_id(name)) is not None]
    if len(ids) < len(names):
        raise ModelUnavailableError(f"{where}: tokenizer.json is not that of a Whisper model")
    return tuple(ids)


def sentence_mark_ids(tokenizer: Tokenizer) -> list[int]:
    """Find the tokens that are sentence punctuation and nothing else.

    Args:
        tokenizer: Of a Whisper model.

    Returns:
        Their ids.
    """
    pieces = tokenizer.get_vocab(with_added_tokens=False)
    return sorted(
        number
        for piece, number in pieces.items()
        if piece.strip("\u0120") and not piece.strip("\u0120" + SENTENCE_MARKS)
    )


def distinct(hypotheses: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Keep the best of the hypotheses that differ only in case or punctuation.

    Args:
        hypotheses: Best first.

    Returns:
        Those with different words, best first, none without words.
    """
    kept: dict[str, Hypothesis] = {}
    for hypothesis in hypotheses:
        words = " ".join(re.findall(r"[\w']+", hypothesis.text.lower()))
        if words:
            kept.setdefault(words, hypothesis)
    return tuple(kept.values())
