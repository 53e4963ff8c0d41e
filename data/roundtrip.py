"""Whether a synthetic clip can be understood: what a recogniser heard, against what the voice was told.

The hypotheses come from a file; this module knows no recogniser.
"""

from collections.abc import Mapping
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from data.batch import Outcome, Rejection
from data.errors import ManifestError
from data.manifest import read_manifest
from data.records import Utterance
from data.spoken import spoken_form

SUSPICIOUS = "suspicious"
"""Reason under which a clip is dropped."""

MAX_DISTANCE = 0.5
"""Beyond this share of wrong letters it is likelier that the voice failed than that the recogniser did."""


def read_hypotheses(path: Path) -> Mapping[str, str]:
    """Read what a recogniser heard.

    Args:
        path: Manifest lines with `pred_text`, as `asr transcribe` writes them.

    Returns:
        The hypothesis of each clip by its id, empty where nothing was heard.

    Raises:
        ManifestError: The file cannot be used, or a line has no `pred_text`.
    """
    heard = {}
    for utterance in read_manifest(path, check_files=False):
        if utterance.pred_text is None:
            raise ManifestError(f"{path}: {utterance.id} has no pred_text; transcribe the manifest first")
        heard[utterance.id] = utterance.pred_text
    return heard


def letter_distance(told: str, heard: str) -> float:
    """Compare two texts by the letters of their spoken forms, so that digits and spacing do not matter.

    Args:
        told: What was to be said.
        heard: What was recognised.

    Returns:
        Levenshtein distance over the longer length, in [0, 1].
    """
    one, other = (spoken_form(text).replace(" ", "") for text in (told, heard))
    return float(Levenshtein.normalized_distance(one, other))


def examine(utterance: Utterance, hypotheses: Mapping[str, str], most: float = MAX_DISTANCE) -> Outcome:
    """Drop a clip that was heard as something else.

    Args:
        utterance: The clip.
        hypotheses: What was heard, by id; a clip that was not transcribed passes.
        most: Largest distance that passes.

    Returns:
        The utterance, or its rejection.
    """
    heard = hypotheses.get(utterance.id)
    if heard is None or (distance := letter_distance(utterance.text, heard)) <= most:
        return utterance
    detail = f"heard as {heard!r}, {distance:.2f} of the letters wrong"
    return Rejection(utterance.id, utterance.audio_filepath, utterance.text, SUSPICIOUS, detail)
