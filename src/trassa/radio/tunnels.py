"""Radio in tunnels: the bores of a road, the fewest head-ends for each, and the layers that tell of them.

Each carriageway's tunnel is a bore of its own. Where the map draws both senses as one way they share a bore in truth,
and the plan has a cable too many, never one too few. A bore's radio serves every bin that the tunnel touches and every
bin within the portal overlap outside, where the masts serve too: a handover on that stretch has both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway, Extent, Layer
from trassa.provenance import Assumption
from trassa.radio.layers import SCHEMAS
from trassa.radio.settings import RadioSettings
from trassa.radio.tunnel_budget import BoreBudget, bore_budget_of
from trassa.radio.tunnel_cable import TYPICAL_SOURCE
from trassa.radio.tunnel_design import heads_along, heads_heard
from trassa.road.alignment import STEP_M
from trassa.road.model import Road

__all__ = ["Bore", "TunnelPlan", "bores_of", "plan_tunnels", "portal_overlap_m"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Row = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class Bore:
    """A stretch of one carriageway that one chain of head-ends serves: a tunnel, or several close to one another.

    ``points`` are indices into the carriageway's alignment, the edges of the bins; ``inside`` tells which bins a tunnel
    touches. Bins that none touches are the overlap at portals.
    """

    carriageway: Carriageway
    points: IntArray
    inside: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TunnelPlan:
    """Layers, figures and assumptions of the radio in tunnels; all empty where tunnels are exempt."""

    layers: Mapping[str, Layer] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def portal_overlap_m(settings: RadioSettings) -> float:
    """How far beyond a portal the tunnel's radio serves: as set, and no less than the way of a handover."""
    return max(settings.tunnel.portal_overlap_m, settings.overlap_m)


def bores_of(road: Road, overlap_m: float, shortest_m: float) -> list[Bore]:
    """The bores of a road, increasing carriageway first, in order of measure.

    Tunnels whose overlaps touch are one bore; those shorter than ``shortest_m`` are none. A bore ends where the
    carriageway does, and at holes in its geometry.
    """
    found = []
    for carriageway in road.carriageways:
        line = road.alignments[carriageway]
        tunnels = [t for t in road.structure_extents("tunnel", carriageway) if t.length_m >= shortest_m]
        inside = _touched(line.measure_m, tunnels)
        served = inside | _touched(
            line.measure_m, [Extent(t.start_m - overlap_m, t.end_m + overlap_m) for t in tunnels]
        )
        served &= line.present[:-1] & line.present[1:]
        served &= ~_touched(line.measure_m, road.structure_extents("hole", carriageway))
        bins = np.flatnonzero(served)
        runs = np.split(bins, np.flatnonzero(np.diff(bins) != 1) + 1)
        found += [Bore(carriageway, np.append(run, run[-1] + 1), inside[run]) for run in runs if inside[run].any()]
    return found


def _touched(measure_m: FloatArray, extents: list[Extent]) -> npt.NDArray[np.bool_]:
    touched = np.zeros(len(measure_m) - 1, dtype=bool)
    for extent in extents:
        touched |= (measure_m[:-1] < extent.end_m) & (measure_m[1:] > extent.start_m)
    return touched


def plan_tunnels(road: Road, settings: RadioSettings) -> TunnelPlan:
    """The head-ends and cables of every bore, the fewest that keep the promise; nothing where tunnels are exempt."""
    if not settings.tunnel.served:
        return TunnelPlan()
    budget, servers = bore_budget_of(settings), 2 if settings.any_site_down else 1
    heads: list[Row] = []
    cables: list[Row] = []
    bins: list[Row] = []
    lacking = 0
    bores = bores_of(road, portal_overlap_m(settings), settings.tunnel.shortest_m)
    for number, bore in enumerate(bores, start=1):
        at_m = road.alignments[bore.carriageway].measure_m[bore.points]
        chosen = heads_along(at_m, budget, servers)
        lacking += not len(chosen)
        named = [f"T-{len(heads) + count:02d}" for count in range(1, len(chosen) + 1)]
        heads += _head_rows(road, bore, f"B-{number:02d}", named, chosen, budget, settings)
        if budget.cable and len(chosen):
            cables.append(_cable_row(bore, f"B-{number:02d}", at_m, budget, settings))
        bins += _bin_rows(bore, f"B-{number:02d}", at_m, named, chosen, budget)
    layers = {
        "tunnel_heads": Layer.from_rows(SCHEMAS["tunnel_heads"], heads),
        "tunnel_cables": Layer.from_rows(SCHEMAS["tunnel_cables"], cables),
        "tunnel_bins": Layer.from_rows(SCHEMAS["tunnel_bins"], bins),
    }
    return TunnelPlan(layers, _figures(settings, budget), tuple(_notes(len(heads), lacking)))


def _head_rows(
    road: Road,
    bore: Bore,
    name: str,
    named: list[str],
    chosen: IntArray,
    budget: BoreBudget,
    settings: RadioSettings,
) -> list[Row]:
    line, last = road.alignments[bore.carriageway], len(bore.points) - 1
    rows: list[Row] = []
    for head, point in zip(named, chosen.tolist(), strict=True):
        at = int(bore.points[point])
        one_way = budget.cable is not None and point in (0, last)
        rows.append(
            {
                "head": head,
                "bore": name,
                "kind": settings.tunnel.serve,
                "measure_m": float(line.measure_m[at]),
                "km": float(road.calibration.km(line.measure_m[at : at + 1])[0]),
                "carriageway": bore.carriageway,
                "latitude_deg": float(line.latitude_deg[at]),
                "longitude_deg": float(line.longitude_deg[at]),
                "ways": ("ahead" if point == 0 else "back") if one_way else "both",
                "power_per_re_dbm": budget.power_per_re_dbm,
                "cost_minor": settings.tunnel.prices.head.amount_minor,
            }
        )
    return rows


