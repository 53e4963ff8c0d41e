"""The test bench: reads what the commands name, has it recognised where that is needed, and measures."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from asr.evaluation.comparison import Comparison, compare
from asr.evaluation.evaluation import FULL_LEVEL, Evaluation, Yardsticks, evaluate
from asr.evaluation.hearing import hear
from asr.evaluation.measurement import ClipConditions, measure_clips
from asr.evaluation.prioritisation import HumanLevel
from asr.evaluation.provenance import Hearing, provenance_of, title_of
from asr.evaluation.resampling import RESAMPLES, resample
from asr.evaluation.retrieval import Search
from asr.evaluation.trials import Trials, join
from data.catalogue import read_catalogue
from data.charter import Charter, Metric
from data.errors import CharterError, LabelError
from data.groups import digests_of
from data.manifest import clip_path, read_manifest
from data.progress import progress_bar
from data.records import Utterance
from labeling.convention import Convention
from labeling.gate import require_convention
from labeling.suspects import Suspect, find_suspects

OpenSearch: TypeAlias = Callable[[Path], AbstractContextManager[Search]]
"""From a catalogue's file to a search in it, for as long as the block runs."""

WER_METRIC, CAP_METRIC = "wer", "wer_regression"
"""Names of the charter's metrics that are used here."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One test set with what was heard of it."""

    manifest: Path
    utterances: tuple[Utterance, ...]
    passed: str | None
    clips: Mapping[str, ClipConditions]

    def trials(self, hearing: Hearing) -> Trials:
        """Put hypotheses beside the utterances."""
        return join(self.utterances, hearing.hypotheses, self.clips)


@dataclass(frozen=True, slots=True)
class Bench:
    """How to test: the convention asked for, the yardsticks, the seed, how many processes.

    `open_search` is what searches a catalogue; without it a catalogue only tells names from other words.
    """

    convention: Convention
    charter: Charter | None = None
    catalogue: Path | None = None
    people: Path | None = None
    human_level: float | None = None
    any_convention: bool = False
    open_search: OpenSearch | None = None
    seed: int = 0
    processes: int = 1

    def read(self, manifest: Path) -> Tested:
        """Read and measure a test set.

        Args:
            manifest: A manifest with labels; clips that are missing are scored but not measured.

        Returns:
            The test set.

        Raises:
            LabelError: Its labels were not checked against the convention.
            ManifestError: It cannot be used.
        """
        utterances = read_manifest(manifest, check_files=False)
        passed = require_convention(manifest, self.convention.identifier, anyway=self.any_convention)
        with progress_bar("measuring") as progress:
            clips = measure_clips(utterances, manifest, processes=self.processes, progress=progress)
        return Tested(manifest, utterances, passed, clips)

    def evaluate(self, manifest: Path, heard: str | None) -> tuple[Evaluation, Trials, Tested]:
        """Measure a recogniser.

        Args:
            manifest: The test set.
            heard: A file of hypotheses, or a release; None for the one in use.

        Returns:
            The evaluation, the trials behind it, and the test set.

        Raises:
            VoiceSearchError: A file cannot be used.
        """
        tested = self.read(manifest)
        hearing = hear(heard, manifest, self.processes)
        trials = tested.trials(hearing)
        resampling = resample([t.utterance.speaker for t in trials.all], resamples=RESAMPLES, seed=self.seed)
        provenance = provenance_of(
            hearing,
            manifest,
            tested.utterances,
            passed=tested.passed,
            convention=self.convention,
            resampled=(resampling.unit, resampling.reason),
            resamples=RESAMPLES,
            seed=self.seed,
        )
        with self._search() as search:
            yardsticks = Yardsticks(
                human=self._human(),
                target=self._metric(WER_METRIC),
                catalogue=read_catalogue(self.catalogue) if self.catalogue else None,
                search=search,
                suspects=self._suspects(tested, hearing),
            )
            return evaluate(trials, provenance, yardsticks), trials, tested

    def compare(
        self, manifest: Path, ours: str, theirs: str, general: Sequence[Path], *, gate: bool = False
    ) -> Comparison:
        """Compare two recognisers.

        Args:
            manifest: The test set.
            ours: Hypotheses or a release.
            theirs: What it is held against.
            general: Manifests of other speech; hypotheses in files are for all manifests together.
            gate: Whether to hold the change against the charter's cap.

        Returns:
            The comparison.

        Raises:
            CharterError: There is to be a gate, and the charter has no cap.
            VoiceSearchError: A file cannot be used.
        """
        cap = self._cap() if gate else None
        tested = self.read(manifest)
        hearing = hear(ours, manifest, self.processes)
        return self.against(tested, tested.trials(hearing), hearing.name, ours, theirs, general, cap=cap)[0]

    def against(
        self,
        tested: Tested,
        trials: Trials,
        name: str,
        ours: str | None,
        theirs: str,
        general: Sequence[Path],
        *,
        cap: float | None = None,
    ) -> tuple[Comparison, Trials]:
        """Hold trials against those of another recogniser.

        Args:
            tested: The test set.
            trials: Of the new recogniser.
            name: Of the new recogniser.
            ours: Where its hypotheses come from, for the other sets.
            theirs: Hypotheses or release of the other.
            general: Manifests of other speech.
            cap: The largest rise that the charter allows, for a gate.

        Returns:
            The comparison, and the trials of the other.

        Raises:
            VoiceSearchError: A file cannot be used.
        """
        other = hear(theirs, tested.manifest, self.processes)
        before = tested.trials(other)
        sets = {}
        for path in general:
            speech = self.read(path)
            pair = (speech.trials(hear(source, path, self.processes)) for source in (ours, theirs))
            sets[title_of(path)] = (next(pair), next(pair))
        return compare(trials, before, (name, other.name), sets, cap=cap, seed=self.seed), before

    def _search(self) -> AbstractContextManager[Search | None]:
        return self.open_search(self.catalogue) if self.open_search and self.catalogue else nullcontext()

    def _human(self) -> HumanLevel:
        from labeling.agreement import measure_agreement
        from labeling.transcriptions import read_transcriptions

        if self.people is not None:
            measured = measure_agreement(read_transcriptions(self.people), self.convention)
            if measured is None:
                raise LabelError(f"{self.people}: no clip has two transcribers; have some transcribed by two people")
            level = measured.human.after
            by_tag = {tag.name: _reached(tag.after.wer) for tag in measured.tags}
            source = f"agreement of people on {level.clips:,} clips in {self.people.name}"
            return HumanLevel(_reached(level.wer), by_tag, source, measured=True)
        if self.human_level is not None:
            return HumanLevel(100.0 * self.human_level, {}, "as given on the command line", measured=True)
        return FULL_LEVEL

    def _metric(self, name: str) -> Metric | None:
        return next((metric for metric in self.charter.metrics if metric.name == name), None) if self.charter else None

    def _cap(self) -> float:
        if self.charter is None:
            raise CharterError("a gate needs a charter with the metric 'wer_regression'; name it with --charter")
        return self.charter.metric(CAP_METRIC).floor

    def _suspects(self, tested: Tested, hearing: Hearing) -> tuple[Suspect, ...]:
        """Doubt the labels that people wrote; what a synthetic voice was told is known."""
        written = [each for each in tested.utterances if all(step.name != "query" for step in each.lineage)]
        here = [each for each in written if clip_path(tested.manifest, each).is_file()]
        digests = digests_of(here, tested.manifest, lambda done, of: None)
        return find_suspects(written, hearing.hypotheses, self.convention, digests)


def _reached(wer: float) -> float:
    return max(0.0, 100.0 * (1.0 - wer))
