"""Trips: the passages of one vehicle, joined into what is charged in each tariff system.

The passages of a vehicle are taken in order of time, over all systems at once. In a *matrix* system:

1. A passage with no trip running opens one (entry), unless it is known to be an exit: that is held
   (``exit_without_entry``).
2. The next passage closes the running trip, unless it is known to be an entry: then the running trip is held
   (``entry_without_exit``) and a new one opens.
3. At the same node it is a same-place return: held (``same_place_return``), its price is not that of any pair.
4. A passage known to go *through* a toll point inside the system stays in the trip; with none running it is held
   (``passed_without_entry``). At an end of the system (``end = true``) it counts as entry or exit.
5. A trip that runs longer than the system's longest is held (``entry_without_exit``).
6. A toll point of two systems closes the trip in one and opens one in the other, unless the vehicle is known to
   leave there. Where nobody knows into which system the vehicle went, one is opened in each; it is no trip if the
   same passage is an end of a trip in the other system and nothing follows in this one.
7. An entry without exit whose vehicle is next seen in the neighbouring system went through the boundary unseen: the
   passage there is inferred, marked, and lies between the two that were seen.
8. Faster than the system's top speed between two toll points (labels are whole kilometres, so 2 km less than they
   say) is not one vehicle: held (``infeasible_speed``).

In a *sections* system:

9. Gantries further along the chain join the running trip while pauses are at most the longest; otherwise the trip
   closes and the next opens. Rule 8 holds between neighbours.
10. The same gantry again within 10 minutes is slow traffic, not a second passage.

A trip is closed for good when the watermark says that nothing can still come; a late read changes the passages, and
the trips are built again from them: the result depends on the reads and the watermark only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from trassa.toll.context import TollContext
from trassa.toll.passage import Passage, passage_id_of
from trassa.toll.tariff import TariffSystem

__all__ = ["Trip", "all_trips", "trips"]

_SLACK_KM = 2.0
_SLOW_MS = 600_000


@dataclass(frozen=True)
class Trip:
    """What one vehicle did in one system: its passages in order, and how sure that is.

    ``reason`` says why a trip is held; ``rules`` are the numbers of the rules that made it.
    """

    system: str
    vehicle_key: str
    passages: tuple[Passage, ...]
    state: Literal["open", "closed", "held"]
    reason: str = ""
    rules: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The key of its charge: system, vehicle key, first passage."""
        return f"{self.system}:{self.vehicle_key}:{self.passages[0].passage_id}"

    @property
    def read_ids(self) -> tuple[str, ...]:
        """The reads behind it."""
        return tuple(read_id for passage in self.passages for read_id in passage.read_ids)

    @property
    def entry(self) -> Passage:
        """The first passage."""
        return self.passages[0]

    @property
    def exit(self) -> Passage:
        """The last passage."""
        return self.passages[-1]


def trips(context: TollContext, system: str, passages: Sequence[Passage], watermark_ms: int) -> list[Trip]:
    """The trips of one vehicle in one system."""
    return [trip for trip in all_trips(context, passages, watermark_ms) if trip.system == system]


def all_trips(context: TollContext, passages: Iterable[Passage], watermark_ms: int) -> list[Trip]:
    """The trips of one vehicle in every system, from its complete passages, in order of their first passages."""
    walk = _Walk(context)
    known = [p for p in passages if p.is_complete(watermark_ms) and context.systems_at(p.toll_point)]
    for passage in sorted(known, key=lambda p: (p.time_ms, p.toll_point)):
        walk.take(passage)
    return walk.ended(watermark_ms)


@dataclass
class _Running:
    """A trip under way. ``maybe`` says that nobody knows whether the vehicle entered here."""

    passages: list[Passage]
    rules: list[int]
    maybe: bool = False


