"""Path loss of the rural macro cell, TR 38.901 Table 7.4.1-1, with streets of 20 m and houses of 5 m.

Valid for 0.5–30 GHz, masts of 10–150 m, receivers at 1–10 m and a distance on the ground of 10 m to 10 km in line of
sight, to 5 km without. Distances below 10 m count as 10 m.
"""

from __future__ import annotations

import math

from trassa.radio.compiled import reference_kernel

__all__ = ["rural_macro_db", "rural_macro_los_db", "rural_macro_nlos_db"]

_HOUSES_M = 5.0
_STREET_M = 20.0
_LEAST_M = 10.0
_LOS_REACH_M = 10_000.0
_NLOS_REACH_M = 5_000.0
_MAST_M = (10.0, 150.0)
_SPEED_OF_LIGHT_M_PER_S = 3.0e8


@reference_kernel
def _near_db(slant_m: float, frequency_ghz: float) -> float:
    """PL1: up to the break point."""
    power: float = _HOUSES_M**1.72
    return (
        20.0 * math.log10(40.0 * math.pi * slant_m * frequency_ghz / 3.0)
        + min(0.03 * power, 10.0) * math.log10(slant_m)
        - min(0.044 * power, 14.77)
        + 0.002 * math.log10(_HOUSES_M) * slant_m
    )


@reference_kernel
def rural_macro_los_db(distance_m: float, mast_m: float, receiver_m: float, frequency_ghz: float) -> float:
    """Loss in line of sight in dB; the distance on the ground, antenna heights above the ground."""
    flat_m = max(distance_m, _LEAST_M)
    slant_m = math.hypot(flat_m, mast_m - receiver_m)
    break_m = 2.0 * math.pi * mast_m * receiver_m * frequency_ghz * 1.0e9 / _SPEED_OF_LIGHT_M_PER_S
    if flat_m <= break_m:
        return _near_db(slant_m, frequency_ghz)
    return _near_db(break_m, frequency_ghz) + 40.0 * math.log10(slant_m / break_m)


@reference_kernel
def rural_macro_nlos_db(distance_m: float, mast_m: float, receiver_m: float, frequency_ghz: float) -> float:
    """Loss without line of sight in dB, not less than in line of sight."""
    slant_m = math.hypot(max(distance_m, _LEAST_M), mast_m - receiver_m)
    shaded_db = (
        161.04
        - 7.1 * math.log10(_STREET_M)
        + 7.5 * math.log10(_HOUSES_M)
        - (24.37 - 3.7 * (_HOUSES_M / mast_m) ** 2) * math.log10(mast_m)
        + (43.42 - 3.1 * math.log10(mast_m)) * (math.log10(slant_m) - 3.0)
        + 20.0 * math.log10(frequency_ghz)
        - (3.2 * math.log10(11.75 * receiver_m) ** 2 - 4.97)
    )
    return max(rural_macro_los_db(distance_m, mast_m, receiver_m, frequency_ghz), shaded_db)


@reference_kernel
def rural_macro_db(distance_m: float, mast_m: float, receiver_m: float, frequency_ghz: float, clear: bool) -> float:
    """The one or the other, as the line between the antennas is clear or not; infinite beyond the table's bounds."""
    if not _MAST_M[0] <= mast_m <= _MAST_M[1] or distance_m > (_LOS_REACH_M if clear else _NLOS_REACH_M):
        return math.inf
    if clear:
        return rural_macro_los_db(distance_m, mast_m, receiver_m, frequency_ghz)
    return rural_macro_nlos_db(distance_m, mast_m, receiver_m, frequency_ghz)
