"""Antenna patterns as manufacturers give them: text files in the Planet format, ``.msi`` or ``.pln``.

::

    NAME 80010XXX            FREQUENCY 806 MHz        GAIN 15.5 dBd (dBd where no unit is given)
    H_WIDTH 65               V_WIDTH 8.5              TILT ELECTRICAL
    ELECTRICAL_TILT 4        HORIZONTAL 360           VERTICAL 360

After ``HORIZONTAL n`` and ``VERTICAL n`` follow n lines of an angle in degrees and an attenuation in dB, positive. The
horizontal cut counts clockwise from the axis, the vertical one from the horizon **downward**: 90 is straight down. The
format fixes neither that direction nor what TILT holds, so the lobe itself is compared with the tilt the file declares.
Read as well: decimal commas, semicolons between the two numbers, ``KEY=value``, remarks after ``#``, ``!`` or ``//``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["FilePattern", "read_antenna_file"]

FloatArray = npt.NDArray[np.float64]

_DBI_OF_DBD = 2.15
_SECTIONS = ("HORIZONTAL", "VERTICAL")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
_GAIN = re.compile(rf"({_NUMBER.pattern})\s*[(\[]?\s*(dBi|dBd|dB)?", re.IGNORECASE)
_REMARK = re.compile(r"\s*(?:[#!]|//).*")
_LARGEST_GAP_DEG = 10.0
_LOBE_FOUND_DEG = 1.5
_LOBE_DEPTH_DB = 0.1
_LARGEST_DB = 200.0
_GAINS_DBI = (-20.0, 60.0)
_OTHER_CARRIER_SHARE = 0.25


@dataclass(frozen=True)
class FilePattern:
    """Two measured cuts of an antenna, added: A(φ, θ) = A_H(φ) + A_V(θ).

    Between the angles of the file attenuations in dB are interpolated linearly. Adding the cuts is exact on both
    principal planes; away from them it mostly attenuates too much, which errs to the safe side for what a site serves
    and to the other for what it disturbs. The half of the vertical cut behind the antenna is not used: the horizontal
    cut tells what radiates to the back. Angles have shape (n,), rise and lie within 0 and 360.
    """

    name: str
    gain_dbi: float
    electrical_tilt_deg: float
    """The tilt at which the vertical cut was taken, positive downward."""
    horizontal_deg: FloatArray
    horizontal_db: FloatArray
    vertical_deg: FloatArray
    vertical_db: FloatArray
    frequency_mhz: float | None = None
    """Middle of the frequencies the file speaks for; None where it says nothing."""

    def attenuation_db(
        self, azimuth_off_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike, tilt_deg: float
    ) -> FloatArray:
        """See :class:`~trassa.radio.antenna.AntennaPattern`; the vertical cut turns by the tilt less the file's own."""
        below_deg = np.asarray(elevation_deg, dtype=np.float64) - (tilt_deg - self.electrical_tilt_deg)
        around_deg = np.asarray(azimuth_off_deg, dtype=np.float64)
        horizontal_db = np.interp(around_deg, self.horizontal_deg, self.horizontal_db, period=360.0)
        vertical_db = np.interp(below_deg, self.vertical_deg, self.vertical_db, period=360.0)
        return np.asarray(horizontal_db + vertical_db, dtype=np.float64)

    def doubts(self, frequency_mhz: float, site_gain_dbi: float) -> list[str]:
        """Sentences where the antenna does not look like that of the settings: another carrier, less gain."""
        told = []
        if self.frequency_mhz is not None and abs(self.frequency_mhz / frequency_mhz - 1.0) > _OTHER_CARRIER_SHARE:
            told.append(f"{self.name} was measured at {self.frequency_mhz:g} MHz, the carrier is {frequency_mhz:g} MHz")
        if self.gain_dbi < site_gain_dbi:
            told.append(f"{self.name} has {self.gain_dbi:.2f} dBi, radio.site_gain_dbi counts {site_gain_dbi:g}")
        return [f"antenna: {one}" for one in told]


@dataclass(frozen=True)
class _Lines:
    """What a file holds: headers by name with their line, and the rows of both cuts."""

    headers: dict[str, tuple[int, str]]
    cuts: dict[str, list[tuple[float, float]]]