def _cable_row(bore: Bore, name: str, at_m: FloatArray, budget: BoreBudget, settings: RadioSettings) -> Row:
    assert budget.cable is not None
    length_m = float(at_m[-1] - at_m[0]) * (1.0 + settings.tunnel.cable_slack)
    return {
        "bore": name,
        "start_m": float(at_m[0]),
        "end_m": float(at_m[-1]),
        "carriageway": bore.carriageway,
        "length_m": length_m,
        "longitudinal_db_per_100m": budget.cable.longitudinal_db_per_100m,
        "coupling_db": budget.cable.coupling_db,
        "cost_minor": round(settings.tunnel.prices.cable.amount_minor * length_m),
    }


def _bin_rows(
    bore: Bore, name: str, at_m: FloatArray, named: list[str], chosen: IntArray, budget: BoreBudget
) -> list[Row]:
    """Best and second head-end of every bin; nobody, and no margin, where there is none."""
    heard_db = np.full((len(chosen) + 2, len(at_m) - 1), -np.inf)
    heard_db[: len(chosen)] = heads_heard(at_m, chosen.tolist(), budget)
    order = np.argsort(-heard_db, axis=0, kind="stable")[:2]
    best_db, second_db = np.take_along_axis(heard_db, order, axis=0)
    names = [*named, "", ""]
    return [
        {
            "start_m": float(at_m[b]),
            "end_m": float(at_m[b + 1]),
            "carriageway": bore.carriageway,
            "bore": name,
            "inside": bool(bore.inside[b]),
            "head": names[order[0, b]],
            "rsrp_dbm": float(budget.rsrp_dbm(best_db[b])) if np.isfinite(best_db[b]) else math.nan,
            "margin_db": float(best_db[b]) if np.isfinite(best_db[b]) else math.nan,
            "second": names[order[1, b]] if np.isfinite(second_db[b]) else "",
            "second_margin_db": float(second_db[b]) if np.isfinite(second_db[b]) else math.nan,
        }
        for b in range(len(at_m) - 1)
    ]


def _figures(settings: RadioSettings, budget: BoreBudget) -> dict[str, Any]:
    """Method and assumptions as the claim states them."""
    tunnel = settings.tunnel
    method: dict[str, Any] = {
        "serve": tunnel.serve,
        "frequency_mhz": settings.frequency_mhz,
        "power_per_re_dbm": round(budget.power_per_re_dbm, 4),
        "limiting": budget.limiting,
        "largest_loss_db": round(budget.largest_loss_db, 4) if math.isfinite(budget.largest_loss_db) else None,
        "fade_db": round(budget.fade_db, 4),
        "loss_at_head_db": round(float(budget.loss_db(0.0)), 4),
        "loss_db_per_100m": round(100.0 * budget.db_per_m, 4),
        "servers": 2 if settings.any_site_down else 1,
        "portal_overlap_m": round(portal_overlap_m(settings), 3),
        "shortest_m": tunnel.shortest_m,
        "reliability": settings.reliability,
        "evaluated_every_m": STEP_M,
        "bores": "one for each carriageway",
        "interference": "not judged: the levels and rates are those against noise; the heads of a bore send one cell",
    }
    if budget.cable:
        method |= {
            "longitudinal_db_per_100m": round(budget.cable.longitudinal_db_per_100m, 4),
            "coupling_db": round(budget.cable.coupling_db, 4),
        }
    assumed = [Assumption("tunnel.sigma", tunnel.sigma_db, "dB", True, tunnel.sigma_source)]
    if budget.cable:
        source = "radio.tunnel.data_sheet" if tunnel.data_sheet else TYPICAL_SOURCE
        spread = "radio.tunnel.local_sigma_db: counts beyond a reliability of 95 %"
        assumed += [
            Assumption("tunnel.longitudinal_loss", budget.cable.longitudinal_db_per_100m, "dB/100 m", True, source),
            Assumption("tunnel.coupling_loss", budget.cable.coupling_db, "dB", True, source),
            Assumption("tunnel.local_sigma", tunnel.local_sigma_db, "dB", True, spread),
            Assumption("tunnel.cable_slack", tunnel.cable_slack, "ratio", True, "radio.tunnel.cable_slack"),
        ]
    else:
        told = "radio.tunnel.excess_db_per_100m: beyond free space, for bends and vehicles"
        assumed.append(Assumption("tunnel.excess", tunnel.excess_db_per_100m, "dB/100 m", True, told))
    lane = "radio.tunnel.lane_distance_m: the farthest lane"
    assumed.append(Assumption("tunnel.lane_distance", tunnel.lane_distance_m, "m", True, lane))
    return {"method": method, "assumptions": [one.as_dict() for one in assumed]}


def _notes(heads: int, lacking: int) -> list[str]:
    notes = [f"tunnels: fibre and power of {heads} head-ends are not in the optical line"] if heads else []
    if lacking:
        notes.append(f"tunnels: {lacking} bores cannot be served with what is on offer, see radio.tunnels")
    return notes
