"""Shared cells: heads of several sites that send the same signal as one cell (single-frequency network).

::

    site      S-01      S-02      S-03      S-04
              |---------|---------|         |        one cell while
    cell      A         A         A         B        - no more than so many heads,
                                                     - fibre to the baseband within the fronthaul's delay budget,
                                                     - arrivals on every bin within the cyclic prefix

What arrives within the cyclic prefix adds up; what arrives later disturbs, and is allowed only where it is weak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from trassa.errors import InputError
from trassa.radio.compiled import compiled
from trassa.radio.signals import Signals

__all__ = [
    "ECPRI_ONE_WAY_US",
    "Arrivals",
    "FronthaulNeed",
    "LateArrival",
    "SharedCells",
    "cyclic_prefix_us",
    "fronthaul_needs",
    "fronthaul_reach_m",
    "group_sites",
    "head_distances_m",
    "shared_signals",
]

ECPRI_ONE_WAY_US = 100.0
"""Largest one-way frame delay of fast user data, class High100 (eCPRI Transport Network V1.2, table 1)."""

_LIGHT_M_PER_US = 299.792458
_PREFIX_US_15_KHZ = 144.0 / 2048.0 / 15e-3
_EXTENDED_US_15_KHZ = 512.0 / 2048.0 / 15e-3

_GEOD = Geod(ellps="WGS84")

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FronthaulNeed:
    """What a shared cell asks of the optical line: the fibre from its baseband to one head's site is no longer."""

    site: int
    cell: int
    largest_fronthaul_m: float


@dataclass(frozen=True)
class SharedCells:
    """Sites in groups: ``cell`` (sites,) is the shared cell of each, ``baseband_m`` (cells,) the measure of its hut."""

    cell: IntArray
    baseband_m: FloatArray

    def __len__(self) -> int:
        return len(self.baseband_m)


@dataclass(frozen=True)
class LateArrival:
    """A bin on which a head comes in ``delay_us`` after the earliest strong one and only ``below_db`` weaker."""

    bin: int
    site: int
    delay_us: float
    below_db: float


def cyclic_prefix_us(subcarrier_khz: int, *, extended: bool = False) -> float:
    """Length of the cyclic prefix of all but the first symbol of a half subframe: 4.69 µs at 15 kHz, 2.34 at 30 kHz.

    144 of 2048 samples of a symbol, 512 where extended (TS 36.211 §6.12, TS 38.211 §5.3.1).
    """
    return (_EXTENDED_US_15_KHZ if extended else _PREFIX_US_15_KHZ) * 15.0 / subcarrier_khz


def fronthaul_reach_m(one_way_us: float, latency_us_per_km: float, *, equipment_us: float = 0.0) -> float:
    """Longest fibre that a one-way delay budget leaves; 100 µs at 4.9 µs/km and no equipment is 20.4 km.

    ``equipment_us`` is what switches and transponders take of the budget.
    """
    left_us = one_way_us - equipment_us
    if left_us <= 0.0:
        raise InputError(
            f"shared cell: equipment takes {equipment_us:g} µs of a one-way budget of {one_way_us:g} µs",
            cure="fewer switches between baseband and heads",
        )
    return 1000.0 * left_us / latency_us_per_km


def head_distances_m(
    signals: Signals,
    bins_lat: npt.ArrayLike,
    bins_lon: npt.ArrayLike,
    sites_lat: npt.ArrayLike,
    sites_lon: npt.ArrayLike,
) -> FloatArray:
    """Geodesic distance from the head to the bin for every signal, shape (signals,); places in degrees."""
    bins, sites = signals.bin, signals.site[signals.cell]
    lat, lon = np.asarray(bins_lat, dtype=np.float64)[bins], np.asarray(bins_lon, dtype=np.float64)[bins]
    head_lat, head_lon = np.asarray(sites_lat, dtype=np.float64)[sites], np.asarray(sites_lon, dtype=np.float64)[sites]
    return np.asarray(_GEOD.inv(lon, lat, head_lon, head_lat)[2], dtype=np.float64)


