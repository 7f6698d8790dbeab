"""What cause and sub cause codes are called, in English and Russian.

The same codes mean different things in Release 1 and Release 2, and a message of ``protocolVersion`` 2 does not say
which release it speaks. So where the two differ, both names are given; a code without a name is shown by its number.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Literal

__all__ = ["Language", "cause_name", "describe", "sub_cause_name"]

Language = Literal["en", "ru"]

_RELEASES = (1, 2)
_WORDS = {"en": ("cause", "sub cause", "Release"), "ru": ("причина", "уточнение", "выпуск")}


def cause_name(cause_code: int, language: Language = "en", release: int | None = None) -> str:
    """The name of a cause; without ``release``, both names where Release 1 and 2 differ."""
    return _name(cause_code, None, language, release) or f"{_WORDS[language][0]} {cause_code}"


def sub_cause_name(cause_code: int, sub_cause_code: int, language: Language = "en", release: int | None = None) -> str:
    """The name of a sub cause; empty for 0, which says nothing more than the cause."""
    if sub_cause_code == 0:
        return ""
    return _name(cause_code, sub_cause_code, language, release) or f"{_WORDS[language][1]} {sub_cause_code}"


def describe(cause_code: int, sub_cause_code: int, language: Language = "en", release: int | None = None) -> str:
    """Cause and sub cause in one phrase, ``roadworks: street cleaning``."""
    names = (cause_name(cause_code, language, release), sub_cause_name(cause_code, sub_cause_code, language, release))
    return ": ".join(name for name in names if name)


def _name(cause_code: int, sub_cause_code: int | None, language: Language, release: int | None) -> str:
    of_release = [_table()[of].get((cause_code, sub_cause_code), ("", ""))[language == "ru"] for of in _RELEASES]
    if release is not None:
        return of_release[_RELEASES.index(release)]
    first, second = of_release
    if first == second or not first or not second:
        return first or second
    word = _WORDS[language][2]
    return f"{first} ({word} 1) / {second} ({word} 2)"


@cache
def _table() -> dict[int, dict[tuple[int, int | None], tuple[str, str]]]:
    table: dict[int, dict[tuple[int, int | None], tuple[str, str]]] = {release: {} for release in _RELEASES}
    text = (resources.files("trassa.vehicles") / "causes.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        key = int(row["cause"]), int(row["sub_cause"]) if row["sub_cause"] else None
        for release in [int(row["release"])] if row["release"] else _RELEASES:
            table[release][key] = row["en"], row["ru"]
    return table
