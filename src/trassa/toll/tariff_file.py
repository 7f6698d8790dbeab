"""Tariff files: TOML read into a :class:`~trassa.toll.tariff.TariffSystem`, every fault with its place."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trassa.errors import InputError
from trassa.toll.tariff import TariffSystem
from trassa.toll.tariff_check import Finding, findings_of

__all__ = ["bundled_names", "checked", "read_tariff", "tariff_path"]

_BUNDLED = Path(__file__).parent / "tariffs"


def bundled_names() -> list[str]:
    """The names of the tariffs that come with trassa."""
    return sorted(path.stem for path in _BUNDLED.glob("*.toml"))


def tariff_path(name: str, folder: Path) -> Path:
    """The file behind a bundled name, or a TOML file in a folder."""
    path = folder / name if name.endswith(".toml") else _BUNDLED / f"{name}.toml"
    if path.is_file():
        return path
    if name.endswith(".toml"):
        raise InputError(f"tariff: there is no file {path}", cure="put it there, or name a bundled tariff")
    raise InputError(
        f"tariff: {name!r} is no bundled tariff", cure=f"one of {', '.join(bundled_names())}, or a .toml file"
    )


def read_tariff(path: Path) -> TariffSystem:
    """The tariff of a file; its first error as an :class:`~trassa.errors.InputError`."""
    system, findings = checked(path)
    errors = [finding for finding in findings if finding.is_error]
    if system is None or errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise InputError(
            f"tariff: {path.name}, {errors[0].place}: {errors[0].text}{more}", cure=f"trassa toll check {path}"
        )
    return system


def checked(path: Path) -> tuple[TariffSystem | None, list[Finding]]:
    """The tariff of a file, or none where it cannot be built, and everything that is to be said about it."""
    try:
        content = path.read_bytes()
        body = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise InputError(f"tariff: {path}: {error.strerror}", cure="give a readable TOML file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return None, [Finding(True, "the file", f"is no TOML: {error}")]
    own = {"file", "sha256"} & body.keys()
    if own:
        return None, [Finding(True, key, "is filled in by trassa; delete it") for key in sorted(own)]
    try:
        system = TariffSystem.model_validate({**body, "file": path.name, "sha256": hashlib.sha256(content).hexdigest()})
    except ValidationError as error:
        return None, [_finding(body, fault) for fault in error.errors(include_url=False)]
    return system, findings_of(system)


def _finding(body: dict[str, Any], fault: Any) -> Finding:
    """One fault of the schema, at a place a person finds in the file."""
    words: list[str] = []
    at: Any = body
    for step in fault["loc"]:
        if isinstance(step, str) and step in ("int", "str"):
            continue  # the branches of a union, not a place
        at = _below(at, step)
        if isinstance(step, int) and isinstance(at, dict) and "id" in at:
            words.append(str(at["id"]))
        else:
            words.append(str(step + 1) if isinstance(step, int) else step)
    text = str(fault["msg"]).removeprefix("Value error, ")
    value = fault.get("input")
    if isinstance(value, float):
        text = f"{value} is no whole number of price units; choose a smaller price_unit_minor and write whole numbers"
    elif fault["type"] == "extra_forbidden":
        text = "is not known; delete it or correct its name"
    elif isinstance(value, (str, int)):
        text = f"{value!r}: {text}"
    return Finding(True, " › ".join(words) or "the file", text)


def _below(at: Any, step: str | int) -> Any:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None