class Arrivals:
    """When the signal of every head arrives on every bin, ordered so that the heads of a few sites are found fast.

    ``distance_m`` (signals,) is that of :func:`head_distances_m`.
    """

    def __init__(self, signals: Signals, distance_m: npt.ArrayLike) -> None:
        site = signals.site[signals.cell]
        order = np.argsort(site, kind="stable")
        self._start = np.searchsorted(site[order], np.arange(int(signals.site.max(initial=-1)) + 2))
        self._site, self._bin, self._rsrp_dbm = site[order], signals.bin[order], signals.rsrp_dbm[order]
        self._arrival_us = np.asarray(distance_m, dtype=np.float64)[order] / _LIGHT_M_PER_US

    def late(
        self, sites: Sequence[int], *, prefix_us: float, harmless_db: float = 20.0, any_away: bool = False
    ) -> list[LateArrival]:
        """Where these sites, sent as one cell, would disturb themselves: the latest arrival of each such bin.

        Of the group's heads on a bin those less than ``harmless_db`` below the strongest must all arrive within
        ``prefix_us`` of the earliest among them; with ``any_away`` also when any one of the sites is down: without the
        strongest the others are loud. Take clock errors and echoes off the prefix first.
        """
        rows = np.concatenate([np.arange(self._start[site], self._start[site + 1]) for site in sites])
        rows = rows[np.argsort(self._bin[rows], kind="stable")]
        found = self._late(rows, prefix_us, harmless_db)
        if found or not any_away or not len(rows):
            return found
        return self._late(rows[self._site[rows] != self._strongest(rows)], prefix_us, harmless_db)

    def _strongest(self, rows: IntArray) -> IntArray:
        """The strongest site of the bin of every row, shape (rows,); rows are in order of bins."""
        opens = np.diff(self._bin[rows], prepend=-1) != 0
        run = np.cumsum(opens) - 1
        by_level = np.lexsort((-self._rsrp_dbm[rows], run))
        return np.asarray(self._site[rows][by_level[np.flatnonzero(opens)]][run], dtype=np.int64)

    def _late(self, rows: IntArray, prefix_us: float, harmless_db: float) -> list[LateArrival]:
        """The latest arrival of each bin that disturbs; rows are in order of bins."""
        if not len(rows):
            return []
        opens = np.diff(self._bin[rows], prepend=-1) != 0
        first, run = np.flatnonzero(opens), np.cumsum(opens) - 1
        below_db = np.maximum.reduceat(self._rsrp_dbm[rows], first)[run] - self._rsrp_dbm[rows]
        strong_us = np.where(below_db < harmless_db, self._arrival_us[rows], np.nan)
        delay_us = strong_us - np.fmin.reduceat(strong_us, first)[run]
        latest = np.lexsort((-delay_us, run))[first]  # NaN sorts last
        late = latest[delay_us[latest] > prefix_us]
        columns = (self._bin[rows[late]], self._site[rows[late]], delay_us[late], below_db[late])
        return [LateArrival(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def group_sites(
    measure_m: npt.ArrayLike,
    *,
    most_heads: int,
    reach_m: float,
    huts_m: npt.ArrayLike | None = None,
    fibre_ratio: float = 1.1,
    drop_m: npt.ArrayLike = 0.0,
    may_share: Callable[[Sequence[int]], bool] = lambda sites: True,
) -> SharedCells:
    """Consecutive sites in the fewest shared cells; of the fewest, those with the shortest longest fibre.

    ``measure_m`` (sites,) rises. Every cell has at most ``most_heads`` sites and one hut from which the fibre to each,
    ``fibre_ratio`` times the difference of measures plus the site's ``drop_m``, is at most ``reach_m``. ``huts_m`` are
    the measures of huts that may hold baseband, every site's own foot where None. ``may_share`` says whether sites may
    form a cell (:meth:`Arrivals.late`); it is asked for groups of two and more that meet the other bounds. Raises
    :class:`~trassa.errors.InputError` where a site reaches no hut.
    """
    measure = np.asarray(measure_m, dtype=np.float64)
    huts = measure if huts_m is None else np.asarray(huts_m, dtype=np.float64)
    drops = np.broadcast_to(np.asarray(drop_m, dtype=np.float64), measure.shape)
    if np.any(np.diff(measure) < 0.0):
        raise InputError("shared cell: sites are not in order of measure", cure="sort the sites by measure first")
    fibre_m = fibre_ratio * np.abs(measure[:, None] - huts[None, :]) + drops[:, None]
    if len(measure) and (not len(huts) or np.any(fibre_m.min(axis=1) > reach_m)):
        site = int(np.argmax(fibre_m.min(axis=1))) if len(huts) else 0
        raise InputError(
            f"shared cell: site {site} at measure {measure[site]:.0f} m reaches no hut within {reach_m:.0f} m of fibre",
            cure="a hut nearer to it, or a larger one-way delay budget",
        )
    cuts, chosen = _fewest(fibre_m, most_heads, reach_m, may_share)
    sizes = np.diff(cuts)
    return SharedCells(np.repeat(np.arange(len(sizes)), sizes), huts[chosen])


def _fewest(
    fibre_m: FloatArray, most_heads: int, reach_m: float, may_share: Callable[[Sequence[int]], bool]
) -> tuple[list[int], list[int]]:
    """Boundaries of the groups and the hut of each, by dynamic programming over the sites in order."""
    sites = len(fibre_m)
    best: list[tuple[int, float, int, int]] = [(0, 0.0, 0, -1)]  # cells, longest fibre, first site of the last, hut
    for end in range(1, sites + 1):
        found = (sites + 1, np.inf, 0, -1)
        for first in range(end - 1, max(end - max(most_heads, 1), 0) - 1, -1):
            longest = fibre_m[first:end].max(axis=0)
            hut = int(np.argmin(longest))
            if longest[hut] > reach_m:
                break  # more sites reach no farther
            cells, farthest = best[first][0] + 1, max(best[first][1], float(longest[hut]))
            better = (cells, farthest) < found[:2]
            if better and (end - first == 1 or may_share(range(first, end))):
                found = (cells, farthest, first, hut)
        best.append(found)
    cuts, huts = [sites], []
    while cuts[-1] > 0:
        _, _, first, hut = best[cuts[-1]]
        cuts.append(first)
        huts.append(hut)
    return cuts[::-1], huts[::-1]


def shared_signals(
    signals: Signals,
    shared: SharedCells,
    *,
    distance_m: npt.ArrayLike,
    prefix_us: float,
    without_site: int = -1,
) -> Signals:
    """The signals of shared cells: ``cell`` becomes the shared cell, and every shared cell counts as one site.

    The wanted level is the power sum of the heads that arrive within one ``prefix_us``, wherever a receiver that looks
    for the most power sets it; the interference is the sum over all heads. ``without_site`` leaves the heads of one
    site out: its shared cell lives on with the rest.
    """
    cells = max(len(shared), 1)
    kept = np.flatnonzero(signals.site[signals.cell] != without_site)
    key = signals.bin[kept] * cells + shared.cell[signals.site[signals.cell[kept]]]
    kept = kept[np.argsort(key, kind="stable")]
    key, counts = np.unique(key, return_counts=True)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    arrival_us = np.asarray(distance_m, dtype=np.float64)[kept] / _LIGHT_M_PER_US
    wanted_mw, loud_mw = np.zeros(len(key)), np.zeros(len(key))
    _add_up(start, 10.0 ** (0.1 * signals.rsrp_dbm[kept]), arrival_us, prefix_us, wanted_mw)
    _add_up(start, 10.0 ** (0.1 * signals.interference_dbm[kept]), arrival_us, np.inf, loud_mw)
    wanted_dbm, loud_dbm = 10.0 * np.log10(wanted_mw), 10.0 * np.log10(loud_mw)
    order = np.lexsort((key % cells, -wanted_dbm, key // cells))
    bin_start = np.searchsorted(key // cells, np.arange(len(signals) + 1)).astype(np.int64)
    site = np.arange(len(shared), dtype=np.int64)
    return Signals(bin_start, (key % cells)[order], wanted_dbm[order], loud_dbm[order], site)


@compiled
def _add_up(start: IntArray, power_mw: FloatArray, arrival_us: FloatArray, prefix_us: float, out: FloatArray) -> None:
    """Largest power of each run of arrivals that lies within one prefix, beginning with any of them."""
    for run in range(len(out)):
        for first in range(start[run], start[run + 1]):
            total = 0.0
            for other in range(start[run], start[run + 1]):
                if 0.0 <= arrival_us[other] - arrival_us[first] <= prefix_us:
                    total += power_mw[other]
            out[run] = max(out[run], total)


def fronthaul_needs(shared: SharedCells, reach_m: float) -> list[FronthaulNeed]:
    """The constraint for the optical line: one row per site, in order; sites of one cell share its baseband hut."""
    return [FronthaulNeed(site, cell, reach_m) for site, cell in enumerate(shared.cell.tolist())]
