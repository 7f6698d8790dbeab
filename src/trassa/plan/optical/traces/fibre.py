"""A fibre of a planned line as an OTDR in one of its huts sees it: its way, what it serves, and where that lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trassa.errors import InputError, UsageError
from trassa.linear import Carriageway
from trassa.optical.line import Line
from trassa.optical.otdr import EventTable, FibrePath, Trace, planned_path
from trassa.plan.optical.questions import PlannedLine
from trassa.plan.questions import position_of
from trassa.road.refs import folded_ref

__all__ = ["TracedFibre", "cable_place", "measure_of", "named_otherwise", "traced_fibre"]

_BEFORE_PARTING_M = 100.0


@dataclass(frozen=True)
class TracedFibre:
    """One fibre of a cable between two neighbouring huts, from the hut of the OTDR.

    ``at`` is the cable's place in ``line.cables``. ``path`` ends in the far hut, or at the end of the first drop that
    the fibre enters; ``is_through`` tells which. ``cable_path`` is the way through the cable from hut to hut, whatever
    the fibre does.
    """

    line: Line
    at: int
    path: FibrePath
    cable_path: FibrePath
    hut: str
    far: str
    hut_m: float
    far_hut_m: float
    end_m: float
    number: int
    use: str
    is_through: bool

    @property
    def cable(self) -> str:
        """The cable's name."""
        return self.line.cables[self.at]

    @property
    def carriageway(self) -> Carriageway:
        """The side of the road on which the cable lies."""
        return self.line.cable_route(self.at).verge.carriageway

    @property
    def name(self) -> str:
        """The fibre in words."""
        return f"{self.number} of {self.cable}, {self.hut}→{self.far}"

    def measure_m(self, route_m: float) -> float:
        """The measure of a route length from the hut; in a drop that of its tap."""
        verge = self.line.cable_route(self.at).verge
        sense = 1.0 if self.far_hut_m > self.hut_m else -1.0
        route = verge.route_at(self.hut_m) + sense * route_m
        low_m, high_m = sorted((self.hut_m, self.end_m))
        return float(np.clip(verge.measure_at(float(route)), low_m, high_m))

    def route_m(self, measure_m: float) -> float | None:
        """Route length from the hut to a measure; None where the fibre is not in the cable there."""
        low_m, high_m = sorted((self.hut_m, self.end_m))
        if not low_m <= measure_m <= high_m:
            return None
        verge = self.line.cable_route(self.at).verge
        return float(abs(float(verge.route_at(measure_m)) - float(verge.route_at(self.hut_m))))

    def shared(self, table: EventTable, other: TracedFibre) -> EventTable | None:
        """What a table of another fibre of this span says about this one, counted from this one's hut.

        Two fibres of one cable share their way up to the first drop that only one of them enters. From the far hut
        a table is turned round, which takes two fibres that go through. None where nothing is shared.
        """
        if other.hut != self.hut:
            return table.turned() if self.is_through and other.is_through else None
        if (self.is_through and other.is_through) or self.path.places[-1] == other.path.places[-1]:
            return table
        parting_m = min(abs(one.end_m - one.hut_m) for one in (self, other) if not one.is_through)
        sense = 1.0 if self.far_hut_m > self.hut_m else -1.0
        route_m = self.route_m(self.hut_m + sense * parting_m) or 0.0
        planned = float(self.path.fibre_at(max(0.0, route_m)))
        return table.until(planned * 0.99 - _BEFORE_PARTING_M)


def traced_fibre(plan: PlannedLine, hut: str, fibre: int, towards: str = "", *, cable: int = 1) -> TracedFibre:
    """A fibre of a cable by their numbers, from a hut; ``towards`` names the neighbour where there are two.

    Raises :class:`InputError` for a hut, cable or fibre that does not exist.
    """
    line = next((line for line in plan.lines if hut in line.hut_names), None)
    if line is None:
        known = ", ".join(name for line in plan.lines for name in line.hut_names)
        raise InputError(f"optical: there is no hut {hut}", cure=f"one of {known}")
    at = cable_place(line, cable)
    far = _neighbour(line, hut, towards)
    span, name = "–".join(sorted((hut, far))), line.cables[at]
    rows = [row for row in plan.layers["fibres"].where(cable=name, span=span).rows() if row["fibre"] == fibre]
    if not rows:
        raise InputError(f"optical: {name} has no fibre {fibre}", cure=f"a fibre of 1..{line.rules.fibres}")
    huts = {name: place.measure_m for name, place in zip(line.hut_names, line.chain.huts, strict=True)}
    use = str(rows[0]["use"])
    if rows[0]["service"] == "tree":
        raise InputError(
            f"optical: fibre {fibre} of {name} belongs to the tree {use}: a splitter stands in it, traces through "
            "splitters are not read",
            cure="a fibre of the backbone, of a ring or of a connection",
        )
    whole = _cable_path(plan, line, at, (hut, huts[hut]), (far, huts[far]))
    path, end_m = _own_path(plan, line, at, whole, (huts[hut], huts[far]), use)
    return TracedFibre(line, at, path, whole, hut, far, huts[hut], huts[far], end_m, fibre, use, path is whole)


