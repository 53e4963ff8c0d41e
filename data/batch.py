"""Long work that turns many things into clips: in parallel, resumed where it stopped, nothing written twice.

Finished pieces go to a journal beside the manifest; the manifest appears when all is done.
"""

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Generic, TypeAlias, TypeVar

from data.clips import is_stored
from data.errors import ManifestError, StoreError
from data.files import atomic_writer, sha256_of
from data.manifest import ManifestLock, from_line, read_lock, to_line, write_lock, write_manifest
from data.records import Utterance
from data.workers import map_chunks

MANIFEST = "manifest.jsonl"
"""Name of a corpus' whole manifest; its rejections are in `rejected.jsonl`."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something that became no clip, and why: `reason` for counting, `detail` for a person."""

    id: str
    audio_filepath: str
    text: str
    reason: str
    detail: str


Outcome: TypeAlias = Utterance | Rejection


@dataclass(frozen=True, slots=True)
class Task(Generic[Item]):
    """One piece of work; `key` changes whenever its outcome would. Those of like `size` are done together."""

    key: str
    item: Item
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of it all; `reused` outcomes were there from an earlier run."""

    manifest: Path
    utterances: tuple[Utterance, ...]
    rejections: tuple[Rejection, ...]
    reused: int
    lock: ManifestLock


def produce(
    manifest: Path,
    tasks: Sequence[Task[Item]],
    make: Callable[[Sequence[Item]], Sequence[Outcome]],
    *,
    processes: int,
    progress: Callable[[int, int], None],
    before: Sequence[Utterance] = (),
    convention: str | None = None,
    examine: Callable[[Utterance], Outcome] | None = None,
    clips: Path | None = None,
) -> Batch:
    """Do every task that is not done yet, then write manifest, lock and rejections.

    Args:
        manifest: Where the manifest is to be.
        tasks: All tasks, in the order of the manifest.
        make: Turns items into outcomes, one each; it runs in other processes, so it must be picklable.
        processes: How many processes.
        progress: Called with how many tasks are done, and of how many.
        before: Utterances of the same folder that the manifest begins with.
        convention: The convention that all texts are known to have passed, for the lock.
        examine: A last look at each clip, which may refuse it; what it refuses stays done.
        clips: The folder that the clips are below; by default the manifest's.

    Returns:
        The outcomes, in the order of the tasks.

    Raises:
        ManifestError: The manifest there was changed by somebody else, or no task gave a clip.
        StoreError: The folder cannot be written.
    """
    out = manifest.parent
    try:
        out.mkdir(parents=True, exist_ok=True)
        with _journal(manifest) as journal:
            _refuse_changed(manifest, journal.written)
            outcomes = journal.outcomes
            todo = [task for task in tasks if not _is_done(outcomes.get(task.key), clips or out)]
            done = reused = len(tasks) - len(todo)
            progress(done, len(tasks))
            for chunk, made in map_chunks(
                partial(_make_items, make), sorted(todo, key=lambda task: task.size), processes=processes
            ):
                for task, outcome in zip(chunk, made, strict=True):
                    journal.add(task.key, outcome)
                    outcomes[task.key] = outcome
                journal.flush()
                done += len(chunk)
                progress(done, len(tasks))
            utterances, rejections = _parted((outcomes[task.key] for task in tasks), examine)
            _write_rejections(rejected_path(manifest), rejections)
            if not utterances:
                reasons = rejected_path(manifest)
                raise ManifestError(f"{out}: none of {len(rejections)} gave a clip; the reasons are in {reasons}")
            lock = _write(manifest, [*before, *utterances], journal, convention)
            return Batch(manifest, utterances, rejections, reused, lock)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror}); what was done stays, run it again") from error


def rejected_path(manifest: Path) -> Path:
    """Give the place of what became no clip: `rejected.jsonl` beside `manifest.jsonl`."""
    return manifest.with_name("rejected.jsonl" if manifest.name == MANIFEST else f"{manifest.stem}.rejected.jsonl")


def read_rejections(path: Path) -> tuple[Rejection, ...]:
    """Read the rejections beside a manifest.

    Args:
        path: A `rejected.jsonl` that `produce` wrote.

    Returns:
        Them all.
    """
    return tuple(Rejection(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


class _Journal:
    """Outcomes by key, and the hashes of the manifests that were written from them."""

    def __init__(self, file: IO[str], outcomes: dict[str, Outcome], written: set[str]) -> None:
        self.outcomes = outcomes
        self.written = written
        self._file = file

    def add(self, key: str, outcome: Outcome) -> None:
        kept = "utterance" if isinstance(outcome, Utterance) else "rejection"
        line = to_line(outcome) if isinstance(outcome, Utterance) else json.dumps(asdict(outcome), ensure_ascii=False)
        self._file.write(f'{{"key": "{key}", "{kept}": {line}}}\n')

    def add_written(self, sha256: str) -> None:
        self.written.add(sha256)
        self._file.write(json.dumps({"written": sha256}) + "\n")
        self.flush()

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def _journal(manifest: Path) -> Iterator[_Journal]:
    path = manifest.with_name(f".{manifest.stem}.journal.jsonl")
    outcomes: dict[str, Outcome] = {}
    written: set[str] = set()
    with path.open("a+", encoding="utf-8", newline="") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ManifestError(f"{manifest}: another run is writing it; wait for it, or name another --out") from error
        whole = 0
        for raw in path.read_bytes().splitlines(keepends=True):
            if not raw.endswith(b"\n"):
                break  # a process was killed in the middle of this line
            whole += len(raw)
            with suppress(ValueError, LookupError, TypeError, ManifestError):
                # What another version wrote, or a loss of power spoilt, is done again.
                _take(json.loads(raw), outcomes, written)
        file.truncate(whole)
        yield _Journal(file, outcomes, written)


def _take(entry: dict[str, str], outcomes: dict[str, Outcome], written: set[str]) -> None:
    if "written" in entry:
        written.add(entry["written"])
    elif "utterance" in entry:
        outcomes[entry["key"]] = from_line(json.dumps(entry["utterance"]), "journal")
    else:
        outcomes[entry["key"]] = Rejection(**entry["rejection"])  # type: ignore[arg-type]  # JSON knows no better


def _is_done(outcome: Outcome | None, out: Path) -> bool:
    if isinstance(outcome, Utterance):
        return is_stored(out, outcome.audio_filepath)
    return outcome is not None


def _make_items(make: Callable[[Sequence[Item]], Sequence[Outcome]], tasks: Sequence[Task[Item]]) -> Sequence[Outcome]:
    return make([task.item for task in tasks])


def _parted(
    outcomes: Iterable[Outcome], examine: Callable[[Utterance], Outcome] | None
) -> tuple[tuple[Utterance, ...], tuple[Rejection, ...]]:
    utterances: list[Utterance] = []
    rejections: list[Rejection] = []
    for made in outcomes:
        outcome = examine(made) if examine and isinstance(made, Utterance) else made
        if isinstance(outcome, Utterance):
            utterances.append(outcome)
        else:
            rejections.append(outcome)
    return tuple(utterances), tuple(rejections)


def _write_rejections(path: Path, rejections: Sequence[Rejection]) -> None:
    """Write the rejections, or remove those of an earlier run where nothing is rejected any more."""
    if not rejections:
        path.unlink(missing_ok=True)
        return
    with atomic_writer(path) as file:
        file.writelines(json.dumps(asdict(rejection), ensure_ascii=False) + "\n" for rejection in rejections)


def _write(manifest: Path, utterances: list[Utterance], journal: _Journal, convention: str | None) -> ManifestLock:
    """Write and lock the manifest; one that is there with the same lines keeps its lock."""
    fresh = manifest.with_name(f".{manifest.name}.fresh")
    write_manifest(fresh, utterances)
    sha256 = sha256_of(fresh)
    if manifest.is_file() and sha256_of(manifest) == sha256:
        fresh.unlink()
        with suppress(ManifestError):  # a lock that was not finished
            if (lock := read_lock(manifest)) is not None:
                return lock
        return write_lock(manifest, convention)
    journal.add_written(sha256)  # before the file is there, so that a manifest of ours is always known as such
    fresh.replace(manifest)
    return write_lock(manifest, convention)


def _refuse_changed(manifest: Path, written: set[str]) -> None:
    """Refuse to overwrite a manifest that somebody has worked on since it was made."""
    if manifest.is_file() and sha256_of(manifest) not in written:
        raise ManifestError(
            f"{manifest}: changed since it was made, and would be overwritten; name another place with --out, "
            f"or remove the file"
        )
