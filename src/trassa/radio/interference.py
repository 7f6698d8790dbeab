"""The probability that some server's signal stands above interference and noise by what the service needs.

The sum over interferers has no closed form, so every link of a bin is drawn jointly: sites share a common component
of shadowing, cells of one site share all of it, and so does what a site serves with and disturbs with. The same
seeded draws serve every bin, and every site that is taken away: neighbouring bins differ by their levels, not by
chance. Draws are added in doubling looks until Clopper and Pearson's interval is clear of the promised reliability,
its risk spread evenly over all looks; where it never is, the lower bound counts.

A load is the mean share of resource elements that a cell transmits on: it scales the power it disturbs with.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.decibels import ratio_from_db
from trassa.errors import InputError
from trassa.radio.binomial import clopper_pearson, least_hits, most_hits
from trassa.radio.interference_counting import SiteLevels
from trassa.radio.interference_kernel import Looks, judge_bins, measure_bins
from trassa.radio.shadowing import Shadowing, joint_normals
from trassa.radio.signals import Signals
from trassa.radio.site_signals import SiteSignals, by_site

__all__ = ["JointReliability", "Sampling", "SinrNeed", "joint_reliability", "median_sinr_db"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_NEPER_PER_DB = math.log(10.0) / 10.0
_BINS_PER_TASK = 512
_FIRST_DRAWS = 512
_BLOCK = 256


@dataclass(frozen=True)
class SinrNeed:
    """What a bin must get: ``sinr_db`` with probability ``reliability``, over ``noise_dbm`` per resource element.

    The noise is −174 dBm/Hz in the subcarrier plus the receiver's noise figure: −125.2 dBm for 15 kHz and 7 dB.
    """

    sinr_db: float
    reliability: float
    noise_dbm: float


@dataclass(frozen=True)
class Sampling:
    """How the draws are spent. ``risk`` is the probability, per bin, that one of its intervals misses (two-sided).

    ``most_draws`` ends what stays undecided; ``seed`` makes the draws.
    """

    risk: float = 1e-3
    most_draws: int = 32768
    seed: int = 1

    def over(self, bins: int) -> Sampling:
        """The same risk for all of these bins together (Bonferroni): each gets its share."""
        return replace(self, risk=self.risk / max(bins, 1))


@dataclass(frozen=True)
class JointReliability:
    """What the draws say of every bin; arrays of shape (bins,).

    ``probability`` of the need being met by some server, with its bounds; ``clear`` is whether the interval lies on one
    side of the promised reliability. No promise about a bin may rest on anything but a lower bound.
    """

    probability: FloatArray
    probability_low: FloatArray
    probability_high: FloatArray
    clear: BoolArray
    draws: IntArray
    _draws: _Draws = field(repr=False)
    _row: IntArray = field(repr=False)

    @property
    def margin_db(self) -> FloatArray:
        """How much more SINR could be asked for at the promised reliability, by the draws' own quantile.

        Margins are rounded down to 1/32 dB, kept within ±64 dB, and NaN where no site is left. They are searched for
        when first asked for: that costs more than the judgement.
        """
        return np.asarray(self._margins_db[0], dtype=np.float64)

    @property
    def margin_low_db(self) -> FloatArray:
        """The same by the order statistic that is a lower bound: ≥ 0 where ``probability_low`` keeps the promise."""
        return np.asarray(self._margins_db[1], dtype=np.float64)

    @cached_property
    def _margins_db(self) -> FloatArray:
        return self._draws.margins_db(self._row)

    def take(self, bins: IntArray) -> JointReliability:
        """The same for some bins, in that order."""
        sides = (self.probability[bins], self.probability_low[bins], self.probability_high[bins])
        return JointReliability(*sides, self.clear[bins], self.draws[bins], self._draws, self._row[bins])


@dataclass(frozen=True)
class _Draws:
    """What margins are found from: the levels and gains that bins were judged by, and what was found."""

    levels: SiteLevels
    gain: FloatArray
    looks: Looks
    found: IntArray
    down: bool
    threads: int

    def margins_db(self, rows: IntArray) -> FloatArray:
        """Margins of some bins by the quantile and by the lower bound, shape (2, rows)."""
        wanted = np.zeros(self.found.shape[1], dtype=np.bool_)
        wanted[rows] = True
        margin_db = np.full((2, len(wanted)), np.nan)

        def fill(first: int, last: int) -> None:
            where = (self.levels, self.gain, self.looks, self.found, wanted, margin_db)
            measure_bins(first, last, self.down, *where)

        _by_bins(fill, len(wanted), self.threads)
        return np.asarray(margin_db[:, rows], dtype=np.float64)


def joint_reliability(
    signals: Signals,
    load: FloatArray,
    need: SinrNeed,
    shadowing: Shadowing,
    sampling: Sampling,
    threads: int = 2,
    shared: IntArray | None = None,
) -> tuple[JointReliability, JointReliability, IntArray]:
    """Reliability of every bin with all sites up, with its worst site down, and which site that is (−1: none heard).

    ``load`` (cells,) lies between 0 and 1. A site that is down neither serves nor disturbs. Its upper bound holds for
    all sites of the bin at once. Cells that ``signals`` does not list on a bin do not disturb it.

    Cells of equal number in ``shared`` (cells,) transmit one signal together: what is wanted of them adds up, none of
    them disturbs the others, and with a site down its heads are missing while the rest go on. None: every cell by
    itself. A cell wanted at −inf dBm serves nothing; it disturbs all but those it shares a signal with.

    Raises :class:`InputError` for loads, shared cells, reliabilities and draws that cannot be meant.
    """
    group = _group(signals, shared)
    _check(signals, load, need, sampling)
    sites = by_site(signals)
    looks, risk = _looks(need, sampling, sites.most)
    levels = _levels(signals, sites, load, need, group)
    rng = np.random.default_rng(sampling.seed)
    normals = joint_normals(rng, max(sites.most, 1), int(looks.draws[-1]), shadowing)
    gain = np.exp(_NEPER_PER_DB * shadowing.sigma_db * normals)
    found = np.zeros((4, len(signals)), np.int64)
    _by_bins(lambda first, last: judge_bins(first, last, levels, gain, looks, found), len(signals), threads)
    heard = np.diff(sites.bin_start)
    by_up, by_down = (_Draws(levels, gain, looks, found, down, threads) for down in (False, True))
    up = _judged(by_up, found[1], risk, np.minimum(heard, 1))
    down = _judged(by_down, found[2], risk, np.where(heard > 1, heard, 0))
    return up, down, np.append(sites.site, -1)[found[3]]


def _by_bins(fill: Callable[[int, int], None], bins: int, threads: int) -> None:
    """Run ``fill(first, last)`` over groups of bins in threads; the compiled part leaves the interpreter."""
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        firsts = range(0, bins, _BINS_PER_TASK)
        list(pool.map(lambda first: fill(first, min(first + _BINS_PER_TASK, bins)), firsts))


def median_sinr_db(
    signals: Signals, load: FloatArray, noise_dbm: float, shared: IntArray | None = None
) -> tuple[FloatArray, IntArray]:
    """Largest SINR of any cell by the medians alone, and the signal it comes from; shape (bins,), NaN and −1 for none.

    Cells of equal number in ``shared`` (cells,) count as one, and the signal is that of its strongest head. A level to
    look at, not a promise: the median of a sum of shadowed powers lies above the sum of their medians.
    """
    wanted, disturbing = _powers(signals, load, noise_dbm)
    bin_, heard = signals.bin, np.flatnonzero(np.diff(signals.bin_start) > 0)
    total = np.bincount(bin_, disturbing, minlength=len(signals))
    power, own = wanted, disturbing
    if shared is not None:
        key = bin_ * len(signals.site) + _group(signals, shared)[signals.cell]
        _, row = np.unique(key, return_inverse=True)
        power, own = (np.bincount(row, part).astype(np.float64)[row] for part in (wanted, disturbing))
    sinr = power / (1.0 + np.maximum(total[bin_] - own, 0.0))
    order = np.lexsort((-wanted, -sinr, bin_))
    first = order[signals.bin_start[heard]].astype(np.int64)
    served = sinr[first] > 0.0
    heard, first = heard[served], first[served]
    best_db = np.full(len(signals), np.nan)
    best: IntArray = np.full(len(signals), -1, dtype=np.int64)
    best[heard] = first
    best_db[heard] = 10.0 * np.log10(sinr[first])
    return best_db, best


def _group(signals: Signals, shared: IntArray | None) -> IntArray:
    """The number of the signal that each cell transmits, from 0; shape (cells,)."""
    cells = len(signals.site)
    if shared is None:
        return np.arange(cells, dtype=np.int64)
    if shared.shape != (cells,):
        told = f"interference: shared cells of shape {shared.shape} for {cells} cells"
        raise InputError(told, cure="give one number per cell, equal for cells that transmit one signal")
    return np.unique(shared, return_inverse=True)[1].astype(np.int64)


def _powers(signals: Signals, load: FloatArray, noise_dbm: float) -> tuple[FloatArray, FloatArray]:
    """Wanted and disturbing power of every signal in units of the noise."""
    wanted = 10.0 ** (0.1 * (signals.rsrp_dbm - noise_dbm))
    return wanted, load[signals.cell] * 10.0 ** (0.1 * (signals.interference_dbm - noise_dbm))


def _check(signals: Signals, load: FloatArray, need: SinrNeed, sampling: Sampling) -> None:
    if load.shape != signals.site.shape or not ((load >= 0.0) & (load <= 1.0)).all():
        raise InputError("interference: a load is missing or lies outside 0..1", cure="give one share per cell")
    if not 0.0 < need.reliability < 1.0:
        raise InputError(f"interference: reliability {need.reliability:g} lies outside 0..1", cure="0.95")
    if not 0.0 < sampling.risk < 1.0:
        raise InputError(f"interference: risk {sampling.risk:g} lies outside 0..1", cure="0.001")
    for told, level_db in (("need", need.sinr_db), ("noise", need.noise_dbm)):
        if not math.isfinite(level_db):
            raise InputError(f"interference: {told} {level_db:g} is not a level", cure="give it in dB or dBm")


def _looks(need: SinrNeed, sampling: Sampling, sites: int) -> tuple[Looks, float]:
    """Doubling looks, the first when the promise can be met at all, and the risk of each."""
    count = max(int(math.log2(max(sampling.most_draws // _FIRST_DRAWS, 1))) + 1, 1)
    risk = sampling.risk / count
    fewest = math.log(risk / 2.0) / math.log(need.reliability)
    first = max(_FIRST_DRAWS, _BLOCK * math.ceil(fewest / _BLOCK))
    draws = first * 2 ** np.arange(count, dtype=np.int64)
    draws = draws[draws <= sampling.most_draws]
    if not len(draws):
        told = (
            f"interference: {sampling.most_draws} draws cannot show {need.reliability:g} at a risk of {sampling.risk:g}"
        )
        raise InputError(told, cure=f"most_draws = {2 * first} or more")
    served = least_hits(draws, need.reliability, risk / 2.0)
    worst_of = np.maximum(np.arange(sites + 1), 1)
    failed = most_hits(draws[:, None], need.reliability, risk / 2.0 / worst_of)
    return Looks(draws, served, failed, np.ceil(need.reliability * draws).astype(np.int64)), risk


def _levels(signals: Signals, sites: SiteSignals, load: FloatArray, need: SinrNeed, group: IntArray) -> SiteLevels:
    """Powers in units of the noise, in the order of the sites."""
    wanted, disturbing = _powers(signals, load, need.noise_dbm)
    order, ratio = sites.signal, ratio_from_db(need.sinr_db)
    rows = (wanted[order], disturbing[order], group[signals.cell[order]])
    return SiteLevels(sites.bin_start, sites.signal_start, *rows, ratio)


def _judged(by: _Draws, hits: IntArray, risk: float, sites: IntArray) -> JointReliability:
    """Counts as probabilities, the least of so many sites at once; certainly 0 where none is left."""
    looks, look = by.looks, by.found[0]
    draws, left = looks.draws[look], sites > 0
    low, _ = clopper_pearson(hits, draws, risk)
    _, high = clopper_pearson(hits, draws, risk / np.maximum(sites, 1))
    clear = (hits >= looks.served[look]) | (hits <= looks.failed[look, sites]) | ~left
    share, low, high = (np.where(left, part, 0.0) for part in (hits / draws, low, high))
    return JointReliability(share, low, high, clear, np.where(left, draws, 0), by, np.arange(len(hits)))
