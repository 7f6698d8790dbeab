"""Coverage beside the road: median RSRP and best server at the nodes of a grid, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from trassa.errors import InputError
from trassa.linear import Layer
from trassa.provenance import Progress, no_progress
from trassa.radio.diffraction import Polarisation
from trassa.radio.links import Links, terrain_links
from trassa.radio.path_geometry import earth_points
from trassa.radio.propagation import Propagation
from trassa.road.ground import GroundGrid
from trassa.road.lattice import Lattice, metres_per_degree
from trassa.road.model import Road
from trassa.road.surroundings import road_bounds

__all__ = ["Attenuation", "CoverageRules", "CoverageTile", "coverage_lattice", "coverage_tiles"]

FloatArray = npt.NDArray[np.float64]
Attenuation = Callable[[int, FloatArray, FloatArray, FloatArray], FloatArray]
"""What a site's antenna gives less than at its best, dB: of the site's row towards receivers at latitude, longitude
in degrees and antenna height in metres above sea level, shape (receivers,) each."""

TILE_NODES = 512
"""Rows and columns of a tile."""

_MOST_SITES = 65_000


@dataclass(frozen=True)
class CoverageRules:
    """What is computed: levels as in the link budget, medians, without deductions.

    The grid reaches ``half_width_m`` from the road; its step is that of the ground, or the whole multiple of it next to
    ``step_m``.
    """

    frequency_mhz: float
    eirp_per_re_dbm: float
    receiver_gain_dbi: float = 0.0
    receiver_antenna_m: float = 1.5
    reach_m: float = 15_000.0
    dn_per_km: float = 45.0
    n0_n_units: float = 325.0
    polarisation: Polarisation = "vertical"
    propagation: Propagation = "p1812"
    half_width_m: float = 2_000.0
    step_m: float | None = None
    threads: int = 2


class CoverageTile(NamedTuple):
    """A rectangle of the grid whose first node is (``row``, ``col``): arrays of shape (rows, cols).

    ``server`` is 1 + the row of the strongest site, 0 where none is in reach; ``rsrp_dbm`` its median, NaN there.
    """

    row: int
    col: int
    server: npt.NDArray[np.uint16]
    rsrp_dbm: npt.NDArray[np.float32]


def coverage_lattice(road: Road, ground: GroundGrid, rules: CoverageRules) -> Lattice:
    """The grid's nodes: nodes of the ground in the box around the road, every n-th in each direction."""
    box, whole = road_bounds(road, rules.half_width_m), ground.lattice
    strides = []
    for step_deg, per_degree_m in zip(
        (whole.step_lat_deg, whole.step_lon_deg),
        metres_per_degree((box.south_deg + box.north_deg) / 2.0),
        strict=True,
    ):
        strides.append(max(round(rules.step_m / (step_deg * float(per_degree_m))), 1) if rules.step_m else 1)
    top, left = max(math.ceil(whole.row(box.north_deg)), 0), max(math.ceil(whole.col(box.west_deg)), 0)
    bottom = min(math.floor(whole.row(box.south_deg)), whole.rows - 1)
    right = min(math.floor(whole.col(box.east_deg)), whole.cols - 1)
    if bottom < top or right < left:
        raise InputError(f"coverage: the ground does not reach {road.ref}", cure="terrain tiles that hold the road")
    rows, cols = (bottom - top) // strides[0] + 1, (right - left) // strides[1] + 1
    first = whole.window(top, left, 1, 1)
    steps = whole.step_lat_deg * strides[0], whole.step_lon_deg * strides[1]
    return Lattice(first.north_deg, first.west_deg, *steps, rows, cols)


def coverage_tiles(
    road: Road,
    ground: GroundGrid,
    sites: Layer,
    rules: CoverageRules,
    attenuation_db: Attenuation | None = None,
    progress: Progress = no_progress,
) -> Iterator[CoverageTile]:
    """The tiles of :func:`coverage_lattice` that hold a node near the road, one at a time.

    A receiver stands on the ground at its node. Beside the road nothing is cut free for it, as it is for the road's
    bins: woods next to it shade it. ``sites`` is the layer of that name; without ``attenuation_db`` its antennas send
    alike in all directions.
    """
    if not np.isfinite(np.concatenate([sites["latitude_deg"], sites["longitude_deg"]])).all():
        raise InputError(f"coverage: sites of {road.ref} have no place on Earth", cure="a surveyed or drawn axis")
    if len(sites) > _MOST_SITES:
        raise InputError(f"coverage: {len(sites)} sites are more than a grid can name", cure="a shorter road")
    beside = replace(ground, open_road_m=0.0)
    lattice, near = coverage_lattice(road, ground, rules), _Corridor(road, rules.half_width_m)
    corners = [(r, c) for r in range(0, lattice.rows, TILE_NODES) for c in range(0, lattice.cols, TILE_NODES)]
    for done, (row, col) in enumerate(corners):
        part = lattice.window(row, col, min(TILE_NODES, lattice.rows - row), min(TILE_NODES, lattice.cols - col))
        inside = near.nodes(part)
        if inside is not None:
            yield CoverageTile(row, col, *_tile(beside, part, inside, sites, rules, attenuation_db))
        progress((done + 1) / len(corners))


