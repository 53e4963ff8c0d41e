"""Where hypotheses come from: a file of them, or a release that hears the manifest now."""

from pathlib import Path

from asr.evaluation.provenance import Hearing
from data.errors import ManifestError
from data.files import sha256_of
from data.manifest import read_manifest
from data.progress import progress_bar
from data.records import Utterance
from data.settings import HomeSettings

SUFFIXES = (".jsonl", ".json")


def hear(source: str | None, manifest: Path, processes: int) -> Hearing:
    """Give what a recogniser made of a manifest.

    Args:
        source: A file of hypotheses, or a release: a name, a folder, None for the one in use.
        manifest: The test set; a release hears it once, and is remembered in the home folder.
        processes: How many processes hear.

    Returns:
        The hypotheses.

    Raises:
        ManifestError: A file cannot be used.
        ModelError: The release cannot be used.
    """
    if source is not None and Path(source).suffix.lower() in SUFFIXES:
        return read_hearing(Path(source))
    from asr.settings import RecognizerSettings
    from asr.transcription import transcribe_all

    chosen = source or RecognizerSettings.load().model
    name = f"{sha256_of(manifest)[:12]}-{Path(chosen).name}.jsonl" if manifest.is_file() else f"{manifest.stem}.jsonl"
    out = HomeSettings.load().home / "heard" / name
    with progress_bar(f"transcribing with {Path(chosen).name}") as progress:
        transcribe_all(manifest, out, processes, progress, chosen)
    return read_hearing(out)


def read_hearing(path: Path) -> Hearing:
    """Read hypotheses.

    Args:
        path: Manifest lines with `pred_text`, and where known `confidence` and `nbest`.

    Returns:
        The hypotheses, under the name of the release where all lines name one, else of the file.

    Raises:
        ManifestError: The file cannot be used, has an id twice, or a line has no `pred_text`.
    """
    heard: dict[str, Utterance] = {}
    for utterance in read_manifest(path, check_files=False):
        if utterance.pred_text is None:
            raise ManifestError(f"{path}: {utterance.id} has no pred_text; transcribe the manifest first")
        heard[utterance.id] = utterance
    releases = {_told_of(utterance) for utterance in heard.values()}
    told = dict(releases.pop() if len(releases) == 1 else ())
    name = told.pop("release", path.stem)
    return Hearing(name, str(path), sha256_of(path), heard, told)


def _told_of(utterance: Utterance) -> tuple[tuple[str, str], ...]:
    """Give what a line says of the recogniser that wrote it: release, hash of the model, decoding."""
    for step in reversed(utterance.lineage):
        if step.name == "transcribe":
            return tuple((key.replace("_", " "), str(value)) for key, value in step.parameters.items())
    return ()
