"""What a person should know of a release, as the README.md in its folder."""

from data.records import Release

CONTEXTS = {
    "own": "hears a clip at its own length, with silence after it up to 2 s; trained for that",
    "padded": "hears every clip padded to 30 s",
}


def model_card(release: Release) -> str:
    """Write the card of a release.

    Args:
        release: Measured and, where there was enough to fit on, calibrated.

    Returns:
        Markdown.
    """
    figures = [(name.replace("_", " "), f"{value:g}") for name, value in release.evaluation.items()]
    lineage = [(name.replace("_", " "), value) for name, value in release.lineage.items()]
    return "\n".join(
        [
            f"# {release.name}",
            "",
            f"A Whisper model in CTranslate2 format, float16. It {CONTEXTS[release.context]}.",
            "",
            "To use it, set `VOICESEARCH_MODEL` to this folder. `release.json` says the same to the server, which",
            "checks the hash of every file that it loads.",
            "",
            "English only." if not release.multilingual else "A multilingual model, told that it hears English.",
            "",
            "## Figures",
            "",
            "Word error rates are shares of the words, after Whisper's normaliser. `package dev` is what this folder",
            "heard when it was packaged, `parity` how far it was at worst from the transformers checkpoint: the",
            "encoder's output relative to its size, a token's log probability in nats. Other figures are those of the",
            "run that trained it. Where the dev part chose between runs, its figures are a little too good.",
            "",
            *_table(("figure", "value"), figures),
            "",
            "## Confidence",
            "",
            _confidence(release),
            "",
            "## Where it comes from",
            "",
            *_table(("what", "value"), [*lineage, ("SHA-256 of model.bin", f"`{release.sha256}`")]),
            "",
        ]
    )


def _confidence(release: Release) -> str:
    if release.calibration is None:
        return "Not calibrated: the dev part had too few clips. Confidence is the mean probability of a token."
    fitted = release.calibration
    return (
        f"The probability that every word is right, 1 / (1 + exp(-({fitted.slope:.3g} x + {fitted.intercept:.3g}))), "
        f"where x is the mean log probability of a token; fitted on {fitted.clips} clips of the dev part. The Brier "
        "scores above compare it, each clip with a fit on the others, with the mean probability of a token."
    )


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> list[str]:
    return [f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows)]
