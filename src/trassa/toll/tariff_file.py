"""Tariff files: TOML read into a :class:`~trassa.toll.tariff.TariffSystem`, every fault with its place."""

from __future__ import annotations

import codecs
import hashlib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trassa.errors import InputError
from trassa.toll.calendar import DAYS, NIGHT
from trassa.toll.tariff import TariffSystem
from trassa.toll.tariff_check import Finding, findings_of

__all__ = ["bundled_names", "checked", "read_tariff", "tariff_path"]

_BUNDLED = Path(__file__).parent / "tariffs"


def bundled_names() -> list[str]:
    """The names of the tariffs that come with trassa."""
    return sorted(path.stem for path in _BUNDLED.glob("*.toml"))


def tariff_path(name: str, folder: Path) -> Path:
    """The file behind a bundled name, or a TOML file in a folder."""
    if name.endswith(".toml"):
        path = folder / name
        if path.is_file():
            return path
        raise InputError(f"tariff: there is no file {path}", cure="put it there, or name a bundled tariff")
    if name in bundled_names():  # the name alone: a folder before it means some other file
        return _BUNDLED / f"{name}.toml"
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
    except OSError as error:
        raise InputError(f"tariff: {path}: {error.strerror}", cure="give a readable TOML file") from None
    if content.startswith(codecs.BOM_UTF8):
        return None, [Finding(True, "the file", "begins with a byte order mark; save it as UTF-8 without one")]
    try:
        body = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        byte = content[error.start]
        return None, [Finding(True, "the file", f"is not UTF-8 (byte {byte:#04x} at {error.start}); save it as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        return None, [Finding(True, "the file", f"is no TOML: {error}")]
    except ValueError:
        return None, [Finding(True, "the file", "is no TOML: one of its numbers has thousands of digits")]
    except RecursionError:
        return None, [
            Finding(True, "the file", "is no TOML: its brackets are nested too deep; rows of prices need two")
        ]
    own = {"file", "sha256"} & body.keys()
    if own:
        return None, [Finding(True, key, "is filled in by trassa; delete it") for key in sorted(own)]
    try:
        system = TariffSystem.model_validate({**body, "file": path.name, "sha256": hashlib.sha256(content).hexdigest()})
    except ValidationError as error:
        found = [_finding(body, fault) for fault in error.errors(include_url=False)]
        return None, list(dict.fromkeys(found))  # a value that fits no kind of a union is told once
    return system, findings_of(system)


def _finding(body: dict[str, Any], fault: Any) -> Finding:
    """One fault of the schema, at a place a person finds in the file."""
    words: list[str] = []
    at: Any = body
    for step in fault["loc"]:
        if isinstance(step, str) and (step in ("int", "str") or step.startswith("literal[")):
            continue  # the branches of a union, not a place
        at = _below(at, step)
        if isinstance(step, int) and isinstance(at, dict) and "id" in at:
            words.append(str(at["id"]))
        else:
            words.append(str(step + 1) if isinstance(step, int) else step)
    return Finding(True, " › ".join(words) or "the file", _fault_text(fault))


def _fault_text(fault: Any) -> str:
    """What is wrong with a value and what it should be, in words of the file."""
    kind, value, place = fault["type"], fault.get("input"), fault["loc"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known; delete it or correct its name"
    said = str(value).lower() if isinstance(value, bool) else repr(value)
    if "rows" in place and isinstance(value, bool):
        return f"{said} is no price; whole price units, 0 and more"
    if "rows" in place and isinstance(value, float):
        return f"{said} is no whole number of price units; choose a smaller price_unit_minor and write whole numbers"
    if "profiles" in place and kind == "literal_error":
        return f"{said} is no kind of day; one of {', '.join((*DAYS, NIGHT))}"
    if "discounts" in place:
        return f'{said} is no share as text; write 20 % as "0.2"'
    if kind == "string_pattern_mismatch" and place[-1] in ("id", "system", "operator"):
        return f"{said} is no name for programs; small Latin letters, digits and hyphens, as m11-058"
    text = str(fault["msg"]).removeprefix("Value error, ")
    is_said = not isinstance(value, (str, int, float)) or str(value) in text
    return text if is_said else f"{said}: {text}"


def _below(at: Any, step: str | int) -> Any:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None
