"""The charter: what goes in, what comes out, and the thresholds that every decision obeys."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from data.errors import CharterError


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that matters: what is aimed at (`target`) and what must hold (`floor`), in `unit`."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher"]
    target: float
    floor: float

    def verdict(self, value: float) -> Literal["target", "floor", "missed"]:
        """Judge a measured value.

        Args:
            value: In the metric's unit.

        Returns:
            `target` when it is reached, `floor` when only what must hold holds, else `missed`.
        """
        sign = 1 if self.better == "lower" else -1
        if sign * value <= sign * self.target:
            return "target"
        return "floor" if sign * value <= sign * self.floor else "missed"


@dataclass(frozen=True, slots=True)
class Charter:
    """The agreement behind a project: X -> y, and the metrics with their thresholds."""

    name: str
    language: str
    input: str
    output: str
    metrics: tuple[Metric, ...]

    def metric(self, name: str) -> Metric:
        """Give a metric by name.

        Args:
            name: As in `charter.toml`.

        Returns:
            The metric.

        Raises:
            CharterError: The charter has no such metric.
        """
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise CharterError(f"the charter has no metric {name!r}; it has {', '.join(m.name for m in self.metrics)}")


def read_charter(path: Path) -> Charter:
    """Read and check a charter.

    Args:
        path: A TOML file.

    Returns:
        The charter.

    Raises:
        CharterError: naming the file, the key and the remedy.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CharterError(f"{path}: there is no such charter; run this where charter.toml is") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CharterError(f"{path}: not TOML ({error})") from error
    if not isinstance(content.get("metrics"), dict) or not content["metrics"]:
        raise CharterError(f"{path}: the charter has no [metrics.NAME]; add at least one")
    return Charter(
        **{key: _text(content, key, f"{path}") for key in ("name", "language", "input", "output")},
        metrics=tuple(_metric(name, values, f"{path}: metrics.{name}") for name, values in content["metrics"].items()),
    )


def _metric(name: str, values: Any, where: str) -> Metric:
    if not isinstance(values, dict):
        raise CharterError(f"{where}: not a table; write [metrics.{name}] with title, unit, better, target, floor")
    if (better := values.get("better")) not in ("lower", "higher"):
        raise CharterError(f"{where}: better is {better!r}; write 'lower' or 'higher'")
    metric = Metric(
        name=name,
        title=_text(values, "title", where),
        unit=_text(values, "unit", where),
        better=better,
        target=_number(values, "target", where),
        floor=_number(values, "floor", where),
    )
    if metric.verdict(metric.floor) == "target" and metric.floor != metric.target:
        raise CharterError(f"{where}: the target {metric.target:g} is worse than the floor {metric.floor:g}; swap them")
    return metric


def _text(values: dict[str, Any], key: str, where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CharterError(f"{where}: {key} is {value!r}; write a text")
    return value


def _number(values: dict[str, Any], key: str, where: str) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CharterError(f"{where}: {key} is {value!r}; write a number")
    return float(value)
