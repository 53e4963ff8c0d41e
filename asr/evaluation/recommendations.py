"""What the figures ask for: actions in order of what they could bring, each with its evidence. Rules, not taste."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asr.evaluation.acceptance import AcceptanceFigures
from asr.evaluation.confidence import ConfidenceFigures
from asr.evaluation.error_classes import ClassFigures, ErrorClass
from asr.evaluation.names import NameFigures
from asr.evaluation.prioritisation import HumanLevel, Priority, Verdict, potential
from asr.evaluation.retrieval import SearchImpact

WORTH = 0.5
"""Points of word accuracy from which on a gain is worth an action."""

MISCALIBRATED = 0.1
"""Calibration error from which on a confidence misleads."""

SUSPECT = 0.75
"""Score from which on a label is worth a person's ear: two words that cannot be put down to mishearing, or more."""

FEW_SPEAKERS = 8
TOP_SLICES = 4


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: `gain` is what it could bring, in points of word accuracy; None where it cannot be said so."""

    title: str
    evidence: str
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules look at; rates in [0, 1]."""

    words: int
    wer: float
    strict_wer: float
    oracle_wer: float | None
    human: HumanLevel
    speakers: int
    priorities: Sequence[Priority]
    classes: Sequence[ClassFigures]
    acceptance: AcceptanceFigures
    names: NameFigures | None
    search: SearchImpact | None
    confidence: ConfidenceFigures | None
    suspects: int
    suspect_errors: int
    refused_right: int
    refused_words: int


def recommend(findings: Findings) -> tuple[Action, ...]:
    """Say what to do next.

    Args:
        findings: What was measured.

    Returns:
        Actions with a gain, the largest first, then those that make the next report worth more. Gains overlap.
    """
    rules = (_suspects, _names, _choices, _refusals, _inventions, _writing, _slices)
    found = [action for rule in rules for action in rule(findings)]
    gains = sorted((each for each in found if each.gain is not None), key=lambda each: -(each.gain or 0.0))
    rest = [each for each in found if each.gain is None]
    return (*gains, *rest, *_trust(findings))


def _slices(findings: Findings) -> Iterator[Action]:
    overall = 100.0 * (1.0 - findings.wer)
    # A slice that is no worse than all clips together has potential only because it is large.
    worth = [row for row in findings.priorities if row.interval.high < overall and _is_worth(row)]
    # "augmented" says less than "augmented:telephone".
    narrow = [row for row in worth if not any(other.name.startswith(f"{row.name}:") for other in worth)]
    for row in narrow[:TOP_SLICES]:
        people = f", people reach {row.human:.1f}%" if findings.human.measured else ""
        yield Action(
            f"Work on “{row.name}”: collect or augment such data and train on it",
            f"{row.accuracy:.1f}% of its words are right (95% interval {row.interval.low:.1f} to "
            f"{row.interval.high:.1f}), {overall:.1f}% of all{people}; {row.share:.0f}% of the words and "
            f"{row.share_of_errors:.0f}% of the errors are in it",
            row.potential,
        )


def _is_worth(row: Priority) -> bool:
    return row.verdict is Verdict.GAP and row.potential >= WORTH


def _names(findings: Findings) -> Iterator[Action]:
    names = findings.names
    if names is None or not names.words or names.b_interval.low <= names.u_wer:
        return
    share = 100.0 * names.words / max(findings.words, 1)
    gain = potential(100.0 * (1.0 - names.b_wer), findings.human.overall, share)
    if gain < WORTH:
        return
    missed = ", ".join(f"“{name}”" for name in list(names.missed)[:3])
    yield Action(
        "Teach the recogniser the catalogue's names: train on spoken queries made from it",
        f"{100 * names.b_wer:.1f}% of the words inside names are wrong against {100 * names.u_wer:.1f}% of the others; "
        f"{names.said - names.right:,} of {names.said:,} names did not come through ({missed}){_search_cost(findings)}",
        gain,
    )


def _search_cost(findings: Findings) -> str:
    search = findings.search
    if search is None:
        return ""
    return f"; errors take the MRR@10 of the search from {search.reference.mrr:.2f} to {search.heard.mrr:.2f}"


