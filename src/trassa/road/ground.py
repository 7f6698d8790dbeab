"""The ground that radio paths cross: terrain and clutter on one grid.

**The rule of the grid**, complete enough to recompute it from the tiles, the map and the road:

1. *Native step.* Of the elevation tiles that touch the box of step 2 the finest (smallest step in latitude times step
   in longitude; of equals the first by name) gives the steps and the anchor: its north-west node.
2. *Box.* The bounds of both carriageways' present points, widened north and south by ``reach_m`` over the metres per
   degree of latitude at their middle latitude, and east and west by ``reach_m`` over those per degree of longitude at
   the widened edge farther from the equator.
3. *Clutter is used* where the terrain is ``bare`` and at least one area is given. Then each native step is divided by
   the smallest whole number n with step ÷ ``cell_m`` ≤ n + 0.1, separately in latitude and in longitude, in metres at
   the middle latitude of the road's bounds: one arc second, 30.9 m, is not halved for a cell of 30 m. Otherwise it
   stays whole.
4. *Nodes* stand at the anchor plus whole divided steps; the grid begins and ends at the first node on or beyond each
   edge of the box.
5. *Ground* at a node is :meth:`trassa.road.terrain.Terrain.height_m` there, in float32: at native nodes the tile's own
   value, in between bilinear, which leaves the native bilinear surface as it is. Every node within ``reach_m`` of the
   road has its height; farther away whole blocks may be left NaN.
6. *Clutter* at a node is the height of the highest category whose polygon contains the node (planar in degrees, edges
   outside), and 0 where none does or where the node is nearer than ``road_reserve_m`` to the line of a carriageway.
7. Between nodes both are bilinear.
8. *Profile step*: the smaller of the native steps in metres at the middle latitude, and ``cell_m`` where clutter is
   used and that is less.
9. *Cross-section*: within ``road_reserve_m`` of a receiver a profile has no clutter and is no higher than the road: the
   vehicle stands on the road, not in the trench between a smooth alignment and a ragged elevation model.

Metres per degree are those of the WGS 84 ellipsoid (:func:`trassa.road.lattice.metres_per_degree`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.provenance import Progress, no_progress
from trassa.road.lattice import Bounds, Lattice, metres_per_degree
from trassa.road.model import Road
from trassa.road.settings import ClutterSettings, TerrainKind
from trassa.road.surroundings import ClutterArea, road_bounds
from trassa.road.terrain import Terrain
from trassa.road.walls import Walls

__all__ = ["GroundGrid", "build_ground"]


_BLOCK_NODES = 256
_CELL_SLACK = 0.1

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroundGrid:
    """Terrain and clutter heights at the nodes of a geographic grid; both are bilinear between nodes.

    Node (r, c) stands at latitude ``north_deg − r·step_lat_deg`` and longitude ``west_deg + c·step_lon_deg``.
    ``ground_m`` and ``clutter_m`` have shape (rows, cols), float32; ground is NaN where nothing is known. On a
    ``surface`` model woods and houses are in the ground already and clutter is zero everywhere. ``profile_step_m``
    is the longest step a path profile may use; its points nearer than ``open_road_m`` to a receiver on the road carry
    no clutter and stand no higher than the road.
    """

    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    ground_m: npt.NDArray[np.float32]
    clutter_m: npt.NDArray[np.float32]
    kind: TerrainKind
    profile_step_m: float
    open_road_m: float = 0.0
    walls: Walls | None = None
    """Noise walls and banks too thin for the grid (:mod:`trassa.road.walls`); None where there are none."""

    @cached_property
    def has_clutter(self) -> bool:
        """Whether anything stands on the ground at any node; grids of long roads have hundreds of millions of them."""
        return bool(np.any(self.clutter_m))

    @property
    def lattice(self) -> Lattice:
        """Where the nodes stand."""
        rows, cols = self.ground_m.shape
        return Lattice(self.north_deg, self.west_deg, self.step_lat_deg, self.step_lon_deg, rows, cols)

    def sample(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Ground and clutter height in metres at places of any shape, bilinear, float64.

        Off the grid ground is NaN and clutter 0; ground is NaN too where a corner that has weight is unknown.
        """
        row, col = np.broadcast_arrays(self.lattice.row(latitude_deg), self.lattice.col(longitude_deg))
        rows, cols = self.ground_m.shape
        inside = (row >= 0) & (row <= rows - 1) & (col >= 0) & (col <= cols - 1)
        top = np.clip(np.floor(row), 0, rows - 2).astype(np.int64)
        left = np.clip(np.floor(col), 0, cols - 2).astype(np.int64)
        down, right = row - top, col - left
        ground, clutter = np.zeros(row.shape), np.zeros(row.shape)
        for below, beside in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (down if below else 1.0 - down) * (right if beside else 1.0 - right)
            ground += np.where(weight > 0, weight * self.ground_m[top + below, left + beside], 0.0)
            clutter += weight * self.clutter_m[top + below, left + beside]
        return np.where(inside, ground, np.nan), np.where(inside, clutter, 0.0)


