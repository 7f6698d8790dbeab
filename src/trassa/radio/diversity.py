"""The probability that at least one site is good enough, when their shadowing is correlated from site to site.

Given the common component C the sites fade independently, so P(none good) = E_C Π_s Φ((need − m_s − σ√ρ·C) /
(σ√(1 − ρ))) with m_s the strongest median of site s: one integral. It is taken by the trapezoidal rule, whose error
falls exponentially for such an integrand (Trefethen, Weideman 2014, SIAM Review 56(3)); the step follows ρ, so that
it stays below 1e-9 up to the largest correlation admitted short of 1. At ρ = 1 all sites fade together and the
strongest alone decides.

All sites have one σ and one ρ, so the site whose loss hurts most is always the strongest: P(none) is a product of
factors that fall with m_s, whatever C is.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.decibels import standard_normal_quantile
from trassa.errors import InputError
from trassa.radio.compiled import compiled
from trassa.radio.shadowing import Shadowing
from trassa.radio.signals import Signals
from trassa.radio.site_signals import SiteSignals, by_site

__all__ = ["Diversity", "diversity"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LARGEST_CORRELATION = 0.999
_FARTHEST = 6.6
_DECADES = 23.0
_MARGIN_STEPS = 60
_MARGIN_TOLERANCE = 1e-5
_LEAST_SIGMA_DB = 1e-6
_ROOT_HALF = math.sqrt(0.5)
_NEGLIGIBLE = 1e-13
_BINS_PER_TASK = 4096


@dataclass(frozen=True)
class Diversity:
    """Reliability of every bin with all sites up and with the worst one down; arrays of shape (bins,).

    ``probability`` is that of at least one site at or above the need, ``margin_db`` how much more could be asked for
    at the promised reliability (rounded down, by 1e-5 σ at most; NaN where no site is heard). ``worst_site`` is the
    site whose loss hurts most, −1 where none is heard; the other two hold with it down.
    """

    probability: FloatArray
    margin_db: FloatArray
    worst_site: IntArray
    site_down_probability: FloatArray
    site_down_margin_db: FloatArray


def diversity(
    signals: Signals, need_dbm: float, reliability: float, shadowing: Shadowing, threads: int = 2
) -> Diversity:
    """Reliability of every bin at a need in dBm for any server, its shadowing drawn jointly.

    Exact to 1e-9 in probability. Raises :class:`InputError` for a reliability outside 0..1, or a site-to-site
    correlation between 0.999 and 1.
    """
    if not 0.0 < reliability < 1.0:
        raise InputError(f"diversity: reliability {reliability:g} lies outside 0..1", cure="0.95")
    rho = shadowing.site_correlation
    if _LARGEST_CORRELATION < rho < 1.0:
        told = f"diversity: site-to-site correlation {rho:g} lies between {_LARGEST_CORRELATION:g} and 1"
        raise InputError(told, cure="1, where the best server alone decides")
    sites = by_site(signals)
    depth, strongest = _strongest_first(signals, sites)
    sigma_db = max(shadowing.sigma_db, _LEAST_SIGMA_DB)
    depth = (need_dbm - depth) / sigma_db
    together = _Together(*_rule(sites.most, shadowing), sites.most if rho < 1.0 else 1)
    found = np.full((4, len(signals)), np.nan)
    z = standard_normal_quantile(reliability)
    union = [-standard_normal_quantile(reliability / max(count, 1)) for count in range(sites.most + 1)]
    promise = (1.0 - reliability, z, sigma_db, np.array(union))

    def fill(first: int) -> None:
        last = min(first + _BINS_PER_TASK, len(signals))
        _fill(first, last, sites.bin_start, depth, together, promise, found)

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(fill, range(0, len(signals), _BINS_PER_TASK)))
    return Diversity(found[0], found[1], strongest, found[2], found[3])


class _Together(NamedTuple):
    """Nodes and weights over the common component, the two shares, and how many sites fade on their own."""

    node: FloatArray
    weight: FloatArray
    common_share: float
    own_share: float
    most: int


def _strongest_first(signals: Signals, sites: SiteSignals) -> tuple[FloatArray, IntArray]:
    """The strongest level of every site of a bin, falling within the bin; and the strongest site, −1 for none."""
    strongest = np.full(len(signals), -1, dtype=np.int64)
    if not len(sites.site):
        return np.empty(0), strongest
    level_dbm = np.maximum.reduceat(signals.rsrp_dbm[sites.signal], sites.signal_start[:-1])
    bin_ = np.repeat(np.arange(len(signals)), np.diff(sites.bin_start))
    order = np.lexsort((-level_dbm, bin_))
    heard = np.flatnonzero(np.diff(sites.bin_start) > 0)
    strongest[heard] = sites.site[order[sites.bin_start[heard]]]
    return level_dbm[order], strongest


def _rule(most: int, shadowing: Shadowing) -> tuple[FloatArray, FloatArray, float, float]:
    """The trapezoidal rule: the integrand's spectrum falls like exp(−ω² / 2(1 + S·ρ/(1 − ρ))) for S sites."""
    common, own = shadowing.common_share, shadowing.own_share
    if common in (0.0, 1.0):
        return np.zeros(1), np.ones(1), 0.0, 1.0
    width = 1.0 + most * (common / own) ** 2
    step = 2.0 * math.pi / math.sqrt(2.0 * _DECADES * width)
    node = np.arange(-math.ceil(_FARTHEST / step), math.ceil(_FARTHEST / step) + 1) * step
    weight = np.exp(-0.5 * node * node)
    return np.asarray(node, np.float64), np.asarray(weight / np.sum(weight), np.float64), common, own


