"""The report as one HTML file that needs nothing but a browser: no network, everything embedded.

Whatever comes from data is escaped; besides, the page's own policy lets no script run but the one written here.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from asr.evaluation.comparison import Change, Comparison
from asr.evaluation.drawings import acceptance_svg, curve_svg, range_svg, reliability_svg, risk_svg
from asr.evaluation.evaluation import Evaluation
from asr.evaluation.provenance import title_of
from asr.evaluation.slices import slices_of
from asr.evaluation.sound import Sound
from asr.evaluation.trials import Trial, Trials
from data.charter import Metric

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("element.js", "rows.js", "sound.js", "notes.js", "priorities.js", "browser.js")
WORST = 60
"""Utterances in the printed table."""

NAMES_SHOWN = 30
VERDICTS = {"target": "the target is reached", "floor": "above the floor only", "missed": "the floor is missed"}


@dataclass(frozen=True, slots=True)
class Material:
    """What a page is made of besides figures: trials, those of the release before, sounds by id and their budget."""

    trials: Trials
    before: Trials | None
    sounds: Mapping[str, Sound]
    budget_mb: float


def render(evaluation: Evaluation, comparison: Comparison | None, material: Material) -> str:
    """Render the page.

    Args:
        evaluation: Of the release.
        comparison: With the one before, where there is one.
        material: What is listened to.

    Returns:
        HTML.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    environment.filters.update(pct=_percent, fixed=_fixed, signed=_signed, sentence=_sentence)
    script = "".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"\n(() => {{\n{script}}})();\n"  # what it names is nobody else's business
    trials, made = material.trials.all, evaluation.provenance
    potentials = [row.potential for row in evaluation.priorities]
    ranges = evaluation.ranges if len(evaluation.ranges) > 1 else ()
    top = max([0.05, *(min(each.interval.high, 2.0) for each in ranges)])
    names = evaluation.names
    missed = list(names.missed.items()) if names else []
    target = evaluation.target
    verdict = target.verdict(evaluation.headline.normalised.wer) if target else ""
    sounds = list(material.sounds.values())
    worst = sorted(trials, key=lambda trial: (-trial.normalised.errors, trial.utterance.id))[:WORST]
    return environment.get_template(
        "report.html"
    ).render(
        title=title_of(Path(made.manifest)),
        style=Markup((PAGE / "report.css").read_text(encoding="utf-8")),  # noqa: S704  our own files
        script=Markup(script),  # noqa: S704  our own files
        script_hash=Markup(f"'sha256-{_hash(script)}'"),  # noqa: S704  base64
        data=Markup(_embedded(_data(evaluation, comparison, material))),  # noqa: S704  escaped for a script element
        sounds=sounds,
        evaluation=evaluation,
        comparison=comparison,
        verdict=verdict,
        verdict_says=VERDICTS.get(verdict, ""),
        head_insertions=sum(trial.normalised.errors for trial in trials if not trial.has_speech),
        headline_chart=_headline_chart(evaluation, target),
        priorities=[
            (row, range_svg(row.accuracy, row.interval, 0.0, 100.0, row.human)) for row in evaluation.priorities
        ],
        most_potential=max([1e-9, *potentials]),
        curves=[(curve, curve_svg(curve)) for curve in evaluation.curves],
        acceptance_chart=acceptance_svg(evaluation.acceptance.bands) if evaluation.acceptance.bands else "",
        reliability_chart=reliability_svg(evaluation.confidence) if evaluation.confidence else "",
        risk_chart=risk_svg(evaluation.confidence) if evaluation.confidence else "",
        ranges=[(each, range_svg(each.wer, each.interval, 0.0, top)) for each in ranges],
        range_top=top,
        changes=_changes(comparison) if comparison else [],
        missed_names=missed[:NAMES_SHOWN],
        more_names=max(len(missed) - NAMES_SHOWN, 0),
        worst=[trial for trial in worst if trial.normalised.errors],
        silent=len(trials) - len(sounds),
        budget_mb=f"{material.budget_mb:g}",
    )


