"""A drive under way: the scenario, the world it plays in, what is true of it, and the toll side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from trassa.live.roadway import Roadway
from trassa.plan.project import Project
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.own_fixes import OwnFixes
from trassa.twin.prices import price_lists
from trassa.twin.reporter import Reporter
from trassa.twin.scenario import Scenario, written
from trassa.twin.score import Witness
from trassa.twin.toll_side import TollSide, boundary_measure_m
from trassa.twin.truth import Truth
from trassa.twin.world import STEP_MS, Moment, World

__all__ = ["Drive", "DrivePlan", "Progress"]

Progress = Callable[[float], None]


@dataclass(frozen=True)
class DrivePlan:
    """What is to be driven. ``start_ms`` is the moment at which the simulated window begins."""

    vehicles: int
    window_s: int
    seed: int
    start_ms: int
    lost_sites: tuple[str, ...] = ()


@dataclass
class Drive:
    """One drive under way: the world, what is true of it, and the toll side."""

    plan: DrivePlan
    roadway: Roadway
    scenario: Scenario
    world: World
    truth: Truth
    toll: TollSide
    witnesses: list[Witness]
    reporter: Reporter
    report_witness: Witness | None = None
    written_s: float = 0.0

    @classmethod
    def of(cls, project: Project, plan: DrivePlan) -> Drive:
        """Write the scenario and the demand of a drive."""
        roadway = Roadway.of(project)
        lists = price_lists(roadway)
        boundary_m = boundary_measure_m(roadway, lists)
        scenario = written(roadway, plan.vehicles, plan.window_s, plan.seed, boundary_m)
        world = World(roadway, scenario, plan.start_ms, plan.seed, plan.lost_sites)
        toll = TollSide.of(roadway, lists, world, plan.start_ms, plan.window_s, plan.seed)
        truth = Truth(plan.vehicles, roadway.quiet_extents, roadway.settings.vehicles)
        station_id = int(world.station_ids[scenario.reporter])
        reporter = Reporter(world.courses, scenario.reporter, station_id, 1 if plan.seed % 3 == 0 else 2, plan.start_ms)
        return cls(plan, roadway, scenario, world, truth, toll, [], reporter)

    def window(
        self, broker: BrokerSide, api: PlatformApi, progress: Progress, pace_s: float = 0.0
    ) -> dict[tuple[int, str], tuple[int, float]]:
        """Play the window; moment and true distance at which each vehicle heeded each event, by vehicle and event id.

        ``pace_s`` is the least time a step takes.
        """
        steps = self.plan.window_s * 1000 // STEP_MS
        told: dict[tuple[int, str], tuple[int, float]] = {}
        fixes = OwnFixes(self.toll.passers)
        self.toll.fixes = fixes
        for step in range(steps + 1):
            begun_s = time.monotonic()
            moment = self.world.advance()
            now = moment.snapshot
            self.truth.watch(now)
            known = len(self.witnesses)
            relevance_m = self.roadway.settings.vehicles.relevance_m
            self.witnesses += [Witness.of(event, now, relevance_m) for event in self.truth.events[known:]]
            for witness in self.witnesses:
                witness.watch(now, STEP_MS)
            broker.play(moment, fixes.due(moment, last=step == steps), self._report(broker, moment))
            self.toll.keep_up(api, now.time_ms)
            for heeded in broker.awareness.judge(moment.belief, now.time_ms):
                event_id = f"{heeded.action[0]}-{heeded.action[1]}"
                told[heeded.vehicle, event_id] = now.time_ms, float(now.progress_m[heeded.vehicle])
            progress((step + 1) / (steps + 1))
            if (ahead_s := pace_s - (time.monotonic() - begun_s)) > 0.0:
                time.sleep(ahead_s)
        broker.observer.close()
        return told

    def _report(self, broker: BrokerSide, moment: Moment) -> list[tuple[int, bytes]]:
        """A vehicle's own report where it sends one now; from then on it is watched who comes there."""
        due, now = self.reporter.due(moment), moment.snapshot
        if due and self.reporter.event is not None and self.report_witness is None:
            broker.observer.expected[self.reporter.event_id] = self.reporter.pdu
            self.report_witness = Witness.of(self.reporter.event, now, self.roadway.settings.vehicles.relevance_m)
        if self.report_witness is not None:
            self.report_witness.watch(now, STEP_MS)
        return due
