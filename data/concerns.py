"""What looks wrong in a manifest, worst first: each concern with how many clips, examples and the remedy."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data.balance import find_leaks
from data.choices import SplitBy
from data.condition import DEFAULT_OPTIONS
from data.groups import text_key
from data.manifest import ManifestLock
from data.measurement import ClipFigures
from data.numerals import ONES, TENS
from data.records import Utterance
from data.spoken import plain_words

EXAMPLES = 5
"""Clips that a concern names."""

LOUDNESS_TOLERANCE = 3.0
"""LU around the target within which a clip counts as normalised; peaks and short clips keep some from it."""

MIN_SNR_DB = 10.0
MIN_BANDWIDTH_HZ = 5_000.0
MAX_SILENCE_MS = (500.0, 800.0)
"""Before and after the speech; what conditioning leaves, and as much again as its detector is unsure of."""

MAX_CLIPPED_SHARE = 0.001
PACE = (0.7, 6.5)
"""Words a second of speech that are believable, for clips of at least three words."""

MAX_SECONDS = 30.0
MAX_SPEAKER_SHARE = 0.5
FEW_HOURS = 1.0
MIXED = (0.05, 0.95)
"""A habit that more than 5% and fewer than 95% of the transcripts have is no convention."""


NUMBER_WORDS = frozenset({*ONES[2:], *TENS, "hundred", "thousand", "million"})
"""Words that are only ever numbers; "one" is not."""


class Severity(StrEnum):
    """How bad it is: `wrong` spoils results, `doubtful` deserves a look, `note` is good to know."""

    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that looks wrong; `clips` names a few of the `count` clips it concerns."""

    severity: Severity
    title: str
    remedy: str
    count: int = 0
    clips: tuple[str, ...] = ()


def find_concerns(
    utterances: Sequence[Utterance],
    clips: Sequence[ClipFigures],
    lock: ManifestLock | None,
    broken_lock: str | None = None,
) -> tuple[Concern, ...]:
    """Look for what is wrong.

    Args:
        utterances: Those of a manifest.
        clips: Their figures, in the same order.
        lock: The manifest's lock, None where it has none.
        broken_lock: What is wrong with the lock.

    Returns:
        The concerns, worst first and, among equals, those of most clips first.
    """
    found = [
        *_about_files(utterances, clips, lock, broken_lock),
        *_about_texts(utterances, clips),
        *_about_sound(clips),
        *_about_people(utterances),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda concern: (order.index(concern.severity), -concern.count)))


def _about_files(
    utterances: Sequence[Utterance], clips: Sequence[ClipFigures], lock: ManifestLock | None, broken_lock: str | None
) -> list[Concern]:
    digests = {clip.id: clip.digest or clip.id for clip in clips}
    concerns = [
        _concern(Severity.WRONG, "cannot be read", "fetch or remove them", [c.id for c in clips if c.unreadable]),
        *_about_repeats(utterances, digests),
    ]
    if any(utterance.split for utterance in utterances):
        leaks = find_leaks(utterances, digests, SplitBy.TEXT, text_disjoint=False)
        remedy = "split the whole manifest again"
        names = [leak.clips[1] for leak in leaks]
        concerns.append(_concern(Severity.WRONG, "are in two splits by their audio or origin", remedy, names))
    if broken_lock:
        concerns.append(Concern(Severity.WRONG, "The manifest is not what was locked", broken_lock))
    elif lock is None:
        remedy = "split or check it: both lock what they write"
        concerns.append(Concern(Severity.NOTE, "The manifest is not locked", remedy))
    elif lock.convention is None:
        remedy = "run labeling check: training and scoring ask for it"
        concerns.append(Concern(Severity.NOTE, "No transcription convention has been checked", remedy))
    return [concern for concern in concerns if concern is not None]


def _about_repeats(utterances: Sequence[Utterance], digests: dict[str, str]) -> list[Concern | None]:
    same: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        same[digests[utterance.id]].append(utterance)
    repeated = [group for group in same.values() if len(group) > 1]
    differing = [u.id for group in repeated if len({text_key(u.text) for u in group}) > 1 for u in group]
    equal = [u.id for group in repeated if len({text_key(u.text) for u in group}) == 1 for u in group]
    return [
        _concern(
            Severity.WRONG, "have the audio of another clip but another text", "correct the wrong text", differing
        ),
        _concern(Severity.NOTE, "are the same audio and text as another", "splitting keeps them together", equal),
    ]


