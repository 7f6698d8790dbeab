"""The radio plan of a road: the cheapest sites that keep the promised service on every bin, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.provenance import Assumption, Progress, no_progress
from trassa.radio.antenna import AntennaPattern
from trassa.radio.bins import bins_of, points_of, windows_of, with_windows
from trassa.radio.candidates import candidates_of
from trassa.radio.cell_plan import cell_plan
from trassa.radio.connection import ahead_layer
from trassa.radio.field import field_of
from trassa.radio.joint_service import JointJudge
from trassa.radio.method import (
    assumed_of,
    capacity_method,
    interference_method,
    notes_of,
    propagation_method,
    shortfalls_of,
)
from trassa.radio.paths import Paths, SmoothPaths, TerrainPaths
from trassa.radio.plan_layers import bins_layer, candidates_layer, sites_layer, siting_rows_layer
from trassa.radio.recount import cost_of, necessities
from trassa.radio.settings import RadioSettings
from trassa.radio.settling import Settled, settle
from trassa.radio.site_profiles import profiles_layer
from trassa.radio.site_search import SiteSearch
from trassa.radio.unserved import Offer, unserved_layer
from trassa.road.ground import GroundGrid
from trassa.road.model import Road

__all__ = ["RadioPlan", "SitingResult", "plan_radio"]


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
    interference: Mapping[str, Any]
    capacity: Mapping[str, Any]
    trips: Mapping[str, Any]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    shortfalls: tuple[str, ...] = ()
    """Deductions that the final plan's own links exceed, a sentence each: what it says of margins is too much."""

    def figures(self) -> dict[str, Any]:
        """Method and result as claims state them; the same run gives the same figures, so no times."""
        siting = {name: value for name, value in asdict(self.siting).items() if name != "seconds"}
        return {
            "propagation": dict(self.propagation),
            "siting": siting,
            "interference": dict(self.interference),
            "capacity": dict(self.capacity),
            "trips": dict(self.trips),
            "shortfalls": list(self.shortfalls),
        }


def plan_radio(
    road: Road,
    ground: GroundGrid | None,
    settings: RadioSettings,
    progress: Progress = no_progress,
    pattern: AntennaPattern | None = None,
) -> RadioPlan:
    """Choose the sites of a road, over terrain or, where there is none, over a smooth Earth.

    ``pattern`` is that of a sector, None for antennas without direction.
    """
    smooth = SmoothPaths(settings, pattern)
    paths: Paths = TerrainPaths(ground, settings, pattern) if ground is not None else smooth
    candidates = candidates_of(road, ground, settings)
    points, bins = points_of(road), bins_of(road, settings.exempt_structures)
    windows = windows_of(bins, settings.overlap_m) if settings.handover.overlap else bins.take(np.flatnonzero([]))
    search = SiteSearch(paths, candidates, points, with_windows(bins, windows), settings)
    search.sample(lambda share: progress(0.6 * share))
    judge = JointJudge(paths, candidates, points, bins, settings)
    settled = settle(search, judge, lambda share: progress(0.6 + 0.35 * share))
    spans = field_of(search.book, settled.slots, settled.budget)
    needed = necessities(search.book, spans, settled.found.need)
    offered = candidates_layer(candidates, settled.slots)
    offer = Offer(paths, candidates, points, bins, settled.budget, settings)
    sites = sites_layer(road, offered, points, search.bins, needed, search.servers)
    together = judge.diversity(settled.judged, settled.budget, settled.hidden)
    cells = cell_plan(road, judge, settled.judged, settled.hidden, sites, settled.loads)
    layers = {
        "candidates": offered,
        "sites": sites,
        "bins": bins_layer(points, bins, settled.field, spans, settled.judged, together),
        "unserved": unserved_layer(offer, search.bins, settled.found.relaxed, settled.found.need),
        "siting_rows": siting_rows_layer(points, settled.found.result),
        "ahead": ahead_layer(judge, settled.judged, settled.field, settled.budget, settled.hidden),
        **cells.layers,
    }
    layers["profiles"] = profiles_layer(ground, sites, points, bins, layers["bins"])
    progress(1.0)
    return RadioPlan(
        layers,
        _siting_result(search, settled),
        propagation_method(ground, settings),
        interference_method(judge, settled),
        capacity_method(judge, settled),
        cells.trips,
        (*settled.budget.assumptions(settings), *assumed_of(candidates, settings)),
        tuple(notes_of(search, settled)),
        tuple(shortfalls_of(settled)),
    )


def _siting_result(search: SiteSearch, settled: Settled) -> SitingResult:
    solution = settled.found.result
    cost = cost_of(search.book, settled.slots)
    bound = min(solution.bound_minor, cost)
    dearer = solution.status == "optimal" and cost - bound > search.settings.siting_gap * cost
    return SitingResult(
        status="optimal for less than is promised" if dearer else solution.status,
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
