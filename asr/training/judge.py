"""How good tuned weights are, heard in int8 as they are served: word errors, never the loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.adapter import AdapterCard, Arrays, merge, scaled
from asr.recognizer import Recognizer
from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.training.examples import Example
from data.errors import AudioError, TrainingError
from data.records import Release, Samples


@dataclass(frozen=True, slots=True)
class Point:
    """Weights that lie `share` of the way from the start to the tuned ones, and their word error rates.

    `general` is that of general speech, None where none was given.
    """

    share: float
    dev: float
    general: float | None = None


class Judge:
    """Clips that are heard again and again."""

    def __init__(
        self,
        base: Release,
        dev: Sequence[Example],
        general: Sequence[Example],
        scratch: Path,
        report: Callable[[str], None],
    ) -> None:
        self._base = base
        self.scratch = scratch
        self._dev = read_clips(dev, report)
        self._general = read_clips(general, report)
        if not self._dev:
            raise TrainingError("no clip of the development part has words and can be read; mend the manifest")

    def dev_wer(self, arrays: Arrays) -> float:
        """Give the word error rate on the development part.

        Args:
            arrays: Of the adapter that makes the weights of the start; empty for the start itself.

        Returns:
            A share of the words.
        """
        return word_error_rate(self._recognizer(arrays), self._dev)

    def point(self, arrays: Arrays, share: float) -> Point:
        """Judge weights part of the way from the start to the tuned ones, on the domain and on general speech.

        Args:
            arrays: Of the adapter that makes the tuned weights.
            share: Of the way.

        Returns:
            Both rates.
        """
        recognizer = self._recognizer(scaled(arrays, share) if share else {})
        general = word_error_rate(recognizer, self._general) if self._general else None
        return Point(share, word_error_rate(recognizer, self._dev), general)

    def _recognizer(self, arrays: Arrays) -> Recognizer:
        release = self._base
        if arrays:
            release = merge(
                self._base, AdapterCard("judged", self._base.sha256, context=self._base.context), arrays, self.scratch
            )
        return Recognizer(release, RecognizerSettings.load())


def best_point(points: Sequence[Point], max_regression: float) -> Point:
    """Choose how far to go: the fewest word errors in the domain among those that forget little.

    Args:
        points: The start first.
        max_regression: Most by which the rate on general speech may be above the start's.

    Returns:
        One of them, the nearest to the start where two are equal; the start where all others forget too much.
    """
    start = points[0]
    kept = [
        point
        for point in points
        if point is start
        or point.general is None
        or start.general is None
        or point.general <= start.general + max_regression
    ]
    return min(kept, key=lambda point: (point.dev, point.share))


def read_clips(examples: Sequence[Example], report: Callable[[str], None]) -> list[tuple[str, Samples]]:
    """Read the clips with words.

    Args:
        examples: Which.
        report: Called with a line for each that cannot be read.

    Returns:
        What is said, and the samples, of those that can.
    """
    read = []
    for example in examples:
        try:
            samples = example.samples()
        except (AudioError, OSError) as error:
            report(f"{example.path}: left out ({error})")
            continue
        if example.text:
            read.append((example.text, samples))
    return read


def word_error_rate(recognizer: Recognizer, clips: Sequence[tuple[str, Samples]]) -> float:
    """Give the pooled word error rate on clips, believing whatever the recogniser says.

    Args:
        recognizer: Of the weights.
        clips: What is said, and the samples.

    Returns:
        A share of the words.
    """
    heard = [hypotheses[0].text if hypotheses else "" for hypotheses, _ in (recognizer.decode(s) for _, s in clips)]
    return round(score([text for text, _ in clips], heard, resamples=1).wer, 5)
