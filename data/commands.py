"""Commands of the data: fetch, prepare, split, augment, synthesize, describe."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.choices import Effect, Fetchable, SplitBy
from data.progress import progress_bar

if TYPE_CHECKING:
    from data.batch import Batch

app = typer.Typer(help="Fetch, prepare, split, describe and multiply speech.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]
Processes = Annotated[int | None, typer.Option(min=1, max=256, help="Processes; by default one for each core.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")]


@app.command(epilog="Example: voicesearch data fetch asterisk --out corpora/asterisk")
def fetch(
    corpus: Annotated[
        Fetchable, typer.Argument(help="Which: Debian's Asterisk prompts, 568 recordings, CC BY-SA 3.0.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder; by default in the home folder, under corpora.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a corpus; one that is there is left as it is."""
    from data.corpora.asterisk import fetch_asterisk, read_asterisk
    from data.settings import HomeSettings

    folder = fetch_asterisk(out or HomeSettings.load().corpora / corpus)
    found = read_asterisk(folder)
    if as_json:
        print(json.dumps({"folder": str(folder), "source": found.source, "recordings": len(found.recordings)}))
        return
    print(f"{len(found.recordings):,} recordings of {found.source} in {folder}")


@app.command(epilog="Example: voicesearch data prepare corpora/asterisk --out corpora/prompts")
def prepare(
    source: Annotated[
        Path, typer.Argument(help="A folder in a known layout, a NeMo manifest, or a table of transcripts.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the manifest and the clips.")],
    root: Annotated[Path | None, typer.Option(help="Folder that the paths of a manifest or table stay in.")] = None,
    min_seconds: Annotated[float, typer.Option(min=0.0, help="Shortest clip, once trimmed.")] = 0.2,
    max_seconds: Annotated[float, typer.Option(min=0.1, max=300.0, help="Longest recording.")] = 30.0,
    max_clipped: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest share of samples at full scale.")
    ] = 0.01,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Condition every recording of a corpus; goes on where it stopped, refuses with reasons."""
    from data.corpora.layout import read_corpus
    from data.preparation import PreparationLimits
    from data.preparation import prepare as prepare_corpus
    from data.workers import core_count

    limits = PreparationLimits(min_seconds, max_seconds, max_clipped)
    with progress_bar("preparing") as progress:
        batch = prepare_corpus(
            read_corpus(source, root), out, limits=limits, processes=processes or core_count(), progress=progress
        )
    _report(batch, as_json)


@app.command(epilog="Example: voicesearch data split corpora/prompts/manifest.jsonl --shares 80/10/10")
def split(
    manifests: Annotated[list[Path], typer.Argument(help="The manifest; with --check, the manifests of its splits.")],
    shares: Annotated[str, typer.Option(help="Of train, dev and test.")] = "60/20/20",
    by: Annotated[
        SplitBy, typer.Option(help="What is kept apart; auto: speakers where known, else texts.")
    ] = SplitBy.AUTO,
    test_from: Annotated[
        str | None, typer.Option(help="With --by time: test on what was recorded from then on, like 2026-05-01.")
    ] = None,
    text_disjoint: Annotated[bool, typer.Option("--text-disjoint", help="Keep texts apart as well.")] = False,
    seed: Seed = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail where splits share what they should not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write train.jsonl, dev.jsonl and test.jsonl beside a manifest, with a report of their balance."""
    from data.balance import balance_of, check_splits, write_splits
    from data.errors import InvalidRequestError
    from data.groups import digests_of
    from data.manifest import read_manifest
    from data.split import SplitOptions, parse_shares
    from data.split import split as assign
    from data.summary import show_balance

    options = SplitOptions(parse_shares(shares), by, seed, text_disjoint, test_from)
    if check:
        assignment = check_splits({path: read_manifest(path) for path in manifests}, options)
    elif len(manifests) == 1:
        with progress_bar("reading clips") as progress:
            utterances = read_manifest(manifests[0])
            assignment = assign(utterances, digests_of(utterances, manifests[0], progress), options)
        write_splits(manifests[0], assignment)
    else:
        raise InvalidRequestError(f"{len(manifests)} manifests; split one at a time, or name several with --check")
    balance = balance_of(assignment.utterances)
    if as_json:
        print(json.dumps({"by": assignment.by, "reason": assignment.reason, **asdict(balance)}, ensure_ascii=False))
        return
    show_balance(assignment, balance)


