"""The rows of a layer against rows worked out again: none left out, none too many, every value as found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trassa.linear import Layer

__all__ = ["AT_M", "rows_off"]

AT_M = 1e-3
"""Two measures nearer to one another than this are one place, in metres."""

_WITHIN = {"m": 0.5, "km": 1e-6, "deg": 1e-7, "dB": 0.02, "us": 0.5, "Mbit/s": 1e-6, "1": 1e-9}
_EXACT = ("measure_m", "start_m", "end_m", "tap_m", "worst_start_m", "splitter_m")


def rows_off(layer: Layer, key: Sequence[str], due: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with a layer, in sentences. ``due`` holds the columns that are checked; ``key`` names a row.

    Lengths may differ by half a metre, losses by 0.02 dB, delays by 0.5 µs, places by a millimetre; a NaN is due where
    nothing is known.
    """
    stated: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in layer.rows():
        stated.setdefault(_key(row, key), []).append(row)
    wrong = []
    for found in due:
        rows = stated.pop(_key(found, key), [])
        if len(rows) != 1:
            wrong.append(f"{layer.schema.name} has {len(rows) or 'no'} rows of {_named(found, key)}")
            continue
        wrong += [
            f"{layer.schema.name}, {_named(found, key)}: {column} stated {_text(rows[0][column])}, found {_text(value)}"
            for column, value in found.items()
            if column not in key and not _same(layer, column, rows[0][column], value)
        ]
    return wrong + [f"{layer.schema.name} has a row of {_named(rows[0], key)}" for rows in stated.values()]


def _key(row: Mapping[str, Any], key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(round(row[name], 4) if isinstance(row[name], float) else row[name] for name in key)


def _named(row: Mapping[str, Any], key: Sequence[str]) -> str:
    return " ".join(_text(row[name]) for name in key)


def _text(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value) or "nothing"


def _same(layer: Layer, column: str, stated: Any, found: Any) -> bool:
    if not isinstance(found, float):
        return bool(stated == found)
    if found != found or stated != stated:
        return bool(found != found and stated != stated)
    within = AT_M if column in _EXACT else _WITHIN[layer.schema.column(column).unit]
    return bool(stated == found or abs(stated - found) <= within)
