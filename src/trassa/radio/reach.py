"""Which receivers a place reaches. Receivers follow the road, so whole blocks of them are ruled out at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.radio.compiled import compiled
from trassa.radio.path_geometry import EarthPoints, chord_m, geodesic_m

__all__ = ["BLOCK", "Blocks", "block_in_reach", "blocks_of", "counts_in_reach", "in_reach"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BLOCK = 64
"""Consecutive receivers that are tested as one ball."""


class Blocks(NamedTuple):
    """A ball around every `BLOCK` receivers: Earth-centred centres (blocks, 3) and radii (blocks,) in metres."""

    centre_m: FloatArray
    radius_m: FloatArray


def blocks_of(receivers: EarthPoints) -> Blocks:
    """The balls; the last one holds what is left."""
    xyz = np.column_stack([receivers.x_m, receivers.y_m, receivers.z_m])
    parts = [xyz[first : first + BLOCK] for first in range(0, len(xyz), BLOCK)]
    centres = [0.5 * (part.min(axis=0) + part.max(axis=0)) for part in parts]
    radii = [np.sqrt(((part - centre) ** 2).sum(axis=1).max()) for part, centre in zip(parts, centres, strict=True)]
    return Blocks(np.array(centres, dtype=np.float64).reshape(-1, 3), np.array(radii, dtype=np.float64))


@compiled
def block_in_reach(places: EarthPoints, i: int, blocks: Blocks, block: int, reach_m: float) -> bool:
    """Whether some receiver of the block may be in reach of the place."""
    x = blocks.centre_m[block, 0] - places.x_m[i]
    y = blocks.centre_m[block, 1] - places.y_m[i]
    z = blocks.centre_m[block, 2] - places.z_m[i]
    near: bool = math.sqrt(x * x + y * y + z * z) <= reach_m + blocks.radius_m[block]
    return near


@compiled
def in_reach(places: EarthPoints, i: int, receivers: EarthPoints, j: int, reach_m: float) -> bool:
    """Whether the geodesic between the two is no longer than the reach."""
    return chord_m(places, i, receivers, j) <= reach_m and geodesic_m(places, i, receivers, j) <= reach_m


@compiled
def counts_in_reach(places: EarthPoints, receivers: EarthPoints, blocks: Blocks, reach_m: float) -> IntArray:
    """Receivers in reach of every place, shape (places,)."""
    counts = np.zeros(len(places.x_m), np.int64)
    for i in range(len(counts)):
        for block in range(len(blocks.radius_m)):
            if block_in_reach(places, i, blocks, block, reach_m):
                for j in range(block * BLOCK, min((block + 1) * BLOCK, len(receivers.x_m))):
                    counts[i] += in_reach(places, i, receivers, j, reach_m)
    return counts