@compiled
def _none_good(depth: FloatArray, first: int, last: int, shift: float, together: _Together) -> float:
    """P(no site reaches the need), the need raised by ``shift`` standard deviations."""
    none = 0.0
    for j in range(len(together.node)):
        product = together.weight[j]
        for row in range(first, last):
            reach = (depth[row] + shift - together.common_share * together.node[j]) / together.own_share
            product *= 0.5 * math.erfc(-_ROOT_HALF * reach)
            if product < _NEGLIGIBLE or reach > _FARTHEST:
                break
        none += product
    return none


@compiled
def _shift(
    depth: FloatArray, first: int, last: int, fails: float, z: float, union: float, together: _Together
) -> float:
    """By how many standard deviations the need may rise until P(no site reaches it) is ``fails``; rounded down.

    The strongest site alone gives the least; the union bound the most.
    """
    low, high = float(-depth[first] - z), float(-depth[first] + union)
    below = math.log(_none_good(depth, first, last, low, together) / fails)
    above = math.log(_none_good(depth, first, last, high, together) / fails)
    side = 0
    for _ in range(_MARGIN_STEPS):
        if high - low <= _MARGIN_TOLERANCE or below >= 0.0:
            break
        tried = low + (high - low) * min(max(below / (below - above), 0.0), 1.0)  # false position, after Illinois
        tried = min(max(tried, low + 0.5 * _MARGIN_TOLERANCE), high - 0.5 * _MARGIN_TOLERANCE)
        error = math.log(_none_good(depth, first, last, tried, together) / fails)
        if error <= 0.0:
            low, below, above = tried, error, 0.5 * above if side < 0 else above
            side = -1
        else:
            high, above, below = tried, error, 0.5 * below if side > 0 else below
            side = 1
    return low


@compiled
def _fill(
    begin: int,
    end: int,
    bin_start: IntArray,
    depth: FloatArray,
    together: _Together,
    promise: tuple[float, float, float, FloatArray],
    found: FloatArray,
) -> None:
    """Rows of ``found``: probability and margin with all sites up, then with the strongest one down."""
    fails, z, sigma_db, union = promise
    for i in range(begin, end):
        for down in range(2):
            first = bin_start[i] + down
            last = min(bin_start[i + 1], first + together.most)
            found[2 * down, i] = 0.0
            if first < bin_start[i + 1]:
                found[2 * down, i] = 1.0 - _none_good(depth, first, last, 0.0, together)
                shift = _shift(depth, first, last, fails, z, union[last - first], together)
                found[2 * down + 1, i] = shift * sigma_db
