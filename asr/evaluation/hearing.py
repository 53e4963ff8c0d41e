"""Where hypotheses come from: a file of them, or a release that hears the manifest now."""

from dataclasses import replace
from pathlib import Path

from asr.evaluation.provenance import Hearing
from data.errors import ManifestError
from data.files import sha256_of
from data.manifest import read_manifest
from data.records import Utterance

SUFFIXES = (".jsonl", ".json")


def is_hypotheses(source: str) -> bool:
    """Say whether a name on the command line is a file of hypotheses and not a release."""
    return Path(source).suffix.lower() in SUFFIXES


def read_hearing(path: Path) -> Hearing:
    """Read hypotheses.

    Args:
        path: Manifest lines with `pred_text`, and where known `confidence` and `nbest`.

    Returns:
        The hypotheses, under the name of the file.

    Raises:
        ManifestError: The file cannot be used, has an id twice, or a line has no `pred_text`.
    """
    heard: dict[str, Utterance] = {}
    for utterance in read_manifest(path, check_files=False):
        if utterance.pred_text is None:
            raise ManifestError(f"{path}: {utterance.id} has no pred_text; transcribe the manifest first")
        heard[utterance.id] = utterance
    return Hearing(path.stem, str(path), sha256_of(path), heard, {})


def hear(source: str | None, manifest: Path, utterances: tuple[Utterance, ...]) -> Hearing:
    """Give what a recogniser made of a manifest.

    Args:
        source: A file of hypotheses, or a release: a name, a folder, None for the one in use.
        manifest: The test set.
        utterances: Those of the manifest.

    Returns:
        The hypotheses.

    Raises:
        ManifestError: The file cannot be used.
        ModelError: The release cannot be used.
    """
    if source is not None and is_hypotheses(source):
        return read_hearing(Path(source))
    from asr.recognizer import Recognizer
    from asr.settings import RecognizerSettings
    from asr.weights import prepare_release
    from data.clips import read_clip
    from data.condition import condition
    from data.manifest import clip_path
    from data.progress import progress_bar
    from data.settings import HomeSettings

    settings = RecognizerSettings.load()
    release = prepare_release(source or settings.model, HomeSettings.load().models, lambda line: None)
    recognizer = Recognizer(release, settings)
    heard: dict[str, Utterance] = {}
    with progress_bar("recognising") as progress:
        for done, utterance in enumerate(utterances, 1):
            transcript = recognizer.recognize(condition(read_clip(clip_path(manifest, utterance))))
            heard[utterance.id] = replace(
                utterance, pred_text=transcript.text, confidence=transcript.confidence, nbest=transcript.nbest
            )
            progress(done, len(utterances))
    decoding = {"beam size": str(settings.beam_size), "context": release.context, "device": recognizer.device}
    return Hearing(release.name, release.directory, release.sha256, heard, decoding)
