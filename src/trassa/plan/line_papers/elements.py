"""The straight-line diagram of the cables as rows: everything on a cable in order of measure, with three lengths.

Chambers, bridges and crossings have no lengths in the plan's layers; they get them from the cable laid again with the
loops that its huts and closures hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trassa.linear import Carriageway, Extent, Layer
from trassa.optical.parts import verges_of
from trassa.optical.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["Element", "elements_of", "laid_cables"]

_RANKS = ("bridge", "tunnel", "chamber", "hut", "closure", "crossing")


@dataclass(frozen=True)
class Element:
    """One thing on a cable. The three lengths count from the start of the cable; ``since_m`` is route from the one
    before."""

    cable: str
    measure_m: float
    carriageway: Carriageway
    kind: str
    name: str
    detail: str
    route_m: float
    since_m: float
    sheath_m: float
    fibre_m: float
    reel: str


def elements_of(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> list[Element]:
    """Every element of every cable: bridges, tunnels, chambers, huts, closures and crossings under the road."""
    found: list[Element] = []
    routes = laid_cables(road, layers, rules)
    for row in layers["cables"].rows():
        name = str(row["cable"])
        side: Carriageway = row["carriageway"]  # type: ignore[assignment]
        extent = Extent(float(row["start_m"]), float(row["end_m"]))
        things = [*_structures(road, side, extent), *_plant(layers, name), *_crossings(layers, name, side, extent)]
        things.sort(key=lambda thing: (thing[0], _RANKS.index(thing[1])))
        found += _measured(name, side, things, routes[name], layers["reels"].where(cable=name))
    return found


def laid_cables(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> dict[str, CableRoute]:
    """Each cable by name, laid again from the layers ``cables``, ``huts`` and ``closures``."""
    verges = {verge.carriageway: verge for verge in verges_of(road, rules)}
    routes: dict[str, CableRoute] = {}
    for row in layers["cables"].rows():
        name, start_m, end_m = str(row["cable"]), float(row["start_m"]), float(row["end_m"])
        half_m = rules.closure_loop_m / 2.0
        loops = [Loop(m, half_m, half_m) for m in layers["closures"].where(cable=name)["measure_m"].tolist()]
        for hut in layers["huts"].rows():
            at_m = float(hut["measure_m"])
            if start_m <= at_m <= end_m:
                across_m = 0.0 if hut["carriageway"] == row["carriageway"] else rules.crossing_m
                end_loop_m = rules.termination_loop_m + across_m * (1.0 + rules.slack_ratio)
                loops.append(Loop(at_m, end_loop_m * (at_m > start_m), end_loop_m * (at_m < end_m)))
        verge = next(verge for side, verge in verges.items() if side == row["carriageway"])
        routes[name] = CableRoute.of(verge, start_m, end_m, loops, rules)
    return routes


_Thing = tuple[float, str, str, str]


def _structures(road: Road, side: str, extent: Extent) -> Iterator[_Thing]:
    """Both ends of each bridge and tunnel that the cable runs along."""
    for row in road.structures.rows():
        kind = str(row["kind"])
        if row["carriageway"] != side or kind not in ("bridge", "tunnel"):
            continue
        for end, at_m in (("begins", float(row["start_m"])), ("ends", float(row["end_m"]))):
            if extent.start_m <= at_m <= extent.end_m:
                yield at_m, kind, str(row["name"]), end


def _plant(layers: Mapping[str, Layer], cable: str) -> Iterator[_Thing]:
    taps = defaultdict(list)
    for row in layers["connections"].rows():
        taps[float(row["tap_m"])].append(str(row["connection"]))
    for row in layers["chambers"].rows():
        if cable in str(row["cable"]).split(","):
            yield float(row["measure_m"]), "chamber", str(row["chamber"]), str(row["purpose"])
    for row in layers["closures"].where(cable=cable).rows():
        at_m, kind = float(row["measure_m"]), str(row["kind"])
        served = f": {', '.join(taps[at_m])}" if "tap" in kind else ""
        yield at_m, "closure", str(row["closure"]), f"{kind}{served}, in {row['chamber']}"
    ends = layers["cables"].where(cable=cable)
    huts = layers["huts"]
    for row in huts.take((huts["measure_m"] >= ends["start_m"][0]) & (huts["measure_m"] <= ends["end_m"][0])).rows():
        said = [str(row["name"]), str(row["role"]).replace("_", " ")]
        yield float(row["measure_m"]), "hut", str(row["hut"]), ", ".join(word for word in said if word)


def _crossings(layers: Mapping[str, Layer], cable: str, side: str, extent: Extent) -> Iterator[_Thing]:
    """Ways under the road: drops of the first cable to the other side, and a cable's own into huts over there."""
    tapped = any("tap" in kind for kind in layers["closures"].where(cable=cable)["kind"].tolist())
    for row in layers["connections"].rows() if tapped else ():
        at_m = float(row["tap_m"])
        if row["carriageway"] != side and extent.start_m <= at_m <= extent.end_m:
            yield at_m, "crossing", str(row["connection"]), "drop under the road"
    for row in layers["huts"].rows():
        at_m = float(row["measure_m"])
        if row["carriageway"] != side and extent.start_m <= at_m <= extent.end_m:
            yield at_m, "crossing", str(row["hut"]), "cable under the road into the hut"


def _measured(
    cable: str, side: Carriageway, things: list[_Thing], route: CableRoute, reels: Layer
) -> Iterator[Element]:
    at_m = np.array([thing[0] for thing in things])
    route_m, sheath_m, fibre_m = route.route_m(at_m), route.sheath_m(at_m), route.fibre_m(at_m)
    since_m = np.diff(route_m, prepend=route_m[:1])
    starts, ends, names = reels["start_m"], reels["end_m"], reels["reel"]
    for index, (measure_m, kind, name, detail) in enumerate(things):
        on = " | ".join(names[(starts <= measure_m) & (measure_m <= ends)].tolist())
        lengths = (float(route_m[index]), float(since_m[index]), float(sheath_m[index]), float(fibre_m[index]))
        yield Element(cable, measure_m, side, kind, name, detail, *lengths, on)
