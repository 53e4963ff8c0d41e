"""The form in which transcripts are compared, whoever or whatever wrote them."""

from functools import cache
from importlib.metadata import version


def normalize(text: str) -> str:
    """Apply Whisper's English normaliser: case, punctuation, numbers, spellings, fillers.

    Args:
        text: English text.

    Returns:
        The text as it is compared. Source: Whisper (2022), appendix C.
    """
    return " ".join(_normalizer()(text).split())


def normalizer_version() -> str:
    """Name the normaliser and its version."""
    return f"whisper-normalizer {version('whisper-normalizer')}"


@cache
def _normalizer():  # type: ignore[no-untyped-def]  # imported on first use, untyped upstream
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()