class _Corridor:
    """Which nodes lie near the road: within a distance of one of its points, through the Earth."""

    def __init__(self, road: Road, half_width_m: float) -> None:
        lines = list(road.alignments.values())
        lat = np.concatenate([line.latitude_deg[line.present] for line in lines])
        lon = np.concatenate([line.longitude_deg[line.present] for line in lines])
        self._tree = KDTree(_in_space(lat, lon))
        self._half_width_m = half_width_m

    def nodes(self, part: Lattice) -> npt.NDArray[np.bool_] | None:
        """Whether each node of a part is near, shape (rows, cols); None where none is."""
        box = part.bounds
        lat = np.array(
            [(box.south_deg + box.north_deg) / 2, box.south_deg, box.south_deg, box.north_deg, box.north_deg]
        )
        lon = np.array([(box.west_deg + box.east_deg) / 2, box.west_deg, box.east_deg, box.west_deg, box.east_deg])
        middle, *corners = _in_space(lat, lon)
        around_m = np.linalg.norm(np.array(corners) - middle, axis=1).max()
        if self._away_m(middle[None, :], self._half_width_m + float(around_m))[0] == np.inf:
            return None
        near = np.isfinite(self._away_m(_in_space(*_places(part)), self._half_width_m)).reshape(part.rows, part.cols)
        return near if near.any() else None

    def _away_m(self, places: FloatArray, at_most_m: float) -> FloatArray:
        """Distance to the nearest point of the road, infinite beyond ``at_most_m``; shape (places,)."""
        return np.asarray(self._tree.query(places, distance_upper_bound=at_most_m)[0], dtype=np.float64)


def _in_space(lat: FloatArray, lon: FloatArray) -> FloatArray:
    points = earth_points(lat, lon, np.zeros_like(lat))
    return np.column_stack([points.x_m, points.y_m, points.z_m])


def _tile(
    ground: GroundGrid,
    part: Lattice,
    inside: npt.NDArray[np.bool_],
    sites: Layer,
    rules: CoverageRules,
    attenuation_db: Attenuation | None,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
    lat, lon = (column[inside.ravel()] for column in _places(part))
    height_m = ground.sample(lat, lon)[0]
    links = terrain_links(
        ground,
        sites["latitude_deg"],
        sites["longitude_deg"],
        sites["ground_m"],
        sites["height_m"][:, None],
        lat,
        lon,
        height_m,
        frequency_mhz=rules.frequency_mhz,
        receiver_antenna_m=rules.receiver_antenna_m,
        reach_m=rules.reach_m,
        dn_per_km=rules.dn_per_km,
        polarisation=rules.polarisation,
        n0_n_units=rules.n0_n_units,
        propagation=rules.propagation,
        threads=rules.threads,
    )
    server, rsrp_dbm = np.zeros(part.rows * part.cols, np.uint16), np.full(part.rows * part.cols, np.nan, np.float32)
    at = np.flatnonzero(inside)
    server[at], rsrp_dbm[at] = _strongest(links, (lat, lon, height_m), rules, attenuation_db)
    return server.reshape(inside.shape), rsrp_dbm.reshape(inside.shape)


def _strongest(
    links: Links,
    receivers: tuple[FloatArray, FloatArray, FloatArray],
    rules: CoverageRules,
    attenuation_db: Attenuation | None,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
    """1 + the strongest site and its level for every receiver; of equals the first site."""
    lat, lon, height_m = receivers
    best = np.zeros(len(lat), dtype=np.uint16)
    level_dbm = np.full(len(lat), -np.inf)
    for site in range(len(links.place_start) - 1):
        rows = slice(int(links.place_start[site]), int(links.place_start[site + 1]))
        at = links.receiver[rows]
        given_dbm = rules.eirp_per_re_dbm + rules.receiver_gain_dbi - links.loss_db[rows, 0].astype(np.float64)
        if attenuation_db is not None and len(at):
            given_dbm -= attenuation_db(site, lat[at], lon[at], height_m[at] + rules.receiver_antenna_m)
        won = given_dbm > level_dbm[at]
        level_dbm[at[won]], best[at[won]] = given_dbm[won], site + 1
    return best, np.where(best > 0, level_dbm, np.nan).astype(np.float32)


def _places(part: Lattice) -> tuple[FloatArray, FloatArray]:
    """Latitude and longitude of every node, row by row."""
    lat, lon = np.meshgrid(part.latitudes_deg(), part.longitudes_deg(), indexing="ij")
    return lat.ravel(), lon.ravel()
