"""How a radio plan was made, in words and figures: what its claims state besides their margins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trassa.provenance import Assumption
from trassa.radio.candidates import Candidates
from trassa.radio.joint_service import JointJudge
from trassa.radio.plan_layers import site_names
from trassa.radio.settings import RadioSettings
from trassa.radio.settling import Settled
from trassa.radio.site_search import SiteSearch
from trassa.road.ground import GroundGrid

__all__ = [
    "assumed_of",
    "capacity_method",
    "interference_method",
    "notes_of",
    "propagation_method",
    "shortfalls_of",
]

_STRETCHES = 20
"""Places without a rate that a claim names."""

_MODELS = {
    "p1812": "ITU-R P.1812-7/-8, all of Annex 1",
    "tr38901-rma": "3GPP TR 38.901 RMa, line of sight by the profile",
    "free-space": "free space",
}
_NEAR = {
    "p1812": "P.1812 at 250 m on the same bearing with the slope of TR 38.901 RMa LOS, not below free space",
    "tr38901-rma": "the same",
    "free-space": "the same",
}


def propagation_method(ground: GroundGrid | None, settings: RadioSettings) -> dict[str, Any]:
    """How path losses were computed, as the claims state it."""
    over = "smooth earth" if ground is None else f"terrain ({ground.kind})"
    return {
        "model": _MODELS[settings.propagation],
        "earth": over,
        "profile_step_m": None if ground is None else round(ground.profile_step_m, 3),
        "time_percent": 50.0,
        "location_percent": 50.0,
        "frequency_mhz": settings.frequency_mhz,
        "refractivity_lapse_per_km": settings.dn_per_km,
        "reach_m": settings.reach_m,
        "surface_refractivity_n_units": settings.n0,
        "polarisation": settings.polarisation,
        "radio_climatic_zone": "inland",
        "paths_below_250_m": _NEAR[settings.propagation],
        "antennas": settings.antenna.kind,
        "shadowing_sigma_db": settings.sigma_db,
        "shadowing_source": settings.sigma_source,
        "reliability": settings.reliability,
        "evaluated_every_m": 10.0,
    }


def assumed_of(candidates: Candidates, settings: RadioSettings) -> list[Assumption]:
    """What is assumed about masts and antennas, each where some candidate calls for it."""
    assumed, found = candidates.height_assumed, []
    if assumed.any():
        told = (
            f"masts without a mapped height are taken as {settings.existing_mast_default_height_m:g} m, computed lower"
        )
        found.append(Assumption("radio.unmapped_mast_tolerance", settings.mast_height_tolerance_m, "m", True, told))
    if np.any((candidates.kind == "existing") & ~assumed):
        told = "radio.existing_mast_top_m: antennas hang so far below the mapped top of an existing mast"
        found.append(Assumption("radio.existing_mast_top", settings.existing_mast_top_m, "m", True, told))
    if candidates.options.directed:
        told = "sectors are seen along the straight line to the receiver, also where the path bends over a hill"
        found.append(Assumption("radio.sector_direction", 0.0, "deg", False, told))
    return found


def shortfalls_of(settled: Settled) -> Iterator[str]:
    """Deductions that the final plan's own links exceed, a sentence each."""
    for name, deduction in settled.short_of.items():
        taken_db = settled.budget.deductions[name].size_db
        yield (
            f"{name} was taken as {taken_db:.2f} dB; after {settled.passes} plans the links ask {deduction.source}. "
            f"Try: radio.allowances.{name} = {deduction.size_db:.1f}"
        )


