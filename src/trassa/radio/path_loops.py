"""What a pass over the float32 samples of a path finds: horizons, knife edges, sums. Loops run on whole vectors.

Slopes are metres per profile step. ``bulge`` is the Earth's rise in metres per step squared, 500 step² / radius, so a
point i steps from one end stands bulge · i · (n − i) above the chord.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled, fast_kernel, larger

__all__ = [
    "clear_nu",
    "from_mast",
    "from_receiver",
    "highest_m",
    "horizon_from_mast",
    "horizon_from_receiver",
    "roughness_m",
    "steepest_clear",
]

SingleArray = npt.NDArray[np.float32]

_FAR = np.float32(1e30)
"""Makes any shortage larger than any count of steps: a choice without a branch, for branches do not vectorise."""
_NEARLY = 1e-6
"""Float32 values that differ by less than this share of what they were made of may be equal."""


@fast_kernel
def from_receiver(
    h: SingleArray, g: SingleArray, n: int, bulge: np.float32, flatter: np.float32, hrs: np.float32
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    """(Σh, Σi·h, S_rim, S_rim at a_β, max (h − h_rs) per step, horizon slope): all that no mast height changes.

    Adds the Earth's bulge to ``g``; ``flatter`` is how much of it goes at a_β.
    """
    total = moment = np.float32(0.0)
    srim = srim_beta = alpha_r = horizon = np.float32(-np.inf)
    for i in range(1, n):
        place = np.float32(i)
        to_end = np.float32(n - i)
        per_step = np.float32(1.0) / to_end  # faster than reading 1/i backwards
        height = h[i]
        raised = g[i] + bulge * place * to_end
        g[i] = raised
        total += height
        moment += place * height
        view = (raised - hrs) * per_step
        srim = larger(srim, view)
        srim_beta = larger(srim_beta, view - flatter * place)
        bare = (height - hrs) * per_step
        alpha_r = larger(alpha_r, bare)
        horizon = larger(horizon, bare - bulge * to_end)
    return float(total), float(moment), float(srim), float(srim_beta), float(alpha_r), float(horizon)


@fast_kernel
def from_mast(
    h: SingleArray, g: SingleArray, inverse: SingleArray, n: int, bulge: np.float32, flatter: np.float32,
    hts: np.float32, slope: np.float32,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """(S_tim, S_tim at a_β, max (h − h_ts) per step, horizon slope, h_obs) for one antenna height."""
    stim = stim_beta = alpha_t = horizon = hobs = np.float32(-np.inf)
    for i in range(1, n):
        place = np.float32(i)
        per_step = inverse[i]
        view = (g[i] - hts) * per_step
        stim = larger(stim, view)
        stim_beta = larger(stim_beta, view - flatter * np.float32(n - i))
        above = h[i] - hts
        bare = above * per_step
        alpha_t = larger(alpha_t, bare)
        horizon = larger(horizon, bare - bulge * place)
        hobs = larger(hobs, above - slope * place)
    return float(stim), float(stim_beta), float(alpha_t), float(horizon), float(hobs)


@fast_kernel
def clear_nu(
    g: SingleArray, inverse: SingleArray, n: int, flatter: np.float32, hts: np.float32, slope: np.float32
) -> float:
    """Largest ν of a path in line of sight, but for the factor that all its points share.

    ``flatter`` is how much of the bulge in ``g`` does not count: nothing at a_e.
    """
    nu = np.float32(-np.inf)
    for i in range(1, n):
        place, to_end = np.float32(i), np.float32(n - i)
        above = g[i] - flatter * place * to_end - hts - slope * place
        nu = larger(nu, above * np.sqrt(inverse[i] * inverse[n - i]))
    return float(nu)


@fast_kernel
def highest_m(g: SingleArray, n: int, hts: np.float32, slope: np.float32) -> float:
    """How far the highest point stands above the line between the antennas; negative where the line is clear."""
    highest = np.float32(-np.inf)
    for i in range(1, n):
        highest = larger(highest, g[i] - hts - slope * np.float32(i))
    return float(highest)


@fast_kernel
def _first_and_last_seen(
    h: SingleArray, inverse: SingleArray, n: int, bulge: np.float32, antenna: np.float32, least: np.float32
) -> tuple[int, int]:
    """The outer ones of the points whose slope, seen from step 0, is at least that."""
    last, first = np.float32(0.0), np.float32(-n)
    for i in range(1, n):
        place = np.float32(i)
        unseen = larger(least - ((h[i] - antenna) * inverse[i] - bulge * place), np.float32(0.0)) * _FAR
        last = larger(last, place - unseen)
        first = larger(first, -place - unseen)
    return int(-first), int(last)


@fast_kernel
def _first_and_last_back(
    h: SingleArray, n: int, bulge: np.float32, antenna: np.float32, least: np.float32
) -> tuple[int, int]:
    """The same, seen from step n."""
    last, first = np.float32(0.0), np.float32(-n)
    for i in range(1, n):
        place, to_end = np.float32(i), np.float32(n - i)
        unseen = larger(least - ((h[i] - antenna) / to_end - bulge * to_end), np.float32(0.0)) * _FAR
        last = larger(last, place - unseen)
        first = larger(first, -place - unseen)
    return int(-first), int(last)


@compiled
def _just_below(slope_m: float, bulge_m: float, n: int) -> np.float32:
    return np.float32(slope_m - _NEARLY * (abs(slope_m) + 2.0 * bulge_m * n))


@compiled
def horizon_from_mast(
    h: SingleArray, inverse: SingleArray, n: int, bulge_m: float, hts_m: float, slope_m: float
) -> tuple[int, float]:
    """The first point of that horizon slope and the slope in float64; of near equals the steepest."""
    first, last = _first_and_last_seen(
        h, inverse, n, np.float32(bulge_m), np.float32(hts_m), _just_below(slope_m, bulge_m, n)
    )
    if first > last:
        first, last = 1, n - 1
    best, steepest = first, -np.inf
    for i in range(first, last + 1):
        view = (float(h[i]) - hts_m) / i - bulge_m * i
        if view > steepest:
            best, steepest = i, view
    return best, steepest


@compiled
def horizon_from_receiver(h: SingleArray, n: int, bulge_m: float, hrs_m: float, slope_m: float) -> tuple[int, float]:
    """The last point of that horizon slope as the receiver sees it, and the slope in float64."""
    first, last = _first_and_last_back(h, n, np.float32(bulge_m), np.float32(hrs_m), _just_below(slope_m, bulge_m, n))
    if first > last:
        first, last = 1, n - 1
    best, steepest = last, -np.inf
    for i in range(first, last + 1):
        view = (float(h[i]) - hrs_m) / (n - i) - bulge_m * (n - i)
        if view >= steepest:
            best, steepest = i, view
    return best, steepest


@fast_kernel
def steepest_clear(
    h: SingleArray, inverse: SingleArray, n: int, bulge: np.float32, hts: np.float32, slope: np.float32
) -> int:
    """The last point of largest ν over bare ground: the knife edge of a path in line of sight."""
    most = np.float32(-np.inf)
    for i in range(1, n):
        place, to_end = np.float32(i), np.float32(n - i)
        above = h[i] + bulge * place * to_end - hts - slope * place
        most = larger(most, above * np.sqrt(inverse[i] * inverse[n - i]))
    least = most - np.float32(_NEARLY) * (np.abs(most) + np.abs(hts) * inverse[1])
    last = np.float32(1.0)
    for i in range(1, n):
        place, to_end = np.float32(i), np.float32(n - i)
        above = h[i] + bulge * place * to_end - hts - slope * place
        nu = above * np.sqrt(inverse[i] * inverse[n - i])
        last = larger(last, place - larger(least - nu, np.float32(0.0)) * _FAR)
    return int(last)


@fast_kernel
def roughness_m(h: SingleArray, first: int, last: int, start_m: np.float32, slope: np.float32) -> float:
    """h_m, eq (93): the highest ground above the smooth-Earth surface between the horizons."""
    highest = np.float32(-np.inf)
    for i in range(first, last + 1):
        highest = larger(highest, h[i] - start_m - slope * np.float32(i))
    return float(highest)
