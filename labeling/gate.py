"""The gate before training and scoring: only labels that passed the convention in use go through."""

from pathlib import Path

from data.errors import LabelError
from data.manifest import read_lock


def require_convention(manifest: Path, convention: str, *, anyway: bool = False) -> str | None:
    """Refuse a manifest that was not checked against a convention in this version.

    Args:
        manifest: The manifest.
        convention: The identifier asked for, for example `voice-search-en/1`.
        anyway: Let everything through; what comes back then says what the labels are.

    Returns:
        The identifier that the manifest was checked against, None where it was not checked.

    Raises:
        LabelError: It was checked against another convention or version, or not at all.
        ManifestError: It has changed since it was checked.
    """
    lock = read_lock(manifest)
    found = lock.convention if lock else None
    if found == convention or anyway:
        return found
    state = f"checked against {found}" if found else "not checked against a convention"
    raise LabelError(
        f"{manifest}: {state}, and {convention} is asked for; run 'voicesearch labeling check {manifest}' first, "
        "or ask for any convention"
    )
