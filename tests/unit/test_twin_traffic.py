"""Kinematic traffic and its scenario: nobody overlaps, the script happens, the same seed drives the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trassa.errors import UsageError
from trassa.live.roadway import Roadway
from trassa.plan.project import open_project
from trassa.twin.coverage import Coverage
from trassa.twin.reporter import OBSTACLE, Reporter
from trassa.twin.scenario import written
from trassa.twin.traffic import Order
from trassa.twin.truth import QUEUE, STATIONARY, Snapshot, Truth
from trassa.twin.warning import understood
from trassa.twin.world import World

START_MS = 1_780_660_800_000


@pytest.fixture(scope="module")
def hills(planned_hills: Path) -> Roadway:
    return Roadway.of(open_project(planned_hills))


def _gaps_m(traffic: object) -> np.ndarray:
    order = np.lexsort((traffic.progress_m, traffic.lane, traffic.course))
    order = order[np.isnan(traffic.right_m[order])]
    same = (np.diff(traffic.lane[order]) == 0) & (np.diff(traffic.course[order]) == 0)
    ahead, behind = order[1:][same], order[:-1][same]
    return traffic.progress_m[ahead] - traffic.length_m[ahead] - traffic.progress_m[behind]


@pytest.mark.parametrize("seed", range(4))
def test_nobody_overlaps_and_only_the_queue_stands_long(hills: Roadway, seed: int) -> None:
    scenario = written(hills, 100, 120, seed)
    traffic = scenario.traffic
    stands_s, longest_s = np.zeros(100), np.zeros(100)
    for step in range(1200):
        traffic.step(0.1, scenario.limits_mps(100 * step))
        stands_s = np.where(traffic.speed_mps <= 0.5, stands_s + 0.1, 0.0)
        longest_s = np.maximum(longest_s, stands_s)
        gaps_m = _gaps_m(traffic)
        assert gaps_m.min() > 0.0, f"two vehicles in one place at step {step}"
    by_role = {role: longest_s[[r == role for r in scenario.roles]] for role in set(scenario.roles)}
    assert by_role["breakdown"].min() > 30.0
    assert by_role["queue"].min() > 10.0
    assert by_role.get("stop-and-go", np.zeros(1)).max() < 6.0
    assert by_role.get("parked", np.full(1, 120.0)).min() > 119.0
    is_resolved = bool(np.isfinite(scenario.plot.resolved_ms))
    assert (traffic.speed_mps[scenario.broken] > 10.0) == is_resolved


def test_seeds_tell_different_stories(hills: Roadway) -> None:
    plots = [written(hills, 100, 120, seed).plot for seed in range(12)]
    assert len({round(plot.place_m) for plot in plots}) > 6
    for told in (
        {plot.course for plot in plots},
        {plot.lane for plot in plots},
        {plot.is_light for plot in plots},
        {bool(np.isfinite(plot.resolved_ms)) for plot in plots},
        {bool(np.isfinite(plot.rival_m)) for plot in plots},
    ):
        assert len(told) == 2
    assert len({plot.decoys for plot in plots}) > 3
    zones = hills.quiet_extents
    assert not any(zone.start_m <= plot.place_m < zone.end_m for plot in plots for zone in zones)


@pytest.mark.parametrize("protocol_version", [1, 2])
def test_a_reporter_says_what_it_knows_in_either_release(hills: Roadway, protocol_version: int) -> None:
    scenario = written(hills, 100, 120, 3)
    world = World(hills, scenario, START_MS, 3)
    station_id = int(world.station_ids[scenario.reporter])
    reporter = Reporter(world.courses, scenario.reporter, station_id, protocol_version, START_MS)
    sent = [payload for _ in range(150) for _, payload in reporter.due(world.advance())]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert sent[0][0] == protocol_version
    warning = understood(sent[0])
    assert warning is not None
    assert f"{warning.action[0]}-{warning.action[1]}" == reporter.event_id
    assert warning.cause_code == OBSTACLE
    course = scenario.traffic.course[scenario.reporter]
    behind = world.courses.all[course].place(reporter.event.place_m - np.array([500.0]), np.zeros(1))
    assert warning.concerns(*behind)[0] == pytest.approx(500.0, abs=25.0), "who comes behind is concerned"


def test_hazards_are_the_breakdown_and_its_queue(hills: Roadway) -> None:
    scenario = written(hills, 100, 120, 3)
    world = World(hills, scenario, START_MS, 3)
    truth = Truth(100, hills.quiet_extents, hills.settings.vehicles)
    for _ in range(1201):
        truth.watch(world.advance().snapshot)
    assert [event.cause_code for event in truth.events] == [STATIONARY, QUEUE]
    stationary, queue = truth.events
    assert scenario.broken in stationary.vehicles
    assert queue.place_m < stationary.place_m < queue.head_m + 1.0
    assert all(event.over_ms is not None for event in truth.events)


def test_who_falls_silent_is_no_hazard_and_who_stands_connected_is(hills: Roadway) -> None:
    def truth_of(heard: np.ndarray) -> list[int]:
        truth = Truth(1, (), hills.settings.vehicles)
        for step, here in enumerate(heard):
            place = np.array([5000.0])
            truth.watch(
                Snapshot(100 * step, np.zeros(1, np.int8), place, place, np.zeros(1), np.zeros(1), np.array([here]))
            )
        return [event.begin_ms for event in truth.events]

    assert truth_of(np.ones(150, bool)) == [10_000]
    assert truth_of(np.arange(150) < 95) == []


def test_the_same_seed_sends_the_same_bytes(hills: Roadway) -> None:
    def sent(seed: int) -> list[bytes]:
        world = World(hills, written(hills, 40, 120, seed), START_MS, seed)
        return [cam for _ in range(60) for cam in world.advance().cams]

    assert sent(5) == sent(5)
    assert sent(5) != sent(6)


def test_a_lost_pair_of_sites_leaves_a_hole(hills: Roadway) -> None:
    bins = hills.layers["bins"].where(carriageway="increasing")
    row = next(row for row in bins.rows() if row["server"] and row["second"])
    here = np.array([row["start_m"] + 1.0]), np.zeros(1, dtype=np.int8)
    assert Coverage(hills).covered(here[1], here[0]).all()
    assert Coverage(hills, [row["server"]]).covered(here[1], here[0]).all(), "the second server takes over"
    assert not Coverage(hills, [row["server"], row["second"]]).covered(here[1], here[0]).any()
    with pytest.raises(UsageError, match="S-99"):
        Coverage(hills, ["S-99"])


def test_what_does_not_fit_the_road_is_refused(hills: Roadway) -> None:
    with pytest.raises(UsageError, match="too few"):
        written(hills, 10, 120, 1)
    with pytest.raises(UsageError, match="too short"):
        written(hills, 100, 60, 1)
    with pytest.raises(UsageError, match="approach"):
        written(hills, 5000, 120, 1)


def test_orders_limit_only_while_they_hold(hills: Roadway) -> None:
    scenario = written(hills, 40, 120, 1)
    order = next(o for o in scenario.orders if o.vehicle == scenario.broken)
    assert isinstance(order, Order)
    assert np.isinf(scenario.limits_mps(order.from_ms - 1)[order.vehicle])
    assert scenario.limits_mps(order.from_ms)[order.vehicle] == 0.0
    assert np.isinf(scenario.limits_mps(order.to_ms)[order.vehicle])