def build_ground(
    terrain: Terrain,
    areas: Sequence[ClutterArea],
    settings: ClutterSettings,
    road: Road,
    reach_m: float,
    progress: Progress = no_progress,
) -> GroundGrid:
    """The ground around a road, by the rule that this module states; ``settings`` gives heights, cell and reserve.

    Raises :class:`~trassa.errors.InputError` where no tile covers the road. Single places without height stay NaN:
    refuse them on the road itself with :func:`trassa.road.terrain.require_coverage`.
    """
    bounds = road_bounds(road, reach_m)
    near = terrain.near(bounds)
    native = near.tiles[0].lattice
    tight = road_bounds(road, 0.0)
    per_lat_m, per_lon_m = metres_per_degree((tight.south_deg + tight.north_deg) / 2.0)
    steps_m = native.step_lat_deg * float(per_lat_m), native.step_lon_deg * float(per_lon_m)
    with_clutter = terrain.kind == "bare" and len(areas) > 0
    divide_lat, divide_lon = (
        max(math.ceil(step / settings.cell_m - _CELL_SLACK), 1) if with_clutter else 1 for step in steps_m
    )
    lattice = _anchored(native, bounds, native.step_lat_deg / divide_lat, native.step_lon_deg / divide_lon)
    ground = np.full((lattice.rows, lattice.cols), np.nan, dtype=np.float32)
    blocks = _blocks_in_reach(lattice, road, reach_m)
    for done, (row, col) in enumerate(blocks):
        part = lattice.window(row, col, min(_BLOCK_NODES, lattice.rows - row), min(_BLOCK_NODES, lattice.cols - col))
        ground[row : row + part.rows, col : col + part.cols] = near.lattice_m(part)
        progress(0.8 * (done + 1) / len(blocks))
    if with_clutter:
        from trassa.road.clutter_grid import draw_clutter  # shapely only where there is clutter

        clutter = draw_clutter(areas, settings, road, lattice)
    else:
        clutter = lattice.zeros()
    progress(1.0)
    step_m = min(*steps_m, settings.cell_m) if with_clutter else min(steps_m)
    frame = lattice.north_deg, lattice.west_deg, lattice.step_lat_deg, lattice.step_lon_deg
    return GroundGrid(*frame, ground, clutter, terrain.kind, step_m, settings.road_reserve_m)


def _anchored(native: Lattice, bounds: Bounds, step_lat_deg: float, step_lon_deg: float) -> Lattice:
    anchor = Lattice(native.north_deg, native.west_deg, step_lat_deg, step_lon_deg, 1, 1)
    top, bottom = math.floor(anchor.row(bounds.north_deg)), math.ceil(anchor.row(bounds.south_deg))
    left, right = math.floor(anchor.col(bounds.west_deg)), math.ceil(anchor.col(bounds.east_deg))
    return anchor.window(top, left, bottom - top + 1, right - left + 1)


def _blocks_in_reach(lattice: Lattice, road: Road, reach_m: float) -> list[tuple[int, int]]:
    """First node of each block that meets the box of ± ``reach_m`` around a point of the road."""
    marked = np.zeros((lattice.rows // _BLOCK_NODES + 1, lattice.cols // _BLOCK_NODES + 1), dtype=bool)
    for line in road.alignments.values():
        lat, lon = line.latitude_deg[line.present], line.longitude_deg[line.present]
        per_lat_m, per_lon_m = metres_per_degree(lat)
        away_lat, away_lon = reach_m / per_lat_m, reach_m / per_lon_m
        nodes = (
            lattice.row(lat + away_lat),
            lattice.row(lat - away_lat),
            lattice.col(lon - away_lon),
            lattice.col(lon + away_lon),
        )
        corners = np.unique(np.floor(np.stack(nodes) / _BLOCK_NODES).astype(np.int64), axis=1)
        for top, bottom, left, right in np.maximum(corners, 0).T.tolist():
            marked[top : bottom + 1, left : right + 1] = True
    first = np.argwhere(marked) * _BLOCK_NODES
    return [(r, c) for r, c in first.tolist() if r < lattice.rows and c < lattice.cols]
