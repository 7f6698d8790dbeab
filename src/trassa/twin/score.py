"""The score of a drive: what the platform said and charged, against what was true. Every number repeats with the seed.

Nothing here measures time on the machine; a difference is a sentence, and a drive agrees when there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.twin.truth import QUEUE, STATIONARY, Snapshot, TrueEvent

__all__ = ["CAUSES", "SeenEvent", "Witness", "ending_fault", "matched", "warned"]

FloatArray = npt.NDArray[np.float64]

CAUSES = {STATIONARY: "stationary vehicle", QUEUE: "end of queue", 10: "reported obstacle"}
_BEGINS_MS = {STATIONARY: (500, 2_000), QUEUE: (1_000, 2_000)}
"""A true event and its warning: so much earlier for noise at a threshold, so much later for rule and message."""
_ENDS_MS = {STATIONARY: (3_000, 4_000), QUEUE: (5_000, 10_000)}
"""The end needs evidence from half of a queue, or from all who stood; what is a queue's last moment is a matter of
definition to some seconds."""
_APART_M = 40.0
_REACH_MS, _COVERED_MS = 3_000, 2_000


@dataclass
class SeenEvent:
    """An event as its messages told it; ``carriageway`` and ``anchor_m`` by the platform's own list.

    ``last`` is moment and version of the last message on each topic; gaps are those between two on one topic, the
    shortest between two of one version. ``altered``: messages with other bytes than were to be passed on.
    """

    event_id: str
    cause_code: int
    first_ms: int
    messages: int = 0
    tiles: set[str] = field(default_factory=set)
    versions: set[int] = field(default_factory=set)
    ended_ms: int | None = None
    carriageway: str = ""
    anchor_m: float = float("nan")
    ended_because: str = ""
    longest_gap_ms: int = 0
    shortest_gap_ms: float = float("inf")
    last: dict[str, tuple[int, int]] = field(default_factory=dict)
    altered: int = 0

    def note(self, topic: str, tile: str, time_ms: int, version_ms: int) -> None:
        """Take in a message."""
        self.messages += 1
        self.versions.add(version_ms)
        self.tiles.add(tile)
        if topic in self.last:
            gap_ms = time_ms - self.last[topic][0]
            self.longest_gap_ms = max(self.longest_gap_ms, gap_ms)
            if version_ms == self.last[topic][1]:
                self.shortest_gap_ms = min(self.shortest_gap_ms, gap_ms)
        self.last[topic] = time_ms, version_ms


@dataclass
class Witness:
    """What one true event demanded of each vehicle: when it reached the place, and how long it could have been told.

    Vehicles downstream of the place, on another course or part of the hazard itself are not concerned.
    """

    event: TrueEvent
    relevance_m: float
    upstream: npt.NDArray[np.bool_]
    reached_ms: npt.NDArray[np.int64]
    covered_ms: npt.NDArray[np.int64]
    near: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, event: TrueEvent, now: Snapshot, relevance_m: float) -> Witness:
        """Begin at the moment at which the event does."""
        count = len(now.progress_m)
        upstream = (now.course == event.course) & (now.progress_m < event.place_m - 1.0)
        return cls(
            event,
            relevance_m,
            upstream,
            np.full(count, -1, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=np.bool_),
        )

    def watch(self, now: Snapshot, step_ms: int) -> None:
        """Take one moment in."""
        left_m = self.event.place_m - now.progress_m
        on_way = self.upstream & (self.reached_ms < 0)
        # a queue grows towards those who come: who stands in it has reached it
        part = np.zeros(len(on_way), dtype=np.bool_)
        part[list(self.event.vehicles)] = True
        self.reached_ms[on_way & ((left_m <= 0.0) | part)] = now.time_ms
        if self.event.over_ms is None:
            near = on_way & (left_m > 0.0) & (left_m <= self.relevance_m)
            self.near |= near
            self.covered_ms[near & now.heard] += step_ms


def matched(
    true: Sequence[TrueEvent], seen: Sequence[SeenEvent], carriageways: Sequence[str]
) -> list[SeenEvent | None]:
    """For each true event the event that tells of it, each used once: cause, carriageway, place and moment agree."""
    free = sorted(seen, key=lambda event: (event.first_ms, event.event_id))
    found: list[SeenEvent | None] = []
    for event in true:
        fitting = [
            other
            for other in free
            if other.cause_code == event.cause_code
            and other.carriageway == carriageways[event.course]
            and abs(other.anchor_m - event.measure_m) <= _APART_M + abs(event.tail_m - event.place_m)
            and -_BEGINS_MS[event.cause_code][0] <= other.first_ms - event.begin_ms <= _BEGINS_MS[event.cause_code][1]
        ]
        found.append(fitting[0] if fitting else None)
        if fitting:
            free.remove(fitting[0])
    return found


def ending_fault(event: TrueEvent, seen: SeenEvent, until_ms: int) -> str:
    """What is wrong with the end of a warning; empty where it ended when its hazard was over, or neither did.

    After ``until_ms`` nobody looked any more: an end that may lie behind it is not asked for.
    """
    early_ms, late_ms = _ENDS_MS[event.cause_code]
    if event.over_ms is None:
        is_early = seen.ended_ms is not None and seen.ended_ms < until_ms - early_ms
        return "ended while the hazard was there" if is_early else ""
    if seen.ended_ms is None:
        return "did not end" if event.over_ms <= until_ms - late_ms else ""
    if seen.ended_ms < event.over_ms - early_ms:
        return f"ended {(event.over_ms - seen.ended_ms) / 1000:.1f} s before the hazard was over"
    if seen.ended_ms > event.over_ms + late_ms:
        return f"ended {(seen.ended_ms - event.over_ms) / 1000:.1f} s after the hazard was over"
    return ""


def warned(
    witness: Witness, heeded: Mapping[int, tuple[int, float]], names: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """Who had to be warned of an event and was; ``heeded`` is moment and true distance by vehicle."""
    event = witness.event
    late = witness.reached_ms - event.begin_ms > _REACH_MS
    reached = witness.upstream & (witness.reached_ms >= 0)
    told = np.zeros(len(names), dtype=np.bool_)
    for vehicle, (time_ms, _) in heeded.items():
        told[vehicle] = not 0 <= witness.reached_ms[vehicle] <= time_ms
    must = reached & late & (witness.covered_ms >= _COVERED_MS)
    missed = [names[vehicle] for vehicle in np.flatnonzero(must & ~told).tolist()]
    distances_m = sorted(heeded[vehicle][1] for vehicle in np.flatnonzero(must & told).tolist())
    spared = witness.upstream & ~must
    why = {
        "reached it within 3 s of the threshold": spared & reached & ~late,
        "came after it was over": spared & ~(reached & ~late) & ~witness.near,
        "had less than 2 s of connection": spared
        & ~(reached & ~late)
        & witness.near
        & (witness.covered_ms < _COVERED_MS),
        "still on the way at the end": spared & ~reached & witness.near & (witness.covered_ms >= _COVERED_MS),
    }
    said = {
        "upstream": int(witness.upstream.sum()),
        "had_to_be_warned": int(must.sum()),
        "warned": int((must & told).sum()),
        "missed": missed,
        "distance_min_m": round(distances_m[0], 1) if distances_m else None,
        "distance_median_m": round(float(np.median(distances_m)), 1) if distances_m else None,
        "others": {
            reason: {"vehicles": int(mask.sum()), "warned": int((mask & told).sum())} for reason, mask in why.items()
        },
    }
    cause = CAUSES.get(event.cause_code, str(event.cause_code))
    return said, [f"{name} was not warned of the {cause}" for name in missed]