def _about_texts(utterances: Sequence[Utterance], clips: Sequence[ClipFigures]) -> list[Concern]:
    wordless = [u.id for u in utterances if not u.text.strip()]
    pace = [c.id for c in clips if c.words >= 3 and c.words_per_second and not PACE[0] <= c.words_per_second <= PACE[1]]
    concerns = [
        _concern(Severity.WRONG, "have no transcript", "transcribe or remove them", wordless),
        _concern(
            Severity.DOUBTFUL, "are too fast or too slow for their text", "listen: the text may be another's", pace
        ),
    ]
    habits: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("begin with a capital letter", lambda text: text[:1].isupper()),
        ("end with a full stop, question or exclamation mark", lambda text: text.rstrip()[-1:] in ".?!"),
    )
    written = [utterance for utterance in utterances if utterance.text.strip()]
    for habit, has in habits:
        share = sum(has(u.text) for u in written) / max(len(written), 1)
        if MIXED[0] < share < MIXED[1]:
            title = f"{share:.0%} of the transcripts {habit}, the others do not"
            concerns.append(Concern(Severity.DOUBTFUL, title, "settle it with a convention: labeling check"))
    in_digits = sum(any(letter.isdigit() for letter in u.text) for u in written)
    in_words = sum(bool(NUMBER_WORDS & set(plain_words(u.text).split())) for u in written)
    if in_digits and in_words:
        title = f"Numbers are digits in {in_digits:,} transcripts and words in {in_words:,}"
        concerns.append(Concern(Severity.DOUBTFUL, title, "settle it with a convention: labeling check"))
    return [concern for concern in concerns if concern is not None]


def _about_sound(clips: Sequence[ClipFigures]) -> list[Concern]:
    target = DEFAULT_OPTIONS.target_lufs
    rules: tuple[tuple[Severity, str, str, Callable[[ClipFigures], bool]], ...] = (
        (
            Severity.WRONG,
            "have words but no speech in them",
            "listen, and correct or remove them",
            lambda clip: clip.words > 0 and not clip.unreadable and clip.speech_seconds == 0,
        ),
        (
            Severity.DOUBTFUL,
            f"are not within {LOUDNESS_TOLERANCE:g} LU of {target:g} LUFS",
            "run data prepare on them",
            lambda clip: clip.loudness is not None and abs(clip.loudness - target) > LOUDNESS_TOLERANCE,
        ),
        (
            Severity.DOUBTFUL,
            "have long silence before or after the speech",
            "run data prepare on them",
            lambda clip: (
                (clip.silence_before_ms or 0) > MAX_SILENCE_MS[0] or (clip.silence_after_ms or 0) > MAX_SILENCE_MS[1]
            ),
        ),
        (
            Severity.DOUBTFUL,
            f"are noisy: less than {MIN_SNR_DB:g} dB above the noise",
            "listen; keep them if users sound so",
            lambda clip: clip.words > 0 and clip.snr_db is not None and clip.snr_db < MIN_SNR_DB,
        ),
        (
            Severity.DOUBTFUL,
            f"have a narrow band: next to nothing above {MIN_BANDWIDTH_HZ:,.0f} Hz",
            "they come from a telephone or an old codec; keep them if users do",
            lambda clip: clip.words > 0 and clip.bandwidth_hz is not None and clip.bandwidth_hz < MIN_BANDWIDTH_HZ,
        ),
        (
            Severity.DOUBTFUL,
            "were clipped in the recording",
            "lower the recording level",
            lambda clip: max(clip.clipped_share, clip.source.clipped_share if clip.source else 0.0) > MAX_CLIPPED_SHARE,
        ),
        (
            Severity.DOUBTFUL,
            f"are longer than {MAX_SECONDS:g} s",
            "cut them: the recogniser hears no more",
            lambda clip: clip.seconds > MAX_SECONDS,
        ),
    )
    found = (_concern(level, title, remedy, [c.id for c in clips if is_so(c)]) for level, title, remedy, is_so in rules)
    return [concern for concern in found if concern is not None]


def _about_people(utterances: Sequence[Utterance]) -> list[Concern]:
    seconds: dict[str | None, float] = defaultdict(float)
    for utterance in utterances:
        seconds[utterance.speaker] += utterance.duration
    total = sum(seconds.values())
    concerns = []
    nameless = [utterance.id for utterance in utterances if utterance.speaker is None]
    known = {name: length for name, length in seconds.items() if name is not None}
    if len(known) == 1 and not nameless:
        remedy = "results will not say how others are understood; add speakers"
        concerns.append(Concern(Severity.DOUBTFUL, f"There is one speaker, {next(iter(known))}", remedy))
    elif known and max(known.values()) > MAX_SPEAKER_SHARE * total:
        name = max(known, key=lambda speaker: known[speaker])
        title = f"{name} speaks {known[name] / total:.0%} of the time"
        concerns.append(Concern(Severity.DOUBTFUL, title, "add other speakers"))
    unknown = _concern(Severity.NOTE, "have no speaker", "splits cannot keep voices apart", nameless)
    if unknown:
        concerns.append(unknown)
    if total < 3600.0 * FEW_HOURS:
        title = f"There is little audio: {total / 60:.1f} minutes"
        concerns.append(Concern(Severity.NOTE, title, "enough to test with; little to train on"))
    return concerns


def _concern(severity: Severity, what: str, remedy: str, ids: Sequence[str]) -> Concern | None:
    if not ids:
        return None
    title = f"{len(ids):,} clips {what}"
    if len(ids) == 1:
        title = f"1 clip {_singular(what)}"
    return Concern(severity, title, remedy, len(ids), tuple(ids[:EXAMPLES]))


def _singular(what: str) -> str:
    verb, _, rest = what.partition(" ")
    return f"{ {'have': 'has', 'are': 'is', 'were': 'was'}.get(verb, verb) } {rest}"
