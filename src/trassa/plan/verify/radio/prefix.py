"""When signals arrive, in units of the cyclic prefix: what one shared cell's heads send adds up within it only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.paths import Receivers
from trassa.radio.settings import RadioSettings

__all__ = ["arrivals"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_WGS84 = pyproj.Geod(ellps="WGS84")

_LIGHT_M_PER_S = 299_792_458.0
_SAMPLES, _TRANSFORM = 144.0, 2048.0
"""The normal prefix of every symbol but the first of half a millisecond, of so many samples of a symbol.

TS 36.211 §6.12 and TS 38.211 §5.3.1; the first symbol has a longer one.
"""


def arrivals(antennas: Antennas, site: int, receivers: Receivers, near: IntArray, radio: RadioSettings) -> FloatArray:
    """Time from a mast to some receivers over the length of the cyclic prefix, shape (near,).

    Along the road where the axis has no geometry.
    """
    there, lat, lon = receivers.take(near), float(antennas.latitude_deg[site]), float(antennas.longitude_deg[site])
    if np.isnan(lat):
        away_m = np.hypot(there.measure_m - antennas.measure_m[site], antennas.offset_m[site])
    else:
        here = np.full(len(near), lon), np.full(len(near), lat)
        away_m = np.asarray(_WGS84.inv(*here, there.longitude_deg, there.latitude_deg)[2], dtype=np.float64)
    prefix_s = _SAMPLES / _TRANSFORM / (1000.0 * radio.subcarrier_khz)
    return np.asarray(away_m / (_LIGHT_M_PER_S * prefix_s), dtype=np.float64)
