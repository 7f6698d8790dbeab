"""The radio plan of a road: the cheapest sites that keep the promised service on every bin, and what proves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.provenance import Assumption, Progress, no_progress
from trassa.radio.allowances import inside_bins, measured, middles, near_threshold, raised, serving
from trassa.radio.bins import bins_of, points_of
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.paths import Paths, SmoothPaths, TerrainPaths
from trassa.radio.plan_layers import bins_layer, candidates_layer, sites_layer, siting_rows_layer
from trassa.radio.recount import cost_of, necessities, without_surplus
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import Found, SiteSearch
from trassa.radio.unserved import Offer, unserved_layer
from trassa.road.ground import GroundGrid
from trassa.road.model import Road

__all__ = ["RadioPlan", "SitingResult", "plan_radio"]

_PASSES = 8
"""The first plan, and seven more at most because the serving links call for larger deductions."""


@dataclass(frozen=True)
class SitingResult:
    """The sites' cost and how good it provably is.

    ``k`` distinct places must serve every bin. ``bound_minor`` is the solver's word, ``lp_bound_minor`` what the
    stored duals prove alone. ``gap`` is (cost − bound) ÷ cost. ``passes`` counts the plans made, each for larger
    deductions, ``rounds`` the programmes solved in the last of them; ``seconds`` are spent in solving altogether.
    """

    status: str
    cost_minor: int
    bound_minor: int
    gap: float
    lp_bound_minor: int
    k: int
    rounds: int
    passes: int
    solver: str
    seconds: float


@dataclass(frozen=True)
class RadioPlan:
    """The layers of the radio stage by name, the siting's figures, and what was assumed."""

    layers: Mapping[str, Layer]
    siting: SitingResult
    propagation: Mapping[str, Any]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    shortfalls: tuple[str, ...] = ()
    """Deductions that the final plan's own links exceed, a sentence each: what it says of margins is too much."""

    def figures(self) -> dict[str, Any]:
        """Method and result as claims state them; the same run gives the same figures, so no times."""
        siting = {name: value for name, value in asdict(self.siting).items() if name != "seconds"}
        return {"propagation": dict(self.propagation), "siting": siting, "shortfalls": list(self.shortfalls)}


@dataclass(frozen=True)
class _Settled:
    """A plan whose deductions are no smaller than what its serving links call for, or the last of the passes."""

    budget: Budget
    found: Found
    slots: tuple[int, ...]
    field: Field
    passes: int
    seconds: float
    short_of: Mapping[str, Deduction]


def plan_radio(
    road: Road, ground: GroundGrid | None, settings: RadioSettings, progress: Progress = no_progress
) -> RadioPlan:
    """Choose the sites of a road, over terrain or, where there is none, over a smooth Earth."""
    paths: Paths = TerrainPaths(ground, settings) if ground is not None else SmoothPaths(settings)
    candidates = candidates_of(road, ground, settings)
    points, bins = points_of(road), bins_of(road, settings.exempt_structures)
    search = SiteSearch(paths, candidates, points, bins, settings)
    search.sample(lambda share: progress(0.6 * share))
    settled = _settle(search, paths, lambda share: progress(0.6 + 0.35 * share))
    needed = necessities(search.book, settled.field, settled.found.need)
    offered = candidates_layer(candidates, settled.slots)
    offer = Offer(paths, candidates, points, bins, settled.budget, settings)
    layers = {
        "candidates": offered,
        "sites": sites_layer(road, offered, points, bins, needed, search.servers),
        "bins": bins_layer(points, bins, settled.field),
        "unserved": unserved_layer(offer, settled.found.relaxed, settled.found.need),
        "siting_rows": siting_rows_layer(points, settled.found.result),
    }
    progress(1.0)
    return RadioPlan(
        layers,
        _siting_result(search, settled),
        _propagation(ground, settings),
        (*settled.budget.assumptions(settings), *_assumed_heights(candidates, settings)),
        tuple(_notes(search, settled)),
        tuple(_shortfalls(settled)),
    )


