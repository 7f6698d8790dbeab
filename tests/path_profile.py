"""Path profiles as ITU-R Study Group 3 exchanges them: terrain, ground cover and radio-climatic zones of one link.

A profile file is Latin-1 text of comma-separated lines: a header of ``key:,value`` lines, then the parts between
``{Begin of Meteorology}``, ``{Begin of Profile}``, ``{Begin of Measurements}`` and their ends. Any line may carry
trailing commas. The header's coordinates need not agree with the length of the path: lengths come from the profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.diffraction import Polarisation

__all__ = ["SEA", "Measurement", "PathProfile", "read_path_profile"]

FloatArray = npt.NDArray[np.float64]

SEA, COASTAL, INLAND = 1, 3, 4
"""Radio-climatic zone codes."""

_POLARISATIONS: dict[str, Polarisation] = {"1": "horizontal", "2": "vertical"}


@dataclass(frozen=True)
class Measurement:
    """One case of a profile file: what was transmitted, and the basic transmission loss found."""

    frequency_mhz: float
    transmitter_antenna_m: float
    receiver_antenna_m: float
    polarisation: Polarisation
    time_percent: float
    loss_db: float


@dataclass(frozen=True)
class PathProfile:
    """One link. Arrays have shape (n,): distance from the transmitter, bare ground above sea level, cover, zone."""

    name: str
    distance_km: FloatArray
    ground_m: FloatArray
    clutter_m: FloatArray
    zone: npt.NDArray[np.int64]
    dn_per_km: float
    """Refractivity lapse rate in N-units/km, positive."""
    measurements: tuple[Measurement, ...]

    @property
    def sea_share(self) -> float:
        """ω: the share of the path over sea. A run of equal zones reaches half a step beyond its outer points."""
        borders = np.concatenate(
            [self.distance_km[:1], 0.5 * (self.distance_km[1:] + self.distance_km[:-1]), self.distance_km[-1:]]
        )
        return float(np.diff(borders)[self.zone == SEA].sum() / self.distance_km[-1])


def read_path_profile(path: Path) -> PathProfile:
    """Read a profile file; one whose first point is the receiver is turned round. Raises InputError."""
    lines = [_fields(line) for line in path.read_text("latin-1").splitlines()]
    meteorology = dict(_pairs(_part(lines, "Meteorology", path)))
    header = dict(_pairs(lines))
    profile = _part(lines, "Profile", path)
    rows = profile[1:]
    if profile[:1] != [["Number of Points:", str(len(rows))]]:
        raise InputError(f"radio: {path.name}: {len(rows)} profile points found, another number declared")
    cases = _part(lines, "Measurements", path)
    try:
        table = np.array([[float(row[k]) if k < len(row) and row[k] else 0.0 for k in (0, 1, 3, 4)] for row in rows])
        distance_km, ground_m, clutter_m, zone = table.T
        measurements = tuple(_measurement(case) for case in cases)
        dn_per_km = float(meteorology["Average annual values dN (N-units/km)"])
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"radio: {path.name} is not a path profile ({error})") from None
    if header.get("First Point TX or RX", "T").upper().startswith("R"):
        distance_km = distance_km[-1] - distance_km[::-1]
        ground_m, clutter_m, zone = ground_m[::-1], clutter_m[::-1], zone[::-1]
    return PathProfile(path.stem, distance_km, ground_m, clutter_m, zone.astype(np.int64), dn_per_km, measurements)


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.rstrip(", \t").split(",")]


def _pairs(lines: Sequence[list[str]]) -> list[tuple[str, str]]:
    return [(fields[0].rstrip(":"), fields[1]) for fields in lines if len(fields) == 2 and fields[0].endswith(":")]


def _part(lines: Sequence[list[str]], name: str, path: Path) -> list[list[str]]:
    """The lines between ``{Begin of name}`` and ``{End of name}``."""
    marks = [fields[0].casefold() for fields in lines]
    try:
        start = marks.index(f"{{begin of {name.casefold()}}}")
        return list(lines[start + 1 : marks.index(f"{{end of {name.casefold()}}}", start)])
    except ValueError:
        raise InputError(f"radio: {path.name} has no part {{Begin of {name}}} … {{End of {name}}}") from None


def _measurement(case: list[str]) -> Measurement:
    return Measurement(
        frequency_mhz=float(case[0]),
        transmitter_antenna_m=float(case[1]),
        receiver_antenna_m=float(case[3]),
        polarisation=_POLARISATIONS[case[4]],
        time_percent=float(case[14]),
        loss_db=float(case[17]),
    )
