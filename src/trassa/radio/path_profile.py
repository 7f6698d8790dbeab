"""Path profiles as ITU-R Study Group 3 exchanges them: terrain, ground cover and radio-climatic zones of one link.

A profile file is Latin-1 text of comma-separated lines: a header of ``key:,value`` lines, then the parts between
``{Begin of Meteorology}``, ``{Begin of Profile}``, ``{Begin of Measurements}`` and their ends. Any line may carry
trailing commas. The header's coordinates need not agree with the length of the path: lengths come from the profile.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.path_properties import COASTAL, INLAND, SEA

__all__ = ["PathProfile", "parse_path_profile", "read_path_profile"]

FloatArray = npt.NDArray[np.float64]

_COLUMNS = ("distance in km", "ground height in m", "coverage code", "cover height in m", "radio-climatic zone")
_TURNED = {"": False, "t": False, "tx": False, "r": True, "rx": True}


@dataclass(frozen=True)
class PathProfile:
    """One link from transmitter to receiver. Arrays have shape (n,), n ≥ 5."""

    name: str
    distance_km: FloatArray
    """From the transmitter, rising from 0."""
    ground_m: FloatArray
    """Bare ground above sea level."""
    clutter_m: FloatArray
    """Height of the ground cover."""
    zone: npt.NDArray[np.int8]
    """`SEA`, `COASTAL` or `INLAND`."""
    transmitter_deg: tuple[float, float]
    """Latitude and longitude."""
    receiver_deg: tuple[float, float]
    dn_per_km: float | None
    """Refractivity lapse rate in N-units/km, where the file has it."""
    n0: float | None
    """Sea-level surface refractivity in N-units, where the file has it."""


@dataclass(frozen=True)
class _Line:
    """One line of the file: its number, and its fields without the empty tail."""

    number: int
    fields: list[str]

    @property
    def mark(self) -> str:
        return self.fields[0].casefold() if self.fields else ""


@dataclass(frozen=True)
class _File:
    name: str
    lines: list[_Line]

    def wrong(self, line: _Line | None, told: str, cure: str) -> InputError:
        place = f"line {line.number}" if line else f"line {len(self.lines)}, the last"
        return InputError(f"radio: {self.name}: {place}: {told}", cure=cure)

    def part(self, name: str) -> list[_Line] | None:
        """The lines between ``{Begin of name}`` and ``{End of name}``; None where there is neither."""
        begin, end = f"{{begin of {name}}}".casefold(), f"{{end of {name}}}".casefold()
        begins = [i for i, line in enumerate(self.lines) if line.mark.startswith(begin)]
        ends = [i for i, line in enumerate(self.lines) if line.mark.startswith(end)]
        if not begins and not ends:
            return None
        if not begins or not ends or ends[0] < begins[0]:
            mark, other = (ends, "Begin") if not begins or (ends and ends[0] < begins[0]) else (begins, "End")
            told = f"this mark has no {{{other} of {name}}}: the file is cut short or not in order"
            raise self.wrong(self.lines[mark[0]], told, f"add the line {{{other} of {name}}}, or the complete file")
        return self.lines[begins[0] + 1 : ends[0]]

    def number(self, line: _Line, column: int, thing: str, bounds: tuple[float, float]) -> float:
        """The number in that column, within its bounds."""
        lowest, highest = bounds
        text = line.fields[column] if column < len(line.fields) else ""
        try:
            value = float(text.replace("_", "?"))
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            shown = repr(text[:40]) if text else "nothing"
            raise self.wrong(line, f"{thing} is {shown}", f"a number from {lowest:g} to {highest:g}")
        return value


def read_path_profile(path: Path) -> PathProfile:
    """Read a profile file; one whose first point is the receiver is turned round. Raises InputError with its line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"radio: {path}: {error.strerror}", cure="the file of a path profile") from None
    return parse_path_profile(content, path.name)


def parse_path_profile(content: bytes, name: str) -> PathProfile:
    """The profile in the bytes of a file; ``name`` is what errors call it. Raises InputError with its line."""
    texts = re.split(r"\r\n|\n|\r", content.decode("latin-1").rstrip("\r\n"))
    file = _File(name, [_Line(i, _fields(text)) for i, text in enumerate(texts, 1)])
    part = file.part("Profile")
    if part is None:
        told = "no {Begin of Profile} … {End of Profile} up to here"
        raise file.wrong(None, told, "a path profile as ITU-R Study Group 3 exchanges them")
    file.part("Measurements")  # not used, yet a file cut short there is not trusted
    meteorology = _keyed(file.part("Meteorology") or [])
    header = _keyed(file.lines[: part[0].number - 1] if part else file.lines)
    distance_km, ground_m, clutter_m, zone = _points(file, part)
    if _turned(file, header):
        distance_km = distance_km[-1] - distance_km[::-1]
        ground_m, clutter_m, zone = ground_m[::-1].copy(), clutter_m[::-1].copy(), zone[::-1].copy()
    return PathProfile(
        name=name,
        distance_km=distance_km,
        ground_m=ground_m,
        clutter_m=clutter_m,
        zone=zone.astype(np.int8),
        transmitter_deg=_place(file, header, "Tx"),
        receiver_deg=_place(file, header, "Rx"),
        dn_per_km=_mean(file, meteorology, "average annual values dn", "refractivity lapse rate dN", (0.0, 156.0)),
        n0=_mean(file, meteorology, "average annual sea-level", "sea-level surface refractivity No", (100.0, 600.0)),
    )


