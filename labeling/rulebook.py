"""Reading a transcription convention from its YAML file, and proving that its rules agree with each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from data.catalogue import read_catalogue
from data.errors import LabelError
from labeling import rules, word_rules
from labeling.convention import Convention, Rule, check_text, with_names
from labeling.rules import Check

SHIPPED = Path(__file__).parent / "conventions" / "voice-search-en.yaml"
"""The convention for spoken queries in English."""

Value: TypeAlias = "str | list[Value] | dict[str, Value]"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a rule of a kind is made from the keys that it may have."""

    keys: tuple[str, ...]
    make: Callable[["Keys"], Check]


class Keys:
    """The keys of one rule, read with their types."""

    def __init__(self, values: Mapping[str, Value], where: str) -> None:
        self.values, self.where = values, where

    def text(self, key: str) -> str:
        """Give a text; there must be one."""
        if not isinstance(value := self.values.get(key), str):
            raise LabelError(f"{self.where}: {key!r} must be a text; add it")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; none where the key is missing."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise LabelError(f"{self.where}: {key!r} must be a list of texts, such as [um, uh]")
        return tuple(map(str, value))

    def pairs(self, key: str) -> dict[str, str]:
        """Give a mapping from text to text; an empty one where the key is missing."""
        value = self.values.get(key, {})
        if not isinstance(value, dict) or not all(found and isinstance(to, str) for found, to in value.items()):
            raise LabelError(f"{self.where}: {key!r} must map texts to texts, such as {{ok: okay}}")
        return {found: str(to) for found, to in value.items()}

    def choices(self, key: str) -> dict[str, tuple[str, ...]]:
        """Give a mapping from text to several texts; an empty one where the key is missing."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise LabelError(f"{self.where}: {key!r} must map texts to lists, such as {{st: [saint, street]}}")
        return {found: Keys({found: options}, self.where).texts(found) for found, options in value.items()}


KINDS: Mapping[str, Kind] = {
    "characters": Kind(("replace",), lambda keys: rules.characters(keys.pairs("replace"))),
    "accents": Kind((), lambda _: rules.accents()),
    "case": Kind((), lambda _: rules.case()),
    "tags": Kind(("allowed", "variants"), lambda keys: word_rules.tags(keys.texts("allowed"), keys.pairs("variants"))),
    "initials": Kind((), lambda _: word_rules.initials()),
    "false-starts": Kind((), lambda _: word_rules.false_starts()),
    "numbers": Kind(("words",), lambda keys: word_rules.numbers(keys.pairs("words"))),
    "punctuation": Kind(("drop", "space"), lambda keys: rules.punctuation(keys.text("drop"), keys.text("space"))),
    "spelling": Kind(("words", "ask"), lambda keys: word_rules.spelling(keys.pairs("words"), keys.choices("ask"))),
    "fillers": Kind(
        ("forms", "write", "ask"),
        lambda keys: word_rules.fillers(keys.texts("forms"), keys.text("write"), keys.texts("ask")),
    ),
    "whitespace": Kind((), lambda _: rules.whitespace()),
    "names": Kind(("names",), lambda _: word_rules.names({})),
    "allowed": Kind(("characters",), lambda keys: rules.allowed(keys.text("characters"))),
    "words": Kind((), lambda _: rules.words()),
}
"""Every kind of rule."""

REPEATABLE = ("characters", "spelling")
"""Kinds of which a convention may hold several rules, because each settles other forms."""

COMMON_KEYS = ("id", "kind", "says", "reason", "wrong", "right")


@cache
def shipped_convention() -> Convention:
    """Read the convention that comes with this project.

    Returns:
        `voice-search-en`, in its newest version.
    """
    return read_convention(SHIPPED)


def convention_for(file: Path | None, names: Path | None) -> Convention:
    """Give the convention that somebody asks for.

    Args:
        file: Its YAML file; by default the shipped one.
        names: Names that keep their spelling: a catalogue, or a `.txt` file with one on each line.

    Returns:
        The convention.

    Raises:
        LabelError: The convention cannot be used.
        CatalogueError: The names cannot be read.
    """
    convention = read_convention(file) if file else shipped_convention()
    if names is None:
        return convention
    if names.suffix.lower() != ".txt":
        return with_names(convention, (item.title for item in read_catalogue(names).items))
    try:
        return with_names(convention, filter(str.strip, names.read_text(encoding="utf-8-sig").split("\n")))
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{names}: cannot be read as UTF-8 text ({error}); check the path") from error


def read_convention(path: Path) -> Convention:
    """Read a convention and prove its rules with their own examples.

    Args:
        path: A YAML file like the one at `SHIPPED`.

    Returns:
        The convention.

    Raises:
        LabelError: The file cannot be read, a rule is malformed, fails its example or contradicts another; the message
            names file, line and remedy.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise LabelError(f"{path}: there is no such convention; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise LabelError(f"{path}:{line}: not YAML ({error.problem}); correct this line") from error
    except yaml.YAMLError as error:
        raise LabelError(f"{path}: not YAML ({' '.join(str(error).split())}); correct it") from error
    try:
        head = Keys(_mapping(root, path), f"{path}")
    except RecursionError as error:
        raise LabelError(f"{path}: something in it holds itself, or is nested too deep; write it out") from error
    if not (version := head.text("version")).isdecimal():
        raise LabelError(f"{path}: version is {version!r}; write a whole number")
    nodes = next((value for key, value in cast(yaml.MappingNode, root).value if key.value == "rules"), None)
    if not isinstance(nodes, yaml.SequenceNode) or not nodes.value:
        raise LabelError(f"{path}: there are no rules; add a list under 'rules'")
    made = tuple(_rule(node, path) for node in nodes.value)
    _refuse_rivals(made, path)
    convention = Convention(head.text("name"), int(version), path, made)
    listed = [name for node in nodes.value for name in Keys(_mapping(node, path), f"{path}").texts("names")]
    convention = with_names(convention, listed)
    for rule in convention.rules:
        _prove(rule, convention)
    return convention


def _rule(node: yaml.Node, path: Path) -> Rule:
    where = f"{path}:{node.start_mark.line + 1}"
    keys = Keys(_mapping(node, path), where)
    kind = KINDS.get(keys.text("kind"))
    if kind is None:
        raise LabelError(f"{where}: there is no kind of rule {keys.text('kind')!r}; the kinds are {', '.join(KINDS)}")
    for key in keys.values:
        if key not in (*COMMON_KEYS, *kind.keys):
            raise LabelError(f"{where}: a rule of the kind {keys.text('kind')!r} has no {key!r}; remove it")
    texts = {key: keys.text(key) for key in COMMON_KEYS}
    for key in ("id", "says", "reason"):
        if not texts[key].strip():
            raise LabelError(f"{where}: {key!r} is empty; every rule says what, and why")
    texts |= {key: " ".join(texts[key].split()) for key in ("says", "reason")}
    return Rule(**texts, line=node.start_mark.line + 1, check=kind.make(keys))


def _refuse_rivals(made: tuple[Rule, ...], path: Path) -> None:
    """Refuse rules that share an identifier, a kind of which there is one, or a form that they settle differently."""
    for place, rule in enumerate(made):
        for other in made[:place]:
            pair = f"{path}:{rule.line}: rule {rule.id!r} and rule {other.id!r} (line {other.line})"
            if rule.id == other.id:
                raise LabelError(f"{pair} have the same id; rename one")
            if rule.kind == other.kind and rule.kind not in REPEATABLE:
                raise LabelError(f"{pair} are both of the kind {rule.kind!r}; merge them")
            for form in rule.check.forms.keys() & other.check.forms.keys():
                if rule.check.forms[form] != other.check.forms[form]:
                    raise LabelError(f"{pair} contradict each other on {form!r}; keep it in one of them")


def _prove(rule: Rule, convention: Convention) -> None:
    """Hold a rule to its examples, and what it writes to all the other rules."""
    where = f"{convention.path}:{rule.line}: rule {rule.id!r}"
    for text in (rule.right, *(written for written in rule.check.forms.values() if written)):
        for violation in check_text(text, convention).violations:
            other = next(r for r in convention.rules if r.id == violation.rule)
            raise LabelError(
                f"{where} asks for {text!r}, against rule {other.id!r} (line {other.line}: {other.says}); change either"
            )
    checked = check_text(rule.wrong, convention)
    broken = [violation.rule for violation in checked.violations]
    if rule.id not in broken:
        raise LabelError(f"{where} finds nothing wrong with its own example {rule.wrong!r}; give one that breaks it")
    if all(violation.safe for violation in checked.violations) and checked.fixed != rule.right:
        raise LabelError(
            f"{where} turns {rule.wrong!r} into {checked.fixed!r}, not {rule.right!r}; correct the example"
        )


def _mapping(node: yaml.Node | None, path: Path) -> dict[str, Value]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise LabelError(f"{path}:{line}: not a mapping; write 'key: value' lines, as in {SHIPPED.name}")
    return cast(dict[str, Value], _plain(node, path))


def _plain(node: yaml.Node, path: Path) -> Value:
    """Give a node's content with every scalar as the text that stands in the file.

    YAML itself would read `no` as false and `10` as a number, and keep the last of two equal keys in silence.
    """
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, path) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        content: dict[str, Value] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise LabelError(f"{path}:{key.start_mark.line + 1}: a list or a mapping as a key; write one text")
            if key.value in content:
                raise LabelError(f"{path}:{key.start_mark.line + 1}: {key.value!r} is given twice; keep one")
            content[str(key.value)] = _plain(value, path)
        return content
    return str(node.value)
