"""What is asked of the fast path: a model of propagation and its parameters, checked against the method's bounds.

- ``p1812``: the whole of ITU-R P.1812-7/-8 at half of the places, for paths taken to be inland. Below 250 m it runs on
  from its loss at 250 m on the same bearing with the slope of the rural macro cell, not below free space.
- ``tr38901-rma``: that cell of TR 38.901, in line of sight where terrain and clutter leave the straight line over the
  median Earth clear; no link beyond its table's bounds (masts 10–150 m, 10 km in line of sight, 5 km without).
- ``free-space``: the slant path, whatever stands in it.

The last two know no percentage of time.
"""

from __future__ import annotations

from typing import Literal

from trassa.errors import InputError
from trassa.radio.diffraction import Polarisation, median_earth_radius_km
from trassa.radio.fast_p1812 import Physics
from trassa.radio.path_kernel import FREE_SPACE, P1812, RURAL_MACRO

__all__ = ["Propagation", "physics"]

Propagation = Literal["p1812", "tr38901-rma", "free-space"]

_MODELS = {"p1812": P1812, "tr38901-rma": RURAL_MACRO, "free-space": FREE_SPACE}


def physics(
    frequency_mhz: float,
    dn_per_km: float,
    receiver_antenna_m: float,
    polarisation: Polarisation,
    profile_step_m: float,
    *,
    n0_n_units: float = 325.0,
    time_percent: float = 50.0,
    propagation: Propagation = "p1812",
) -> Physics:
    """The parameters as the kernels take them; ``n0_n_units`` is N0.

    Raises InputError outside the bounds of the model.
    """
    if not 30.0 <= frequency_mhz <= 6000.0:
        raise InputError(f"radio: frequency {frequency_mhz:g} MHz is outside 30…6000 MHz of P.1812")
    if propagation == "tr38901-rma" and frequency_mhz < 500.0:
        raise InputError(
            f"radio: frequency {frequency_mhz:g} MHz is below the 500 MHz of TR 38.901", cure='propagation = "p1812"'
        )
    if not 1.0 <= receiver_antenna_m <= 3000.0:
        raise InputError(f"radio: receiver antenna at {receiver_antenna_m:g} m is outside 1…3000 m of P.1812")
    if not profile_step_m > 0.0:
        raise InputError(f"radio: profile step {profile_step_m:g} m must be positive")
    if not 1.0 <= time_percent <= 50.0:
        raise InputError(f"radio: {time_percent:g} % of time is outside 1…50 % of P.1812", cure="50 % is the median")
    if propagation not in _MODELS:
        known = ", ".join(_MODELS)
        raise InputError(
            f"radio: no propagation model {propagation!r}; there are {known}", cure='propagation = "p1812"'
        )
    return Physics(
        0.001 * frequency_mhz,
        median_earth_radius_km(dn_per_km),
        float(receiver_antenna_m),
        polarisation == "vertical",
        float(profile_step_m),
        time_percent=float(time_percent),
        n0=float(n0_n_units),
        model=_MODELS[propagation],
    )
