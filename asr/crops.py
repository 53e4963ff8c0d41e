"""The clips that short-context training hears: whole utterances, parts cut at pauses, utterances joined, and no speech.

Words are never cut: a decoder that is taught the text of half a word learns to invent. Every clip is conditioned as in
serving.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.features import CONTEXT_SAMPLES, HOP, MIN_OWN_SAMPLES
from asr.nonspeech import SOUND_KINDS, SoundKind, make_sound
from data.audio import AUDIO_SUFFIXES, AudioLimits, decode
from data.condition import VERSION, condition
from data.errors import AudioError, ManifestError
from data.files import sha256_of
from data.manifest import clip_path, read_manifest
from data.records import SAMPLE_RATE, Samples
from data.voice import FRAME, VoiceOptions, speech_frames, voice_probabilities

LIMITS = AudioLimits(max_bytes=1 << 30, max_seconds=3600.0)
"""A training recording may be much longer than a query."""

PAUSE_FRAMES = 6
"""A pause is at least this many frames of 32 ms without voice: longer than the closure of any consonant."""

MIN_SECONDS, MAX_CROP_SECONDS = 0.4, 9.0

HELD_OUT = 0.04
"""Share of the recordings, chosen by their content, that is never trained on, beside what a manifest keeps for
testing."""


@dataclass(frozen=True, slots=True)
class SpeechFile:
    """A clip of a folder or a manifest, with the transcript and the split that the manifest gives it."""

    path: Path
    text: str = ""
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of speech: `cuts` are the sample positions at which it may be cut, both ends included."""

    path: Path
    sha256: str
    cuts: tuple[int, ...]
    text: str = ""
    split: str | None = None

    @property
    def held_out(self) -> bool:
        """Whether this recording is for testing only."""
        return is_held_out(self.split, self.sha256, HELD_OUT)


