"""NeMo's manifests: a JSON object a line with `audio_filepath`, `duration` and `text`; also this project's own.

Source: NVIDIA NeMo, "Datasets", section "Preparing custom ASR data".
"""

import json
from pathlib import Path

from data.corpora.recording import Corpus, Recording, corpus_of, path_within, recording_id
from data.errors import ManifestError
from data.manifest import from_line, text_lines

SUFFIXES = (".json", ".jsonl", ".ndjson")


def is_nemo(path: Path) -> bool:
    """Say whether a file is a NeMo manifest, good or bad, and not a JSONL table with columns of another name."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    with path.open("rb") as file:
        first = file.readline()
    try:
        line = json.loads(first)
    except ValueError:
        return True
    return not isinstance(line, dict) or "audio_filepath" in line


def read_nemo(path: Path, root: Path | None = None) -> Corpus:
    """Read a NeMo manifest.

    Args:
        path: The manifest.
        root: The folder that its paths stay in; by default its own.

    Returns:
        Its recordings, each with the length that the manifest claims.

    Raises:
        ManifestError: naming file, line and remedy; also for segments (`offset`), which are to be cut first.
    """
    folder = root or path.parent
    recordings = []
    for where, text in text_lines(path):
        utterance = from_line(text, where)
        line = json.loads(text)
        if line.get("offset"):
            raise ManifestError(f"{where}: a segment of a longer file (offset); cut the segments into files first")
        place = path_within(folder, utterance.audio_filepath, where)
        recordings.append(
            Recording(
                id=utterance.id if "id" in line else recording_id(place),
                path=place,
                text=utterance.text,
                speaker=utterance.speaker,
                recorded_at=utterance.recorded_at,
                seconds=utterance.duration,
                tags=utterance.tags,
                split=utterance.split,
                lineage=utterance.lineage,
            )
        )
    name = path.stem if path.stem != "manifest" else folder.resolve().name
    return corpus_of(name, folder, recordings, listed=path)