def _data(evaluation: Evaluation, comparison: Comparison | None, material: Material) -> dict[str, Any]:
    trials = material.trials.all
    slices = slices_of(trials)
    before = {trial.utterance.id: trial for trial in material.before.all} if material.before else {}
    shown = [trial for trial in trials if not before or trial.utterance.id in before]
    places = {name: number for number, name in enumerate(material.sounds)}
    lost = {loss.utterance: loss.lost for loss in evaluation.search.losses} if evaluation.search else {}
    suspects = {each.utterance.id: each for each in evaluation.suspects}
    member = {
        trial.utterance.id: [number for number, each in enumerate(slices) if each.members[place]]
        for place, trial in enumerate(trials)
    }
    made = evaluation.provenance
    utterances = []
    for trial in shown:
        name = trial.utterance.id
        row = _utterance(trial, material.sounds.get(name), places.get(name, -1))
        row["classes"] = list(dict.fromkeys(str(mistake.kind) for mistake in evaluation.mistakes[name]))
        row["slices"] = member[name]
        row["lost"] = round(lost.get(name, 0.0), 3)
        suspect = suspects.get(name)
        row["suspect"] = suspect and {
            "score": round(suspect.score, 3),
            "note": "; ".join(found.detail for found in suspect.evidence),
        }
        if name in before:
            row["before"] = {"heard": before[name].text, "errors": before[name].normalised.errors}
        utterances.append(row)
    return {
        "report": f"{made.manifest_sha256[:12]} {made.source_sha256[:12]}",
        "before": comparison.theirs if comparison and before else None,
        "slices": [each.name for each in slices],
        "utterances": utterances,
    }


def _utterance(trial: Trial, sound: Sound | None, place: int) -> dict[str, Any]:
    clip, utterance = trial.clip, trial.utterance
    done = (clip.recorded_gain_db, clip.recorded_cut_before_ms, clip.recorded_cut_after_ms)
    return {
        "id": utterance.id,
        "said": utterance.text,
        "heard": trial.text,
        "errors": trial.normalised.errors,
        "words": trial.normalised.words,
        "strict": trial.strict.errors,
        "pairs": [[str(pair.edit), pair.said, pair.heard] for pair in trial.aligned.normalised],
        "confidence": trial.confidence,
        "nbest": [[each.text, round(each.log_prob, 3)] for each in trial.nbest],
        "tags": list(utterance.tags),
        "speaker": utterance.speaker,
        "seconds": round(sound.seconds if sound else clip.seconds, 3),
        "snr": clip.snr_db if clip.snr_db is None else round(clip.snr_db, 1),
        "loudness": clip.loudness if clip.loudness is None else round(clip.loudness, 1),
        "gain": round(sound.gain_db if sound else clip.gain_db, 2),
        "cut": [round(sound.cut_before, 3), round(sound.cut_after, 3)] if sound else [0.0, 0.0],
        "recording": sound is not None and sound.recording,
        "done": None if None in done else list(done),
        "sound": place,
    }


def _changes(comparison: Comparison) -> list[tuple[Any, Markup]]:
    rows = (*comparison.slices, *comparison.general)
    judged = [row for row in rows if row.change is not Change.TOO_FEW] or rows
    reach = min(
        0.5, max(0.01, *(abs(b) for r in judged for b in (r.difference.interval.low, r.difference.interval.high)))
    )
    slices = sorted(comparison.slices[1:], key=lambda row: (row.change is Change.TOO_FEW, row.difference.p, row.name))
    order = [comparison.overall, *comparison.general, *slices]
    return [(row, range_svg(row.difference.value, row.difference.interval, -reach, reach)) for row in order]


def _headline_chart(evaluation: Evaluation, target: Metric | None) -> Markup:
    form = evaluation.headline.normalised
    marks = [target.target, target.floor] if target else []
    top = max(0.1, min(1.0, 1.15 * max(form.wer_interval.high, *marks, 0.0)))
    return range_svg(form.wer, form.wer_interval, 0.0, top, target.target if target else None)


def _embedded(value: Mapping[str, Any]) -> str:
    """Write JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}"


def _fixed(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}"


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