def _settle(search: SiteSearch, paths: Paths, progress: Progress) -> _Settled:
    """Measure, plan, measure on the plan's own links, and plan again where they call for more."""
    candidates, points, bins, settings = search.candidates, search.points, search.bins, search.settings
    where = (paths, candidates, points, bins, settings)
    inside = LossBook(paths, candidates, *middles(points, bins))
    deductions = measured(*where, near_threshold(search.sample(), bins, Budget.of(settings, {})))
    spent_s = 0.0
    for number in range(1, _PASSES + 1):
        budget = Budget.of(settings, deductions)
        found = search.find(budget, _part_of(progress, number - 1))
        spent_s += found.seconds
        slots = without_surplus(search.book, found.result.slots, budget, found.need)
        field = field_of(search.book, slots, budget)
        asked = measured(*where, serving(field, candidates.height_m.shape[1])) if slots else deductions
        asked["within_bin_db"] = inside_bins(inside, slots, budget, found.need)
        wanted = raised(deductions, asked)
        progress(number / _PASSES)
        if wanted == deductions or number == _PASSES:
            break
        deductions = wanted
    short_of = {name: wanted[name] for name in deductions if wanted[name] != deductions[name]}
    if not short_of:
        budget = replace(budget, deductions={**deductions, "within_bin_db": asked["within_bin_db"]})
    return _Settled(budget, found, slots, field, number, spent_s, short_of)


def _part_of(progress: Progress, passes: int) -> Progress:
    """The progress of one pass after so many others."""
    return lambda share: progress((passes + 0.9 * share) / _PASSES)


def _siting_result(search: SiteSearch, settled: _Settled) -> SitingResult:
    solution = settled.found.result
    cost = cost_of(search.book, settled.slots)
    bound = min(solution.bound_minor, cost)
    return SitingResult(
        status=solution.status,
        cost_minor=cost,
        bound_minor=bound,
        gap=(cost - bound) / cost if cost else 0.0,
        lp_bound_minor=min(solution.lp_bound_minor, cost),
        k=search.servers,
        rounds=settled.found.rounds,
        passes=settled.passes,
        solver=solution.solver,
        seconds=settled.seconds,
    )


def _propagation(ground: GroundGrid | None, settings: RadioSettings) -> dict[str, Any]:
    over = "smooth earth" if ground is None else f"terrain ({ground.kind})"
    return {
        "model": "free space + delta-Bullington diffraction, ITU-R P.1812-7/-8 Annex 1 §4.3",
        "earth": over,
        "profile_step_m": None if ground is None else round(ground.profile_step_m, 3),
        "time_percent": 50.0,
        "location_percent": 50.0,
        "frequency_mhz": settings.frequency_mhz,
        "refractivity_lapse_per_km": settings.dn_per_km,
        "reach_m": settings.reach_m,
        "paths_below_250_m": "the same formula, outside the range of the Recommendation",
        "shadowing_sigma_db": settings.sigma_db,
        "shadowing_source": settings.sigma_source,
        "reliability": settings.reliability,
        "evaluated_every_m": 10.0,
    }


def _assumed_heights(candidates: Candidates, settings: RadioSettings) -> list[Assumption]:
    """What is assumed about existing masts, each where some mast calls for it."""
    assumed, found = candidates.height_assumed, []
    if assumed.any():
        told = (
            f"masts without a mapped height are taken as {settings.existing_mast_default_height_m:g} m, computed lower"
        )
        found.append(Assumption("radio.unmapped_mast_tolerance", settings.mast_height_tolerance_m, "m", True, told))
    if np.any((candidates.kind == "existing") & ~assumed):
        told = "radio.existing_mast_top_m: antennas hang so far below the mapped top of an existing mast"
        found.append(Assumption("radio.existing_mast_top", settings.existing_mast_top_m, "m", True, told))
    return found


def _shortfalls(settled: _Settled) -> Iterator[str]:
    for name, deduction in settled.short_of.items():
        taken_db = settled.budget.deductions[name].size_db
        yield (
            f"{name} was taken as {taken_db:.2f} dB; after {settled.passes} plans the links ask {deduction.source}. "
            f"Try: radio.allowances.{name} = {deduction.size_db:.1f}"
        )


def _notes(search: SiteSearch, settled: _Settled) -> list[str]:
    notes = []
    if settled.found.result.status != "optimal":
        notes.append(f"siting: the solver ended with {settled.found.result.status}; the gap says how far it got")
    if len(settled.found.relaxed):
        length_m = 10.0 * len(settled.found.relaxed)
        notes.append(f"siting: {length_m:.0f} m of carriageway cannot be served as promised, see unserved")
    losses = search.sample().links.loss_db
    unknown = int(np.count_nonzero(np.isinf(losses).all(axis=1)))
    if unknown:
        notes.append(f"radio: {unknown} paths cross unknown ground and count as no link")
    return notes
