"""The simulated world: traffic on the planned road, what its receivers measure, who is connected and who sends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.clock import GENERATION_DELTA_MODULUS, its_ms
from trassa.live.roadway import Roadway
from trassa.twin.cam_rules import CamTriggers
from trassa.twin.course import Courses
from trassa.twin.coverage import Coverage
from trassa.twin.receiver import Belief, Receivers
from trassa.twin.scenario import Scenario
from trassa.twin.truth import Snapshot
from trassa.vehicles.cam_columns import encode_cams

__all__ = ["STEP_MS", "Moment", "World"]

STEP_MS = 100


@dataclass(frozen=True)
class Moment:
    """The world after a step. ``connected``: on the road, talking and covered; ``senders`` send a CAM now."""

    snapshot: Snapshot
    belief: Belief
    connected: npt.NDArray[np.bool_]
    senders: npt.NDArray[np.int64]
    cams: tuple[bytes, ...]


class World:
    """Advances in steps of 100 ms from ``start_ms``; deterministic in its seed."""

    def __init__(
        self, roadway: Roadway, scenario: Scenario, start_ms: int, seed: int, lost_sites: Collection[str] = ()
    ) -> None:
        count = len(scenario.traffic)
        self.scenario, self.start_ms = scenario, start_ms
        self.courses = Courses(roadway.road)
        self.names = tuple(f"twin-{number + 1:04d}" for number in range(count))
        random = np.random.default_rng([seed, 2])
        # pseudonyms far below those of road operators, never two alike
        self.station_ids = 10_000_000 + np.cumsum(random.integers(1, 100_000, count))
        self._coverage = Coverage(roadway, lost_sites)
        self._receivers = Receivers(count, np.random.default_rng([seed, 3]))
        self._triggers = CamTriggers(count, start_ms, random)
        self._step = 0

    def advance(self) -> Moment:
        """The next moment; the first one shows everybody on their marks."""
        traffic = self.scenario.traffic
        elapsed_ms = self._step * STEP_MS
        if self._step:
            traffic.step(STEP_MS / 1000.0, self.scenario.limits_mps(elapsed_ms))
        self._step += 1
        lateral_m = traffic.lateral_m()
        measure_m = self.courses.measures(traffic.course, traffic.progress_m)
        seen_at = self.courses.place(traffic.course, traffic.progress_m, lateral_m + self.scenario.astray_m)
        belief = self._receivers.measure(*seen_at, traffic.speed_mps, STEP_MS / 1000.0)
        talking = traffic.driving & (elapsed_ms < self.scenario.silent_from_ms)
        connected = talking & self._coverage.covered(traffic.course, measure_m)
        time_ms = self.start_ms + elapsed_ms
        due = self._triggers.due(time_ms, traffic.progress_m, seen_at[2], traffic.speed_mps, connected)
        senders = np.flatnonzero(due)
        snapshot = Snapshot(
            time_ms,
            traffic.course.copy(),
            traffic.progress_m.copy(),
            measure_m,
            lateral_m,
            traffic.speed_mps.copy(),
            connected,
        )
        return Moment(snapshot, belief, connected, senders, self._cams(senders, belief, time_ms))

    def _cams(self, senders: npt.NDArray[np.int64], belief: Belief, time_ms: int) -> tuple[bytes, ...]:
        if not len(senders):
            return ()
        traffic = self.scenario.traffic
        buffer, start, size = encode_cams(
            station_id=self.station_ids[senders],
            generation_delta_time=its_ms(time_ms) % GENERATION_DELTA_MODULUS,
            latitude_deg=belief.latitude_deg[senders],
            longitude_deg=belief.longitude_deg[senders],
            heading_deg=belief.heading_deg[senders],
            speed_mps=belief.speed_mps[senders],
            station_type=traffic.station_type[senders],
            acceleration_mps2=traffic.acceleration_mps2[senders],
            length_m=traffic.length_m[senders],
        )
        data = buffer.tobytes()
        return tuple(data[at : at + n] for at, n in zip(start.tolist(), size.tolist(), strict=True))