@dataclass
class _Walk:
    context: TollContext
    running: dict[str, _Running] = field(default_factory=dict)
    done: list[Trip] = field(default_factory=list)
    doubtful: list[tuple[str, _Running]] = field(default_factory=list)

    def take(self, passage: Passage) -> None:
        """Let one passage act on every system, the running trips first."""
        self._expire(passage.time_ms)
        self._infer_boundary(passage)
        systems = self.context.systems_at(passage.toll_point)
        under_way = [system for system in systems if system.system in self.running]
        has_closed = False
        for system in under_way:
            if system.kind == "sections":
                self._continue_sections(system, passage)
            else:
                has_closed |= self._continue(system, passage)
        for system in systems:
            if system not in under_way:
                self._begin(system, passage, has_closed, is_shared=len(systems) > 1)
        self._doubt_elsewhere(systems)

    def ended(self, watermark_ms: int) -> list[Trip]:
        """All trips, those still under way as open."""
        self._expire(watermark_ms)
        sure = [*self.done, *(_trip(name, run, "open") for name, run in self.running.items())]
        used = {id(passage) for trip in sure for passage in trip.passages}
        self.done = sure
        for name, run in self.doubtful:
            if id(run.passages[0]) not in used:  # RULE 6
                self._hold(name, run, "entry_without_exit", 5)
        return sorted(self.done, key=lambda trip: (trip.entry.time_ms, trip.system, trip.entry.passage_id))

    def _begin(self, system: TariffSystem, passage: Passage, has_closed: bool, is_shared: bool) -> None:
        inside = passage.movement == "through" and not system.point[passage.toll_point].end
        alone = _Running([passage], [])
        if system.kind == "sections":
            self.running[system.system] = _Running([passage], [9])
        elif passage.movement == "exit":
            if not has_closed:
                self._hold(system.system, alone, "exit_without_entry", 1)  # RULE 1
        elif inside:
            self._hold(system.system, alone, "passed_without_entry", 4)  # RULE 4
        else:
            maybe = is_shared and not (has_closed and passage.movement == "through")
            self.running[system.system] = _Running([passage], [6 if is_shared else 1], maybe)  # RULES 1, 6

    def _continue(self, system: TariffSystem, passage: Passage) -> bool:
        """Act on a running trip of a matrix system; whether the passage closed it."""
        run = self.running[system.system]
        here, start = system.point[passage.toll_point], system.point[run.passages[0].toll_point]
        if passage.movement == "through" and not here.end:
            run.maybe = False  # it was seen inside, so it did enter
            run.passages.append(passage)  # RULE 4
            return False
        del self.running[system.system]
        if passage.movement == "entry":
            self._hold(system.system, run, "entry_without_exit", 2)  # RULE 2
            is_shared = len(self.context.systems_at(passage.toll_point)) > 1
            self.running[system.system] = _Running([passage], [1], is_shared)
            return False
        run.passages.append(passage)
        if here.node == start.node:
            self._hold(system.system, run, "same_place_return", 3)  # RULE 3
        elif _is_infeasible(system, run.passages):
            self._hold(system.system, run, "infeasible_speed", 8)  # RULE 8
        else:
            self.done.append(_trip(system.system, run, "closed", rule=2))  # RULE 2
        return True

    def _continue_sections(self, system: TariffSystem, passage: Passage) -> None:
        run = self.running[system.system]
        last = run.passages[-1]
        if passage.toll_point == last.toll_point and passage.time_ms - last.time_ms <= _SLOW_MS:
            run.passages.append(passage)  # RULE 10
            return
        before, after = system.point[last.toll_point].section, system.point[passage.toll_point].section
        is_further = before and after and (before[1] == after[0] or system.path(before[1], after[0]) is not None)
        if is_further:
            run.passages.append(passage)  # RULE 9
            return
        self._finish_sections(system, run)
        self.running[system.system] = _Running([passage], [9])

    def _finish_sections(self, system: TariffSystem, run: _Running) -> None:
        del self.running[system.system]
        if _is_infeasible(system, run.passages):
            self._hold(system.system, run, "infeasible_speed", 8)  # RULE 8
        else:
            self.done.append(_trip(system.system, run, "closed"))  # RULE 9

    def _expire(self, time_ms: int) -> None:
        for name, run in list(self.running.items()):
            system = self.context.systems[name]
            since = run.passages[-1] if system.kind == "sections" else run.passages[0]
            if time_ms - since.time_ms <= system.longest_trip_ms:
                continue
            if system.kind == "sections":
                self._finish_sections(system, run)
                continue
            del self.running[name]
            if run.maybe:
                self.doubtful.append((name, run))  # RULE 6
            else:
                self._hold(name, run, "entry_without_exit", 5)  # RULE 5

    def _doubt_elsewhere(self, systems: Sequence[TariffSystem]) -> None:
        """Rule 6: a vehicle that is seen on this side of the boundary did not go to the other."""
        here = {system.system for system in systems}
        for name, run in list(self.running.items()):
            beside = {self.context.boundary(name, other) for other in here}
            if run.maybe and name not in here and run.passages[0].toll_point in beside:
                del self.running[name]
                self.doubtful.append((name, run))

    def _infer_boundary(self, passage: Passage) -> None:
        """Rule 7: the passage at the boundary that must lie between a running trip and the next system."""
        for other in self.context.systems_at(passage.toll_point):
            for name, run in list(self.running.items()):
                point = self.context.boundary(name, other.system)
                entry = run.passages[0]
                if (
                    point is None
                    or other.system in self.running
                    or passage.movement == "entry"
                    or point in (passage.toll_point, entry.toll_point)
                ):
                    continue
                unseen = self._between(run.passages[-1], passage, point)
                run.rules.append(7)  # RULE 7
                self._continue(self.context.systems[name], unseen)
                self.running[other.system] = _Running([unseen], [7])

    def _between(self, before: Passage, after: Passage, point: str) -> Passage:
        """An unseen passage at a time in proportion to the kilometres, or half way where they are not known."""
        km = [self.context.points[p].km for p in (before.toll_point, point, after.toll_point)]
        between_ms = max(0, after.time_ms - before.last_ms)
        part_ms = between_ms // 2
        if km[0] is not None and km[1] is not None and km[2] is not None and km[2] != km[0]:
            metres = [round(1000 * abs(value - km[0])) for value in (km[1], km[2])]
            part_ms = between_ms * min(metres[0], metres[1]) // metres[1]
        time_ms = before.last_ms + part_ms
        return replace(
            before,
            passage_id=passage_id_of(point, before.vehicle_key, time_ms),
            toll_point=point,
            time_ms=time_ms,
            last_ms=time_ms,
            movement="unknown",
            means=frozenset(),
            classes=frozenset(),
            read_ids=(),
            inferred=True,
            earliest_ms=before.last_ms,
            latest_ms=before.last_ms + between_ms,
        )

    def _hold(self, name: str, run: _Running, reason: str, rule: int) -> None:
        self.done.append(_trip(name, run, "held", reason, rule))


def _trip(
    name: str, run: _Running, state: Literal["open", "closed", "held"], reason: str = "", rule: int | None = None
) -> Trip:
    rules = (*run.rules, *((rule,) if rule is not None and rule not in run.rules else ()))
    return Trip(name, run.passages[0].vehicle_key, tuple(run.passages), state, reason, rules)


def _is_infeasible(system: TariffSystem, passages: Sequence[Passage]) -> bool:
    """Whether two neighbours are farther apart than the top speed allows."""
    for before, after in pairwise(passages):
        from_km, to_km = system.point[before.toll_point].km, system.point[after.toll_point].km
        if from_km is None or to_km is None:
            continue
        least_ms = (abs(to_km - from_km) - _SLACK_KM) / system.top_speed_kmh * 3_600_000
        if after.time_ms - before.last_ms < least_ms:
            return True
    return False
