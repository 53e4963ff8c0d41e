"""The whole evaluation: odd inputs have defined results, in JSON, in CSV and on the page."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import jiwer
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.evaluation.comparison import Change, compare
from asr.evaluation.evaluation import Evaluation, Yardsticks, evaluate
from asr.evaluation.provenance import Provenance
from asr.evaluation.rendering import Material, render
from asr.evaluation.sheets import evaluation_json, priority_sheet, utterance_sheet
from asr.evaluation.trials import Trials, join
from data.catalogue import Catalogue, CatalogueMapping, Item
from data.errors import ManifestError
from data.records import Utterance
from labeling.normalization import normalize
from tests.asr.evaluation.conftest import MakeTrials, Prompts

PROVENANCE = Provenance(
    "tiny", "heard.jsonl", "0" * 64, "test.jsonl", "1" * 64, 1.0, None, "2" * 64, "n", {}, "utterances", "why", 50, 0,
    "code", "machine", "now",
)  # fmt: skip

FILMS = Catalogue("films", (Item("jaws", "Jaws"), Item("rocky", "Rocky")), CatalogueMapping(), (), "0" * 64)

Measure = Callable[[Trials], Evaluation]


def measure(trials: Trials) -> Evaluation:
    search = Yardsticks(catalogue=FILMS, search=lambda text: [i.id for i in FILMS.items if i.id in text.lower()])
    return evaluate(trials, PROVENANCE, search, resamples=50)


def page_of(trials: Trials, before: Trials | None = None) -> str:
    comparison = compare(trials, before, ("new", "old"), resamples=50) if before else None
    return render(measure(trials), comparison, Material(trials, before, {}, 20.0))


ODD: dict[str, list[tuple[str, str]]] = {
    "one single utterance": [("jaws", "jaws")],
    "one single wrong utterance": [("jaws", "paws")],
    "all correct": [("jaws", "jaws"), ("rocky", "rocky")],
    "all wrong": [("jaws", "a"), ("rocky", "b c d e f g")],
    "only empty references": [("", "made up"), ("[noise]", "")],
    "only empty hypotheses": [("jaws", ""), ("rocky", "")],
    "nothing said, nothing heard": [("", "")],
}


@pytest.mark.parametrize("pairs", ODD.values(), ids=list(ODD))
def test_odd_inputs_have_defined_results_everywhere(make_trials: MakeTrials, pairs: list[tuple[str, str]]) -> None:
    trials = make_trials(*pairs, confidence=[0.5] * len(pairs), snr=[10.0] * len(pairs))
    evaluation = measure(trials)
    figures = evaluation_json(evaluation)  # refuses NaN and infinity
    assert json.loads(figures)["utterances"] == len(pairs)
    page = page_of(trials, trials)
    visible = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)
    assert not re.search(r"\b(nan|NaN|inf|None|undefined)\b", visible)
    assert len(list(csv.DictReader(io.StringIO(utterance_sheet(trials, evaluation))))) == len(pairs)
    assert priority_sheet(evaluation.priorities).count("\n") == len(evaluation.priorities) + 1


def test_insertions_on_silence_are_counted_and_their_rate_is_defined(make_trials: MakeTrials) -> None:
    form = measure(make_trials(("", "two words"))).headline.normalised
    assert (form.counts.insertions, form.counts.words, form.wer) == (2, 0, 1.0)


def test_strict_and_normalised_stand_side_by_side(make_trials: MakeTrials) -> None:
    head = measure(make_trials(("rocky four", "Rocky 4."), ("jaws", "jaws"))).headline
    assert (head.strict.wer, head.normalised.wer) == (2 / 3, 0.0)
    assert (head.strict.sentence_accuracy, head.normalised.sentence_accuracy) == (0.5, 1.0)


def test_character_errors_are_those_of_jiwer(prompts: Prompts, make_trials: MakeTrials) -> None:
    pairs = [(a, b) for a, b in zip(prompts.said, prompts.wide, strict=True) if normalize(a)][:100]
    said, heard = ([normalize(text) for text in side] for side in zip(*pairs, strict=True))
    assert measure(make_trials(*pairs)).headline.cer == pytest.approx(jiwer.cer(said, heard))


def test_hypotheses_and_utterances_without_each_other_are_named_and_not_scored() -> None:
    known = [Utterance("a", "a.flac", 1.0, "jaws"), Utterance("b", "b.flac", 1.0, "rocky")]
    heard = {name: Utterance(name, "x.flac", 1.0, pred_text="jaws") for name in ("a", "c")}
    trials = join(known, heard, {})
    assert ([t.utterance.id for t in trials.all], trials.unheard, trials.unknown) == (["a"], ("b",), ("c",))
    with pytest.raises(ManifestError, match="none of the 1 hypotheses belongs"):
        join(known, {"c": heard["c"]}, {})


def test_a_label_with_markup_is_inert_on_the_page(make_trials: MakeTrials) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    trials = make_trials(*[(evil, evil + " b")] * 6, ("jaws", "jaws"), tags=[[evil]] * 6 + [[]])
    page = page_of(trials, make_trials(*[(evil, "c")] * 6, ("jaws", "jaws")))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script>") == 1
    assert "=cmd" not in utterance_sheet(make_trials(("=cmd()", "")), measure(make_trials(("=cmd()", "")))).replace(
        "'=cmd", ""
    )


def test_the_page_needs_no_network(make_trials: MakeTrials) -> None:
    page = page_of(make_trials(("jaws", "paws")))
    without_namespace = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\(", without_namespace)
    assert "default-src 'none'" in page


def test_recommendations_name_the_slice_that_is_worse_than_the_rest(make_trials: MakeTrials) -> None:
    pairs = [("see jaws", "see jaws")] * 60 + [("see jaws", "sea paws")] * 40
    evaluation = measure(make_trials(*pairs, tags=[["clean"]] * 60 + [["car"]] * 40))
    titles = [action.title for action in evaluation.actions]
    assert titles[0].startswith("Work on “car”")
    assert not any("“clean”" in title for title in titles)
    gains = [action.gain for action in evaluation.actions if action.gain is not None]
    assert gains == sorted(gains, reverse=True)
    assert any("people reach" in title for title in titles)


def test_a_regression_beyond_the_cap_closes_the_gate_and_noise_does_not(make_trials: MakeTrials) -> None:
    good, bad = ("a b c", "a b c"), ("a b c", "a b x")
    old, tags = make_trials(*[good] * 100), [["car"]] * 50 + [["quiet"]] * 50
    old = replace(old, all=make_trials(*[good] * 100, tags=tags).all)
    worse = compare(make_trials(*[bad] * 50, *[good] * 50, tags=tags), old, ("new", "old"), cap=0.02)
    assert worse.gate is not None
    assert worse.gate.regressed == ("everything", "car")
    assert not worse.gate.passed
    assert next(row for row in worse.slices if row.name == "quiet").change is Change.SAME
    assert (worse.overall.sentences.fixed, worse.overall.sentences.broken, len(worse.broken)) == (0, 50, 50)
    chance = compare(make_trials(bad, *[good] * 99, tags=tags), old, ("new", "old"), cap=0.0)
    assert chance.gate is not None
    assert chance.gate.passed


def test_other_speech_is_compared_on_its_own(make_trials: MakeTrials) -> None:
    good, bad = ("a b c", "a b c"), ("a b c", "a x y")
    own = make_trials(*[good] * 30)
    general = {"prompts": (make_trials(*[bad] * 40), make_trials(*[good] * 40))}
    comparison = compare(own, own, ("new", "old"), general, cap=0.02)
    assert [(row.name, row.change) for row in comparison.general] == [("prompts", Change.WORSE)]
    assert comparison.gate is not None
    assert comparison.gate.regressed == ("prompts",)


texts = st.lists(st.sampled_from(["jaws", "rocky", "two", "2", "[noise]", "the"]), max_size=4).map(" ".join)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=12))
def test_counts_add_up_and_nothing_is_undefined(make_trials: MakeTrials, pairs: list[tuple[str, str]]) -> None:
    evaluation = measure(make_trials(*pairs))
    counts = evaluation.headline.normalised.counts
    assert counts.hits + counts.substitutions + counts.deletions == counts.words
    kinds = sum(figures.errors for figures in evaluation.classes if figures.kind != "convention")
    assert kinds <= counts.errors
    evaluation_json(evaluation)
