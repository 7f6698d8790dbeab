"""Chambers, closures and reels of one span: what is dug in and jointed between two huts.

::

    hut ──── planned ────╥════ as built ════╥──── planned ──── hut      ╥ joint at which a built section ends

What is built is taken as it is; a joint is fixed where it ends, so what lies on both sides of it is planned by itself
at least cost (:mod:`trassa.optical.plant.reels`). A second cable in the same trench lies in the first one's chambers:
its joints are the fewest among those. Each cable's choice is exact; that of both at once, where a dearer first cable
could save a joint of the second, is not made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.optical.plant.built import BuiltSection
from trassa.optical.plant.lengths import Verge
from trassa.optical.plant.measured import NOTHING_MEASURED, MeasuredLoss
from trassa.optical.plant.reels import Laid, ReelSearch, no_reel
from trassa.optical.plant.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings

__all__ = ["Bought", "SpanLayout", "SpanPlant", "plant_beside", "reel_route_m"]

_EPSILON_M = 1e-6


def reel_route_m(rules: OpticalSettings) -> float:
    """The longest route that one reel covers between two closures."""
    entry_m = rules.hut_entry_m + rules.crossing_m
    end_loop_m = rules.termination_loop_m + entry_m * (1.0 + rules.slack_ratio)
    return (rules.reel_limit_m - max(rules.closure_loop_m, 2.0 * end_loop_m)) / (1.0 + rules.slack_ratio)


@dataclass(frozen=True)
class Bought:
    """What a span's plant takes beside what is built.

    ``joints_m`` are those at which all fibres are to be spliced, in closures that may stand already; ``hut_ends`` the
    cable ends to be spliced to pigtails, 0 to 2; ``sheath_m`` the sheath of reels that are to be laid.
    """

    chambers_m: tuple[float, ...]
    closures_m: tuple[float, ...]
    joints_m: tuple[float, ...]
    hut_ends: int
    sheath_m: float


@dataclass(frozen=True)
class SpanPlant:
    """What lies between two huts: chambers in order, both huts' included; joints and taps are some of them.

    ``built`` are the sections of this cable that the span meets, those included that are yet to be pulled through
    chambers that stand.
    """

    cable: CableRoute
    chambers_m: tuple[float, ...]
    joints_m: tuple[float, ...]
    taps_m: tuple[float, ...]
    built: tuple[BuiltSection, ...] = ()
    measured: MeasuredLoss = NOTHING_MEASURED

    @property
    def closures_m(self) -> tuple[float, ...]:
        """Places of the closures: joints, where reels meet, and taps, where a drop leaves or one is listed as built."""
        return tuple(sorted({*self.joints_m, *self.taps_m}))

    @property
    def reel_ends_m(self) -> tuple[float, ...]:
        """Where reels begin and end: the huts and the joints."""
        return (self.cable.start_m, *self.joints_m, self.cable.end_m)

    def reel_sheath_m(self) -> npt.NDArray[np.float64]:
        """Sheath on each reel, shape (reels,)."""
        return np.diff(self.cable.sheath_m(np.array(self.reel_ends_m)))

    @cached_property
    def bought(self) -> Bought:
        """What of it is to be bought."""
        if not self.built:
            return Bought(self.chambers_m, self.closures_m, self.joints_m, 2, self.cable.whole.sheath_m)
        places = [(place, section.laid) for section in self.built for place in section.places]
        standing = {place.measure_m for place, _ in places}
        closed = {place.measure_m for place, laid in places if laid and (place.joint or place.closure)}
        extents = [section.extent for section in self.built if section.laid]
        reels = list(pairwise(self.reel_ends_m))
        new = [not any(e.start_m <= start and end <= e.end_m for e in extents) for start, end in reels]
        return Bought(
            tuple(m for m in self.chambers_m if m not in standing),
            tuple(m for m in self.closures_m if m not in closed),
            tuple(m for m, both in zip(self.joints_m, pairwise(new), strict=True) if any(both)),
            new[0] + new[-1],
            float(self.reel_sheath_m()[new].sum()),
        )


class _Cable:
    """One cable with its sections in order of measure, and what is stored on it at its places.

    ``entry_m`` is the way from the trench into a hut, laid at both ends as if it were a loop.
    """

    def __init__(self, verge: Verge, rules: OpticalSettings, entry_m: float, built: Sequence[BuiltSection]) -> None:
        self.verge, self.rules, self._built = verge, rules, built
        self._entry_m = entry_m * (1.0 + rules.slack_ratio)
        self._places = {place.measure_m: place for section in built for place in section.places}
        self.listed_taps_m = [place.measure_m for place in self._places.values() if place.closure and not place.joint]

    def sections(self, start_m: float, end_m: float) -> list[BuiltSection]:
        """Those that have some metres between two places."""
        return [s for s in self._built if s.extent.end_m > start_m and s.extent.start_m < end_m]

    def end_loop_m(self, measure_m: float, *, hut: bool) -> float:
        """Cable stored at one end of a stretch: in a hut, or on one side of a closure."""
        place = self._places.get(measure_m)
        if place is None or place.loop_m is None:
            unused = place is not None and not (place.joint or place.closure)
            half_m = 0.0 if unused else self.rules.closure_loop_m / 2.0
            return self.rules.termination_loop_m + self._entry_m if hut else half_m
        return place.loop_m + self._entry_m if hut else place.loop_m / 2.0

    def through(self, start_m: float, end_m: float, planned: Callable[[float, float], Laid]) -> Laid:
        """A span's chambers and joints: sections as listed, and what ``planned`` lays on the stretches between."""
        pieces: list[Laid] = []
        here_m = start_m
        for section in self.sections(start_m, end_m):
            if section.extent.start_m > here_m:
                pieces.append(planned(here_m, section.extent.start_m))
            pieces.append(_listed(section, start_m, end_m))
            here_m = section.extent.end_m
        if here_m < end_m:
            pieces.append(planned(here_m, end_m))
        chambers = [start_m, *(m for piece in pieces for m in piece.chambers_m[1:])]
        joints = [m for piece in pieces for m in (piece.chambers_m[0], *piece.joints_m)]
        return Laid(tuple(chambers), tuple(joints[1:]))

    def plant(self, laid: Laid, taps_m: Sequence[float]) -> SpanPlant:
        """The plant of a span with its cable, loops included."""
        start_m, end_m = laid.chambers_m[0], laid.chambers_m[-1]
        stored = [m for m, place in self._places.items() if place.loop_m is not None and start_m < m < end_m]
        loops = [Loop(start_m, 0.0, self.end_loop_m(start_m, hut=True))]
        for measure_m in sorted({*laid.joints_m, *taps_m, *stored}):
            half_m = self.end_loop_m(measure_m, hut=False)
            loops.append(Loop(measure_m, half_m, half_m))
        loops.append(Loop(end_m, self.end_loop_m(end_m, hut=True), 0.0))
        sections = self.sections(start_m, end_m)
        marked = [p for s in sections for p in s.marked if start_m <= p.start_m and p.end_m <= end_m]
        cable = CableRoute.of(self.verge, start_m, end_m, loops, self.rules, marked)
        measured = MeasuredLoss.of(cable, sections, self.rules)
        return SpanPlant(cable, laid.chambers_m, laid.joints_m, tuple(taps_m), tuple(sections), measured)


