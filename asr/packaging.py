"""From a checkpoint to a release that the server can trust: what `voicesearch asr package` does."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asr.adapter import file_hashes
from asr.calibration import brier_score, calibrate, confidence_of, held_out_confidences
from asr.checkpoint import stored_tensors
from asr.conversion import MULTILINGUAL_ROWS, convert, find_checkpoint
from asr.model_card import model_card
from asr.parity import Parity, check_parity
from asr.recognizer import Recognizer
from asr.release import MODEL_FILE, write_release
from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.training.export import LINEAGE_FILE
from data.audio import AudioLimits, decode
from data.condition import condition
from data.errors import AudioError, ManifestError, ModelUnavailableError, TrainingError
from data.files import sha256_of
from data.manifest import clip_path, read_lock, read_manifest
from data.progress import progress_bar
from data.records import Calibration, Context, Release, Samples
from labeling.normalization import normalize

CARD_FILE = "README.md"

PARITY_CLIPS = 8


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """What is made of a checkpoint; by default as the run says that made it, else the folder's name and `padded`."""

    name: str | None = None
    context: Context | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SpokenText:
    """A conditioned clip and what is said in it."""

    samples: Samples
    text: str


def package(checkpoint: str, dev: Path, out: Path, options: PackageOptions, report: Callable[[str], None]) -> Release:
    """Make a release of a checkpoint: converted, compared, scored, calibrated, written whole or not at all.

    Args:
        checkpoint: Folder of a Whisper model in transformers' format, or its name on the Hugging Face hub.
        dev: Manifest with transcripts, of which the dev part is heard, or all of it where it has no parts.
        out: Folder of the release; must not be there yet.
        options: Name and context.
        report: Called with a line when something takes long, and for each clip that is left out.

    Returns:
        The release.

    Raises:
        ModelUnavailableError: The checkpoint is not there, is of another architecture or vocabulary, or the packaged
            weights do not hear what it hears.
        ManifestError: No clip of the manifest can be used.
        TrainingError: The folder is there already or cannot be written.
    """
    if out.exists():
        raise TrainingError(f"{out} is there already; choose another folder, or remove it")
    source = find_checkpoint(checkpoint)
    clips = spoken_texts(dev, report)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
            folder = Path(scratch, out.name)
            report(f"converting {checkpoint}")
            model = convert(source, folder)
            draft = _draft(checkpoint, source, dev, folder, options)
            report(f"comparing both forms on {min(len(clips), PARITY_CLIPS)} clips")
            parity = check_parity(model, folder, [clip.samples for clip in clips[:PARITY_CLIPS]], draft.context)
            release = replace(draft, **_measured(draft, clips, parity))
            (folder / CARD_FILE).write_text(model_card(release), encoding="utf-8")
            release = replace(release, directory=str(out), files=file_hashes(folder))
            write_release(release, folder)
            folder.rename(out)
    except OSError as error:
        raise TrainingError(
            f"{out}: the release cannot be written ({error}); make room there or choose another folder"
        ) from error
    return release


def spoken_texts(dev: Path, report: Callable[[str], None]) -> list[SpokenText]:
    """Read the clips to judge a release by.

    Args:
        dev: Manifest with transcripts.
        report: Called with a line for each clip that is left out.

    Returns:
        Those of the part `dev`, or all where the manifest has no parts.

    Raises:
        ManifestError: There are none with a transcript.
    """
    utterances = read_manifest(dev)
    split = any(utterance.split for utterance in utterances)
    found = []
    for utterance in utterances:
        if (split and utterance.split != "dev") or not normalize(utterance.text):
            continue
        try:
            samples = decode(clip_path(dev, utterance).read_bytes(), AudioLimits()).samples
        except AudioError as error:
            report(f"{clip_path(dev, utterance)}: left out ({error})")
            continue
        found.append(SpokenText(condition(samples).samples, utterance.text))
    if not found:
        raise ManifestError(f"{dev}: no clip of the part dev has a transcript; a release is judged by what was said")
    return found


def _draft(checkpoint: str, source: Path, dev: Path, folder: Path, options: PackageOptions) -> Release:
    """Say of a converted checkpoint what is known before it has heard anything."""
    known = _known(source)
    lock = read_lock(dev)
    lineage = {
        **known.get("lineage", {}),
        "checkpoint": checkpoint,
        **{f"checkpoint_sha256_{path.name}": sha256_of(path) for path in sorted(source.glob("*.safetensors"))},
        "dev_manifest_sha256": sha256_of(dev),
        **({"dev_convention": lock.convention} if lock and lock.convention else {}),
        "packaged_with": f"voicesearch {version('voicesearch')}, ctranslate2 {version('ctranslate2')}",
    }
    return Release(
        name=options.name or known.get("name") or source.resolve().name,
        directory=str(folder),
        sha256=sha256_of(folder / MODEL_FILE),
        context=options.context or known.get("context", "padded"),
        multilingual=stored_tensors(folder / MODEL_FILE)["decoder/embeddings/weight"].shape[0] >= MULTILINGUAL_ROWS,
        lineage=lineage,
        evaluation=known.get("evaluation", {}),
    )


def _known(source: Path) -> dict[str, Any]:
    """Read what a training run wrote beside its checkpoint."""
    path = source / LINEAGE_FILE
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelUnavailableError(f"{path}: cannot be read ({error}); remove it to package without it") from error


def _measured(draft: Release, clips: Sequence[SpokenText], parity: Parity) -> dict[str, Any]:
    """Hear the clips as the server would: the fields `evaluation` and `calibration` of the release."""
    recognizer = Recognizer(draft, RecognizerSettings.load())
    heard = []
    with progress_bar("hearing clips") as progress:
        for clip in clips:
            heard.append(recognizer.decode(clip.samples)[0])
            progress(len(heard), len(clips))
    texts = [hypotheses[0].text if hypotheses else "" for hypotheses in heard]
    scored = score([clip.text for clip in clips], texts)
    log_probs = [hypotheses[0].log_prob for hypotheses in heard if hypotheses]
    right = [
        normalize(clip.text) == normalize(hypotheses[0].text)
        for clip, hypotheses in zip(clips, heard, strict=True)
        if hypotheses
    ]
    calibration = calibrate(log_probs, right)
    figures = {
        **draft.evaluation,
        "package_dev_clips": len(clips),
        "package_dev_wer": scored.wer,
        "package_dev_sentences_right": scored.sentence_accuracy,
        "parity_clips": parity.clips,
        "parity_state_error": parity.state_error,
        "parity_token_gap": parity.token_gap,
        **_brier(log_probs, right, calibration),
    }
    return {"evaluation": {name: float(f"{value:.4g}") for name, value in figures.items()}, "calibration": calibration}


def _brier(log_probs: Sequence[float], right: Sequence[bool], calibration: Calibration | None) -> dict[str, float]:
    if calibration is None:
        return {}
    before = [confidence_of(log_prob, None) for log_prob in log_probs]
    return {
        "brier_uncalibrated": brier_score(before, right),
        "brier_calibrated": brier_score(held_out_confidences(log_probs, right), right),
    }
