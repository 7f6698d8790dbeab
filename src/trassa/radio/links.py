"""Path losses between every place for a mast and every receiver in reach, as compressed rows by place."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.provenance import Progress, no_progress
from trassa.radio.compiled import compiled
from trassa.radio.diffraction import Polarisation
from trassa.radio.fast_p1812 import Physics
from trassa.radio.path_geometry import EarthPoints, earth_points
from trassa.radio.path_kernel import NEAR_MAST_M, path_losses_db
from trassa.radio.profile_sampling import KernelGrid, Scratch, scratch
from trassa.radio.propagation import Propagation, physics
from trassa.radio.reach import BLOCK, Blocks, block_in_reach, blocks_of, counts_in_reach, in_reach
from trassa.radio.smooth_p1812 import smooth_loss_db
from trassa.road.ground import GroundGrid

__all__ = ["SMOOTH_PROFILE_STEP_M", "Links", "kernel_grid", "smooth_links", "terrain_links"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

SMOOTH_PROFILE_STEP_M = 30.0
"""Step of a path profile where there is no terrain."""

_PLACES_PER_TASK = 16


@dataclass(frozen=True)
class Links:
    """All links in reach. Those of place p are the rows ``place_start[p]`` to ``place_start[p + 1]``.

    ``place_start`` has shape (places + 1,), ``receiver`` (links,) with receivers rising within a place, ``loss_db``
    (links, heights): basic transmission loss, infinite where the height is not offered, the ground unknown or the
    model has no link.
    """

    place_start: IntArray
    receiver: npt.NDArray[np.int32]
    loss_db: SingleArray

    def __len__(self) -> int:
        return len(self.receiver)

    @property
    def place(self) -> npt.NDArray[np.int32]:
        """The place of every link, shape (links,)."""
        count = len(self.place_start) - 1
        return np.repeat(np.arange(count, dtype=np.int32), np.diff(self.place_start))


def terrain_links(
    ground: GroundGrid,
    places_lat: npt.ArrayLike,
    places_lon: npt.ArrayLike,
    places_ground_m: npt.ArrayLike,
    heights_m: npt.ArrayLike,
    receivers_lat: npt.ArrayLike,
    receivers_lon: npt.ArrayLike,
    receivers_height_m: npt.ArrayLike,
    *,
    frequency_mhz: float,
    receiver_antenna_m: float,
    reach_m: float,
    dn_per_km: float,
    polarisation: Polarisation = "vertical",
    n0_n_units: float = 325.0,
    time_percent: float = 50.0,
    propagation: Propagation = "p1812",
    threads: int = 2,
    progress: Progress = no_progress,
) -> Links:
    """Basic transmission loss not exceeded for ``time_percent`` over terrain and clutter, for links in reach.

    ``propagation`` is described in `trassa.radio.propagation`; ``n0_n_units`` is N0 in N-units.
    Places and receivers are given in degrees and metres above sea level, shapes (places,) and (receivers,);
    ``heights_m`` (places, heights) above ground, NaN where a height is not offered; ``receivers_height_m`` is the
    road's surface. A path of d metres (at least 1) has max(4, ⌈d / profile step⌉) equal intervals; its inner points
    carry ground and clutter, bilinear between nodes; its ends are the mast's ground and the road. A path that
    touches unknown ground has an infinite loss. Raises InputError outside the method's bounds.
    """
    model = physics(
        frequency_mhz, dn_per_km, receiver_antenna_m, polarisation, ground.profile_step_m,
        n0_n_units=n0_n_units, time_percent=time_percent, propagation=propagation,
    )._replace(open_road_m=float(ground.open_road_m))  # fmt: skip
    places = earth_points(places_lat, places_lon, places_ground_m)
    receivers = earth_points(receivers_lat, receivers_lon, receivers_height_m)
    heights = _heights(heights_m, len(places.x_m))
    blocks = blocks_of(receivers)
    links = _room_for(counts_in_reach(places, receivers, blocks, reach_m), heights.shape[1])
    grid = kernel_grid(ground)

    def fill(first: int, last: int) -> None:
        room = scratch(max(reach_m, NEAR_MAST_M), model.profile_step_m)
        out = (links.place_start, links.receiver, links.loss_db)
        _fill_terrain(grid, model, room, places, heights, receivers, blocks, reach_m, first, last, out)

    _by_places(fill, links.place_start, threads, progress)
    return links


def smooth_links(
    places_measure_m: npt.ArrayLike,
    places_offset_m: npt.ArrayLike,
    heights_m: npt.ArrayLike,
    receivers_measure_m: npt.ArrayLike,
    *,
    frequency_mhz: float,
    receiver_antenna_m: float,
    reach_m: float,
    dn_per_km: float,
    polarisation: Polarisation = "vertical",
    n0_n_units: float = 325.0,
    time_percent: float = 50.0,
    propagation: Propagation = "p1812",
    latitude_deg: float = 50.0,
    profile_step_m: float = SMOOTH_PROFILE_STEP_M,
    threads: int = 2,
    progress: Progress = no_progress,
) -> Links:
    """The same losses over a smooth Earth of zero height, for roads without terrain.

    A place is ``places_offset_m`` away from the road at its measure, so a path is √(Δmeasure² + offset²) long.
    ``latitude_deg`` stands for the middle of all paths. Distances that repeat are computed once.
    """
    model = physics(
        frequency_mhz, dn_per_km, receiver_antenna_m, polarisation, profile_step_m,
        n0_n_units=n0_n_units, time_percent=time_percent, propagation=propagation,
    )  # fmt: skip
    measure = np.asarray(places_measure_m, dtype=np.float64)
    offset = np.broadcast_to(np.asarray(places_offset_m, dtype=np.float64), measure.shape)
    heights = _heights(heights_m, len(measure))
    receivers = np.asarray(receivers_measure_m, dtype=np.float64)
    order = np.argsort(receivers, kind="stable")
    half_m = np.sqrt(np.maximum(reach_m**2 - offset**2, 0.0))
    first_seen = np.searchsorted(receivers[order], measure - half_m, "left")
    seen = np.searchsorted(receivers[order], measure + half_m, "right") - first_seen
    links = _room_for(np.where(np.abs(offset) <= reach_m, seen, 0), heights.shape[1])
    start = links.place_start

    def fill(first: int, last: int) -> None:
        for place in range(first, last):
            window = order[first_seen[place] : first_seen[place] + start[place + 1] - start[place]]
            links.receiver[start[place] : start[place + 1]] = np.sort(window)
        rows, counts = slice(start[first], start[last]), np.diff(start[first : last + 1])
        along_m = receivers[links.receiver[rows]] - np.repeat(measure[first:last], counts)
        distance_m = np.hypot(along_m, np.repeat(offset[first:last], counts))
        links.loss_db[rows] = _smooth_losses_db(model, distance_m, heights[first:last], counts, latitude_deg)

    _by_places(fill, start, threads, progress)
    return links


def kernel_grid(ground: GroundGrid) -> KernelGrid:
    """The grid as the kernels take it; heights are shared, not copied."""
    rows, cols = ground.ground_m.shape
    if rows < 2 or cols < 2 or ground.clutter_m.shape != (rows, cols):
        raise InputError(f"radio: ground grid of {rows} × {cols} nodes does not span a path")
    return KernelGrid(
        float(ground.north_deg),
        float(ground.west_deg),
        float(ground.step_lat_deg),
        float(ground.step_lon_deg),
        rows,
        cols,
        np.ascontiguousarray(ground.ground_m, dtype=np.float32).ravel(),
        np.ascontiguousarray(ground.clutter_m, dtype=np.float32).ravel(),
        ground.has_clutter,
    )


def _heights(heights_m: npt.ArrayLike, places: int) -> FloatArray:
    heights = np.ascontiguousarray(heights_m, dtype=np.float64)
    if heights.ndim != 2 or len(heights) != places:
        raise InputError(f"radio: heights of shape {heights.shape} do not belong to {places} places")
    if np.any((heights < 1.0) | (heights > 3000.0)):
        raise InputError(f"radio: mast heights {np.nanmin(heights):g}…{np.nanmax(heights):g} m leave P.1812's 1…3000 m")
    return heights


def _room_for(counts: IntArray, heights: int) -> Links:
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
    return Links(start, np.empty(start[-1], np.int32), np.empty((start[-1], heights), np.float32))


def _by_places(fill: Callable[[int, int], None], start: IntArray, threads: int, progress: Progress) -> None:
    """Run ``fill(first, last)`` over small groups of places in threads; the compiled part leaves the interpreter."""
    places, done, total = len(start) - 1, 0, max(int(start[-1]), 1)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        tasks = {}
        for first in range(0, places, _PLACES_PER_TASK):
            last = min(first + _PLACES_PER_TASK, places)
            tasks[pool.submit(fill, first, last)] = int(start[last] - start[first])
        for task in as_completed(tasks):
            task.result()
            done += tasks[task]
            progress(done / total)
    progress(1.0)


@compiled
def _fill_terrain(
    grid: KernelGrid, model: Physics, room: Scratch, places: EarthPoints, heights_m: FloatArray, receivers: EarthPoints,
    blocks: Blocks, reach_m: float, first: int, last: int, out: tuple[IntArray, npt.NDArray[np.int32], SingleArray],
) -> None:  # fmt: skip
    """Receivers and losses of the places ``first`` to ``last``."""
    start, receiver, loss_db = out
    for i in range(first, last):
        k = start[i]
        for block in range(len(blocks.radius_m)):
            if block_in_reach(places, i, blocks, block, reach_m):
                for j in range(block * BLOCK, min((block + 1) * BLOCK, len(receivers.x_m))):
                    if in_reach(places, i, receivers, j, reach_m):
                        receiver[k] = j
                        path_losses_db(grid, model, room, places, i, heights_m[i], receivers, j, loss_db[k])
                        k += 1


def _smooth_losses_db(
    model: Physics, distance_m: FloatArray, heights_m: FloatArray, counts: IntArray, latitude_deg: float
) -> SingleArray:
    """Losses of the links of a few places, shape (links, heights), by way of the distinct distances and heights."""
    distinct_m, which = np.unique(distance_m, return_inverse=True)
    kinds_m, kind = np.unique(heights_m, return_inverse=True)
    table = np.empty((len(kinds_m), len(distinct_m)), np.float32)
    _smooth_table(model, kinds_m, distinct_m, latitude_deg, table)
    return table[np.repeat(kind.reshape(heights_m.shape), counts, axis=0), which[:, None]]


@compiled
def _smooth_table(
    model: Physics, heights_m: FloatArray, distances_m: FloatArray, latitude_deg: float, losses_db: SingleArray
) -> None:
    """Losses by height and distance; shape (heights, distances)."""
    for k in range(len(heights_m)):
        for i in range(len(distances_m)):
            losses_db[k, i] = np.inf
            if not math.isnan(heights_m[k]):
                losses_db[k, i] = smooth_loss_db(model, 0.001 * max(distances_m[i], 1.0), heights_m[k], latitude_deg)
