"""Margins on every bin, computed again for all chosen sites, and each site removed in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.decibels import fade_margin_db
from trassa.plan.claim import Claim
from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.needs import level_without_loss_dbm, needed_level_dbm
from trassa.plan.verify.radio.paths import Links, Receivers, SmoothEarth, Surroundings, losses_db
from trassa.provenance import Progress, no_progress
from trassa.radio.settings import RadioSettings

__all__ = ["Deductions", "Edges", "Service", "deductions_of", "margins_between", "service_of", "service_on"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Deductions:
    """What the proof says it took from every margin, in dB by name, and the sigma of the shadowing."""

    by_name: Mapping[str, float]
    sigma_db: float | None

    @property
    def fast_path_db(self) -> float:
        """The stated bound on the fast path's deviation."""
        return self.by_name.get("fast_path", 0.0)

    @property
    def within_bin_db(self) -> float:
        """The stated bound on what a bin's middle may lose beyond its worse edge."""
        return self.by_name.get("within_bin", 0.0)

    @property
    def sum_db(self) -> float:
        """All of them together."""
        return sum(self.by_name.values())


def deductions_of(claim: Claim) -> Deductions:
    """The deductions that a claim lists as taken from the margin."""
    listed = [a for a in claim.assumptions if a.taken_from_margin and a.unit == "dB" and a.name.startswith("radio.")]
    taken = {a.name.removeprefix("radio."): a.size for a in listed}
    sigma_db = taken.pop("shadowing_sigma", None)
    return Deductions(taken, sigma_db)


@dataclass(frozen=True)
class Edges:
    """Extents by the receivers at their two edges; arrays of shape (n,) of indices into the receivers.

    Receivers between the two belong to the extent as well.
    """

    first: IntArray
    last: IntArray

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Service:
    """Margins of the chosen sites on bins, sparse: ``bins[s]`` lists the bins that site s reaches.

    ``margin_db[s]`` are the margins there (the worse edge), ``rsrp_dbm[s]`` the median levels at that edge.
    """

    count: int
    bins: tuple[IntArray, ...]
    margin_db: tuple[FloatArray, ...]
    rsrp_dbm: tuple[FloatArray, ...]

    def best(self, without: Sequence[int] = ()) -> tuple[IntArray, FloatArray]:
        """Site and margin of the best server of every bin when some sites are down; −1 and −inf where there is none."""
        site, margin = np.full(self.count, -1, dtype=np.int64), np.full(self.count, -np.inf)
        for number, (bins, margins) in enumerate(zip(self.bins, self.margin_db, strict=True)):
            if number in without:
                continue
            better = margins > margin[bins]
            site[bins[better]], margin[bins[better]] = number, margins[better]
        return site, margin

    def second(self) -> tuple[IntArray, FloatArray]:
        """Site and margin of the second-best server of every bin."""
        first, _ = self.best()
        site, margin = np.full(self.count, -1, dtype=np.int64), np.full(self.count, -np.inf)
        for number, (bins, margins) in enumerate(zip(self.bins, self.margin_db, strict=True)):
            better = (margins > margin[bins]) & (first[bins] != number)
            site[bins[better]], margin[bins[better]] = number, margins[better]
        return site, margin

    def worst_down(self) -> tuple[IntArray, FloatArray]:
        """Every site removed in turn, all bins looked at again: the removal that hurts a bin most, and what is left."""
        base_site, base = self.best()
        site, margin = base_site.copy(), base.copy()
        for down, reached in enumerate(self.bins):
            left = np.full(self.count, -np.inf)
            span = (reached.min(), reached.max()) if len(reached) else (0, -1)
            for other, (bins, margins) in enumerate(zip(self.bins, self.margin_db, strict=True)):
                if other != down and len(bins) and bins.max() >= span[0] and bins.min() <= span[1]:
                    np.maximum.at(left, bins, margins)
            worse = reached[left[reached] < margin[reached]]
            site[worse], margin[worse] = down, left[worse]
        return site, margin

    def servers(self, over_db: float = 0.0) -> IntArray:
        """Number of sites that serve each bin, with so much to spare."""
        counted = np.zeros(self.count, dtype=np.int64)
        for bins, margins in zip(self.bins, self.margin_db, strict=True):
            counted[bins[margins >= over_db]] += 1
        return counted

    def of(self, site: int) -> tuple[FloatArray, FloatArray]:
        """Margins and levels of one site on all bins, −inf where it does not reach."""
        margin, level = np.full(self.count, -np.inf), np.full(self.count, -np.inf)
        margin[self.bins[site]], level[self.bins[site]] = self.margin_db[site], self.rsrp_dbm[site]
        return margin, level


def service_of(
    antennas: Antennas,
    receivers: Receivers,
    edges: Edges,
    ground: Surroundings | SmoothEarth,
    settings: RadioSettings,
    deductions: Deductions,
    progress: Progress = no_progress,
) -> Service:
    """Losses from every antenna to every receiver in reach, and from them the margins on bins."""
    links = losses_db(antennas, receivers, ground, settings, progress)
    return service_on(links, edges, len(receivers.measure_m), settings, deductions)


def service_on(links: Links, edges: Edges, receivers: int, settings: RadioSettings, deductions: Deductions) -> Service:
    """The margins on bins, or on other extents, from losses that are known."""
    parts = margins_between(links, deductions.sum_db, edges, receivers, settings)
    bins, margins, levels = tuple(p[0] for p in parts), tuple(p[1] for p in parts), tuple(p[2] for p in parts)
    return Service(len(edges), bins, margins, levels)


def margins_between(
    links: Links, taken_db: float, edges: Edges, receivers: int, settings: RadioSettings
) -> list[tuple[IntArray, FloatArray, FloatArray]]:
    """For each antenna: extents reached, margin and median level at the worst of the receivers in them."""
    fade_db = fade_margin_db(settings.sigma_db, settings.reliability)
    need_dbm, sent_dbm = needed_level_dbm(settings), level_without_loss_dbm(settings)
    widest = int((edges.last - edges.first).max(initial=0))
    found = []
    for near, losses in links:
        loss = np.full(receivers, np.inf)
        loss[near] = losses
        worse = loss[edges.first]
        for step in range(1, widest + 1):
            worse = np.maximum(worse, loss[np.minimum(edges.first + step, edges.last)])
        reached = np.flatnonzero(np.isfinite(worse))
        level = sent_dbm - worse[reached]
        found.append((reached, level - need_dbm - fade_db - taken_db, level))
    return found
