"""How large the deductions from the margin must be, measured on the plan's own paths.

Profile step and clutter are 95 % values over links, the fast path is the largest deviation found. What is measured on
links near the threshold goes into the first plan; afterwards the plan's serving links are measured, and the middle of
every bin is tried: what holds at both edges must hold there without the deduction for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.radio.bins import Bins, Points
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import Candidates
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.joint_service import Hidden
from trassa.radio.paths import Paths, TerrainPaths
from trassa.radio.reference_path import reference_loss_db, smooth_reference_loss_db
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import LossTable

__all__ = ["LinkSample", "inside_bins", "measured", "middles", "near_threshold", "raised", "serving"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PLACES = 160
_PER_PLACE = 24
_LINKS = 4000
_TOGETHER = 8
_REFERENCES = 240
_HEADROOM_DB = 0.25
_NEAR_DB = 3.0
_SHARE = 0.95
_TITLES = {
    "fast_path_db": "largest deviation of the fast path from the reference path",
    "step_effect_db": "95 % of the loss that doubling the profile step hides",
    "within_bin_db": "95 % of the loss in the middle of a bin beyond its worse edge",
    "clutter_height_db": "95 % of the loss added by clutter higher by the tolerance",
}


@dataclass(frozen=True)
class LinkSample:
    """Some links, by place, option and bin; arrays of shape (links,)."""

    place: IntArray
    option: IntArray
    bin: IntArray

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class _Bench:
    """Where links are measured."""

    paths: Paths
    candidates: Candidates
    points: Points
    bins: Bins
    settings: RadioSettings


def near_threshold(table: LossTable, bins: Bins, budget: Budget) -> LinkSample:
    """Links of the sample points within 3 dB of the threshold, spread over places and distances."""
    links = table.links
    bin_of_start = np.full(int(table.points.max(initial=0)) + 1, -1, dtype=np.int64)
    known = bins.start < len(bin_of_start)
    bin_of_start[bins.start[known]] = np.flatnonzero(known)
    chosen: list[tuple[IntArray, IntArray, IntArray]] = []
    for place in _spread(len(links.place_start) - 1, _PLACES).tolist():
        part = slice(int(links.place_start[place]), int(links.place_start[place + 1]))
        link, height = np.nonzero(np.abs(links.loss_db[part] - budget.largest_loss_db) <= _NEAR_DB)
        bin_ = bin_of_start[table.points[links.receiver[part][link]]]
        link, height = np.flatnonzero(bin_ >= 0), height[bin_ >= 0]
        some = _spread(len(link), _PER_PLACE)
        chosen.append((np.full(len(some), place), height[some], bin_[link[some]]))
    return LinkSample(*(np.concatenate(column) for column in zip(*chosen, strict=True)))


def serving(field: Field, options: int) -> LinkSample:
    """The links of best and second servers, spread over the bins of each site."""
    chosen: list[tuple[IntArray, IntArray, IntArray]] = []
    for number, slot in enumerate(field.slots):
        used = np.flatnonzero((field.best == number) | (field.second == number))
        used = used[_spread(len(used), max(_PER_PLACE, _LINKS // len(field.slots)))]
        chosen.append((np.full(len(used), slot // options), np.full(len(used), slot % options), used))
    return LinkSample(*(np.concatenate(column) for column in zip(*chosen, strict=True)))


def measured(
    paths: Paths, candidates: Candidates, points: Points, bins: Bins, settings: RadioSettings, sample: LinkSample
) -> tuple[dict[str, Deduction], Hidden]:
    """Every deduction that these paths call for, measured on a sample of links, and what the ground hides of them."""
    bench = _Bench(paths, candidates, points, bins, settings)
    base_db = _losses_db(bench, sample, 0.0)
    found = {
        "within_bin_db": _within_bin_db(bench, sample, base_db),
        "fast_path_db": _fast_path_db(bench, sample),
    }
    hidden_db = np.zeros(len(sample))
    if isinstance(paths, TerrainPaths):
        coarse = replace(bench, paths=paths.with_doubled_step)
        hidden_db = found["step_effect_db"] = base_db - _losses_db(coarse, sample, 0.0)
        if paths.ground.has_clutter:
            taller = replace(bench, paths=paths.with_higher_clutter)
            found["clutter_height_db"] = _losses_db(taller, sample, 0.0) - base_db
            hidden_db = hidden_db + found["clutter_height_db"]
    deductions = {name: _deduction(name, found[name], settings) for name in _TITLES if name in found}
    return deductions, _hidden(hidden_db)


def _hidden(hidden_db: FloatArray) -> Hidden:
    """Mean and spread of what step and clutter hide together, rounded up."""
    finite = hidden_db[np.isfinite(hidden_db)]
    mean_db, sigma_db = (float(finite.mean()), float(finite.std())) if len(finite) else (0.0, 0.0)
    told = f"step and clutter together over {len(finite)} links: mean {mean_db:.2f} dB, spread {sigma_db:.2f} dB"
    return Hidden(max(0.0, math.ceil(mean_db * 100.0) / 100.0), math.ceil(sigma_db * 100.0) / 100.0, told)


def middles(points: Points, bins: Bins) -> tuple[Points, Bins]:
    """A point in the middle of every bin, and the bins that have both edges there."""
    number = np.arange(len(bins), dtype=np.int64)
    return points.between(bins.start, bins.end, 0.5), Bins(number, number, bins.exempt)


def inside_bins(book: LossBook, slots: Sequence[int], budget: Budget, need: IntArray) -> Deduction:
    """The deduction that the middles of the bins call for; ``book`` holds the losses there.

    The taken one where every bin holds in its middle without it; more by the largest shortage where one does not.
    """
    taken = budget.deductions["within_bin_db"]
    rest = {name: one for name, one in budget.deductions.items() if name != "within_bin_db"}
    field = field_of(book, slots, replace(budget, deductions=rest))
    short = np.flatnonzero((field.count < need) & (book.bins.exempt == ""))
    if not len(short):
        return replace(
            taken, source=f"{taken.source}; tried in the middle of all {len(book.bins)} bins, none falls short"
        )
    left_db = np.where(need[short] == 2, field.second_margin_db[short], field.margin_db[short])
    shortage_db = math.ceil(float(-np.nanmin(left_db)) * 100.0) / 100.0 if np.isfinite(left_db).any() else 0.0
    told = f"the middle of {len(short)} of {len(book.bins)} bins lacks up to {shortage_db:.2f} dB"
    return Deduction(taken.size_db + max(shortage_db, 0.01), told)


def raised(taken: Mapping[str, Deduction], found: Mapping[str, Deduction]) -> dict[str, Deduction]:
    """Of each kind the larger deduction; one that has to rise rises a little further, so that the next plan fits."""
    return {name: _more(found[name]) if found[name].size_db > old.size_db else old for name, old in taken.items()}


def _more(deduction: Deduction) -> Deduction:
    told = f"{deduction.source}; {_HEADROOM_DB:g} dB added"
    return Deduction(round(deduction.size_db + _HEADROOM_DB, 2), told)


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


def _fast_path_db(bench: _Bench, sample: LinkSample) -> FloatArray:
    """How much more the reference path loses than the fast path, on some links of the sample, antennas left out."""
    some = _spread(len(sample), _REFERENCES)
    few = LinkSample(sample.place[some], sample.option[some], sample.bin[some])
    paths = bench.paths.without_walls() if isinstance(bench.paths, TerrainPaths) else bench.paths
    fast_db = _losses_db(replace(bench, paths=paths.without_antennas()), few, 0.0)
    point = bench.bins.start[few.bin]
    pairs = zip(few.place.tolist(), few.option.tolist(), point.tolist(), strict=True)
    back_off_db = bench.candidates.options.back_off_db[few.option]
    return np.array([_reference_db(bench, *pair) for pair in pairs], dtype=np.float64) + back_off_db - fast_db


def _reference_db(bench: _Bench, place: int, height: int, point: int) -> float:
    places, points, settings = bench.candidates, bench.points, bench.settings
    height_m = float(places.height_m[place, height])
    if not isinstance(bench.paths, TerrainPaths):
        along_m = float(points.measure_m[point] - places.measure_m[place])
        return smooth_reference_loss_db(math.hypot(along_m, float(places.offset_m[place])), height_m, settings)
    mast = (float(places.latitude_deg[place]), float(places.longitude_deg[place]), float(places.ground_m[place]))
    receiver = (float(points.latitude_deg[point]), float(points.longitude_deg[point]), float(points.height_m[point]))
    return reference_loss_db(bench.paths.ground, (*mast, height_m), receiver, settings)


def _losses_db(bench: _Bench, sample: LinkSample, share: float) -> FloatArray:
    """Loss of every link of a sample at a share of its bin's length; NaN where it is out of reach.

    A few neighbouring places are computed at once, with all of their points: some links too many, far fewer calls.
    """
    bins, points = bench.bins, bench.points
    spots = points.between(bins.start[sample.bin], bins.end[sample.bin], share)
    losses_db = np.full(len(sample), np.nan)
    for places in np.split(np.unique(sample.place), np.arange(_TOGETHER, len(np.unique(sample.place)), _TOGETHER)):
        rows = np.flatnonzero(np.isin(sample.place, places))
        links = bench.paths.links(bench.candidates.take(places), spots.take(rows))
        own = np.flatnonzero(places[links.place] == sample.place[rows[links.receiver]])
        met = rows[links.receiver[own]]
        losses_db[met] = links.loss_db[own, sample.option[met]]
    return losses_db


def _spread(count: int, wanted: int) -> IntArray:
    """Up to ``wanted`` indices, evenly spread over ``count``."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.int64)) if count else np.empty(0, np.int64)
