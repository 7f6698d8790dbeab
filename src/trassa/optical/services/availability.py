"""How much of the time something does not work: closed forms, and the exact sum over states.

With rate λ of failure and mean time of repair 1/μ, ρ = λ/μ::

    linear                 U = ρ                        the planner's form, a little too high
    renewal                U = ρ/(1 + ρ)                what an alternating renewal process converges to

    two cables, one of each pair of cuts in β common to both
    linear                 U₂ = β·ρ + ((1 − β)·ρ)²
    one repair             U₂ = 1 − (1 − u_c)(1 − u²)   u_c, u renewal with β·ρ and (1 − β)·ρ: a common cut is one event
                                                        that is repaired as one
    two repairs            U₂ = ρ·(β/2 + (1 − β/2)·ρ) / ((1 + ρ)(1 + (1 − β/2)·ρ))
                                                        the chain of four states in which each cable has its own crew

The last is half the one before it for rare cuts: the first of two crews ends the outage. The plan uses *one repair*,
the more careful one. Everything fails and is mended independently, with crews for all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trassa.optical.availability_settings import HOURS_PER_YEAR, AvailabilitySettings

__all__ = [
    "cut_load",
    "minutes_per_year",
    "renewal",
    "series",
    "service_unavailability",
    "two_cables_linear",
    "two_cables_one_repair",
    "two_cables_two_repairs",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SERVICES_AT_ONCE = 256


def cut_load(route_m: npt.ArrayLike, rules: AvailabilitySettings) -> FloatArray:
    """ρ of cable: cuts in a repair time on that route; which is the linear unavailability too. Any shape."""
    cuts_per_year = np.asarray(route_m, dtype=np.float64) * rules.cuts_per_1000_km_year / 1e6
    return np.asarray(cuts_per_year * rules.cut_repair_h / HOURS_PER_YEAR)


def renewal(load: npt.ArrayLike) -> FloatArray:
    """Unavailability of an alternating renewal process with that ρ. Any shape."""
    rho = np.asarray(load, dtype=np.float64)
    return np.asarray(rho / (1.0 + rho))


def series(unavailability: npt.ArrayLike) -> float:
    """Unavailability of what needs all of them, shape (parts,); independent parts."""
    return float(-np.expm1(np.log1p(-np.asarray(unavailability, dtype=np.float64)).sum()))


def two_cables_linear(load: npt.ArrayLike, common_ratio: float) -> FloatArray:
    """Both cables down, linear form. ``common_ratio`` is β."""
    rho = np.asarray(load, dtype=np.float64)
    return np.asarray(common_ratio * rho + ((1.0 - common_ratio) * rho) ** 2)


def two_cables_one_repair(load: npt.ArrayLike, common_ratio: float) -> FloatArray:
    """Both cables down, renewal form; a common cut is mended as one. ``common_ratio`` is β."""
    rho = np.asarray(load, dtype=np.float64)
    shock, own = renewal(common_ratio * rho), renewal((1.0 - common_ratio) * rho)
    return np.asarray(shock + own**2 - shock * own**2)


def two_cables_two_repairs(load: npt.ArrayLike, common_ratio: float) -> FloatArray:
    """Both cables down in the chain of four states, each cable mended by a crew of its own. ``common_ratio`` is β."""
    rho, half = np.asarray(load, dtype=np.float64), common_ratio / 2.0
    return np.asarray(rho * (half + (1.0 - half) * rho) / ((1.0 + rho) * (1.0 + (1.0 - half) * rho)))


def service_unavailability(down: FloatArray, works: Callable[[BoolArray], BoolArray]) -> FloatArray:
    """Unavailability of services, exactly, by summing over every state of their parts.

    ``down`` (services, parts) is each part's unavailability, at most 16 parts; ``works`` gets (states, parts), true
    where a part is up, and says for each state whether the service is, (states,). The result has shape (services,).
    """
    parts = down.shape[1]
    up = (np.arange(2**parts)[:, None] >> np.arange(parts)) & 1 == 1
    failed = ~works(up)
    return np.concatenate([_states(rows)[:, failed].sum(axis=1) for rows in _slices(down)])


def _slices(down: FloatArray) -> list[FloatArray]:
    """Some services at a time, so that the table of states stays small."""
    return [down[start : start + _SERVICES_AT_ONCE] for start in range(0, max(len(down), 1), _SERVICES_AT_ONCE)]


def _states(down: FloatArray) -> FloatArray:
    """Probability of each state, (services, states); bit n of a state's number says whether part n is up."""
    states = np.ones((len(down), 1))
    for part in down.T[:, :, None]:
        states = np.concatenate((states * part, states * (1.0 - part)), axis=1)
    return states


def minutes_per_year(unavailability: npt.ArrayLike) -> FloatArray:
    """Expected minutes without service in a year. Any shape."""
    return np.asarray(np.asarray(unavailability, dtype=np.float64) * HOURS_PER_YEAR * 60.0)
