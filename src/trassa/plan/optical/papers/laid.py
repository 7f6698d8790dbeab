"""The three lengths anywhere on a cable, from what the plan's layers say of its huts and closures.

The layers give the lengths at huts (sums of spans) and at closures. Between two of these neighbours the route follows
the verge, and the sheath the route, with the loops at both ends left out::

    hut ═══ ─────── chamber ─────── chamber ─────── ═ closure
        loop and way into the hut             half a loop

So nothing is laid again here, and what is built counts as it is listed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.optical.parts import verges_of
from trassa.optical.plant.lengths import Lengths, Verge
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["LaidCable", "laid_cables"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LaidCable:
    """One cable. ``stops`` are its huts and closures by name in order; the arrays have one entry for each.

    ``route_m``, ``sheath_m`` and ``fibre_m`` count from the cable's start, ``loop_m`` is the cable that lies in store
    on either side of the stop, the way into a hut included.
    """

    verge: Verge
    stops: tuple[str, ...]
    measure_m: FloatArray
    route_m: FloatArray
    sheath_m: FloatArray
    fibre_m: FloatArray
    loop_m: FloatArray

    def at(self, measure_m: float) -> Lengths:
        """The lengths from the start of the cable to a measure on it; at a stop, those of the joint there."""
        left = int(np.searchsorted(self.measure_m, measure_m, side="right")) - 1
        left = min(max(left, 0), len(self.stops) - 1)
        if measure_m <= self.measure_m[left] or left == len(self.stops) - 1:
            return self.stop(left)
        return self._between(left, measure_m)

    def stop(self, index: int) -> Lengths:
        """The lengths to a hut or closure."""
        return Lengths(*(float(column[index]) for column in (self.route_m, self.sheath_m, self.fibre_m)))

    def _between(self, left: int, measure_m: float) -> Lengths:
        first, second = self.stop(left), self.stop(left + 1)
        ends = self.verge.route_at([self.measure_m[left], measure_m, self.measure_m[left + 1]])
        share = float((ends[1] - ends[0]) / (ends[2] - ends[0]))
        route_m = share * (second.route_m - first.route_m)
        laid_m = second.sheath_m - first.sheath_m
        loops_m = self.loop_m[left : left + 2]
        stored_m = loops_m * min(1.0, max(laid_m - (second.route_m - first.route_m), 0.0) / max(loops_m.sum(), 1e-9))
        sheath_m = float(stored_m[0] + share * (laid_m - stored_m.sum()))
        fibre_m = sheath_m / laid_m * (second.fibre_m - first.fibre_m)
        return first + Lengths(route_m, sheath_m, fibre_m)


def laid_cables(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> dict[str, LaidCable]:
    """Each cable by name, from the layers ``cables``, ``spans``, ``huts`` and ``closures``."""
    verge = {verge.carriageway: verge for verge in verges_of(road, rules)}
    cables: Iterable[Mapping[str, Any]] = layers["cables"].rows()
    return {str(row["cable"]): _laid(verge[row["carriageway"]], layers, rules, row) for row in cables}


def _laid(verge: Verge, layers: Mapping[str, Layer], rules: OpticalSettings, cable: Mapping[str, Any]) -> LaidCable:
    name = str(cable["cable"])
    spans, closures = layers["spans"].where(cable=name), layers["closures"].where(cable=name)
    begun = [Lengths(0.0, 0.0, 0.0)]
    ratio = float(cable["sheath_m"]) / float(cable["fibre_m"])
    for row in spans.rows():
        fibre_m = float(row["fibre_m"])
        begun.append(begun[-1] + Lengths(float(row["route_m"]), fibre_m * ratio, fibre_m))
    ends = [*spans["start_m"].tolist(), *spans["end_m"].tolist()[-1:]]
    huts = {float(row["measure_m"]): row for row in layers["huts"].rows()}
    listed = _listed_loops(layers["as_built"], name, rules)
    stops = [
        (m, str(huts[m]["hut"]), at, _in_hut_m(huts[m], cable, listed.get(m, rules.termination_loop_m), rules))
        for m, at in zip(ends, begun, strict=True)
    ]
    for row in closures.rows():
        at = Lengths(*(float(row[f"{which}_m"]) for which in ("route", "sheath", "fibre")))
        at_m = float(row["measure_m"])
        stops.append((at_m, str(row["closure"]), at, listed.get(at_m, rules.closure_loop_m) / 2.0))
    stops.sort(key=lambda stop: (stop[0], stop[1]))
    return LaidCable(
        verge,
        tuple(stop[1] for stop in stops),
        np.array([stop[0] for stop in stops]),
        np.array([stop[2].route_m for stop in stops]),
        np.array([stop[2].sheath_m for stop in stops]),
        np.array([stop[2].fibre_m for stop in stops]),
        np.array([stop[3] for stop in stops]),
    )


def _listed_loops(as_built: Layer, cable: str, rules: OpticalSettings) -> dict[float, float]:
    """Cable stored at each built place of a cable; where the list does not say, what the settings store there."""
    loops: dict[float, float] = {}
    for row in as_built.rows():
        if any(cable.startswith(name) for name in str(row["cable"]).split(",")):
            kept = {"hut": rules.termination_loop_m, "chamber": 0.0}.get(str(row["item"]), rules.closure_loop_m)
            loop_m = kept if math.isnan(float(row["loop_m"])) else float(row["loop_m"])
            loops[float(row["measure_m"])] = max(loop_m, loops.get(float(row["measure_m"]), 0.0))
    return loops


def _in_hut_m(hut: Mapping[str, Any], cable: Mapping[str, Any], loop_m: float, rules: OpticalSettings) -> float:
    across_m = 0.0 if hut["carriageway"] == cable["carriageway"] else rules.crossing_m
    return loop_m + (rules.hut_entry_m + across_m) * (1.0 + rules.slack_ratio)
