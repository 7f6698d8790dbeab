"""How large the deductions from the margin must be, measured on the plan's own paths.

Every kind is a 95 % value over links, the fast path excepted, where it is the largest deviation found. What is
measured on links near the threshold goes into the first plan; the plan's serving links are measured afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import Candidates
from trassa.radio.field import Field
from trassa.radio.paths import Paths, TerrainPaths
from trassa.radio.reference_path import reference_loss_db
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import LossTable

__all__ = ["LinkSample", "measured", "near_threshold", "raised", "serving"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PLACES = 160
_PER_PLACE = 16
_REFERENCES = 240
_NEAR_DB = 3.0
_SHARE = 0.95
_TITLES = {
    "fast_path_db": "largest deviation of the fast path from the reference path",
    "step_effect_db": "95 % of the loss that doubling the profile step hides",
    "within_bin_db": "95 % of the loss in the middle of a bin beyond its worse edge",
    "clutter_height_db": "95 % of the loss added by clutter higher by the tolerance",
    "mast_height_db": "95 % of the loss added by masts lower by the tolerance",
}


@dataclass(frozen=True)
class LinkSample:
    """Some links, by place, height and bin; arrays of shape (links,)."""

    place: IntArray
    height: IntArray
    bin: IntArray

    def __len__(self) -> int:
        return len(self.place)

    def where(self, mask: npt.NDArray[np.bool_]) -> LinkSample:
        """The links where the mask is true."""
        return LinkSample(self.place[mask], self.height[mask], self.bin[mask])


@dataclass(frozen=True)
class _Bench:
    """Where links are measured."""

    paths: Paths
    candidates: Candidates
    points: Points
    bins: Bins
    settings: RadioSettings


def near_threshold(table: LossTable, candidates: Candidates, bins: Bins, budget: Budget) -> LinkSample:
    """Links of the sample points within 3 dB of the threshold, spread over places and distances."""
    links = table.links
    largest_db = budget.largest_loss_db(candidates.height_assumed)
    bin_of_start = np.full(int(table.points.max(initial=0)) + 1, -1, dtype=np.int64)
    known = bins.start < len(bin_of_start)
    bin_of_start[bins.start[known]] = np.flatnonzero(known)
    chosen: list[tuple[IntArray, IntArray, IntArray]] = []
    for place in _spread(len(candidates), _PLACES).tolist():
        part = slice(int(links.place_start[place]), int(links.place_start[place + 1]))
        link, height = np.nonzero(np.abs(links.loss_db[part] - largest_db[place]) <= _NEAR_DB)
        bin_ = bin_of_start[table.points[links.receiver[part][link]]]
        link, height = np.flatnonzero(bin_ >= 0), height[bin_ >= 0]
        some = _spread(len(link), _PER_PLACE)
        chosen.append((np.full(len(some), place), height[some], bin_[link[some]]))
    return LinkSample(*(np.concatenate(column) for column in zip(*chosen, strict=True)))


def serving(field: Field, heights: int) -> LinkSample:
    """The links of best and second servers, spread over the bins of each site."""
    chosen: list[tuple[IntArray, IntArray, IntArray]] = []
    for number, slot in enumerate(field.slots):
        used = np.flatnonzero((field.best == number) | (field.second == number))
        used = used[_spread(len(used), 2 * _PER_PLACE)]
        chosen.append((np.full(len(used), slot // heights), np.full(len(used), slot % heights), used))
    return LinkSample(*(np.concatenate(column) for column in zip(*chosen, strict=True)))


def measured(
    paths: Paths, candidates: Candidates, points: Points, bins: Bins, settings: RadioSettings, sample: LinkSample
) -> dict[str, Deduction]:
    """Every deduction that these paths call for, as measured on a sample of links."""
    bench = _Bench(paths, candidates, points, bins, settings)
    base_db = _losses_db(bench, sample, 0.0)
    found = {"within_bin_db": _within_bin_db(bench, sample, base_db)}
    assumed = sample.where(candidates.height_assumed[sample.place])
    if candidates.height_assumed.any():
        lower_m = np.maximum(candidates.height_m - settings.mast_height_tolerance_m, 1.0)
        lower = replace(bench, candidates=replace(candidates, height_m=lower_m))
        found["mast_height_db"] = _losses_db(lower, assumed, 0.0) - _losses_db(bench, assumed, 0.0)
    if isinstance(paths, TerrainPaths):
        found["fast_path_db"] = _fast_path_db(bench, paths, sample, base_db)
        coarse = replace(bench, paths=paths.with_doubled_step())
        found["step_effect_db"] = base_db - _losses_db(coarse, sample, 0.0)
        if np.any(paths.ground.clutter_m > 0.0):
            taller = replace(bench, paths=paths.with_higher_clutter(settings.clutter_height_tolerance_m))
            found["clutter_height_db"] = _losses_db(taller, sample, 0.0) - base_db
    return {name: _deduction(name, found[name], settings) for name in _TITLES if name in found}


def raised(taken: Mapping[str, Deduction], found: Mapping[str, Deduction]) -> dict[str, Deduction]:
    """Of each kind the larger deduction."""
    return {name: found[name] if found[name].size_db > old.size_db else old for name, old in taken.items()}


def _deduction(name: str, excess_db: FloatArray, settings: RadioSettings) -> Deduction:
    floor_db = float(getattr(settings.allowances, name))
    finite = excess_db[np.isfinite(excess_db)]
    if not len(finite):
        return Deduction(floor_db, f"radio.allowances.{name}; no link to measure it on")
    largest_db = float(finite.max())
    value_db = largest_db if name == "fast_path_db" else float(np.quantile(finite, _SHARE))
    size_db = max(floor_db, math.ceil(value_db * 100.0) / 100.0)
    told = f"{_TITLES[name]}: {value_db:.2f} dB over {len(finite)} links (largest {largest_db:.2f} dB)"
    return Deduction(size_db, told if size_db > floor_db else f"radio.allowances.{name}; {told}")


def _within_bin_db(bench: _Bench, sample: LinkSample, start_db: FloatArray) -> FloatArray:
    return _losses_db(bench, sample, 0.5) - np.maximum(start_db, _losses_db(bench, sample, 1.0))


def _fast_path_db(bench: _Bench, paths: TerrainPaths, sample: LinkSample, fast_db: FloatArray) -> FloatArray:
    """How much more the reference path loses than the fast path, on some links of the sample."""
    some = _spread(len(sample), _REFERENCES)
    excess_db = np.empty(len(some))
    places, points = bench.candidates, bench.points
    for row, link in enumerate(some.tolist()):
        place, point = int(sample.place[link]), int(bench.bins.start[sample.bin[link]])
        mast = (places.latitude_deg[place], places.longitude_deg[place], places.ground_m[place])
        height_m = places.height_m[place, sample.height[link]]
        receiver = (points.latitude_deg[point], points.longitude_deg[point], points.height_m[point])
        excess_db[row] = reference_loss_db(paths.ground, (*mast, height_m), receiver, bench.settings) - fast_db[link]
    return excess_db


def _losses_db(bench: _Bench, sample: LinkSample, share: float) -> FloatArray:
    """Loss of every link of a sample at a share of its bin's length; NaN where it is out of reach."""
    bins, points = bench.bins, bench.points
    spots = points.between(bins.start[sample.bin], bins.end[sample.bin], share)
    losses_db = np.full(len(sample), np.nan)
    for place in np.unique(sample.place):
        rows = np.flatnonzero(sample.place == place)
        links = bench.paths.links(bench.candidates.take([place]), spots.take(rows))
        met = rows[links.receiver]
        losses_db[met] = links.loss_db[np.arange(len(met)), sample.height[met]]
    return losses_db


def _spread(count: int, wanted: int) -> IntArray:
    """Up to ``wanted`` indices, evenly spread over ``count``."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.int64)) if count else np.empty(0, np.int64)
