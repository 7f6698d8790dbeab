"""The toll side of a drive: contracts, reads at their moments, and the clock run on until nothing is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from trassa.linear import KmLabel, LabelNotFound
from trassa.live.roadway import Roadway
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.demand import Passer, boundary_of, journeys_of
from trassa.twin.gantries import Reads, reads_of
from trassa.twin.journey import Due, Journey, Stop, dues
from trassa.twin.own_fixes import OwnFixes
from trassa.twin.prices import PriceList
from trassa.twin.read_fates import fates_due
from trassa.twin.toll_score import toll_score
from trassa.twin.world import World

__all__ = ["TollSide", "boundary_measure_m"]

_LEAD_M = 150.0
_PASSERS_RATIO = 0.08
_STRIDE_MS = 1_800_000
_SETTLED_ATTEMPTS = 40
FLEET = "fleet"


def boundary_measure_m(roadway: Roadway, lists: Sequence[PriceList]) -> float | None:
    """Where two tariff systems meet on this road; none where they do not."""
    point = boundary_of(lists)
    if point is None:
        return None
    try:
        return roadway.road.calibration.measure(KmLabel.from_decimal(point.km))
    except LabelNotFound:
        return None


@dataclass
class TollSide:
    """Journeys with their reads. ``fixes`` are those that passers send during the window."""

    lists: Sequence[PriceList]
    journeys: list[Journey]
    reads: Reads
    start_ms: int
    boundary_progress_m: float
    fixes: OwnFixes | None = None
    contract_of: dict[str, str] = field(default_factory=dict)
    receipts: Counter[str] = field(default_factory=Counter)
    _posted_ms: int = 0

    @classmethod
    def of(
        cls, roadway: Roadway, lists: Sequence[PriceList], world: World, start_ms: int, window_s: int, seed: int
    ) -> TollSide:
        """The demand of a drive; none where the road has no system that the twin can judge."""
        boundary_m = boundary_measure_m(roadway, lists)
        place_m = np.inf if boundary_m is None else float(world.courses.all[0].progress_at(np.array([boundary_m]))[0])
        random = np.random.default_rng([seed, 4])
        passers = _passers(world, place_m, start_ms, window_s)
        journeys = journeys_of(lists, start_ms, random, passers) if lists else []
        return cls(lists, journeys, reads_of(journeys, start_ms, random), start_ms, place_m)

    @property
    def passers(self) -> list[int]:
        """The vehicles that send their own fixes."""
        return [journey.vehicle for journey in self.journeys if journey.vehicle >= 0]

    def keep_up(self, api: PlatformApi, time_ms: int) -> None:
        """Post the reads up to a moment; before the first, the contracts."""
        if not self.journeys:
            return
        if not self.contract_of:
            for journey in self.journeys:
                self.contract_of[api.register(journey.account.as_dict())] = journey.account.contract_id
        due = self.reads.between(self._posted_ms, time_ms + 1)
        self._posted_ms = time_ms + 1
        if due:
            self.receipts.update(str(receipt["fate"]) for receipt in api.post_reads(due))

    def finish(self, broker: BrokerSide, api: PlatformApi) -> dict[str, Any]:
        """Run the clock to the last watermark; what the platform then says of charges, held trips and reads."""
        if not self.journeys:
            return {}
        last_ms = int(self.reads.bodies[-1]["time_ms"])
        time_ms = self._posted_ms
        while time_ms <= last_ms:
            time_ms = min(time_ms + _STRIDE_MS, last_ms + 60_000)
            broker.step(time_ms)
            api.await_time(time_ms)
            self.keep_up(api, time_ms)
        time_ms += max(prices.longest_trip_ms for prices in self.lists) + 3_600_000
        for attempt in range(_SETTLED_ATTEMPTS):
            broker.step(time_ms + attempt * 1000)
            fates = api.read_fates()
            if not fates.get("open"):
                break
        return {**api.charges(), "fates": fates, "totals": api.totals(), "receipts": dict(self.receipts)}

    def score(self, said: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The toll part of the score and its differences."""
        if not self.journeys:
            return {}, []
        judged, crossings = self._as_driven()
        found: list[Due] = [due for journey in judged for due in dues(self.lists, journey)]
        score, differences = toll_score(found, self.reads, crossings, said, self.contract_of)
        wanted = fates_due(self.lists, judged, found, self.reads)
        differences += [
            f"{count} reads must be {fate}, {score['fates'][fate]} are"
            for fate, count in wanted.items()
            if score["fates"][fate] != count
        ]
        stories = [journey.story for journey in judged if journey.story]
        peculiar = {story: stories.count(story) for story in sorted(set(stories))}
        return {"journeys": len(judged), **score, "peculiar": peculiar}, differences

    def _as_driven(self) -> tuple[list[Journey], int]:
        """The journeys with the boundary as the passers' fixes prove it, and how many crossings they show."""
        judged: list[Journey] = []
        crossings = 0
        for journey in self.journeys:
            if journey.vehicle >= 0 and self.fixes is not None:
                crossed = self.fixes.crossing_ms(journey.vehicle, self.boundary_progress_m)
                crossings += crossed is not None
                stops = tuple(_driven(stop, crossed) if stop.own else stop for stop in journey.stops)
                judged.append(replace(journey, stops=stops))
            else:
                judged.append(journey)
        return judged, crossings


def _driven(stop: Stop, crossed: tuple[int, bool] | None) -> Stop:
    if crossed is None:
        return replace(stop, seen=False)
    return replace(stop, time_ms=crossed[0], seen=crossed[1])


def _passers(world: World, place_m: float, start_ms: int, window_s: int) -> list[Passer]:
    """Some of the vehicles that will cross the boundary within the window, by their speed at the start."""
    if not np.isfinite(place_m):
        return []
    traffic, found = world.scenario.traffic, []
    for vehicle, role in enumerate(world.scenario.roles):
        left_m = place_m - float(traffic.progress_m[vehicle])
        seconds = left_m / max(float(traffic.speed_mps[vehicle]), 1.0)
        if role == "flow" and traffic.course[vehicle] == 0 and left_m > _LEAD_M and seconds < 0.8 * window_s:
            found.append(Passer(vehicle, f"{FLEET}/{world.names[vehicle]}", start_ms + round(seconds * 1000.0)))
    return found[: max(4, round(_PASSERS_RATIO * len(traffic)))]