def _listed(section: BuiltSection, start_m: float, end_m: float) -> Laid:
    """What a section has of a span."""
    places = [place for place in section.places if start_m <= place.measure_m <= end_m]
    return Laid(tuple(p.measure_m for p in places), tuple(p.measure_m for p in places[1:-1] if p.joint))


class SpanLayout:
    """Lays out plant from one hut onwards, up to any hut behind it.

    Each of ``taps_m`` gets a chamber and a closure. ``built`` are this cable's sections in order of measure; no hut but
    a built one stands in them, and none of those lies before ``farthest_m``. ``entry_m`` is the way from the trench
    into a hut.
    """

    def __init__(
        self,
        verge: Verge,
        start_m: float,
        farthest_m: float,
        taps_m: Iterable[float],
        rules: OpticalSettings,
        *,
        entry_m: float = 0.0,
        built: Sequence[BuiltSection] = (),
    ) -> None:
        self._cable = _Cable(verge, rules, entry_m, built)
        self._start_m, self._farthest_m = start_m, farthest_m
        self._taps_m = sorted(tap for tap in {*taps_m, *self._cable.listed_taps_m} if start_m < tap < farthest_m)
        self._searches: dict[float, ReelSearch] = {}

    def to(self, end_m: float) -> SpanPlant:
        """The plant of the span that ends in a hut at ``end_m``; :class:`InputError` where no reel is long enough."""

        def planned(here_m: float, there_m: float) -> Laid:
            end_loop_m = self._cable.end_loop_m(there_m, hut=there_m == end_m)
            return self._search(here_m).to(there_m, end_loop_m)

        laid = self._cable.through(self._start_m, end_m, planned)
        return self._cable.plant(laid, [tap for tap in self._taps_m if tap < end_m - _EPSILON_M])

    def _search(self, start_m: float) -> ReelSearch:
        """The search from the start, or from the end of a section, as far as the next section."""
        if start_m not in self._searches:
            cable = self._cable
            ahead = [section.extent.start_m for section in cable.sections(start_m, self._farthest_m)]
            farthest_m = min((m for m in ahead if m > start_m), default=self._farthest_m)
            self._searches[start_m] = ReelSearch(
                cable.verge,
                start_m,
                farthest_m,
                self._taps_m,
                cable.rules,
                start_loop_m=cable.end_loop_m(start_m, hut=start_m == self._start_m),
                greatest_loop_m=max(cable.end_loop_m(farthest_m, hut=hut) for hut in (False, True)),
            )
        return self._searches[start_m]


