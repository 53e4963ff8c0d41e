"""One query from words or a recording to results.

The command line, the endpoint and the benchmarks all answer through this; where a recording is heard is theirs to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from data.errors import InvalidRequestError
from data.records import Hypothesis, SearchHit, Transcript
from serve.hearing import Conditioning, Heard, Hearing
from serve.index import SearchIndex
from serve.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one query; `heard` is None for typed text.

    `sure` says whether the first hit is surely meant; where not, the hits are the nearest few.
    """

    transcript: Transcript
    hits: tuple[SearchHit, ...]
    sure: bool
    release: str
    timings_ms: Mapping[str, float]
    heard: Heard | None = None

    @property
    def conditioning(self) -> Conditioning | None:
        """What was done to the recording."""
        return self.heard.conditioning if self.heard else None


def answer_heard(index: SearchIndex, heard: Heard, release: str, limit: int, watch: Stopwatch) -> Answer:
    """Search for what was heard.

    Args:
        index: What to search.
        heard: A recording's transcript.
        release: What heard it.
        limit: Most results.
        watch: Gets the times of the stages.

    Returns:
        The answer. Where a transcript is too uncertain to stand, its hypotheses are still searched for, and nothing
        found by them is sure; without hypotheses there are no results.

    Raises:
        IndexUnavailableError: There is nothing to search in.
    """
    watch.timings_ms |= heard.timings_ms
    with watch.stage("search"):
        found = index.find(heard.transcript.nbest, limit)
    return Answer(
        transcript=heard.transcript,
        hits=found.hits,
        sure=found.sure and heard.transcript.null_reason is None,
        release=release,
        timings_ms=watch.finished(),
        heard=heard,
    )


def answer_text(index: SearchIndex, text: str, release: str, limit: int, watch: Stopwatch) -> Answer:
    """Search for what was typed.

    Args:
        index: What to search.
        text: What was typed.
        release: What would have heard it, had it been spoken.
        limit: Most results.
        watch: Gets the time of the search.

    Returns:
        The answer, its transcript being the text.

    Raises:
        InvalidRequestError: The text is blank.
        IndexUnavailableError: There is nothing to search in.
    """
    if not text.strip():
        raise InvalidRequestError("q: the query is empty; say or type what to search for")
    with watch.stage("search"):
        found = index.find((Hypothesis(text, 0.0),), limit)
    typed = Transcript(text=text, nbest=(), confidence=1.0, no_speech_prob=0.0, compression_ratio=0.0)
    return Answer(typed, found.hits, found.sure, release, watch.finished())


class Pipeline:
    """Hearing and an index in one process."""

    def __init__(self, hearing: Hearing, index: SearchIndex) -> None:
        self.hearing = hearing
        self.index = index
        self.release = hearing.recognizer.release.name

    def search_audio(self, content: bytes, limit: int) -> Answer:
        """Answer a spoken query as `answer_heard` does.

        Args:
            content: An audio file's bytes.
            limit: Most results.

        Returns:
            The answer.

        Raises:
            AudioError: The recording cannot be used.
            IndexUnavailableError: There is nothing to search in.
        """
        watch = Stopwatch()
        return answer_heard(self.index, self.hearing.hear(content), self.release, limit, watch)

    def search_text(self, text: str, limit: int) -> Answer:
        """Answer a typed query as `answer_text` does."""
        return answer_text(self.index, text, self.release, limit, Stopwatch())
