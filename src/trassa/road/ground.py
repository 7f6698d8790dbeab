"""The ground that radio paths cross: terrain and clutter on one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["GroundGrid", "TerrainKind"]

TerrainKind = Literal["surface", "bare"]


@dataclass(frozen=True)
class GroundGrid:
    """Terrain and clutter heights at the nodes of a geographic grid; both are bilinear between nodes.

    Node (r, c) stands at latitude ``north_deg − r·step_lat_deg`` and longitude ``west_deg + c·step_lon_deg``.
    ``ground_m`` and ``clutter_m`` have shape (rows, cols), float32; ground is NaN where nothing is known. On a
    ``surface`` model woods and houses are in the ground already and clutter is zero everywhere. ``profile_step_m``
    is the longest step a path profile may use.
    """

    north_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    ground_m: npt.NDArray[np.float32]
    clutter_m: npt.NDArray[np.float32]
    kind: TerrainKind
    profile_step_m: float
