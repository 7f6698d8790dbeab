"""A drive: simulated traffic over the planned road, through a live platform of its own, judged against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.live.platform import Platform, Programs
from trassa.live.roadway import Roadway
from trassa.plan.project import Project
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.fleet import Login
from trassa.twin.own_fixes import OwnFixes
from trassa.twin.prices import price_lists
from trassa.twin.reporter import Reporter
from trassa.twin.scenario import Scenario, written
from trassa.twin.score import Witness
from trassa.twin.toll_side import TollSide, boundary_measure_m
from trassa.twin.truth import Truth
from trassa.twin.verdict import Verdict, verdict_of
from trassa.twin.warning import warm_up
from trassa.twin.world import STEP_MS, Moment, World

__all__ = ["Drive", "DrivePlan", "drive"]

Progress = Callable[[float], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class DrivePlan:
    """What is to be driven. ``start_ms`` is the moment at which the simulated window begins."""

    vehicles: int
    window_s: int
    seed: int
    start_ms: int
    lost_sites: tuple[str, ...] = ()


def drive(
    project: Project,
    plan: DrivePlan,
    progress: Progress = lambda _share: None,
    say: Say = lambda _sentence: None,
    programs: Programs | None = None,
) -> Verdict:
    """Drive a planned project in a fresh drive book; the operator's book is not touched.

    ``programs`` are other processes than the platform's own, to be judged like them.
    """
    begun_s = time.monotonic()
    work = Drive.of(project, plan)
    work.written_s = time.monotonic() - begun_s
    platform = Platform(
        project,
        "drive",
        clock="stepped",
        start_ms=plan.start_ms,
        fresh=True,
        new_password=True,
        programs=programs,
        say=say,
    )
    with platform:
        platform.wait_ready()
        if platform.operator_password is None:
            raise InputError("drive: the platform made no password", cure="remove the folder drive of the project")
        secrets, ports = platform.secrets, platform.ports
        api = PlatformApi(platform.url, secrets.reads_key)
        api.log_in(platform.operator_password)
        fleet = Login(ports.mqtt, secrets.fleet_login, secrets.fleet_password)
        broker = BrokerSide(fleet, Login(ports.mqtt, secrets.driver_user, secrets.driver_password), work.world.names)
        try:
            return work.run(broker, api, progress, begun_s)
        finally:
            broker.close()
            api.close()


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

    def run(self, broker: BrokerSide, api: PlatformApi, progress: Progress, begun_s: float) -> Verdict:
        """Drive the window, let the clock run to the last watermark, and compare."""
        warm_up()
        ready_s = time.monotonic()
        broker.begin()
        told = self.window(broker, api, progress)
        driven_s = time.monotonic()
        risen = broker.late_joiner()
        broker.fleet.close()
        said = self.toll.finish(broker, api)
        rows = api.events()
        timing = {
            "written_s": round(self.written_s, 3),
            "started_s": round(ready_s - begun_s, 3),
            "window_s": round(driven_s - ready_s, 3),
            "window_times_real_time": round(self.plan.window_s / (driven_s - ready_s), 1),
            "settled_s": round(time.monotonic() - driven_s, 3),
            **_walls(broker),
        }
        return verdict_of(self, broker, told, rows, said, timing, risen)

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


def _walls(broker: BrokerSide) -> dict[str, Any]:
    """Wall times of the platform's steps."""
    if broker.stepper is None or not broker.stepper.walls_us:
        return {}
    walls = np.array(broker.stepper.walls_us) / 1000.0
    return {
        "platform_step_median_ms": round(float(np.median(walls)), 2),
        "platform_step_p99_ms": round(float(np.percentile(walls, 99)), 2),
        "deliveries_surplus": broker.fleet.deliveries.surplus,
    }
