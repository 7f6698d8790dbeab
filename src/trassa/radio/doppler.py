"""Doppler at the design speed: a check to report. On a road below 4 GHz it limits nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trassa.radio.carrier import Carrier

__all__ = ["DopplerCheck", "doppler_check", "doppler_hz", "doppler_sinr_ceiling_db"]

_LIGHT_MPS = 299_792_458.0
_TESTED_HZ = {
    ("lte", 15): (750.0, "TS 36.101 Table B.3-1, 300 km/h"),
    ("nr", 15): (870.0, "TS 38.521-4 Table B.3.3-1, HST-DPS at 15 kHz, 500 km/h"),
    ("nr", 30): (1667.0, "TS 38.521-4 Table B.3.3-1, HST-DPS at 30 kHz, 500 km/h"),
}


@dataclass(frozen=True)
class DopplerCheck:
    """The largest Doppler shift at a speed beside the largest that receivers are tested with.

    ``tested_hz`` is None where no test point is known. ``sinr_ceiling_db`` is the best SINR that is left however strong
    the signal.
    """

    doppler_hz: float
    tested_hz: float | None
    source: str
    sinr_ceiling_db: float

    @property
    def within_tested(self) -> bool:
        """Whether receivers are tested with a shift as large."""
        return self.tested_hz is not None and self.doppler_hz <= self.tested_hz


def doppler_hz(speed_kmh: float, frequency_mhz: float) -> float:
    """Largest one-way Doppler shift v·f/c in Hz. A site sees up to twice it: vehicles send on what they receive."""
    return speed_kmh / 3.6 * frequency_mhz * 1e6 / _LIGHT_MPS


def doppler_sinr_ceiling_db(doppler_hz: float, subcarrier_khz: int) -> float:
    """The SINR in dB that interference between subcarriers leaves at the very worst.

    A path shifted by f keeps sinc²(f/Δf) of its power on its own subcarrier, the rest falls on the others. No spectrum
    within ±f keeps less than both its edges do, so the ceiling is sinc²/(1 − sinc²); ∞ for no shift at all.
    """
    kept = float(np.sinc(doppler_hz / (1000.0 * subcarrier_khz))) ** 2
    return 10.0 * math.log10(kept / (1.0 - kept)) if kept < 1.0 else math.inf


def doppler_check(carrier: Carrier, speed_kmh: float) -> DopplerCheck:
    """Doppler of the downlink at a speed against the high-speed test of the carrier's subcarrier spacing."""
    shift_hz = doppler_hz(speed_kmh, carrier.frequency_mhz)
    tested_hz, source = _TESTED_HZ.get((carrier.technology, carrier.subcarrier_khz), (None, "no test point known"))
    return DopplerCheck(shift_hz, tested_hz, source, doppler_sinr_ceiling_db(shift_hz, carrier.subcarrier_khz))