@app.command(
    epilog="Example: voicesearch data augment corpora/prompts/train.jsonl --copies 2 --effect noise --effect room"
)
def augment(
    manifest: Annotated[Path, typer.Argument(help="The manifest whose clips are augmented.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Manifest of the clips and their copies, in the same folder; by default -augmented."),
    ] = None,
    effect: Annotated[list[Effect] | None, typer.Option(help="An effect to use; by default all.")] = None,
    copies: Annotated[int, typer.Option(min=1, max=100, help="Copies of each clip.")] = 1,
    noise: Annotated[Path | None, typer.Option(help="Recording of noise, or a folder of them; else synthetic.")] = None,
    response: Annotated[
        Path | None, typer.Option(help="Impulse response, or a folder of them; else synthetic.")
    ] = None,
    snr: Annotated[str, typer.Option(help="Range of the signal-to-noise ratio in dB.")] = "5:25",
    seed: Seed = 0,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Make copies in rooms, noise and telephones; each stays on its parent's side of the split."""
    from data.augmentation import AugmentOptions, parse_range
    from data.augmentation import augment as augment_manifest
    from data.sounds import sounds_at
    from data.workers import core_count

    options = AugmentOptions(
        effects=tuple(effect or Effect),
        copies=copies,
        seed=seed,
        snr_db=parse_range(snr),
        noises=sounds_at(noise),
        responses=sounds_at(response),
    )
    target = out or manifest.with_name(f"{manifest.stem}-augmented.jsonl")
    with progress_bar("augmenting") as progress:
        batch = augment_manifest(manifest, target, options, processes=processes or core_count(), progress=progress)
    _report(batch, as_json)


@app.command(
    epilog="Example: voicesearch data synthesize examples/films/catalogue.csv --out corpora/queries --queries 50"
)
def synthesize(
    catalogue: Annotated[Path, typer.Argument(help="The catalogue: CSV or JSONL.")],
    out: Annotated[Path, typer.Option(help="Folder of the manifest and the clips.")],
    templates: Annotated[
        Path | None,
        typer.Option(help="How people ask: a line each, like 'films by {director}'; by default the titles."),
    ] = None,
    queries: Annotated[int, typer.Option(min=1, max=1_000_000, help="Different queries.")] = 50,
    takes: Annotated[int, typer.Option(min=1, max=20, help="Voices that say each query.")] = 1,
    voice: Annotated[list[str] | None, typer.Option(help="A voice to use; by default all.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Hypotheses of the clips (asr transcribe): drop those heard as something else.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Which column is what; by default mapping.toml beside it.")
    ] = None,
    seed: Seed = 0,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Have several voices speak queries drawn from a catalogue; whole voices are held out for testing."""
    from functools import partial

    from data.catalogue import read_catalogue, read_mapping
    from data.roundtrip import examine, read_hypotheses
    from data.settings import HomeSettings
    from data.synthesis import DEFAULT_TEMPLATES, plan_queries, plan_takes, read_templates
    from data.synthesis import synthesize as synthesize_takes
    from data.voices import require, voices_named
    from data.workers import core_count

    home = HomeSettings.load().home
    found = read_catalogue(catalogue, read_mapping(mapping) if mapping else None)
    wanted = plan_queries(found, read_templates(templates) if templates else DEFAULT_TEMPLATES, queries, seed)
    look = partial(examine, hypotheses=read_hypotheses(check)) if check else None
    voices = voices_named(voice or [])
    require(voices, home, lambda line: print(line, file=sys.stderr))
    with progress_bar("speaking") as progress:
        batch = synthesize_takes(
            found,
            plan_takes(wanted, voices, takes, seed),
            out,
            home,
            processes=processes or core_count(),
            progress=progress,
            examine=look,
        )
    _report(batch, as_json)


@app.command(
    epilog="Example: voicesearch data describe corpora/prompts/manifest.jsonl --catalogue examples/films/catalogue.csv"
)
def describe(
    manifest: Annotated[Path, typer.Argument(help="The manifest.")],
    out: Annotated[Path | None, typer.Option(help="The page to write; by default beside the manifest.")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="Compare the words with those of a catalogue.")] = None,
    lineage: Annotated[str | None, typer.Option(help="Print the chain of this clip to its recording instead.")] = None,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Show what a manifest is like, what looks wrong first: one page, and figures for machines."""
    from data.lineage import chain_of
    from data.manifest import read_manifest
    from data.summary import show_chain, show_statistics

    if lineage is not None:
        chain = chain_of(read_manifest(manifest, check_files=False), lineage)
        print(json.dumps(asdict(chain), ensure_ascii=False)) if as_json else show_chain(chain)
        return
    from data.catalogue import read_catalogue
    from data.files import atomic_writer
    from data.page import render_page
    from data.statistics import measure_manifest, summarise
    from data.workers import core_count

    utterances = read_manifest(manifest)
    found = read_catalogue(catalogue) if catalogue else None
    with progress_bar("measuring") as progress:
        clips = measure_manifest(utterances, manifest, processes=processes or core_count(), progress=progress)
    statistics = summarise(utterances, clips, manifest, found)
    page = out or manifest.with_suffix(".html")
    with atomic_writer(page) as file:
        file.write(render_page(statistics, utterances, clips, manifest))
    if as_json:
        print(json.dumps({"page": str(page), **asdict(statistics)}, ensure_ascii=False))
        return
    show_statistics(statistics)
    print(f"the page is {page}")


def _report(batch: "Batch", as_json: bool) -> None:
    from data.summary import figures_of, show_batch

    print(json.dumps(figures_of(batch), ensure_ascii=False)) if as_json else show_batch(batch)