def _choices(findings: Findings) -> Iterator[Action]:
    if findings.oracle_wer is None:
        return
    gain = 100.0 * (findings.wer - findings.oracle_wer)
    if gain >= WORTH:
        yield Action(
            "Choose better among the hypotheses: search with all of them, or rescore them with the catalogue",
            f"the best hypothesis of each list has a word error rate of {100 * findings.oracle_wer:.1f}%, "
            f"the first one {100 * findings.wer:.1f}%{_search_cost(findings)}",
            gain,
        )


def _refusals(findings: Findings) -> Iterator[Action]:
    nulls = findings.acceptance.nulls
    gain = 100.0 * findings.refused_words / max(findings.words, 1)
    if nulls.count and gain >= WORTH:
        yield Action(
            "Look at the limits of refusal: speech gets no text",
            f"{nulls.count:,} of {nulls.of:,} clips with speech ({100 * nulls.value:.1f}%) were refused; of "
            f"{findings.refused_right:,} of them the list of hypotheses holds the right text",
            gain,
        )


def _inventions(findings: Findings) -> Iterator[Action]:
    false = findings.acceptance.false_outputs
    if false.count:
        yield Action(
            "Refuse more: text is made up where nobody speaks",
            f"{false.count:,} of {false.of:,} clips without speech got a text; listen to them and to the limits",
        )
    invented = next((each for each in findings.classes if each.kind is ErrorClass.HALLUCINATION), None)
    gain = 100.0 * invented.errors / max(findings.words, 1) if invented else 0.0
    if invented and gain >= WORTH:
        yield Action(
            "Stop made-up text: stricter limits on loops and on length for the time",
            f"{invented.errors:,} errors in {invented.stretches:,} places are words that nobody said",
            gain,
        )


def _writing(findings: Findings) -> Iterator[Action]:
    gap = 100.0 * (findings.strict_wer - findings.wer)
    if gap < WORTH:
        return
    yield Action(
        "Write as the convention does, or compare after normalising: this is no matter of hearing",
        f"the strict word error rate is {100 * findings.strict_wer:.1f}%, the normalised one "
        f"{100 * findings.wer:.1f}%; the {gap:.1f} points between are capitals, punctuation and numbers, "
        "which a search does not see",
    )


def _suspects(findings: Findings) -> Iterator[Action]:
    if findings.suspects:
        gain = 100.0 * findings.suspect_errors / max(findings.words, 1)
        yield Action(
            f"Listen to {findings.suspects:,} labels that may be wrong, before anything else is believed",
            f"the recogniser is sure of something else; {findings.suspect_errors:,} of the errors are in them; export "
            "them for 'voicesearch labeling import'",
            gain if gain >= WORTH else None,
        )


def _trust(findings: Findings) -> Iterator[Action]:
    confidence = findings.confidence
    if confidence and confidence.calibration_error > MISCALIBRATED:
        side = "surer" if _overconfident(confidence) else "less sure"
        yield Action(
            "Calibrate the confidence before anything depends on it",
            f"the expected calibration error is {100 * confidence.calibration_error:.1f}%: the recogniser is {side} "
            "than it is right",
        )
    if not findings.human.measured:
        yield Action(
            "Measure what people reach: have 100 clips transcribed by two people",
            "without it every gap is measured against 100%, which nobody reaches; see 'voicesearch labeling agreement'",
        )
    few = [row for row in findings.priorities if row.verdict is Verdict.TOO_FEW and row.potential >= WORTH]
    if few:
        listed = ", ".join(f"“{row.name}” ({row.utterances})" for row in few[:4])
        yield Action("Record more of what cannot be judged yet", f"too few clips to tell: {listed}")
    if findings.speakers < FEW_SPEAKERS:
        yield Action(
            "Test on more people",
            f"{findings.speakers} known speaker{'s' * (findings.speakers != 1)}: no interval here covers how the next "
            "person will fare",
        )


def _overconfident(confidence: ConfidenceFigures) -> bool:
    return sum(each.clips * (each.confidence - each.right) for each in confidence.bins) > 0