def read_antenna_file(path: Path) -> FilePattern:
    """Read a ``.msi`` or ``.pln`` file. InputError names the file, the line and the value it cannot use."""
    lines = _read_lines(path)
    cuts = [_cut(path, section, lines.cuts) for section in _SECTIONS]
    declared_deg = _declared_tilt_deg(path, lines)
    return FilePattern(
        name=lines.headers.get("NAME", (0, path.stem))[1] or path.stem,
        gain_dbi=_gain_dbi(path, lines),
        electrical_tilt_deg=_electrical_tilt_deg(path, declared_deg, *cuts[1]),
        horizontal_deg=cuts[0][0],
        horizontal_db=cuts[0][1],
        vertical_deg=cuts[1][0],
        vertical_db=cuts[1][1],
        frequency_mhz=_frequency_mhz(path, lines),
    )


def _read_lines(path: Path) -> _Lines:
    lines = _Lines({}, {})
    section, missing = "", 0
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if missing:
            words = _REMARK.sub("", line).replace(";", " ").split()
            if words:
                lines.cuts[section].append(_row(path, number, section, words))
                missing -= 1
            continue
        words = re.split(r"[\s:=]+", line.strip(), maxsplit=1)
        key, rest = words[0].upper(), words[1] if len(words) > 1 else ""
        if not key:
            continue
        if key in _SECTIONS:
            section, missing = key, _rows_announced(path, number, key, rest.split())
            if section in lines.cuts:
                raise _refused(path, number, f"a second section {section}", "keep one")
            lines.cuts[section] = []
        elif _NUMBER.fullmatch(key) and _NUMBER.fullmatch(rest):
            raise _refused(
                path,
                number,
                f"{' '.join(words)!r} lies in no section",
                "compare the number after HORIZONTAL or VERTICAL with the lines that follow",
            )
        else:
            lines.headers.setdefault(key, (number, rest))
    if missing:
        found = len(lines.cuts[section])
        raise InputError(
            f"antenna file {path}: {section} ends after {found} of {found + missing} lines", cure="complete it"
        )
    return lines


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        cure = "give the path of a .msi or .pln file"
        raise InputError(f"antenna file {path}: {error.strerror}", cure=cure) from None
    try:
        return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _rows_announced(path: Path, number: int, section: str, words: list[str]) -> int:
    if not words:
        return 360
    if not words[0].isdecimal() or not 8 <= int(words[0]) <= 36_000:
        raise _refused(path, number, f"{section} {words[0]} is no number of lines within 8..36000", "write e.g. 360")
    return int(words[0])


def _row(path: Path, number: int, section: str, words: list[str]) -> tuple[float, float]:
    if len(words) != 2 or not all(_NUMBER.fullmatch(word) for word in words):
        cure = "one angle in degrees and one attenuation in dB on each line"
        raise _refused(path, number, f"{' '.join(words)!r} in {section} is not an angle and an attenuation", cure)
    angle_deg, loss_db = (_value(word) for word in words)
    if not -180.0 <= angle_deg <= 360.0:
        raise _refused(path, number, f"angle {angle_deg:g}° in {section} lies outside −180..360°", "give degrees")
    if not 0.0 <= loss_db <= _LARGEST_DB:
        cure = "attenuation is counted down from the gain, without a minus"
        raise _refused(
            path, number, f"attenuation {loss_db:g} dB in {section} lies outside 0..{_LARGEST_DB:g} dB", cure
        )
    return angle_deg, loss_db


def _cut(path: Path, section: str, cuts: dict[str, list[tuple[float, float]]]) -> tuple[FloatArray, FloatArray]:
    """Angles and attenuations of a cut, by rising angle; 0 and 360 are the same direction."""
    if section not in cuts:
        raise InputError(f"antenna file {path}: no section {section}", cure="add it, with 360 lines")
    table = np.array(cuts[section], dtype=np.float64)
    angle_deg, first, group = np.unique(np.remainder(table[:, 0], 360.0), return_index=True, return_inverse=True)
    loss_db = table[first, 1]
    spread_db = float(np.abs(table[:, 1] - loss_db[group]).max())
    if spread_db > 1.0:
        raise InputError(
            f"antenna file {path}: {section} gives one angle twice, {spread_db:g} dB apart", cure="keep one"
        )
    gap_deg = float(np.diff(angle_deg, append=angle_deg[0] + 360.0).max())
    if gap_deg > _LARGEST_GAP_DEG:
        message = f"antenna file {path}: {section} leaves out {gap_deg:g}°, more than {_LARGEST_GAP_DEG:g}°"
        raise InputError(message, cure="give the whole circle")
    return angle_deg, loss_db


