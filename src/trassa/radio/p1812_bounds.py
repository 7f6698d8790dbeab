"""What may be asked of ITU-R P.1812: the checked way into the reference kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.p1812 import Climate, Terminals, TransmissionLoss, Wave, transmission_loss
from trassa.radio.path_properties import COASTAL, INLAND, SEA

__all__ = ["basic_transmission_loss"]

FloatArray = npt.NDArray[np.float64]

_BOUNDS = {
    "htg_m": ("transmitter's antenna height", "m above ground", 1.0, 3000.0),
    "hrg_m": ("receiver's antenna height", "m above ground", 1.0, 3000.0),
    "coast_t_km": ("distance from the transmitter to the coast", "km", 0.0, 20_000.0),
    "coast_r_km": ("distance from the receiver to the coast", "km", 0.0, 20_000.0),
    "frequency_ghz": ("frequency", "GHz", 0.03, 6.0),
    "time_percent": ("time percentage", "%", 1.0, 50.0),
    "location_percent": ("location percentage", "%", 1.0, 99.0),
    "sigma_location_db": ("standard deviation between places", "dB", 0.0, 30.0),
    "dn_per_km": ("refractivity lapse rate", "N-units/km", 0.0, 156.0),
    "n0": ("sea-level surface refractivity", "N-units", 100.0, 600.0),
    "latitude_deg": ("latitude of the middle of the path", "°", -80.0, 80.0),
}


def basic_transmission_loss(
    distance_km: npt.ArrayLike,
    ground_m: npt.ArrayLike,
    clutter_m: npt.ArrayLike,
    zone: npt.ArrayLike,
    *,
    terminals: Terminals,
    wave: Wave,
    climate: Climate,
) -> TransmissionLoss:
    """Basic transmission loss of one path by the whole of P.1812 Annex 1, with every intermediate value.

    ``distance_km`` from the transmitter, ``ground_m`` (bare terrain above sea level), ``clutter_m`` and ``zone``
    (1 sea, 3 coastal, 4 inland) have shape (n,), n ≥ 5, distances rising from 0; the clutter of both ends is ignored,
    as the Recommendation has it. Raises InputError on a profile or a value that the method cannot take.
    """
    d = np.ascontiguousarray(distance_km, dtype=np.float64)
    h = np.ascontiguousarray(ground_m, dtype=np.float64)
    cover = np.asarray(clutter_m, dtype=np.float64)
    zones = np.asarray(zone)
    _check_profile(d, h, cover, zones)
    g = h + cover
    g[0], g[-1] = h[0], h[-1]
    found = transmission_loss(
        d,
        h,
        g,
        np.ascontiguousarray(zones, dtype=np.int8),
        terminals._replace(**_checked(terminals)),
        wave._replace(vertical=bool(wave.vertical), **_checked(wave)),
        climate._replace(**_checked(climate)),
    )
    if not math.isfinite(found.lbc_db + found.lba_db + found.lb_db):
        raise InputError(f"radio: P.1812 has no finite loss for this path of {d[-1]:g} km", cure="a path above 0.25 km")
    return found


def _checked(group: Terminals | Wave | Climate) -> dict[str, Any]:
    return {name: _within(name, value) for name, value in group._asdict().items() if name in _BOUNDS}


def _within(name: str, value: float) -> float:
    thing, unit, lowest, highest = _BOUNDS[name]
    if not lowest <= value <= highest:
        if name == "frequency_ghz":  # told as users give it
            value, unit, lowest, highest = 1000.0 * value, "MHz", 1000.0 * lowest, 1000.0 * highest
        raise InputError(
            f"radio: {thing} {value:g} is outside {lowest:g}…{highest:g} {unit} of P.1812",
            cure=f"a value from {lowest:g} to {highest:g}",
        )
    return float(value)


def _check_profile(d: FloatArray, h: FloatArray, cover: FloatArray, zone: npt.NDArray[np.generic]) -> None:
    if d.ndim != 1 or len(d) < 5 or not d.shape == h.shape == cover.shape == zone.shape:
        raise InputError(f"radio: a path profile has {d.size} points, P.1812 needs at least 5 of each kind")
    if d[0] != 0.0 or not np.all(np.diff(d) > 0.0):
        raise InputError("radio: profile distances must rise from 0 km")
    if not d[-1] <= 3000.0:
        raise InputError(f"radio: the path is {d[-1]:g} km long, P.1812 ends at 3000 km", cure="a shorter path")
    if not (np.all(np.isfinite(h)) and np.all(np.isfinite(cover))):
        raise InputError("radio: the path profile touches unknown ground", cure="heights for every point")
    if not np.isin(zone, (SEA, COASTAL, INLAND)).all():
        raise InputError("radio: a radio-climatic zone is none of 1 (sea), 3 (coastal) and 4 (inland)")
