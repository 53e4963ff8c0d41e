"""Many clips to hypotheses: the batch side of "real time or batch".

Every clip is decoded and conditioned as in serving, those of like lengths are heard together, and what is done stays
done. Hypotheses are manifest lines with `pred_text`, `confidence` and `nbest`.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from asr.features import CONTEXT_SAMPLES
from asr.recognizer import VERSION, Recognizer, choose_device
from asr.release import read_release
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from data import condition as conditioning
from data.audio import AUDIO_SUFFIXES, decode
from data.batch import MANIFEST, Batch, Outcome, Rejection, Task, produce
from data.clips import CLIP_LIMITS
from data.condition import condition
from data.corpora.recording import Recording, corpus_of, recording_id
from data.errors import AudioError, AudioTooLongError, InvalidRequestError, ManifestError
from data.manifest import read_lock, read_manifest, to_line
from data.preparation import Reason
from data.records import SAMPLE_RATE, Conditioned, Step, Transcript, Utterance
from data.settings import HomeSettings
from data.workers import core_count

HEARD = "heard"
"""Name, or end of the name, of a file of hypotheses."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be transcribed: utterances, the folder of their clips, and the convention that their texts passed."""

    root: Path
    utterances: tuple[Utterance, ...]
    convention: str | None = None


def transcribe_all(
    source: Path, out: Path, processes: int | None, progress: Callable[[int, int], None], model: str | None = None
) -> Batch:
    """Transcribe a manifest or a folder.

    Args:
        source: A manifest, or a folder: its `manifest.jsonl`, or else every audio file below it.
        out: Where the hypotheses go, in the order of the source; what an earlier run did there is not done again.
        processes: How many processes; None for one for each core, or one where there is a GPU.
        progress: Called with how many clips are done, and of how many.
        model: The release, by name or folder; None for the one in use.

    Returns:
        The utterances with what was heard, and the recordings that could not be heard.

    Raises:
        InvalidRequestError: `out` is the source.
        ManifestError: The source cannot be used, none of it could be heard, or `out` has been worked on since.
        ModelError: There is no release to hear with.
    """
    found = read_source(source)
    if out.resolve() in (source.resolve(), (source / MANIFEST).resolve()):
        raise InvalidRequestError(f"{out}: is what is to be transcribed; name another file with --out")
    settings = RecognizerSettings.load()
    release = prepare_release(model or settings.model, HomeSettings.load().models, lambda line: None)
    if processes is None:
        processes = 1 if choose_device(settings.device) == "cuda" else core_count()
    asked = f"{VERSION} {conditioning.VERSION} {release.sha256} {release.calibration} {settings.beam_size}"
    tasks = [Task(_key(found.root, each, asked), each, each.duration) for each in found.utterances]
    return produce(
        out,
        tasks,
        partial(_hear, root=found.root, directory=release.directory),
        processes=processes,
        progress=progress,
        convention=found.convention,
        clips=found.root,
    )


def heard_path(source: Path) -> Path:
    """Give the usual place of the hypotheses of a manifest or a folder: `heard.jsonl`, `test-heard.jsonl`."""
    if source.is_dir():
        return source / f"{HEARD}.jsonl"
    return source.with_name(f"{HEARD}.jsonl" if source.name == MANIFEST else f"{source.stem}-{HEARD}.jsonl")


def read_source(source: Path) -> Source:
    """Find what is to be transcribed.

    Args:
        source: A manifest, or a folder: its `manifest.jsonl`, or else every audio file below it.

    Returns:
        The utterances; those of files without a manifest have no text, and no duration yet.

    Raises:
        ManifestError: There is nothing, two files would have one id, or a line of the manifest cannot be used.
    """
    manifest = source / MANIFEST if source.is_dir() else source
    if manifest.is_file():
        lock = None
        with suppress(ManifestError):  # one that was edited since is transcribed all the same
            lock = read_lock(manifest)
        return Source(manifest.parent, read_manifest(manifest), lock.convention if lock else None)
    if not source.is_dir():
        raise ManifestError(f"{source}: neither a manifest nor a folder; check the path")
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    if not files:
        raise ManifestError(f"{source}: no recordings in it; name a folder of audio, or a manifest")
    paths = [PurePosixPath(path.relative_to(source)) for path in files]
    named = corpus_of(source.name, source, (Recording(recording_id(path), path, "") for path in paths))
    return Source(source, tuple(Utterance(each.id, str(each.path), 0.0) for each in named.recordings))


def hear(recognizer: Recognizer, utterances: Sequence[Utterance], root: Path) -> list[Outcome]:
    """Hear clips.

    Args:
        recognizer: What hears.
        utterances: The clips.
        root: The folder that their paths start from.

    Returns:
        For each the utterance with its hypotheses, or why it could not be heard.
    """
    taken = [_take(utterance, root) for utterance in utterances]
    heard = iter(recognizer.recognize_all([clip for _, clip in (pair for pair in taken if isinstance(pair, tuple))]))
    return [pair if isinstance(pair, Rejection) else _told(pair[0], next(heard), recognizer) for pair in taken]


def _take(utterance: Utterance, root: Path) -> tuple[Utterance, Conditioned] | Rejection:
    """Decode and condition a clip as serving does; one without a duration gets the one that was found."""
    refuse = partial(Rejection, utterance.id, utterance.audio_filepath, utterance.text)
    try:
        decoded = decode((root / utterance.audio_filepath).read_bytes(), CLIP_LIMITS)
    except AudioTooLongError as error:
        return refuse(Reason.TOO_LONG, str(error))
    except (AudioError, OSError) as error:
        return refuse(Reason.UNDECODABLE, str(error))
    clip = condition(decoded.samples)
    if len(clip.samples) > CONTEXT_SAMPLES:
        detail = f"{clip.seconds:.1f} s; at most {CONTEXT_SAMPLES // SAMPLE_RATE} s are heard, so cut it at a pause"
        return refuse(Reason.TOO_LONG, detail)
    return replace(utterance, duration=utterance.duration or decoded.seconds), clip


def _told(utterance: Utterance, transcript: Transcript, recognizer: Recognizer) -> Utterance:
    release = recognizer.release
    decoding = {"beam_size": recognizer.beam_size, "context": release.context}
    step = Step("transcribe", VERSION, {"release": release.name, "sha256": release.sha256, **decoding})
    return replace(
        utterance,
        pred_text=transcript.text,
        confidence=round(transcript.confidence, 4),
        nbest=transcript.nbest,
        lineage=(*utterance.lineage, step),
    )


def _hear(utterances: Sequence[Utterance], *, root: Path, directory: str) -> list[Outcome]:
    return hear(_recognizer(directory), utterances, root)


@lru_cache(maxsize=1)
def _recognizer(directory: str) -> Recognizer:
    """Load the release once in each process."""
    return Recognizer(read_release(Path(directory)), RecognizerSettings.load())


def _key(root: Path, utterance: Utterance, asked: str) -> str:
    """Name the outcome of a clip: the same file, with the same labels, heard in the same way, is not heard again."""
    status = (root / utterance.audio_filepath).stat()
    identity = f"{to_line(utterance)} {status.st_size} {status.st_mtime_ns} {asked}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