def _fields(text: str) -> list[str]:
    fields = [field.strip() for field in text.split(",")]
    while fields and not fields[-1]:
        fields.pop()
    return fields


def _keyed(lines: Sequence[_Line]) -> dict[str, _Line]:
    """``key:,value`` lines by their key, small and without the colon; the first of each."""
    found: dict[str, _Line] = {}
    for line in lines:
        if line.fields and line.fields[0].endswith(":"):
            found.setdefault(line.mark.rstrip(": "), line)
    return found


def _turned(file: _File, header: dict[str, _Line]) -> bool:
    line = header.get("first point tx or rx")
    if line is None:
        return False
    said = line.fields[1] if len(line.fields) > 1 else ""
    if said.casefold() not in _TURNED:
        raise file.wrong(line, f"the first point is {said!r}", "T for the transmitter or R for the receiver")
    return _TURNED[said.casefold()]


def _place(file: _File, header: dict[str, _Line], end: str) -> tuple[float, float]:
    found = []
    for word, limit in (("LAT", 80.0), ("LON", 180.0)):
        line = header.get(f"{end} {word}".casefold())
        if line is None:
            told = f"the header has no {end} {word}: the latitude of the path is not known"
            raise file.wrong(file.lines[0], told, f"add the line '{end} {word}:,DEGREES' to the header")
        found.append(file.number(line, 1, f"{end} {word}", (-limit, limit)))
    return found[0], found[1]


def _mean(
    file: _File, meteorology: dict[str, _Line], key: str, thing: str, bounds: tuple[float, float]
) -> float | None:
    """An annual mean of the meteorology; None where the file leaves it open."""
    line = next((line for name, line in meteorology.items() if name.startswith(key)), None)
    return None if line is None or len(line.fields) < 2 else file.number(line, 1, thing, bounds)


def _points(file: _File, part: list[_Line]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Distance, ground, cover and zone of every point as the file has them."""
    filled = [line for line in part if line.fields]
    if not filled or not filled[0].mark.startswith("number of points"):
        line = filled[0] if filled else None
        raise file.wrong(line, "the profile does not begin with 'Number of Points:'", "add 'Number of Points:,n'")
    declared, rows = filled[0], filled[1:]
    count = file.number(declared, 1, "the number of points", (5.0, 10_000_000.0))
    if count != len(rows):
        raise file.wrong(declared, f"{count:g} points declared, {len(rows)} found", "the complete profile")
    table = np.array([_point(file, row) for row in rows], dtype=np.float64)
    backward = np.flatnonzero(np.diff(table[:, 0]) <= 0.0)
    if len(backward):
        row = rows[int(backward[0]) + 1]
        told = f"distance {row.fields[0]} km does not rise above that of the point before"
        raise file.wrong(row, told, "points in order along the path, each once")
    if table[0, 0] != 0.0:
        told = f"the first distance is {rows[0].fields[0]} km, not 0"
        raise file.wrong(rows[0], told, "distances from the first point")
    distance_km, ground_m, clutter_m, zone = np.ascontiguousarray(table.T)
    return distance_km, ground_m, clutter_m, zone


def _point(file: _File, row: _Line) -> tuple[float, float, float, float]:
    if len(row.fields) < len(_COLUMNS):
        told = f"{len(row.fields)} columns, a point of the profile has {len(_COLUMNS)}"
        raise file.wrong(row, told, ", ".join(_COLUMNS))
    zone = file.number(row, 4, _COLUMNS[4], (SEA, INLAND))
    if zone not in (SEA, COASTAL, INLAND):
        raise file.wrong(row, f"radio-climatic zone {row.fields[4]}", "1 for sea, 3 for coastal land or 4 for inland")
    cover_m = file.number(row, 3, _COLUMNS[3], (0.0, 1000.0)) if row.fields[3] else 0.0
    return (
        file.number(row, 0, _COLUMNS[0], (0.0, 3000.0)),
        file.number(row, 1, _COLUMNS[1], (-1000.0, 10_000.0)),
        cover_m,
        zone,
    )
