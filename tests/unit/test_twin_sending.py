"""The judge of how warnings are sent: tiles, repetition, ends, and who has reached a hazard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trassa.live.roadway import Roadway
from trassa.plan.project import open_project
from trassa.twin.course import Courses
from trassa.twin.score import SeenEvent, Witness, ending_fault, warned
from trassa.twin.sending import repetition_faults, tile_faults
from trassa.twin.truth import QUEUE, STATIONARY, Snapshot, TrueEvent
from trassa.vehicles.relevance import Relevance
from trassa.vehicles.settings import VehiclesSettings

PLACE_M = 30_000.0


@pytest.fixture(scope="module")
def hills(planned_hills: Path) -> Roadway:
    return Roadway.of(open_project(planned_hills))


def _event(cause: int = STATIONARY, course: int = 0, over_ms: int | None = None) -> TrueEvent:
    return TrueEvent(cause, course, 10_000, PLACE_M, PLACE_M, PLACE_M, {0}, over_ms, PLACE_M)


@pytest.mark.parametrize("course", [0, 1])
def test_the_way_to_a_hazard_is_told_and_no_other(hills: Roadway, course: int) -> None:
    settings, line = hills.settings.vehicles, Courses(hills.road).all[course]
    measure_m = float(line.measure_at(np.array([PLACE_M]))[0])
    relevance = Relevance(hills.road, reach_m=settings.relevance_m, margin_m=settings.tile_margin_m)

    def faults(tiles: set[str]) -> list[str]:
        seen = SeenEvent("1-1", STATIONARY, 10_000, tiles=tiles, anchor_m=measure_m)
        return tile_faults(line, _event(course=course), seen, settings)

    sides = hills.road.carriageways
    right = set(relevance.tiles(sides[course], measure_m))
    assert faults(right) == []
    assert "left out tile" in faults(set(sorted(right)[1:]))[0]
    assert any("does not lead there" in fault for fault in faults(set(relevance.tiles(sides[1 - course], measure_m))))


def test_repetitions_that_stop_or_flood_are_faults() -> None:
    settings = VehiclesSettings()

    def faults(moments_ms: list[int], until_ms: int, ended_ms: int | None = None) -> list[str]:
        seen = SeenEvent("1-1", STATIONARY, moments_ms[0], ended_ms=ended_ms)
        for moment_ms in moments_ms:
            seen.note("topic", "tile", moment_ms, 1)
        return repetition_faults(seen, settings, until_ms)

    assert faults([0, 5_000, 10_100, 15_100], 20_000) == []
    assert faults([0, 5_000], 60_000, ended_ms=9_000) == []
    assert faults([0, 5_000], 20_000) == ["was not repeated for 15.0 s"]
    assert faults([0, 5_000, 12_000], 14_000) == ["was not repeated for 7.0 s"]
    assert faults([0, 100], 3_000) == ["was repeated after 0.1 s"]


def test_an_end_is_asked_for_only_where_somebody_could_see_it() -> None:
    def fault(over_ms: int | None, ended_ms: int | None, cause: int = STATIONARY) -> str:
        return ending_fault(_event(cause, over_ms=over_ms), SeenEvent("1-1", cause, 0, ended_ms=ended_ms), 120_000)

    assert fault(None, None) == ""
    assert fault(None, 90_000) == "ended while the hazard was there"
    assert fault(90_000, None) == "did not end"
    assert fault(118_000, None) == "", "the window was over before the platform could know"
    assert fault(90_000, 92_000) == ""
    assert fault(90_000, 96_000).endswith("after the hazard was over")
    assert fault(90_000, 96_000, QUEUE) == ""
    assert fault(90_000, 84_000).endswith("before the hazard was over")


def test_who_comes_to_stand_in_a_queue_has_reached_it_and_had_to_be_warned() -> None:
    event = _event(QUEUE)

    def now(time_ms: int, progress_m: list[float]) -> Snapshot:
        at_m = np.array(progress_m)
        zeros, yes = np.zeros(len(at_m)), np.ones(len(at_m), dtype=np.bool_)
        return Snapshot(time_ms, np.zeros(len(at_m), dtype=np.int8), at_m, at_m, zeros, zeros, yes)

    witness = Witness.of(event, now(10_000, [PLACE_M, PLACE_M - 900.0, PLACE_M - 1500.0]), 2000.0)
    for time_ms in range(10_100, 40_000, 100):
        witness.watch(now(time_ms, [PLACE_M, PLACE_M - 30.0, PLACE_M - 1500.0]), 100)
        if time_ms == 30_000:
            event.vehicles.add(1)
    names = ("first", "joins", "on the way")
    told, missed = warned(witness, {}, names)
    assert missed == ["joins was not warned of the end of queue"]
    assert told["upstream"] == 2 == told["had_to_be_warned"] + sum(n["vehicles"] for n in told["others"].values())
    assert warned(witness, {1: (20_000, 500.0)}, names)[1] == []
    assert warned(witness, {1: (30_100, 30.0)}, names)[1] == missed, "told when it already stood there"
