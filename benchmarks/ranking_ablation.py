"""What each part of the search brings to the order of items: the whole without it, the other weights fitted anew."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias
from unittest.mock import patch

import numpy as np

import serve.analysis
import serve.generation
import serve.matching
import serve.readings
from benchmarks.query_sets import Query
from benchmarks.ranking_fit import Example, example, fit, fit_queries
from data.catalogue import Catalogue
from serve.generation import Generation
from serve.index import build_index
from serve.ranking import FEATURES, Weights

ABLATED = 200
"""Queries of a set that are looked at."""

ABLATION_SETS = (
    *("typed with an error", "typed as spoken", "typed, half a title", "typed, facets"),
    *("voice, clean", "voice, 10 dB"),
)
CANDIDATE_PARTS = {
    "words": (serve.matching.TITLE, serve.matching.OTHER),
    "sounds of words": (serve.matching.SOUNDS,),
    "pieces of the title's sound": (serve.matching.PIECES,),
}

Measured: TypeAlias = Mapping[str, Sequence[Example | None]]


def print_ablation(sets: dict[str, list[Query]], catalogue: Catalogue, generation: Generation) -> None:
    """Print what each part brings to the order of items: this system without it."""
    few = {name: sets[name][:: max(len(sets[name]) // ABLATED, 1)][:ABLATED] for name in ABLATION_SETS}
    fitted_on = [each for asked, heard in fit_queries() if (each := example(generation, asked, heard)) is not None]
    print("\n| this system | " + " | ".join(f"{name} ({len(few[name])})" for name in few) + " |")
    print("| --- |" + " --- |" * len(few))

    def row(name: str, measured: Measured, weights: Weights) -> None:
        print(
            f"| {name} | " + " | ".join(f"{order_mrr(each, weights):.3f}" for each in measured.values()) + " |",
            flush=True,
        )

    whole, weights = measure_sets(few, generation), fit(fitted_on)
    row("whole", whole, weights)
    for feature in FEATURES:
        row(f"without `{feature}`", whole, fit(fitted_on, without=(feature,)))
    alone = {name: [replace(query, heard=query.heard[:1]) for query in queries] for name, queries in few.items()}
    row("best hypothesis alone", measure_sets(alone, generation), weights)
    for name, fields in CANDIDATE_PARTS.items():
        with patch.dict(serve.matching.WEIGHTS, dict.fromkeys(fields, 0.0)):
            row(f"candidates without {name}", measure_sets(few, generation), weights)
    with patch.object(serve.readings, "_CARRIER", re.compile("^")):
        row("carrier phrases kept", measure_sets(few, generation), weights)
    serve.generation._cell_terms.cache_clear()  # it remembers numbers in digits
    with patch.object(serve.analysis, "_digits", lambda: str), TemporaryDirectory() as folder:
        other = Generation(build_index(catalogue, Path(folder)).folder)
        row("numbers as they are said", measure_sets(few, other), weights)


def measure_sets(sets: dict[str, list[Query]], generation: Generation) -> Measured:
    """Measure the candidates of every query."""
    return {
        name: [example(generation, query.asked, query.heard) for query in queries] for name, queries in sets.items()
    }


def order_mrr(examples: Sequence[Example | None], weights: Weights) -> float:
    """Give MRR@10 of the order that weights put candidates in."""
    rank = np.array([weights.rank[name] for name in FEATURES])
    total = 0.0
    for each in examples:
        if each is not None:
            order = np.argsort(-(each.features @ rank).max(axis=0).round(4), kind="stable")[:10]
            total += next((1.0 / place for place, at in enumerate(order, 1) if each.right[at]), 0.0)
    return total / len(examples)
