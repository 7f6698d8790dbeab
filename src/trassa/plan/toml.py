"""Writing trassa.toml: what was chosen stands as values, every other field as a comment with its default."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from trassa.plan.settings import Settings

__all__ = ["toml_text"]

_HEAD = """\
# {title}
# Every field that is commented out has the value shown (none behind =: it is not set). `trassa run` reads this file;
# unknown keys are refused. Prices are in minor units of the currency: cents, kopecks.
"""


def toml_text(settings: Settings) -> str:
    """The file's text; reading it gives equal settings."""
    title = settings.project.name or f"A connected road: {settings.road.ref}"
    printable = "".join(letter if letter.isprintable() else " " for letter in title)
    lines = [_HEAD.format(title=printable)]
    for name in Settings.model_fields:
        lines += _section(name, getattr(settings, name))
    return "\n".join(lines) + "\n"


def _section(path: str, model: BaseModel) -> Iterator[str]:
    yield f"[{path}]"
    inner: list[tuple[str, BaseModel]] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            inner.append((name, value))
            continue
        if field.description:
            yield f"# {field.description}"
        chosen = name in model.model_fields_set and value is not None
        yield f"{name} = {_literal(value)}" if chosen else f"# {name} = {_literal(value)}".rstrip()
    yield ""
    for name, value in inner:
        if value.model_fields_set and name in model.model_fields_set:
            yield from _section(f"{path}.{name}", value)
        else:
            yield f"# [{path}.{name}]"
            yield from (line if line.startswith("#") or not line else f"# {line}" for line in _body(value, path, name))
            yield ""


def _body(model: BaseModel, path: str, name: str) -> Iterator[str]:
    for key, value in model:
        if isinstance(value, BaseModel):
            pairs = ", ".join(f"{k} = {_literal(v)}" for k, v in value if v is not None)
            yield f"# {key} = {{ {pairs} }}"
        elif value is not None:
            yield f"# {key} = {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, BaseModel):
        return "{ " + ", ".join(f"{k} = {_literal(v)}" for k, v in value if v is not None) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_literal(v)}" for k, v in value.items()) + " }"
    return repr(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's, and DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