def plant_beside(
    first: SpanPlant, rules: OpticalSettings, *, entry_m: float = 0.0, built: Sequence[BuiltSection] = ()
) -> SpanPlant:
    """A second cable's plant in the same trench, untapped, with the fewest joints in the first one's chambers.

    All its joints cost the same, and one farther on is never worse: so each reel runs as far as it can. Raises
    :class:`InputError` where one does not reach the next chamber.
    """
    cable = _Cable(first.cable.verge, rules, entry_m, built)
    start_m, end_m = first.chambers_m[0], first.chambers_m[-1]

    def planned(here_m: float, there_m: float) -> Laid:
        chambers = tuple(m for m in first.chambers_m if here_m <= m <= there_m)
        stored_m = cable.end_loop_m(here_m, hut=here_m == start_m)
        end_loop_m = cable.end_loop_m(there_m, hut=there_m == end_m)
        return Laid(chambers, _fewest_joints(cable, chambers, stored_m, end_loop_m))

    laid = cable.through(start_m, end_m, planned)
    return cable.plant(laid, [tap for tap in cable.listed_taps_m if start_m < tap < end_m])


def _fewest_joints(cable: _Cable, chambers_m: Sequence[float], stored_m: float, end_loop_m: float) -> tuple[float, ...]:
    rules, joints = cable.rules, list[float]()
    routes_m: list[float] = cable.verge.route_at(chambers_m).tolist()
    last, here, half_m = len(chambers_m) - 1, 0, rules.closure_loop_m / 2.0
    while True:
        whole_m = (rules.reel_limit_m - stored_m + _EPSILON_M) / (1.0 + rules.slack_ratio)
        if routes_m[here] + whole_m - end_loop_m / (1.0 + rules.slack_ratio) >= routes_m[last]:
            return tuple(joints)
        reach_m = routes_m[here] + whole_m - half_m / (1.0 + rules.slack_ratio)
        there = min(bisect_right(routes_m, reach_m), last) - 1
        if there == here:
            raise no_reel(chambers_m[here], rules)
        joints.append(chambers_m[there])
        here, stored_m = there, half_m
