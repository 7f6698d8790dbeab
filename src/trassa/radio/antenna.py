"""Antenna patterns: how much weaker an antenna is seen away from the direction it looks in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = ["AntennaPattern", "SectorPattern"]

FloatArray = npt.NDArray[np.float64]


class AntennaPattern(Protocol):
    """What hangs on a mast: its gain, and the attenuation relative to it in every other direction."""

    @property
    def gain_dbi(self) -> float:
        """Gain on the axis in dBi."""

    def attenuation_db(
        self, azimuth_off_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike, tilt_deg: float
    ) -> FloatArray:
        """Attenuation in dB, at least 0; arguments broadcast against each other.

        ``azimuth_off_deg``: bearing of the receiver less the azimuth of the sector. ``elevation_deg``: angle of the
        receiver below the antenna's horizon, positive downward. ``tilt_deg``: electrical tilt, positive downward.
        """


@dataclass(frozen=True)
class SectorPattern:
    """The parametric pattern of 3GPP TR 36.814 Table A.2.1.1-2 and TR 38.901 Table 7.3-1.

    ::

        A_H(φ) = min(12 (φ/φ_3dB)², A_m)         A_V(θ) = min(12 ((θ − tilt)/θ_3dB)², SLA_V)
        A      = min(A_H + A_V, A_m)             all in dB

    ``horizontal_width_deg`` and ``vertical_width_deg`` are the whole widths between the points 3 dB down, so a receiver
    half of them off the axis loses 3 dB. A horizontal width of infinity is the same towards all azimuths. The reports
    use 65° or 70° and 10°, A_m 20 to 30 dB, SLA_V 20 to 30 dB; TR 36.942 clause 4.2.1 has the horizontal part alone.
    """

    gain_dbi: float
    horizontal_width_deg: float = 65.0
    vertical_width_deg: float = 10.0
    front_to_back_db: float = 30.0
    """A_m: the largest attenuation of the whole pattern."""
    side_lobe_db: float = 20.0
    """SLA_V: the largest attenuation of the vertical cut."""

    def __post_init__(self) -> None:
        for name, width_deg in (("horizontal", self.horizontal_width_deg), ("vertical", self.vertical_width_deg)):
            if not width_deg > 0.0:
                raise InputError(f"antenna: {name} width {width_deg:g}° is not above 0°", cure="give the 3 dB width")
        for name, depth_db in (("front-to-back ratio", self.front_to_back_db), ("side lobe", self.side_lobe_db)):
            if not depth_db >= 0.0:
                raise InputError(f"antenna: {name} {depth_db:g} dB is below 0 dB", cure="give an attenuation")

    @classmethod
    def omnidirectional(cls, gain_dbi: float, vertical_width_deg: float, side_lobe_db: float) -> SectorPattern:
        """The same towards all azimuths; only the vertical cut attenuates, by ``side_lobe_db`` at most."""
        return cls(gain_dbi, math.inf, vertical_width_deg, side_lobe_db, side_lobe_db)

    def attenuation_db(
        self, azimuth_off_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike, tilt_deg: float
    ) -> FloatArray:
        """See :class:`AntennaPattern`; the tilt shifts the vertical cut and leaves the horizontal one as it is."""
        around_deg = np.remainder(np.asarray(azimuth_off_deg, dtype=np.float64) + 180.0, 360.0) - 180.0
        below_deg = np.asarray(elevation_deg, dtype=np.float64) - tilt_deg
        horizontal_db = np.minimum(12.0 * np.square(around_deg / self.horizontal_width_deg), self.front_to_back_db)
        vertical_db = np.minimum(12.0 * np.square(below_deg / self.vertical_width_deg), self.side_lobe_db)
        return np.asarray(np.minimum(horizontal_db + vertical_db, self.front_to_back_db), dtype=np.float64)
