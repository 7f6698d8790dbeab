"""A road laid on terrain: heights and gradients of both carriageways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import Calibration, Carriageway, Extent, Layer
from trassa.road.alignment import Alignment
from trassa.road.findings import Note
from trassa.road.settings import TerrainSettings
from trassa.road.terrain import Terrain, require_coverage
from trassa.road.vertical import steep_extents, vertical_alignment

__all__ = ["laid_on_terrain"]

FloatArray = npt.NDArray[np.float64]


def laid_on_terrain(
    alignments: Mapping[Carriageway, Alignment],
    structures: Layer,
    terrain: Terrain,
    settings: TerrainSettings,
    calibration: Calibration,
    ref: str,
) -> tuple[dict[Carriageway, Alignment], list[Note]]:
    """The alignments with heights and gradients, and a finding wherever the gradient had to be limited.

    Raises :class:`~trassa.errors.InputError` that names the first extent on which the terrain has no height.
    """
    laid: dict[Carriageway, Alignment] = {}
    notes: list[Note] = []
    for carriageway, line in alignments.items():
        ground = terrain.height_m(line.latitude_deg, line.longitude_deg)
        spans = [
            Extent(float(row["start_m"]), float(row["end_m"]))
            for kind in ("bridge", "tunnel")
            for row in structures.where(kind=kind, carriageway=carriageway).rows()
        ]
        height, gradient = np.full(len(line), np.nan), np.full(len(line), np.nan)
        for run in _runs(line.present):
            measure = line.measure_m[run]
            inside = [s for s in spans if s.start_m <= measure[-1] and s.end_m >= measure[0]]
            shape = settings.smoothing_window_m, settings.max_gradient
            height[run], gradient[run] = vertical_alignment(measure, ground[run], inside, *shape)
            notes += _steep(measure, ground[run], inside, carriageway, settings)
        _refuse_unknown(line, height, terrain, calibration, ref)
        laid[carriageway] = replace(line, height_m=height, gradient=gradient)
    return laid, notes


def _steep(
    measure: FloatArray, ground: FloatArray, spans: list[Extent], carriageway: Carriageway, settings: TerrainSettings
) -> list[Note]:
    limited = steep_extents(measure, ground, spans, settings.smoothing_window_m, settings.max_gradient)
    return [
        Note(
            "gradient_limited",
            f"terrain rises {100 * abs(steepest):.1f} % under the {carriageway} carriageway: "
            f"the road is taken to have {100 * settings.max_gradient:.1f} % at most",
            start_m=extent.start_m,
            end_m=extent.end_m,
        )
        for extent, steepest in limited
    ]


def _refuse_unknown(line: Alignment, height: FloatArray, terrain: Terrain, calibration: Calibration, ref: str) -> None:
    lacks = line.present & np.isnan(height)
    if not lacks.any():
        return
    swapped = np.abs(line.longitude_deg) <= 90.0
    if lacks.all() and swapped.all() and np.isfinite(terrain.height_m(line.longitude_deg, line.latitude_deg)).any():
        raise InputError(
            f"road: {ref} lies off the terrain, and on it with latitude and longitude swapped",
            cure="latitude before longitude in the centreline",
        )

    def span_text(start_m: float, end_m: float) -> str:
        return f"{ref} {calibration.text(start_m)}–{calibration.label(end_m)} ({line.carriageway})"

    require_coverage(terrain, line.measure_m, line.latitude_deg, line.longitude_deg, span_text, needed=lacks)
    first = _runs(lacks)[0]
    between = span_text(float(line.measure_m[first.start]), float(line.measure_m[first.stop - 1]))
    raise InputError(
        f"terrain: {between} lies on structures without an abutment", cure="a longer road, or fewer bridges and tunnels"
    )


def _runs(mask: npt.NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
