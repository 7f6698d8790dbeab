"""Stretches that no set of the candidates can serve as promised: why, and what would cure it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget, bandwidth_needed_mhz
from trassa.radio.candidates import Candidates
from trassa.radio.layers import SCHEMAS
from trassa.radio.links import smooth_links
from trassa.radio.paths import Paths
from trassa.radio.settings import RadioSettings

__all__ = ["Offer", "unserved_layer"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_Told = dict[str, int | float | str | bool]

_AT_ONCE = 400
"""Bins looked at together: every place and height is tried on them."""
_TALLER_M = (50.0, 75.0, 100.0)
_WORDS = (
    ("no place on offer serves here", "the best"),
    ("fewer than two places on offer serve here", "the second-best"),
)
_CLAIMS = ("radio.served", "radio.served.any-site-down")


@dataclass(frozen=True)
class Offer:
    """Everything that could be built, and where it must serve."""

    paths: Paths
    candidates: Candidates
    points: Points
    bins: Bins
    budget: Budget
    settings: RadioSettings


def unserved_layer(offer: Offer, spans: Bins, relaxed: IntArray, need: IntArray) -> Layer:
    """One row per stretch and failing claim. ``relaxed`` are the bins and windows that too few places serve.

    ``spans`` are the offer's bins, followed by the windows; ``need`` is what is asked of each.
    """
    rows = _unserved_bins(offer, relaxed[relaxed < len(offer.bins)], need)
    rows += _windows_without_server(offer, spans.take(relaxed[relaxed >= len(offer.bins)]))
    return Layer.from_rows(SCHEMAS["unserved"], rows) if rows else Layer.empty(SCHEMAS["unserved"])


def _windows_without_server(offer: Offer, windows: Bins) -> list[_Told]:
    """Windows of a handover that too few single places hold as a whole, run by run."""
    rows: list[_Told] = []
    points, overlap_m = offer.points, offer.settings.overlap_m
    breaks = np.flatnonzero(np.diff(windows.start) != 1) + 1
    for run in np.split(np.arange(len(windows)), breaks):
        if len(run):
            first, last = int(windows.start[run[0]]), int(windows.end[run[-1]])
            rows.append(
                {
                    "start_m": float(points.measure_m[first]),
                    "end_m": float(points.measure_m[last]),
                    "carriageway": points.carriageways[int(points.carriageway[first])],
                    "claim": "radio.handover.overlap",
                    "margin_db": np.nan,
                    "reason": f"too few places serve {overlap_m:.0f} m on end, the way of a handover",
                    "cure": "taller masts (radio.new_mast_heights_m), or denser places (radio.new_mast_spacing_m)",
                }
            )
    return rows


def _beyond_the_carrier(offer: Offer, relaxed: IntArray) -> list[_Told]:
    """The whole road, where the carrier cannot carry what is promised however strong it is."""
    settings, points, bins = offer.settings, offer.points, offer.bins
    wide_mhz = bandwidth_needed_mhz(settings)
    cure = f"radio.bandwidth_mhz = {wide_mhz:g}" if math.isfinite(wide_mhz) else "a smaller rate, or more carriers"
    said = f"{settings.bandwidth_mhz:g} MHz do not carry the {offer.budget.limiting}, however strong the signal is"
    rows: list[_Told] = []
    for claim in _CLAIMS[: 2 if settings.any_site_down else 1]:
        for stretch in _stretches(bins, relaxed, np.arange(len(relaxed))):
            first, last = int(bins.start[relaxed[stretch[0]]]), int(bins.end[relaxed[stretch[-1]]])
            rows.append(
                {
                    "start_m": float(points.measure_m[first]),
                    "end_m": float(points.measure_m[last]),
                    "carriageway": points.carriageways[int(points.carriageway[first])],
                    "claim": claim,
                    "margin_db": np.nan,
                    "reason": said,
                    "cure": cure,
                }
            )
    return rows


def _unserved_bins(offer: Offer, relaxed: IntArray, need: IntArray) -> list[_Told]:
    if not len(relaxed):
        return []
    if not math.isfinite(offer.budget.largest_loss_db):
        return _beyond_the_carrier(offer, relaxed)
    ranked_db = _ranked_margins_db(offer, offer.candidates, relaxed)
    taller_db = {h: _ranked_margins_db(offer, _taller(offer.candidates, h), relaxed) for h in _trial_heights(offer)}
    rows: list[_Told] = []
    for rank, claim in enumerate(_CLAIMS[: 2 if offer.settings.any_site_down else 1]):
        failing = np.flatnonzero(need[relaxed] <= rank)
        for stretch in _stretches(offer.bins, relaxed[failing], failing):
            cured_by = [h for h, margins_db in taller_db.items() if margins_db[stretch, rank].min() >= 0.0]
            rows.append(_row(offer, relaxed[stretch], claim, rank, ranked_db[stretch, rank], cured_by))
    return rows


def _row(offer: Offer, bins: IntArray, claim: str, rank: int, margin_db: FloatArray, cured_by: list[float]) -> _Told:
    points = offer.points
    first, last = int(offer.bins.start[bins[0]]), int(offer.bins.end[bins[-1]])
    start_m, end_m = float(points.measure_m[first]), float(points.measure_m[last])
    worst_db = float(margin_db.min())
    nearest_m = float(np.hypot(offer.candidates.measure_m - 0.5 * (start_m + end_m), offer.candidates.offset_m).min())
    reached = np.isfinite(worst_db)
    which, rest = _WORDS[rank]
    detail = f"{rest} lacks {-worst_db:.1f} dB" if reached else f"{rest} is out of reach"
    return {
        "start_m": start_m,
        "end_m": end_m,
        "carriageway": points.carriageways[int(points.carriageway[first])],
        "claim": claim,
        "margin_db": worst_db if reached else np.nan,
        "reason": f"{which}; {detail}; the nearest place stands {nearest_m:.0f} m away",
        "cure": _cure(offer, worst_db, nearest_m, cured_by),
    }


def _cure(offer: Offer, worst_db: float, nearest_m: float, cured_by: list[float]) -> str:
    cures = [f"new masts of {cured_by[0]:.0f} m (radio.new_mast_heights_m)"] if cured_by else []
    if np.isfinite(worst_db):
        cures.append(f"+{-worst_db:.1f} dB of power (radio.eirp_per_re_dbm)")
    clear_m = _clear_reach_m(offer)
    if nearest_m > clear_m:
        cures.append(f"a mast nearer than {clear_m:.0f} m")
    else:
        cures.append(f"a mast nearer than {max(nearest_m, 100.0):.0f} m with a clear view")
    return ", or ".join(cures)


def _clear_reach_m(offer: Offer) -> float:
    """How far the tallest new mast serves over a smooth Earth."""
    heights = offer.settings.new_mast_heights_m or [offer.settings.existing_mast_default_height_m]
    distance_m = np.arange(50.0, offer.settings.reach_m + 50.0, 50.0)
    losses = smooth_links(
        np.zeros(1),
        np.zeros(1),
        np.array([[max(heights)]]),
        distance_m,
        frequency_mhz=offer.settings.frequency_mhz,
        receiver_antenna_m=offer.settings.vehicle_antenna_m,
        reach_m=offer.settings.reach_m,
        dn_per_km=offer.settings.dn_per_km,
        polarisation=offer.settings.polarisation,
        propagation=offer.settings.propagation,
    )
    served = losses.loss_db[:, 0] <= offer.budget.largest_loss_db
    return float(distance_m[losses.receiver[served]].max(initial=50.0))


def _trial_heights(offer: Offer) -> list[float]:
    offered = max(offer.settings.new_mast_heights_m, default=0.0)
    return [height for height in _TALLER_M if height > offered] if offered else []


def _taller(candidates: Candidates, height_m: float) -> Candidates:
    """The same places with every new mast at least that tall."""
    new = (candidates.kind == "new")[:, None]
    return replace(candidates, height_m=np.where(new, np.fmax(candidates.height_m, height_m), candidates.height_m))


def _ranked_margins_db(offer: Offer, candidates: Candidates, bins: IntArray) -> FloatArray:
    """The best and the second-best margin that different places reach on each bin, shape (bins, 2); −inf for none."""
    ranked = np.full((len(bins), 2), -np.inf)
    for first in range(0, len(bins), _AT_ONCE):
        part = bins[first : first + _AT_ONCE]
        start, end = offer.bins.start[part], offer.bins.end[part]
        used, back = np.unique(np.concatenate([start, end]), return_inverse=True)
        margins = _margins_db(offer, candidates, offer.points.take(used))
        both = np.minimum(margins[back[: len(part)]], margins[back[len(part) :]]).max(axis=2)
        best_first = -np.sort(-both, axis=1)[:, :2]
        ranked[first : first + len(part), : best_first.shape[1]] = best_first
    return ranked


def _margins_db(offer: Offer, candidates: Candidates, points: Points) -> npt.NDArray[np.float32]:
    """Margin of every place and height at every point, shape (points, places, heights); −inf where there is no link."""
    links = offer.paths.links(candidates, points)
    margins = np.full((len(points), *candidates.height_m.shape), -np.inf, dtype=np.float32)
    margins[links.receiver, links.place] = offer.budget.largest_loss_db - links.loss_db
    return margins


def _stretches(bins: Bins, failing: IntArray, rows: IntArray) -> Iterator[IntArray]:
    """The rows of bins that follow each other without a break."""
    if len(failing):
        breaks = np.flatnonzero(bins.start[failing[1:]] != bins.end[failing[:-1]]) + 1
        yield from np.split(rows, breaks)
