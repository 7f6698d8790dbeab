"""The cells of a finished plan: identities, neighbours, handovers on the way, and the connection ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import TrassaError
from trassa.linear import Carriageway, Layer
from trassa.radio.bins import Bins, Points
from trassa.radio.cell_load import CellLoads
from trassa.radio.handover import Events, HandoverRules, Trips, drawn_trips, median_drive, outage_odds, speeds_up_to
from trassa.radio.handover_way import Way, way_of
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.layers import SCHEMAS
from trassa.radio.neighbours import Neighbours, neighbours_layer, neighbours_of, next_bins
from trassa.radio.pci import LTE_IDS, LTE_MODULI, NR_IDS, NR_MODULI, plan_pci
from trassa.radio.pci_recount import pci_conflicts
from trassa.radio.settings import RadioSettings
from trassa.radio.shadowing import Shadowing
from trassa.radio.shared_cell import fronthaul_needs
from trassa.radio.sharing import Sharing
from trassa.radio.signals import Signals
from trassa.road.model import Road

__all__ = ["CellPlan", "Driven", "cell_plan"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TRIPS, _FEWEST_TRIPS = 200, 20
_TRIP_METRES = 4e6
"""Where nothing is promised of trips, so much is driven on each carriageway, in no more than 200 trips."""
_RISK = 0.05
_EVENTS = ("handover", "failed handover", "link failure")


@dataclass(frozen=True)
class Driven:
    """What drives over one carriageway met: one without shadowing, and many with it, at the design speed."""

    carriageway: Carriageway
    median: Trips
    events: Events
    drawn: Trips
    by_speed: tuple[Trips, ...]


@dataclass(frozen=True)
class CellPlan:
    """The layers ``cells``, ``neighbours``, ``handovers``, ``trips``, and by carriageway what is promised of trips."""

    layers: Mapping[str, Layer]
    trips: Mapping[str, object]


def cell_plan(
    road: Road, judge: JointJudge, judged: Judged, hidden: Hidden, sites: Layer, loads: CellLoads | None = None
) -> CellPlan:
    """Plan the cells of the sites of a judged plan; ``sites`` is their layer, ``loads`` what traffic makes of them."""
    settings, points, bins, sharing = judge.settings, judge.points, judge.bins, judged.sharing
    signals = sharing.signals(judged.signals)
    own = judged.cells.names([str(name) for name in sites["site"]])
    names = own if sharing.shared is None else [f"C-{number:02d}" for number in range(1, len(sharing.shared) + 1)]
    following = next_bins(points, bins)
    neighbours = neighbours_of(signals, following, symmetric=True)
    driven = _drives(signals, points, bins, judge, hidden)
    layers = {
        "cells": _cells_layer(
            judged, (own, names), sites, settings, _identities(signals, neighbours, following, settings), loads
        ),
        "neighbours": neighbours_layer(neighbours, names, SCHEMAS["neighbours"]),
        "handovers": _handovers_layer(road, driven, names),
        "trips": _trips_layer(driven),
        "fronthaul": _fronthaul_layer(sharing, names, sites),
    }
    return CellPlan(layers, _figures(driven, settings))


def _cells_layer(
    judged: Judged,
    names: tuple[list[str], list[str]],
    sites: Layer,
    settings: RadioSettings,
    identities: IntArray,
    loads: CellLoads | None,
) -> Layer:
    """The sectors with what they send, its identity and load; ``names`` are those of the sectors and of the cells."""
    cells, together = judged.cells, judged.sharing.together
    at = cells.site
    looks = [cells.side == "ahead", cells.side == "back"]
    azimuth = np.select(looks, [sites["ahead_deg"][at], sites["back_deg"][at]], np.nan)
    shared = ("measure_m", "carriageway", "offset_m", "latitude_deg", "longitude_deg", "tilt_deg")
    return Layer.from_columns(
        SCHEMAS["cells"],
        cell=names[0],
        site=sites["site"][at],
        sends=np.array([*names[1], ""], dtype=object)[together],
        azimuth_deg=azimuth,
        eirp_per_re_dbm=settings.eirp_per_re_dbm - sites["back_off_db"][at],
        pci=identities[together],
        **_load_columns(loads, together, sites),
        **{name: sites[name][at] for name in shared},
    )


def _load_columns(loads: CellLoads | None, together: IntArray, sites: Layer) -> dict[str, npt.NDArray[Any]]:
    """What every sector's signal carries, with all sites up and with the worst one down."""
    if loads is None:
        unknown = np.full(len(together), np.nan)
        return {"load": unknown, "down_load": unknown, "worst_down": np.full(len(together), "", dtype=object)}
    named = np.array([*sites["site"], ""], dtype=object)
    return {
        "load": loads.load[together],
        "down_load": loads.down_load[together],
        "worst_down": named[loads.worst_down[together]],
    }


def _identities(signals: Signals, neighbours: Neighbours, following: IntArray, settings: RadioSettings) -> IntArray:
    """The physical identity of every cell, counted again for collisions and confusions."""
    if not len(signals.site):
        return np.empty(0, dtype=np.int64)
    ids, moduli = (LTE_IDS, LTE_MODULI) if settings.technology == "lte" else (NR_IDS, NR_MODULI)
    pci = plan_pci(signals, neighbours, ids=ids, moduli=moduli).pci
    conflicts = pci_conflicts(signals, following, pci, symmetric=True)
    if conflicts:
        told = f"radio: {len(conflicts)} cells could be taken for one another, first {conflicts[0]}"
        raise TrassaError(told, cure="report this plan: the search and its recount disagree")
    return pci