@dataclass(frozen=True, slots=True)
class Part:
    """Samples `start` to `end` of a recording."""

    recording: Recording
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Crop:
    """One clip to train on or to test with: parts of recordings joined, or a made sound where there are none.

    `noise` is laid under speech at `level_db` below its power; without parts it is the clip, of `seconds`.
    """

    parts: tuple[Part, ...]
    text: str = ""
    noise: SoundKind | None = None
    level_db: float = 0.0
    seconds: float = 0.0
    seed: int = 0

    @property
    def n_samples(self) -> int:
        """Length before conditioning, in samples."""
        return sum(part.end - part.start for part in self.parts) or round(self.seconds * SAMPLE_RATE)

    @property
    def key(self) -> str:
        """A name that changes with anything that changes the samples."""
        told = [f"{part.recording.sha256}:{part.start}:{part.end}" for part in self.parts]
        told.append(f"{self.noise}:{self.level_db}:{self.seconds}:{self.seed}:{VERSION}")
        return sha256(" ".join(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Batch:
    """Clips that are heard together: their places in the list, and the length in samples that each is filled to."""

    members: tuple[int, ...]
    n_samples: int


def find_recordings(sources: Iterable[Path], report: Callable[[str], None]) -> list[Recording]:
    """Find the speech in folders and manifests, and where it may be cut.

    Args:
        sources: Manifests, folders with a `manifest.jsonl`, or folders whose audio files are all taken.
        report: Called with a line for each file that is left out.

    Returns:
        The recordings, in the order given.

    Raises:
        ManifestError: A source does not exist, a manifest is broken, or nothing usable is there.
    """
    found = []
    for file in (entry for source in sources for entry in speech_files(source)):
        try:
            samples = decode(file.path.read_bytes(), LIMITS).samples
        except (AudioError, OSError) as error:
            report(f"{file.path}: left out ({error})")
            continue
        found.append(Recording(file.path, sha256_of(file.path), find_cuts(samples), file.text, file.split))
    if not found:
        raise ManifestError(f"{', '.join(map(str, sources))}: no audio that can be used; name a folder of speech")
    return found


def speech_files(source: Path) -> Iterator[SpeechFile]:
    """Find the clips of a source.

    Args:
        source: A manifest, a folder with a `manifest.jsonl`, or a folder whose audio files are all taken.

    Yields:
        Each clip.

    Raises:
        ManifestError: The source does not exist, or its manifest is broken.
    """
    manifest = source / "manifest.jsonl" if source.is_dir() else source
    if manifest.is_file():
        for utterance in read_manifest(manifest):
            yield SpeechFile(clip_path(manifest, utterance), utterance.text, utterance.split)
    elif source.is_dir():
        yield from (SpeechFile(path) for path in sorted(source.rglob("*")) if path.suffix.lower() in AUDIO_SUFFIXES)
    else:
        raise ManifestError(f"{source}: neither a folder nor a manifest; check the path")


def is_held_out(split: str | None, sha256: str, share: float) -> bool:
    """Say whether a recording is never trained on.

    Args:
        split: That its manifest gives it, if any; all but `train` are held out.
        sha256: Of its file, which decides about the others.
        share: How many of these are held out, in [0, 1].

    Returns:
        The same for the same recording, whatever its name.
    """
    return split not in (None, "train") or int(sha256[:8], 16) / 2**32 < share


def find_cuts(samples: Samples) -> tuple[int, ...]:
    """Find where a recording can be cut without cutting a word.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`.

    Returns:
        Sample positions in rising order: 0, the middle of every pause of at least 192 ms, and `n_samples`.
    """
    conditioned = condition(samples)
    before = round(conditioned.cut_before_ms * SAMPLE_RATE / 1000)
    speech = speech_frames(voice_probabilities(conditioned.samples), VoiceOptions())
    edges = np.flatnonzero(np.diff(np.concatenate(([True], speech, [True]))))
    pauses = edges.reshape(-1, 2)
    middles = [before + (start + end) * FRAME // 2 for start, end in pauses if end - start >= PAUSE_FRAMES]
    return (0, *(int(middle) for middle in middles if 0 < middle < len(samples)), len(samples))


def plan_crops(recordings: Sequence[Recording], seed: int) -> list[Crop]:
    """Choose the clips: every utterance whole, parts of 0.4 to 9 s, joined utterances of up to 30 s, and no speech.

    Args:
        recordings: Of one side, for training or for testing.
        seed: Same seed, same clips.

    Returns:
        The clips, in no particular order.
    """
    chance = np.random.default_rng(seed)
    crops = []
    for recording in recordings:
        length = recording.cuts[-1]
        if MIN_SECONDS * SAMPLE_RATE <= length <= CONTEXT_SAMPLES:
            crops.append(Crop((Part(recording, 0, length),), recording.text))
        wanted = -(-length // (8 * SAMPLE_RATE))
        crops += [_with_noise(Crop((part,)), chance) for part in choose_parts(recording, wanted, chance)]
    crops += _joined(recordings, len(recordings) // 12, chance)
    crops += _without_speech(len(recordings) // 5, chance)
    return crops


def choose_parts(recording: Recording, wanted: int, chance: np.random.Generator) -> list[Part]:
    """Choose parts of a recording between pauses, short ones as often as long ones on a logarithmic scale.

    Args:
        recording: With its cuts.
        wanted: Most parts to choose.
        chance: Source of chance.

    Returns:
        Different parts of 0.4 to 9 s, none the whole.
    """
    cuts = np.array(recording.cuts)
    starts, ends = np.triu_indices(len(cuts), 1)
    seconds = (cuts[ends] - cuts[starts]) / SAMPLE_RATE
    usable = (seconds >= MIN_SECONDS) & (seconds <= MAX_CROP_SECONDS) & (ends - starts < len(cuts) - 1)
    starts, ends, seconds = cuts[starts[usable]], cuts[ends[usable]], seconds[usable]
    chosen: set[int] = set()
    for _ in range(wanted if len(seconds) else 0):
        aimed = np.exp(chance.uniform(np.log(MIN_SECONDS), np.log(MAX_CROP_SECONDS)))
        chosen.add(int(np.argmin(np.abs(np.log(seconds / aimed)))))
    return [Part(recording, int(starts[place]), int(ends[place])) for place in sorted(chosen)]


def render(crop: Crop) -> Samples:
    """Make a clip's samples, conditioned as serving does.

    Args:
        crop: Which.

    Returns:
        16 kHz mono, shape `(n_samples,)`, at most 30 s.

    Raises:
        AudioError: A recording can no longer be decoded.
    """
    if not crop.parts:
        return condition(make_sound(crop.noise or "silence", crop.seconds, crop.seed)).samples[:CONTEXT_SAMPLES]
    parts = [decode(p.recording.path.read_bytes(), LIMITS).samples[p.start : p.end] for p in crop.parts]
    samples = parts[0] if len(parts) == 1 else np.concatenate([condition(part).samples for part in parts])
    if crop.noise:
        noise = make_sound(crop.noise, len(samples) / SAMPLE_RATE, crop.seed)[: len(samples)]
        samples = samples + noise * (_rms(samples) / _rms(noise) * np.float32(10.0 ** (crop.level_db / 20.0)))
    return condition(samples).samples[:CONTEXT_SAMPLES]


def plan_batches(
    lengths: Sequence[int], batch_seconds: float, max_clips: int, max_tail: int, chance: np.random.Generator
) -> list[Batch]:
    """Group clips of like lengths, each group filled to one length, in random order.

    Args:
        lengths: Of the clips, in samples.
        batch_seconds: Most audio in a batch, unless one clip alone is longer.
        max_clips: Most clips in a batch.
        max_tail: Most samples that a clip is lengthened by, unless it is shorter than what is ever heard.
        chance: Source of chance.

    Returns:
        Batches in which every clip is once; half of them are no longer than their longest clip, as in serving.
    """
    order = np.argsort(np.array(lengths) * chance.uniform(0.95, 1.05, len(lengths)))
    batches: list[Batch] = []
    members: list[int] = []

    def close() -> None:
        group = [lengths[member] for member in members]
        spare = max_tail - (max(group) - min(group))
        tail = round(spare * max(chance.uniform(-1.0, 1.0), 0.0))
        filled = max(max(group) + tail // HOP * HOP, MIN_OWN_SAMPLES)
        batches.append(Batch(tuple(members), max(min(filled, CONTEXT_SAMPLES), max(group))))
        members.clear()

    for place in map(int, order):
        group = [lengths[member] for member in (*members, place)]
        too_much = max(*group, MIN_OWN_SAMPLES) * len(group) > batch_seconds * SAMPLE_RATE or len(group) > max_clips
        if members and (too_much or max(group) - min(group) > max_tail):
            close()
        members.append(place)
    if members:
        close()
    return [batches[place] for place in chance.permutation(len(batches))]


def _with_noise(crop: Crop, chance: np.random.Generator) -> Crop:
    if chance.random() >= 0.25:
        return crop
    kind = chance.choice([kind for kind in SOUND_KINDS if kind != "silence"])
    return Crop(
        crop.parts, noise=kind, level_db=round(-chance.uniform(5.0, 25.0), 1), seed=int(chance.integers(1 << 31))
    )


def _joined(recordings: Sequence[Recording], wanted: int, chance: np.random.Generator) -> Iterator[Crop]:
    """Join random recordings up to a random length; those that do not fit are passed over."""
    for _ in range(wanted):
        room = round(chance.uniform(10.0, 30.0) * SAMPLE_RATE)
        parts: list[Part] = []
        for place in chance.permutation(len(recordings))[:6]:
            length = recordings[place].cuts[-1]
            if length <= room:
                parts.append(Part(recordings[place], 0, length))
                room -= length
        if len(parts) > 1:
            yield Crop(tuple(parts))


def _without_speech(wanted: int, chance: np.random.Generator) -> Iterator[Crop]:
    for number in range(wanted):
        seconds = round(float(np.exp(chance.uniform(np.log(MIN_SECONDS), np.log(12.0)))), 2)
        kind = SOUND_KINDS[number % len(SOUND_KINDS)]
        yield Crop((), noise=kind, seconds=seconds, seed=int(chance.integers(1 << 31)))


def _rms(samples: NDArray[np.float32]) -> np.float32:
    return np.float32(np.sqrt(np.mean(np.square(samples)) + 1e-12))
