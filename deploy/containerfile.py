"""A container file as a list of instructions; knows nothing of how they are carried out."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KNOWN = frozenset(
    {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
)
"""Instructions that can be carried out without an engine."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the line it begins on, its name, and what follows, its continued lines joined."""

    line: int
    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What follows, as a shell would split it."""
        return shlex.split(self.text)

    @property
    def options(self) -> dict[str, str]:
        """The leading `--name=value`."""
        leading = (word for word in self.words if word.startswith("--"))
        return dict(word[2:].partition("=")[::2] for word in leading)

    @property
    def listed(self) -> list[str]:
        """What follows in JSON form: `["voicesearch", "serve"]`."""
        listed: list[str] = json.loads(self.text[self.text.index("[") :])
        return listed


def read_instructions(path: Path) -> tuple[Instruction, ...]:
    """Read a container file.

    Args:
        path: The file.

    Returns:
        Its instructions in order.

    Raises:
        ValueError: An instruction that is not known, with its line.
    """
    instructions = tuple(_instructions(path.read_text(encoding="utf-8")))
    for each in instructions:
        if each.name not in KNOWN:
            raise ValueError(
                f"{path}:{each.line}: {each.name} cannot be rehearsed; known are {', '.join(sorted(KNOWN))}"
            )
    return instructions


def _instructions(text: str) -> Iterator[Instruction]:
    begun, parts = 0, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        parts.append(line.rstrip("\\").strip())
        if line.endswith("\\"):
            continue
        name, _, rest = " ".join(parts).partition(" ")
        yield Instruction(begun, name.upper(), rest.strip())
        begun, parts = 0, []