def cable_place(line: Line, cable: int) -> int:
    """The place in ``line.cables`` of a cable by its number, from 1. Raises :class:`InputError` beyond the last."""
    count = len(line.cables)
    if not 1 <= cable <= count:
        told = f"optical: there is no cable {cable}: {', '.join(line.cables)} lie{'s' if count == 1 else ''} here"
        raise InputError(told, cure=f"--cable {'1' if count == 1 else f'1..{count}'}; optical.cables is how many")
    return cable - 1


def measure_of(folder: Path, plan: PlannedLine, text: str) -> float:
    """The measure of a position that a person has written. Raises :class:`InputError` for one on another road."""
    position = position_of(folder, plan.road, text)
    if folded_ref(position.road) != folded_ref(plan.road.ref):
        told = f"optical: {text!r} is a place on {position.road}, not on {plan.road.ref}"
        raise InputError(told, cure=f"a position on {plan.road.ref}")
    return float(plan.road.calibration.measure(position.label))


def named_otherwise(trace: Trace, ours: TracedFibre) -> list[str]:
    """Where the names that stand in a trace are those of another fibre of this very line, in sentences.

    People type them, and some instruments keep them whatever the direction: they are told, and decide nothing.
    """
    said = []
    if {trace.location_a, trace.location_b} == {ours.hut, ours.far} and trace.location_a != ours.hut:
        said.append(f"the file says it was taken in {trace.location_a}, not in {ours.hut}: is --from right?")
    if trace.cable in ours.line.cables:
        if trace.cable != ours.cable:
            said.append(f"the file says it is of {trace.cable}, not of {ours.cable}: is --cable right?")
        elif trace.fibre.isdecimal() and int(trace.fibre) != ours.number:
            said.append(f"the file says it is of fibre {trace.fibre}, not of {ours.number}: is --fibre right?")
    return said


def _neighbour(line: Line, hut: str, towards: str) -> str:
    at = line.hut_names.index(hut)
    neighbours = [line.hut_names[i] for i in (at - 1, at + 1) if 0 <= i < len(line.hut_names)]
    if not towards and len(neighbours) > 1:
        raise UsageError(f"optical: the cable leaves {hut} on both sides", cure=f"--to {' or --to '.join(neighbours)}")
    far = towards or neighbours[0]
    if far not in neighbours:
        raise InputError(f"optical: {far} is no neighbour of {hut}", cure=" or ".join(neighbours))
    return far


def _cable_path(plan: PlannedLine, line: Line, at: int, hut: tuple[str, float], far: tuple[str, float]) -> FibrePath:
    layers, cable = plan.layers, line.cables[at]
    closures = layers["closures"].where(cable=cable)
    joints = {str(row["closure"]): float(row["measure_m"]) for row in closures.rows() if "joint" in str(row["kind"])}
    chambers = {
        str(row["chamber"]): float(row["measure_m"])
        for row in layers["chambers"].rows()
        if cable in str(row["cable"]).split(",")
    }
    return planned_path(line.cable_route(at), hut, far, joints, chambers)


def _own_path(
    plan: PlannedLine, line: Line, at: int, whole: FibrePath, ends_m: tuple[float, float], use: str
) -> tuple[FibrePath, float]:
    """The way of a fibre from the hut to its end, and the end's measure: the far hut, or the first drop it enters."""
    low_m, high_m = sorted(ends_m)
    opened = [
        drop
        for drop in line.drops
        if low_m <= drop.tap_m <= high_m and use in (drop.connection.name, plan.ring_of.get(drop.connection.name))
    ]
    if not opened:
        return whole, ends_m[1]
    first = min(opened, key=lambda drop: abs(drop.tap_m - ends_m[0]))
    cable = line.cable_route(at)
    tap_m = abs(float(cable.route_m(first.tap_m)) - float(cable.route_m(ends_m[0])))
    return whole.into_drop(first.connection.name, tap_m, first.lengths), first.tap_m