def _fronthaul_layer(sharing: Sharing, names: list[str], sites: Layer) -> Layer:
    """What shared cells ask of the optical line; empty where none is shared."""
    needs = fronthaul_needs(sharing.shared, sharing.reach_m) if sharing.shared is not None else []
    return Layer.from_columns(
        SCHEMAS["fronthaul"],
        site=np.array([sites["site"][need.site] for need in needs], dtype=object),
        cell=np.array([names[need.cell] for need in needs], dtype=object),
        baseband_m=np.array([sharing.shared.baseband_m[need.cell] for need in needs])
        if sharing.shared
        else np.empty(0),
        largest_fronthaul_m=np.array([need.largest_fronthaul_m for need in needs], dtype=np.float64),
    )


def _drives(signals: Signals, points: Points, bins: Bins, judge: JointJudge, hidden: Hidden) -> list[Driven]:
    """Both carriageways at the design speed, and without shadowing at every 10 km/h up to it."""
    settings = judge.settings
    rules = HandoverRules(**settings.handover.rules())
    sigma_db = math.hypot(settings.sigma_db, hidden.sigma_db)
    shadowing = Shadowing(sigma_db, settings.site_correlation, settings.shadowing_distance_m)
    load = np.full(len(signals.site), settings.neighbour_load)
    driven = []
    for number, carriageway in enumerate(points.carriageways):
        on_it = np.flatnonzero(points.carriageway[bins.start] == number)
        if len(on_it) < 2:
            continue
        on_it = on_it if carriageway == "increasing" else on_it[::-1]
        centre_m = 0.5 * (points.measure_m[bins.start[on_it]] + points.measure_m[bins.end[on_it]])
        way = way_of(signals, on_it, centre_m, load, judge.noise_dbm, bins.exempt[on_it] != "")
        driven.append(_driven(way, carriageway, rules, shadowing, settings))
    return driven


def _driven(
    way: Way, carriageway: Carriageway, rules: HandoverRules, shadowing: Shadowing, settings: RadioSettings
) -> Driven:
    speed_kmh = settings.design_speed_kmh
    median, events = median_drive(way, rules, speed_kmh)
    few = max(_FEWEST_TRIPS, min(_TRIPS, int(_TRIP_METRES / max(way.length_m, 1.0))))
    trips = _TRIPS if settings.longest_outage_s else few
    drawn = drawn_trips(way, shadowing, rules, speed_kmh, range(trips), seed=1)
    with ThreadPoolExecutor(2) as pool:  # the compiled drive leaves the interpreter
        by_speed = tuple(pool.map(lambda speed: median_drive(way, rules, speed)[0], speeds_up_to(speed_kmh)))
    return Driven(carriageway, median, events, drawn, by_speed)


def _handovers_layer(road: Road, driven: list[Driven], names: list[str]) -> Layer:
    """Every interruption of the drive without shadowing."""
    named = np.array([*names, ""], dtype=object)
    parts = [(one.carriageway, one.events) for one in driven]
    measure_m = np.concatenate([np.empty(0), *(events.measure_m for _, events in parts)])
    return Layer.from_columns(
        SCHEMAS["handovers"],
        measure_m=measure_m,
        carriageway=np.array([way for way, events in parts for _ in events.kind], dtype=object),
        km=road.calibration.km(measure_m),
        event=np.array([_EVENTS[kind] for _, events in parts for kind in events.kind], dtype=object),
        from_cell=np.concatenate([np.empty(0, object), *(named[events.from_cell] for _, events in parts)]),
        to_cell=np.concatenate([np.empty(0, object), *(named[events.to_cell] for _, events in parts)]),
        interruption_ms=np.concatenate([np.empty(0, np.int64), *(events.interruption_ms for _, events in parts)]),
    )


def _trips_layer(driven: list[Driven]) -> Layer:
    """The drives without shadowing by speed, and the mean of those with it."""
    rows: list[dict[str, int | float | str | bool]] = []
    for one in driven:
        for trips, kind in [*((median, "median") for median in one.by_speed), (one.drawn, "drawn")]:
            rows.append(
                {
                    "carriageway": one.carriageway,
                    "kind": kind,
                    "speed_kmh": trips.speed_kmh,
                    "trips": len(trips.handovers),
                    "handovers": float(trips.handovers.mean()),
                    "failed_handovers": float(trips.failed_handovers.mean()),
                    "link_failures": float(trips.link_failures.mean()),
                    "ping_pongs": float(trips.ping_pongs.mean()),
                    "outage_s": float(trips.outage_s.mean()),
                    "longest_outage_s": float(trips.longest_outage_s.max()),
                    "outage_95_s": float(np.quantile(trips.longest_outage_s, 0.95)),
                }
            )
    return Layer.from_rows(SCHEMAS["trips"], rows) if rows else Layer.empty(SCHEMAS["trips"])


def _figures(driven: list[Driven], settings: RadioSettings) -> dict[str, object]:
    """What the claim about trips says, one line per carriageway; empty where nothing is promised of trips."""
    if not settings.longest_outage_s:
        return {}
    found: dict[str, object] = {}
    for one in driven:
        odds = outage_odds(one.drawn.longest_outage_s, settings.longest_outage_s, _RISK)
        found[one.carriageway] = {
            "trips": odds.trips,
            "share": round(odds.probability, 6),
            "share_low": round(odds.probability_low, 6),
            "share_high": round(odds.probability_high, 6),
            "longest_s": round(float(one.drawn.longest_outage_s.max()), 3),
            "at_m": round(float(one.drawn.longest_outage_m[int(np.argmax(one.drawn.longest_outage_s))]), 1),
        }
    return found