def notes_of(search: SiteSearch, settled: Settled) -> list[str]:
    """What a reader of the plan must know besides its claims."""
    notes = []
    if settled.found.result.status != "optimal":
        notes.append(f"siting: the solver ended with {settled.found.result.status}; the gap says how far it got")
    if len(settled.found.relaxed):
        length_m = 10.0 * len(settled.found.relaxed)
        notes.append(f"siting: {length_m:.0f} m of carriageway cannot be served as promised, see unserved")
    if len(settled.drowned):
        length_m = 10.0 * len(settled.drowned)
        notes.append(
            f"siting: {length_m:.0f} m of carriageway are not carried beside the load after {settled.cut_rounds} "
            f"programmes with {settled.cuts} cuts"
        )
    if len(settled.crowded):
        length_m = 10.0 * len(settled.crowded)
        notes.append(
            f"siting: cells that carry too much serve {length_m:.0f} m of carriageway after {settled.cut_rounds} "
            f"programmes with {settled.cuts} cuts and {settled.lifts} for stronger servers, see radio.capacity"
        )
    notes += _not_judged(search.settings)
    losses = search.sample().links.loss_db
    unknown = int(np.count_nonzero(np.isinf(losses).all(axis=1)))
    if unknown:
        notes.append(f"radio: {unknown} paths cross unknown ground and count as no link")
    return notes


def _not_judged(settings: RadioSettings) -> list[str]:
    """What trassa.toml asks for and no claim speaks of yet: silence would read as a promise kept."""
    return ["radio: no claim speaks of the latency of the radio (radio.latency_ms)"] if settings.latency_ms else []


def interference_method(judge: JointJudge, settled: Settled) -> dict[str, Any]:
    """How the rate beside the load of the other cells was judged; empty where it is not promised."""
    settings, sampling = judge.settings, judge.sampling
    if not (settings.with_interference and settings.rate_down_mbps):
        return {}
    return {
        "need_sinr_db": round(judge.need.sinr_db, 4),
        "load": settings.neighbour_load,
        "interference_time_percent": settings.interference_time_percent,
        "site_correlation": settings.site_correlation,
        "hidden_mean_db": settled.hidden.mean_db,
        "hidden_spread_db": settled.hidden.sigma_db,
        "hidden_source": settled.hidden.source,
        "shared_cell_heads": settings.shared_cell_heads,
        "draws": sampling.most_draws,
        "seed": sampling.seed,
        "risk_per_bin": sampling.risk,
        "cuts": settled.cuts,
        "cut_rounds": settled.cut_rounds,
    }


def capacity_method(judge: JointJudge, settled: Settled) -> dict[str, Any]:
    """How the load of the cells was judged; empty where no traffic is promised."""
    settings, loads = judge.settings, settled.loads
    if loads is None:
        return {}
    return {
        "vehicles_per_km": settings.vehicles_per_km,
        "rate_per_vehicle_mbps": settings.rate_per_vehicle_mbps,
        "load": settings.neighbour_load,
        "interference_time_percent": settings.interference_time_percent,
        "hidden_mean_db": settled.hidden.mean_db,
        "hidden_source": settled.hidden.source,
        "shared_cell_heads": settings.shared_cell_heads,
        "cuts": settled.cuts,
        "cut_rounds": settled.cut_rounds,
        "without_rate": _without_rate(judge, settled),
    }


def _without_rate(judge: JointJudge, settled: Settled) -> list[dict[str, Any]]:
    """The first stretches on which vehicles get no rate at all, and the site that is down there, if any."""
    assert settled.loads is not None
    served, points, states = settled.loads.served, judge.points, settled.loads.without_rate
    spots = np.union1d(judge.bins.start, judge.bins.end)
    order = np.lexsort((served.point[states], served.away[states]))
    away, point = served.away[states][order], spots[served.point[states][order]]
    fresh = (np.diff(away) != 0) | (np.diff(point) > 1) | (np.diff(points.carriageway[point]) != 0)
    names, found = [*site_names(len(settled.slots)), ""], []
    for run in np.split(np.arange(len(point)), np.flatnonzero(fresh) + 1)[:_STRETCHES]:
        if len(run):
            at = points.measure_m[point[run]]
            way = points.carriageways[int(points.carriageway[point[run[0]]])]
            one = {"from_m": round(float(at.min()), 1), "to_m": round(float(at.max()), 1), "carriageway": way}
            found.append({**one, "down": names[int(away[run[0]])]})
    return found