def _gain_dbi(path: Path, lines: _Lines) -> float:
    if "GAIN" not in lines.headers:
        raise InputError(f"antenna file {path}: no line GAIN", cure="add e.g. GAIN 17.5 dBi")
    number, text = lines.headers["GAIN"]
    found = _GAIN.search(text)
    if not found:
        raise _refused(path, number, f"GAIN {text!r} holds no number", "write e.g. GAIN 17.5 dBi")
    unit = (found[2] or text).lower()  # the unit beside the number counts, else the one that stands anywhere
    gain_dbi = _value(found[1]) + (0.0 if "dbi" in unit else _DBI_OF_DBD)
    if not _GAINS_DBI[0] <= gain_dbi <= _GAINS_DBI[1]:
        told = f"GAIN {text!r} lies outside {_GAINS_DBI[0]:g}..{_GAINS_DBI[1]:g} dBi"
        raise _refused(path, number, told, "write e.g. GAIN 17.5 dBi")
    return gain_dbi


def _value(word: str) -> float:
    return float(word.replace(",", "."))


def _frequency_mhz(path: Path, lines: _Lines) -> float | None:
    """The frequency, or the middle of a range of two."""
    number, text = lines.headers.get("FREQUENCY", (0, ""))
    if not text:
        return None
    found = [float(word.replace(",", ".")) for word in re.findall(r"\d+(?:[.,]\d+)?", text)]
    if len(found) not in (1, 2):
        raise _refused(path, number, f"FREQUENCY {text!r} is neither one frequency nor a range", "write e.g. 806 MHz")
    return sum(found) / len(found) * (1000.0 if "ghz" in text.lower() else 1.0)


def _declared_tilt_deg(path: Path, lines: _Lines) -> float | None:
    """The electrical tilt in degrees that the headers give, in ELECTRICAL_TILT or in TILT; None where they do not."""
    for key in ("ELECTRICAL_TILT", "TILT"):
        number, text = lines.headers.get(key, (0, ""))
        found = _NUMBER.search(text)
        if found and "MECH" not in text.upper():
            tilt_deg = _value(found[0])
            if not -45.0 <= tilt_deg <= 45.0:
                raise _refused(path, number, f"{key} {tilt_deg:g}° lies outside −45..45°", "give degrees downward")
            return tilt_deg
    return None


def _electrical_tilt_deg(path: Path, declared_deg: float | None, angle_deg: FloatArray, loss_db: FloatArray) -> float:
    """The declared tilt where the main lobe agrees with it; without one, the middle of the lobe's top."""
    signed_deg = np.remainder(angle_deg + 180.0, 360.0) - 180.0
    front = np.abs(signed_deg) <= 90.0
    top_deg = signed_deg[front][loss_db[front] <= loss_db[front].min() + _LOBE_DEPTH_DB]
    if declared_deg is None:
        return float(top_deg.mean())
    if np.abs(top_deg - declared_deg).min() <= _LOBE_FOUND_DEG:
        return declared_deg
    told = (
        f"antenna file {path}: electrical tilt {declared_deg:g}°, but the vertical cut looks {top_deg.mean():g}° down"
    )
    if np.abs(top_deg + declared_deg).min() <= _LOBE_FOUND_DEG:
        raise InputError(told, cure="turn VERTICAL round: 90 is straight down, 270 straight up")
    raise InputError(told, cure="correct ELECTRICAL_TILT or the section VERTICAL")


def _refused(path: Path, number: int, told: str, cure: str) -> InputError:
    return InputError(f"antenna file {path} line {number}: {told}", cure=cure)
