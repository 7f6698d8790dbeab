"""The links of a plan's cells taken apart: path loss, antenna and back-off by themselves, as the field adds them up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.plan.radio.questions import PlannedRadio
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates
from trassa.radio.cells import cells_of
from trassa.radio.coupling import Looks, looks_along_road, looks_over_terrain
from trassa.radio.diffraction import median_earth_radius_km
from trassa.radio.options import Options
from trassa.road.line import WGS84

__all__ = ["CellLinks", "cell_links", "looks_of", "placed"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellLinks:
    """Every cell towards some points: arrays of shape (cells, points), NaN where a point is out of reach.

    ``names`` and ``site`` (row of the layer ``sites``) have shape (cells,). ``off_axis_deg`` and ``pattern_db`` are NaN
    and 0 for a cell without direction. ``distance_m`` is along the ground.
    """

    names: tuple[str, ...]
    site: IntArray
    distance_m: FloatArray
    off_axis_deg: FloatArray
    below_deg: FloatArray
    path_loss_db: FloatArray
    pattern_db: FloatArray
    back_off_db: FloatArray

    def __len__(self) -> int:
        return len(self.names)

    @property
    def coupling_db(self) -> FloatArray:
        """Path loss, attenuation of the pattern and back-off together; NaN out of reach, +∞ without a link."""
        return self.path_loss_db + self.pattern_db + self.back_off_db

    @property
    def site_coupling_db(self) -> FloatArray:
        """The same of the better cell of the cell's own site."""
        best = np.full_like(self.path_loss_db, np.nan)
        for site in np.unique(self.site):
            mine = self.site == site
            best[mine] = self.coupling_db[mine].min(axis=0)
        return best


def cell_links(planned: PlannedRadio, points: Points) -> CellLinks:
    """The links from every cell of a plan to some points of its road."""
    candidates, sites = planned.candidates, planned.layers["sites"]
    cells, count = cells_of(candidates, planned.slots), len(candidates.options)
    shape = (len(cells), len(points))
    distance_m, off_deg, below_deg, path_db = (np.full(shape, np.nan) for _ in range(4))
    pattern_db, back_off_db = np.zeros(shape), np.zeros(shape)
    for site, slot in enumerate(planned.slots):
        here, option = placed(candidates, slot), slot % count
        links = planned.paths.without_antennas().links(here, points)
        receiver = links.receiver.astype(np.int64)
        looks = looks_of(here, points, receiver, planned)
        for row in np.flatnonzero(cells.site == site).tolist():
            at = (row, receiver)
            path_db[at], below_deg[at] = links.loss_db[:, 0], looks.below_deg[:, 0]
            distance_m[at] = _distance_m(here, points.take(receiver), planned.paths.by_measure_only)
            back_off_db[row] = candidates.options.back_off_db[option]
            if cells.side[row] != "omni" and planned.pattern is not None:
                off_deg[at] = looks.ahead_deg if cells.side[row] == "ahead" else looks.back_deg
                tilt_deg = float(candidates.options.tilt_deg[option])
                pattern_db[at] = planned.pattern.attenuation_db(off_deg[at], below_deg[at], tilt_deg)
    names = tuple(cells.names(sites["site"].tolist()))
    return CellLinks(names, cells.site, distance_m, off_deg, below_deg, path_db, pattern_db, back_off_db)


def placed(candidates: Candidates, slot: int) -> Candidates:
    """The place of a slot with the height of its option and nothing else: one antenna without direction, full power."""
    place, option = divmod(slot, len(candidates.options))
    there = candidates.take(np.array([place]))
    plain = Options(np.zeros(1, np.int64), np.zeros(1, bool), np.zeros(1, bool), np.zeros(1), np.zeros(1))
    height_m = there.height_m[:, [option]]
    return replace(there, height_m=height_m, cost_minor=np.zeros(height_m.shape, np.int64), options=plain)


def looks_of(here: Candidates, points: Points, receiver: IntArray, planned: PlannedRadio) -> Looks:
    """How the links from the one place of ``here`` leave its mast towards points ``receiver``."""
    settings, level = planned.settings, planned.paths.by_measure_only or bool(np.isnan(here.ahead_deg).any())
    radius_km = median_earth_radius_km(settings.dn_per_km)
    where = (here, points, np.zeros(len(receiver), np.int64), receiver, radius_km, settings.vehicle_antenna_m)
    return looks_along_road(*where) if level else looks_over_terrain(*where)


def _distance_m(here: Candidates, points: Points, by_measure_only: bool) -> FloatArray:
    """Along the WGS 84 ellipsoid; by measure and offset where losses are."""
    if by_measure_only:
        return np.hypot(points.measure_m - here.measure_m, here.offset_m)
    lon, lat = (np.full(len(points), float(end[0])) for end in (here.longitude_deg, here.latitude_deg))
    return np.asarray(WGS84.inv(lon, lat, points.longitude_deg, points.latitude_deg)[2], dtype=np.float64)
