"""The reference of every address in `docs/api.md`, written from the OpenAPI description.

    python -m serve.reference    # renews the part of docs/api.md below its marker

A test keeps the two the same.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
MARKER = "<!-- Below this line: python -m serve.reference -->\n"
UNTOLD = frozenset({"user-agent"})
"""Parameters that every client sends by itself."""

Schema = Mapping[str, Any]


def reference(description: Schema) -> str:
    """Write the reference.

    Args:
        description: As `FastAPI.openapi` gives it.

    Returns:
        Markdown: the addresses, then the shapes that they take and give.
    """
    shapes: dict[str, None] = {}
    lines = ["## Addresses"]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            lines += ["", f"### `{method.upper()} {path}`", "", *operation["description"].splitlines()]
            taken = [*_parameters(operation), *_body(operation, description, shapes)]
            if taken:
                lines += ["", "| takes | where | what | |", "| --- | --- | --- | --- |", *taken]
            lines += ["", f"Gives {_answer(operation, shapes)}."]
    lines += ["", "## Shapes", "", "`?` marks what may be missing or null."]
    for name in _with_inner(shapes, description):
        schema = description["components"]["schemas"][name]
        if "properties" not in schema:
            continue
        lines += [
            "",
            f"### {name}",
            "",
            *schema.get("description", "").splitlines(),
            "",
            "| field | what |",
            "| --- | --- |",
        ]
        lines += [
            f"| `{field}` | {_type(each, needed=_needed(schema, field))} |"
            for field, each in schema["properties"].items()
        ]
    return "\n".join(lines) + "\n"


def _parameters(operation: Schema) -> Iterator[str]:
    for each in operation.get("parameters", []):
        if each["name"] not in UNTOLD:
            yield _row(
                each["name"], each["in"], each["schema"], each.get("required", False), each.get("description", "")
            )


def _body(operation: Schema, description: Schema, shapes: dict[str, None]) -> Iterator[str]:
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        name = _name_of(content["schema"])
        schema = description["components"]["schemas"][name]
        where = "form" if "form" in media else "JSON"
        if not name.startswith("Body_"):
            shapes[name] = None
        for field, each in schema["properties"].items():
            yield _row(field, where, each, _needed(schema, field), each.get("description", ""))


def _answer(operation: Schema, shapes: dict[str, None]) -> str:
    parts = []
    for media, content in operation["responses"]["200"].get("content", {}).items():
        schema = content.get("schema", {})
        for name in _names_in(schema):
            shapes[name] = None
        parts.append(_type(schema) if media == "application/json" and schema else f"`{media}`")
    return " or ".join(dict.fromkeys(parts)) or "nothing"


def _row(name: str, where: str, schema: Schema, needed: bool, said: str) -> str:
    default = f"default `{json.dumps(schema['default'])}`" if "default" in schema else ""
    return f"| `{name}` | {where} | {_type(schema, needed=needed)} | {' '.join(filter(None, (said, default)))} |"


def _needed(schema: Schema, field: str) -> bool:
    return field in schema.get("required", ()) or "default" in schema["properties"][field]


def _type(schema: Schema, *, needed: bool = True) -> str:
    told = _kind(schema)
    return told if needed or told.endswith("?") else f"{told}?"


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        name = _name_of(schema)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(kinds) + ("?" if len(kinds) < len(schema["anyOf"]) else "")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"{_kind(schema['additionalProperties'])} by name"
    if "contentMediaType" in schema:
        return "file"
    return {"string": "text", "number": "number", "integer": "whole number", "boolean": "yes or no"}.get(
        str(schema.get("type")), "anything"
    )


def _with_inner(shapes: Mapping[str, None], description: Schema) -> list[str]:
    """Give shapes and those within them, each once."""
    found, waiting = dict.fromkeys(shapes), list(shapes)
    while waiting:
        for name in _names_in(description["components"]["schemas"][waiting.pop(0)]):
            if name not in found:
                found[name] = None
                waiting.append(name)
    return list(found)


def _names_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield _name_of(schema)
        for each in schema.values():
            yield from _names_in(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _names_in(each)


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[1]


def main() -> None:
    """Renew the generated part of the page."""
    from data.files import atomic_writer
    from serve.app import app

    written, _, _ = PAGE.read_text(encoding="utf-8").partition(MARKER)
    with atomic_writer(PAGE) as page:
        page.write(written + MARKER + "\n" + reference(app.openapi()))


if __name__ == "__main__":
    main()
