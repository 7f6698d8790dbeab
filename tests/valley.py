"""A winding road of a few kilometres over generated hills, as a project: small enough to be planned again and again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyproj import Geod

from trassa.plan.project import create_project, open_project
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.provenance import no_progress
from trassa.road.exchange import write_raster
from trassa.road.hills import generated_hills

__all__ = ["planned_valley", "valley"]

_ARC_SECOND = 1.0 / 3600.0
_ORIGIN = (55.0, 37.3)
_STEP_M = 50.0
_WGS84 = Geod(ellps="WGS84")
_ROAD = """
[road]
ref = "V 1"
centreline = "valley.csv"
[terrain]
files = ["valley.tif"]
kind = "bare"
[radio]
new_mast_spacing_m = 500.0
siting_step_m = 50.0
"""


def valley(root: Path, radio: str, length_m: float = 6000.0) -> Path:
    """The project in a new folder ``root``, with ``radio`` at the end of its ``[radio]`` section."""
    root.parent.mkdir(parents=True, exist_ok=True)
    along_m = np.arange(0.0, length_m + 1.0, _STEP_M)
    lat, lon = [_ORIGIN[0]], [_ORIGIN[1]]
    for bearing in (70.0 + 25.0 * np.sin(2.0 * np.pi * along_m[:-1] / 4000.0)).tolist():
        east, north, _ = _WGS84.fwd(lon[-1], lat[-1], bearing, _STEP_M)
        lat.append(north)
        lon.append(east)
    line, dem = root.parent / "valley.csv", root.parent / "valley.tif"
    rows = [f"{y:.7f},{x:.7f},{0.001 * m:.3f}" for y, x, m in zip(lat, lon, along_m.tolist(), strict=True)]
    line.write_text("\n".join(["lat,lon,km", *rows]) + "\n", "utf-8")
    shape = {"relief_m": 90.0, "persistence_ratio": 0.4}
    north, west = max(lat) + 0.02, min(lon) - 0.03
    size = [int((span + margin) / _ARC_SECOND) for span, margin in ((np.ptp(lat), 0.04), (np.ptp(lon), 0.06))]
    ground = generated_hills(5, north, west, *size, _ARC_SECOND, **shape)
    write_raster(dem, ground, north, west, _ARC_SECOND, _ARC_SECOND)
    create_project(root, parse_settings(_ROAD + radio), {line.name: line, dem.name: dem})
    return root


def planned_valley(root: Path, radio: str, length_m: float = 6000.0) -> Path:
    """The same, planned."""
    run_plan(open_project(valley(root, radio, length_m)), lambda stage: no_progress)
    return root
