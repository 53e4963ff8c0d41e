"""The charter: read, judged by, refused with the key named."""

from pathlib import Path
from typing import Literal

import pytest

from data.charter import Metric, read_charter
from data.errors import CharterError

SHIPPED = Path(__file__).parents[2] / "charter.toml"


def test_the_shipped_charter_names_accuracy_latency_throughput_and_null_rate() -> None:
    charter = read_charter(SHIPPED)
    assert {"wer", "latency_p95_ms", "throughput_qps", "null_rate"} <= {metric.name for metric in charter.metrics}
    assert charter.language == "en"


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        ("lower", 5, "target"),
        ("lower", 15, "floor"),
        ("lower", 25, "missed"),
        ("higher", 25, "target"),
        ("higher", 15, "floor"),
        ("higher", 5, "missed"),
    ],
)
def test_a_value_is_judged_by_target_and_floor(better: Literal["lower", "higher"], value: float, verdict: str) -> None:
    target, floor = (10, 20) if better == "lower" else (20, 10)
    assert Metric("m", "M", "ms", better, target, floor).verdict(value) == verdict


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('better = "lower"', 'better = "smaller"'), "metrics.wer: better is 'smaller'"),
        (("target = 0.10", "target = 0.90"), "metrics.wer: the target 0.9 is worse than the floor 0.25"),
        (("floor = 0.25", 'floor = "low"'), "metrics.wer: floor is 'low'; write a number"),
        (('language = "en"', ""), "language is None; write a text"),
        (("[metrics.wer]", "[metrics.wer"), "not TOML"),
    ],
)
def test_a_charter_that_cannot_be_used_names_the_key(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "charter.toml"
    path.write_text(SHIPPED.read_text().replace(*change, 1))
    with pytest.raises(CharterError, match=said.replace(".", r"\.")):
        read_charter(path)


def test_a_missing_charter_and_a_missing_metric_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no such charter"):
        read_charter(tmp_path / "charter.toml")
    with pytest.raises(CharterError, match="no metric 'fame'; it has wer"):
        read_charter(SHIPPED).metric("fame")
