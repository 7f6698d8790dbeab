"""The fibre as it was planned from the hut where the OTDR stands: places in order, cable stored at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.optical.plant.lengths import Lengths
from trassa.optical.plant.route import CableRoute

__all__ = ["FibrePath", "FibrePlace", "planned_path"]

FloatArray = npt.NDArray[np.float64]
PlaceKind = Literal["hut", "closure", "chamber"]


@dataclass(frozen=True)
class FibrePlace:
    """A hut, closure or chamber at ``route_m`` from the OTDR; sheath stored before and behind the fibre's joint.

    ``unsure_m`` is fibre of which it is known between which joints it lies, but not that it lies here.
    """

    name: str
    kind: PlaceKind
    route_m: float
    before_m: float = 0.0
    after_m: float = 0.0
    unsure_m: float = 0.0


@dataclass(frozen=True)
class FibrePath:
    """Places in order of route, from the hut of the OTDR (route 0) to the hut where the fibre ends.

    Closures and the far hut are what an OTDR sees; chambers without a joint only help to say where a fault is.
    ``marked`` are routes, and how much more sheath than by the slack ratio the metre marks show up to each.
    """

    places: tuple[FibrePlace, ...]
    slack_ratio: float
    helix_ratio: float
    marked: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        routes = [place.route_m for place in self.places]
        if len(routes) < 2 or routes[0] != 0.0 or any(b < a for a, b in pairwise(routes)):
            raise InputError(
                f"fibre of {len(routes)} places: the first must stand at route 0 and the others in order behind it",
                cure="places from the hut of the OTDR to the hut where the fibre ends",
            )

    @cached_property
    def seen(self) -> tuple[FibrePlace, ...]:
        """The places where fibres are joined or end: closures and the far hut, without the first hut."""
        return tuple(place for place in self.places[1:] if place.kind != "chamber")

    @cached_property
    def seen_fibre_m(self) -> FloatArray:
        """Planned fibre from the OTDR to each of :attr:`seen`."""
        return self._joint_m[[i for i, place in enumerate(self.places) if i and place.kind != "chamber"]]

    @property
    def fibre_length_m(self) -> float:
        """Planned fibre to the far hut."""
        return float(self._joint_m[-1])

    def fibre_at(self, route_m: npt.ArrayLike) -> FloatArray:
        """Planned fibre at a route length; at a loop that of the joint. Any shape."""
        route = np.asarray(route_m, dtype=np.float64)
        places = np.array([place.route_m for place in self.places])
        at = np.clip(np.searchsorted(places, route, side="right") - 1, 0, len(places) - 1)
        after = np.where(route > places[at], self._stored_m[at, 1], 0.0)
        laid = self._laid_m(route) - self._laid_m(places)[at]
        return np.asarray(self._joint_m[at] + after + laid, dtype=np.float64)

    def route_at(self, fibre_m: npt.ArrayLike) -> FloatArray:
        """Route length of a point of the planned fibre; within a loop that of the loop. Any shape."""
        routes = np.repeat([place.route_m for place in self.places], 3)
        before, after = self._stored_m.T
        fibre = np.column_stack((self._joint_m - before, self._joint_m, self._joint_m + after)).ravel()
        fibre = np.maximum.accumulate(fibre)  # a repair may have taken cable out
        return np.asarray(np.interp(np.asarray(fibre_m, dtype=np.float64), fibre, routes), dtype=np.float64)

    def repaired(self, name: str, route_m: float, inserted_fibre_m: float, unsure_m: float) -> FibrePath:
        """The path after a repair that put in fibre at one place: a closure with that much more in store."""
        half_m = inserted_fibre_m * self.helix_ratio / 2.0
        at = sum(place.route_m <= route_m for place in self.places)
        closure = FibrePlace(name, "closure", route_m, half_m, half_m, unsure_m)
        return replace(self, places=(*self.places[:at], closure, *self.places[at:]))

    def into_drop(self, name: str, tap_m: float, drop: Lengths) -> FibrePath:
        """The path of a fibre that leaves the cable at route ``tap_m`` and ends at the end of a drop."""
        along = [place for place in self.places if place.route_m <= tap_m]
        loops_m = drop.sheath_m - drop.route_m * (1.0 + self.slack_ratio)
        closure = FibrePlace(f"tap {name}", "closure", tap_m, *self._stored_at(tap_m, loops_m))
        end = FibrePlace(name, "hut", tap_m + drop.route_m)
        along = [place for place in along if place.route_m < tap_m or place.kind == "hut"]
        return replace(self, places=(*along, closure, end))

    def _stored_at(self, route_m: float, drop_loops_m: float) -> tuple[float, float]:
        """Sheath before the joint at a tap, and behind it all that is stored along the drop."""
        here = next((place for place in self.places if place.route_m == route_m), None)
        return (here.before_m if here else 0.0), drop_loops_m

    @cached_property
    def _stored_m(self) -> FloatArray:
        """Fibre stored before and behind each joint, shape (places, 2)."""
        rows = [(place.before_m, place.after_m) for place in self.places]
        return np.array(rows, dtype=np.float64) / self.helix_ratio

    @cached_property
    def _joint_m(self) -> FloatArray:
        routes = np.array([place.route_m for place in self.places])
        before, after = self._stored_m.T
        stored = np.cumsum(before) + np.concatenate(([0.0], np.cumsum(after)[:-1]))
        return np.asarray(self._laid_m(routes) + stored - before[0], dtype=np.float64)

    def _laid_m(self, route_m: FloatArray) -> FloatArray:
        """Fibre on the way itself from the hut of the OTDR, what is stored left out."""
        sheath = route_m * (1.0 + self.slack_ratio)
        if self.marked:
            routes, more = np.array(self.marked).T
            sheath = sheath + np.interp(route_m, routes, more)
        return np.asarray(sheath / self.helix_ratio, dtype=np.float64)


def planned_path(
    cable: CableRoute,
    hut: tuple[str, float],
    far: tuple[str, float],
    closures: Mapping[str, float],
    chambers: Mapping[str, float],
) -> FibrePath:
    """The fibre of a planned cable from one hut to another, in either direction.

    ``hut`` and ``far`` are name and measure; ``closures`` and ``chambers`` measures by name, those outside the two
    huts are left out, as are chambers that hold a closure.
    """
    (hut_name, hut_m), (far_name, far_m) = hut, far
    forward = far_m > hut_m
    low_m, high_m = min(hut_m, far_m), max(hut_m, far_m)
    inside = {name: (m, "closure") for name, m in closures.items() if low_m < m < high_m}
    jointed = {m for m, _ in inside.values()}
    inside |= {name: (m, "chamber") for name, m in chambers.items() if low_m < m < high_m and m not in jointed}
    stored = {loop.measure_m: (loop.before_m, loop.after_m) for loop in cable.loops}
    start_m = float(cable.route_m(hut_m))
    places: list[FibrePlace] = []
    joints_m: dict[float, float] = {}
    for name, (m, kind) in {hut_name: (hut_m, "hut"), **inside, far_name: (far_m, "hut")}.items():
        before_m, after_m = stored.get(m, (0.0, 0.0)) if forward else stored.get(m, (0.0, 0.0))[::-1]
        before_m, after_m = (0.0 if m == hut_m else before_m), (0.0 if m == far_m else after_m)
        route_m = abs(float(cable.route_m(m)) - start_m)
        places.append(FibrePlace(name, _kind(kind), route_m, before_m, after_m))
        joints_m[route_m] = float(cable.sheath_m(m))
    path = FibrePath(tuple(sorted(places, key=lambda p: p.route_m)), cable.slack_ratio, cable.helix_ratio)
    return replace(path, marked=_marked(path, joints_m)) if cable.marked else path


def _marked(path: FibrePath, joints_m: Mapping[float, float]) -> tuple[tuple[float, float], ...]:
    """What the metre marks show more than the slack ratio, place by place; ``joints_m`` is sheath at each route."""
    more_m = [(0.0, 0.0)]
    for before, place in pairwise(path.places):
        sheath_m = abs(joints_m[place.route_m] - joints_m[before.route_m]) - before.after_m - place.before_m
        laid_m = (place.route_m - before.route_m) * (1.0 + path.slack_ratio)
        more_m.append((place.route_m, more_m[-1][1] + sheath_m - laid_m))
    return tuple(more_m)


def _kind(kind: str) -> PlaceKind:
    return "hut" if kind == "hut" else "closure" if kind == "closure" else "chamber"
