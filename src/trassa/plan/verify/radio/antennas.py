"""Antennas of sites as the verifier sees them: where they stand, where they look, what they take from a link.

Azimuths are those of the geodesic, from the layer's coordinates; the parametric pattern is that of 3GPP TR 38.901
Table 7.3-1, written out here; a measured pattern is read from its file and looked up by angle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.radio.antenna_file import FilePattern, read_antenna_file
from trassa.radio.settings import RadioSettings

__all__ = ["Antennas", "antennas_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WGS84 = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True)
class Antennas:
    """Antennas of sites; arrays of shape (n,). ``height_m`` is above the ground at the mast.

    ``sectors`` is both, ahead, back or omni; ``ahead_deg`` and ``back_deg`` are their azimuths.
    """

    measure_m: FloatArray
    offset_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_m: FloatArray
    sectors: npt.NDArray[np.object_]
    ahead_deg: FloatArray
    back_deg: FloatArray
    tilt_deg: FloatArray
    back_off_db: FloatArray
    settings: RadioSettings
    measured: FilePattern | None = None
    """The measured pattern of the project, where it has one."""

    def __len__(self) -> int:
        return len(self.measure_m)

    def take(self, index: IntArray) -> Antennas:
        """The antennas at an index array, in that order."""
        return replace(self, **{name: getattr(self, name)[index] for name in _COLUMNS})

    def same_mast(self) -> list[IntArray]:
        """Antennas that differ in nothing a path depends on, group by group."""
        keys: dict[tuple[float, ...], list[int]] = {}
        for row in range(len(self)):
            place = (self.measure_m[row], self.offset_m[row], self.latitude_deg[row], self.longitude_deg[row])
            keys.setdefault((*map(repr, place), float(self.height_m[row])), []).append(row)  # type: ignore[arg-type]
        return [np.array(rows, dtype=np.int64) for rows in keys.values()]

    def attenuation_db(
        self, number: int, ends: tuple[FloatArray, ...], mast_top_m: float, radius_km: float, *, level: bool
    ) -> FloatArray:
        """Attenuation in dB of one antenna towards receivers, its back-off included.

        ``ends`` are measure, latitude, longitude, height of the vehicle's antenna and distance, shape (n,) each.
        """
        kind, back_off_db = str(self.sectors[number]), float(self.back_off_db[number])
        measure_m, latitude_deg, longitude_deg, height_m, distance_m = ends
        if kind == "omni":
            return np.full(len(distance_m), back_off_db)
        below = np.arctan2(mast_top_m - height_m, distance_m) + distance_m / (2000.0 * radius_km)
        below_deg, tilt_deg = np.degrees(below), float(self.tilt_deg[number])
        offs = {}
        if level or np.isnan(self.ahead_deg[number]):
            turned = np.arctan2(abs(float(self.offset_m[number])), measure_m - float(self.measure_m[number]))
            offs = {"ahead": np.degrees(turned), "back": 180.0 - np.degrees(turned)}
        else:
            lat, lon = float(self.latitude_deg[number]), float(self.longitude_deg[number])
            seen = np.full(len(distance_m), lon), np.full(len(distance_m), lat), longitude_deg, latitude_deg
            azimuth_deg = np.asarray(_WGS84.inv(*seen)[0], dtype=np.float64)
            offs["ahead"] = azimuth_deg - float(self.ahead_deg[number])
            offs["back"] = azimuth_deg - float(self.back_deg[number])
        used = ("ahead", "back") if kind == "both" else (kind,)
        taken_db = np.minimum.reduce([self._pattern_db(offs[side], below_deg, tilt_deg) for side in used])
        return np.asarray(taken_db + back_off_db, dtype=np.float64)

    def _pattern_db(self, off_deg: FloatArray, below_deg: FloatArray, tilt_deg: float) -> FloatArray:
        if self.measured is not None:
            return self.measured.attenuation_db(off_deg, below_deg, tilt_deg)
        antenna = self.settings.antenna
        turned = np.abs((off_deg + 540.0) % 360.0 - 180.0) / antenna.horizontal_width_deg
        lifted = (below_deg - tilt_deg) / antenna.vertical_width_deg
        flat_db = np.fmin(12.0 * turned * turned, antenna.front_to_back_db)
        steep_db = np.fmin(12.0 * lifted * lifted, antenna.side_lobe_db)
        return np.asarray(np.fmin(flat_db + steep_db, antenna.front_to_back_db), dtype=np.float64)


_COLUMNS = tuple(name for name in Antennas.__dataclass_fields__ if name not in ("settings", "measured"))


def antennas_of(evidence: Evidence, rows: Layer) -> Antennas:
    """The antennas of a layer of sites or candidates."""
    settings = evidence.settings.radio
    file = settings.antenna.file
    measured = read_antenna_file(evidence.inputs([file])[0]) if file else None
    return Antennas(**{name: rows[name] for name in _COLUMNS}, settings=settings, measured=measured)
