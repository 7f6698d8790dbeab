"""The straight-line diagram of the cables as rows: everything on a cable in order of measure, with three lengths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trassa.linear import Carriageway, Extent, Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.papers.laid import LaidCable, laid_cables
from trassa.road.model import Road

__all__ = ["Element", "elements_of"]

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
        things = [*_structures(road, side, extent), *_plant(layers, name), *_crossings(layers, name, extent)]
        things.sort(key=lambda thing: (thing[0], _RANKS.index(thing[1])))
        found += _measured(name, side, things, routes[name], layers["reels"].where(cable=name))
    return found


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
            yield float(row["measure_m"]), "chamber", str(row["chamber"]), _said(row, str(row["purpose"]))
    for row in layers["closures"].where(cable=cable).rows():
        at_m, kind = float(row["measure_m"]), str(row["kind"])
        served = f": {', '.join(taps[at_m])}" if "tap" in kind else ""
        yield at_m, "closure", str(row["closure"]), _said(row, f"{kind}{served}", f"in {row['chamber']}")
    ends = layers["cables"].where(cable=cable)
    huts = layers["huts"]
    for row in huts.take((huts["measure_m"] >= ends["start_m"][0]) & (huts["measure_m"] <= ends["end_m"][0])).rows():
        said = _said(row, str(row["name"]), str(row["role"]).replace("_", " "))
        yield float(row["measure_m"]), "hut", str(row["hut"]), said


def _said(row: Mapping[str, object], *words: str) -> str:
    """The words, and that a thing is built where it is."""
    return ", ".join(word for word in (*words, "as built" if row["origin"] == "as built" else "") if word)


def _crossings(layers: Mapping[str, Layer], cable: str, extent: Extent) -> Iterator[_Thing]:
    """Ways under the road that begin in the cable's trench: its own into huts, drops of the cable that is tapped."""
    ducts = layers["ducts"]
    trenches = {row["trench"] for row in ducts.rows() if cable in str(row["cable"]).split(",")}
    tapped = set(layers["drop_cables"].where(cable=cable)["connection"].tolist())
    for row in layers["crossings"].rows():
        at_m, name = float(row["measure_m"]), str(row["name"])
        if row["trench"] not in trenches or not extent.start_m <= at_m <= extent.end_m:
            continue
        if row["purpose"] == "hut":
            yield at_m, "crossing", name, "cable under the road into the hut"
        elif name in tapped:
            yield at_m, "crossing", name, "drop under the road"


def _measured(cable: str, side: Carriageway, things: list[_Thing], route: LaidCable, reels: Layer) -> Iterator[Element]:
    laid = [route.at(thing[0]) for thing in things]
    since_m = np.diff([at.route_m for at in laid], prepend=0.0)
    starts, ends, names = reels["start_m"], reels["end_m"], reels["reel"]
    for index, (measure_m, kind, name, detail) in enumerate(things):
        on = " | ".join(names[(starts <= measure_m) & (measure_m <= ends)].tolist())
        at = laid[index]
        lengths = (at.route_m, float(since_m[index]), at.sheath_m, at.fibre_m)
        yield Element(cable, measure_m, side, kind, name, detail, *lengths, on)
