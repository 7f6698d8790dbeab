"""Cells as a vehicle hears them at every edge of a bin, and what follows of which cell leads there.

Levels are those of the sites' links, sector by sector; what one cell's sectors send adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.needs import level_without_loss_dbm
from trassa.plan.verify.radio.paths import Links, SmoothEarth, Surroundings
from trassa.radio.diffraction import median_earth_radius_km

__all__ = ["LOOSE_DB", "CellLevels", "cell_levels"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_WGS84 = pyproj.Geod(ellps="WGS84")

LOOSE_DB = 1.0
"""A decibel either way is left to bins that were judged at another edge."""


@dataclass(frozen=True)
class CellLevels:
    """All that is received: point, cell and level in dBm, by point and cell; arrays of shape (signals,).

    ``names`` are those of the cells, ``points`` how many places there are.
    """

    names: list[str]
    points: int
    point: IntArray
    cell: IntArray
    level_dbm: FloatArray

    def where(self, rows: BoolArray) -> CellLevels:
        """Some of them."""
        return CellLevels(self.names, self.points, self.point[rows], self.cell[rows], self.level_dbm[rows])

    @cached_property
    def lead_db(self) -> FloatArray:
        """How far the strongest cell of the same place stands above each, (signals,)."""
        best_dbm = np.full(self.points, -np.inf)
        np.maximum.at(best_dbm, self.point, self.level_dbm)
        return np.asarray(best_dbm[self.point] - self.level_dbm, dtype=np.float64)

    @cached_property
    def sure(self) -> IntArray:
        """The cell that leads every place by more than :data:`LOOSE_DB`, −1 where none does; (points,)."""
        ahead = self.lead_db < LOOSE_DB
        found = np.full(self.points, -1, dtype=np.int64)
        found[self.point[ahead]] = self.cell[ahead]
        found[np.bincount(self.point[ahead], minlength=self.points) > 1] = -1
        return found

    def on_bins(self, places: IntArray, within_db: float) -> IntArray:
        """Bin and cell in one number, ``bin · cells + cell``, of all cells so close to the strongest; sorted, distinct.

        ``places`` (bins,) is a different point for every bin; −1 for none.
        """
        bin_of = np.full(self.points, -1, dtype=np.int64)
        there = np.flatnonzero(places >= 0)
        bin_of[places[there]] = there
        rows = (self.lead_db <= within_db) & (bin_of[self.point] >= 0)
        return np.unique(bin_of[self.point[rows]] * len(self.names) + self.cell[rows])

    def leading(self, due: DueBins) -> IntArray:
        """The cells that may be the best one of a bin, as :meth:`on_bins` has them."""
        edges = (due.edges.first, due.edges.last)
        return np.unique(np.concatenate([self.on_bins(edge, LOOSE_DB) for edge in edges]))


def cell_levels(
    evidence: Evidence, due: DueBins, links: Links, antennas: Antennas, ground: Surroundings | SmoothEarth
) -> CellLevels:
    """The levels of the layer ``cells`` over the links of its sites."""
    cells, radio = evidence.layers["cells"], evidence.settings.radio
    names, points = sorted(set(cells["sends"].tolist())), len(due.receivers.measure_m)
    row_of = {str(name): row for row, name in enumerate(evidence.layers["sites"]["site"])}
    number, sent_dbm = {name: k for k, name in enumerate(names)}, level_without_loss_dbm(radio)
    keys, powers = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for cell, site, sends in zip(cells["cell"].tolist(), cells["site"].tolist(), cells["sends"].tolist(), strict=True):
        at = row_of.get(site, -1)
        if at < 0:
            continue
        near, loss_db = links[at]
        side = "back" if str(cell).endswith("/2") else "ahead"
        more_db = _beyond_best_db(antennas, at, side, near, due, ground, radio.dn_per_km)
        keys.append(near * len(names) + number[sends])
        powers.append(10.0 ** (0.1 * (sent_dbm - loss_db - more_db)))
    key, back = np.unique(np.concatenate(keys), return_inverse=True)
    power = np.bincount(back, weights=np.concatenate(powers), minlength=len(key))
    kept = power > 0.0
    point, cell_ = key[kept] // max(len(names), 1), key[kept] % max(len(names), 1)
    return CellLevels(names, points, point, cell_, 10.0 * np.log10(power[kept]))


def _beyond_best_db(
    antennas: Antennas, site: int, side: str, near: IntArray, due: DueBins, ground: Surroundings | SmoothEarth,
    dn_per_km: float,
) -> FloatArray:  # fmt: skip
    """How much weaker one sector of a site is than the site as a whole, towards some receivers."""
    if str(antennas.sectors[site]) != "both":
        return np.zeros(len(near))
    there, level = due.receivers.take(near), not isinstance(ground, Surroundings)
    lat, lon = float(antennas.latitude_deg[site]), float(antennas.longitude_deg[site])
    if isinstance(ground, Surroundings):
        away = _WGS84.inv(np.full(len(near), lon), np.full(len(near), lat), there.longitude_deg, there.latitude_deg)[2]
        top_m = float(ground.mast_ground_m(lat, lon)[0] + antennas.height_m[site])
        height_m = there.height_m + antennas.settings.vehicle_antenna_m
    else:
        away = np.hypot(there.measure_m - antennas.measure_m[site], antennas.offset_m[site])
        top_m, height_m = float(antennas.height_m[site]), np.full(len(near), antennas.settings.vehicle_antenna_m)
    distance_m = np.maximum(np.asarray(away, dtype=np.float64), 1.0)
    ends = (there.measure_m, there.latitude_deg, there.longitude_deg, height_m, distance_m)
    radius_km, one = median_earth_radius_km(dn_per_km), antennas.take(np.array([site]))
    whole = one.attenuation_db(0, ends, top_m, radius_km, level=level)
    one.sectors[0] = side
    return one.attenuation_db(0, ends, top_m, radius_km, level=level) - whole
