"""The verdict on a drive: its score, which repeats with the seed, and the differences that make it fail."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trassa.clock import rfc3339
from trassa.twin.broker_side import BrokerSide
from trassa.twin.prices import unjudged_systems
from trassa.twin.reported import report_score
from trassa.twin.scope import not_judged, nothing_happened
from trassa.twin.score import CAUSES, SeenEvent, Witness, ending_fault, matched, warned
from trassa.twin.sending import repetition_faults, tile_faults
from trassa.twin.truth import TrueEvent

if TYPE_CHECKING:
    from trassa.twin.staging import Drive

__all__ = ["Verdict", "verdict_of"]

Told = Mapping[tuple[int, str], tuple[int, float]]


@dataclass(frozen=True)
class Verdict:
    """Score and timing of a drive. It agrees when the score lists no difference."""

    score: dict[str, Any]
    timing: dict[str, Any]

    @property
    def agrees(self) -> bool:
        """Whether the platform said and charged exactly what was true."""
        return not self.score["differences"]

    def as_dict(self) -> dict[str, Any]:
        """As JSON: ``score`` is the same for the same seed, ``timing`` is that of the machine."""
        return {"score": self.score, "timing": self.timing}


def verdict_of(
    drive: Drive,
    broker: BrokerSide,
    told: Told,
    rows: Sequence[dict[str, Any]],
    said: dict[str, Any],
    timing: dict[str, Any],
    risen: Sequence[str] = (),
) -> Verdict:
    """Compare what the platform did with what was true."""
    differences = broker.observer.complete(rows)
    reported, unheard = report_score(
        drive.roadway, drive.reporter, drive.report_witness, broker.observer, rows, told, drive.world.names
    )
    events, pairs, wrong = _events(drive, broker)
    warnings, unwarned = _warnings(drive, broker, told, pairs)
    toll, unpaid = drive.toll.score(said)
    differences += [*wrong, *unwarned, *unheard, *_messages_lost(broker), *risen, *unpaid]
    differences += nothing_happened(drive, broker.sent.cam, events, toll)
    score = {
        "traffic": "kinematic: car-following and lane changes, no engine model",
        **_setting(drive),
        "messages": _messages(broker),
        "events": events,
        "warnings": warnings,
        "reported": reported,
        "toll": toll,
        "toll_not_judged": unjudged_systems(drive.roadway),
        "not_judged": not_judged(drive, events, warnings, reported, toll),
        "differences": differences,
        "agrees": not differences,
    }
    return Verdict(score, timing)


def _setting(drive: Drive) -> dict[str, Any]:
    plan, road, scenario = drive.plan, drive.roadway.road, drive.scenario
    plot = scenario.plot
    return {
        "road": road.ref,
        "axis": road.axis,
        "seed": plan.seed,
        "vehicles": plan.vehicles,
        "window_s": plan.window_s,
        "start": rfc3339(plan.start_ms),
        "lost_sites": list(plan.lost_sites),
        "breakdown": f"{drive.roadway.text(plot.place_m)} {road.carriageways[plot.course]}",
        "breakdown_place": plot.place_kind,
        "breakdown_lane": plot.lane,
        "stops_after_s": plot.brakes_ms / 1000.0,
        "resolved_after_s": round(plot.resolved_ms / 1000.0, 1) if math.isfinite(plot.resolved_ms) else None,
        "traffic_is_light": plot.is_light,
        "decoys": list(scenario.decoys),
        "parts": dict(sorted(Counter(scenario.roles).items())),
    }


def _messages(broker: BrokerSide) -> dict[str, Any]:
    processed = dict(sorted(broker.stepper.processed.items())) if broker.stepper is not None else {}
    return {
        "cam_sent": broker.sent.cam,
        "toll_sent": broker.sent.toll,
        "denm_sent": broker.sent.denm,
        "processed": processed,
        "denm_published": broker.observer.messages,
        "deliveries_owed": broker.fleet.deliveries.owed,
        "deliveries_missing": broker.fleet.undelivered,
        "connections": broker.fleet.connections,
    }


def _messages_lost(broker: BrokerSide) -> list[str]:
    found = [f"{name} lost its connection: {why}" for name, why in sorted(broker.fleet.lost.items())]
    if broker.fleet.undelivered:
        found.append(f"{broker.fleet.undelivered} deliveries of warnings did not arrive")
    unreadable = broker.observer.unreadable + broker.awareness.unreadable
    if unreadable:
        found.append(f"{unreadable} warnings could not be read")
    return found


def _events(
    drive: Drive, broker: BrokerSide
) -> tuple[dict[str, Any], list[tuple[Witness, SeenEvent | None]], list[str]]:
    """Events true and seen, side by side; differences are what is missing, false, or ends wrongly."""
    true, seen = drive.truth.events, list(broker.observer.events.values())
    pairs = matched(true, seen, drive.roadway.road.carriageways)
    wrong: list[str] = []
    table: list[dict[str, Any]] = []
    for event, found in zip(true, pairs, strict=True):
        table.append(_row(drive, event, found))
        if found is None:
            wrong.append(f"{_named(drive, event)} was not warned of")
            continue
        until_ms, settings = drive.plan.start_ms + drive.plan.window_s * 1000, drive.roadway.settings.vehicles
        faults = [fault] if (fault := ending_fault(event, found, until_ms)) else []
        faults += tile_faults(drive.world.courses.all[event.course], event, found, settings)
        faults += repetition_faults(found, settings, until_ms)
        wrong += [f"the warning {found.event_id} of {_named(drive, event)} {fault}" for fault in faults]
    false = [other for other in seen if other not in pairs]
    for other in false:
        place = f"{drive.roadway.text(other.anchor_m)} {other.carriageway}" if other.carriageway else "nowhere"
        cause = CAUSES.get(other.cause_code, f"cause {other.cause_code}")
        wrong.append(f"a {cause} at {place} was warned of ({other.event_id}), but there was none")
    score = {"true": len(true), "seen": len(seen), "false": len(false), "table": table}
    return score, list(zip(drive.witnesses, pairs, strict=True)), wrong


def _named(drive: Drive, event: TrueEvent) -> str:
    carriageway = drive.roadway.road.carriageways[event.course]
    return f"the {CAUSES[event.cause_code]} at {drive.roadway.text(event.measure_m)} {carriageway}"


def _row(drive: Drive, event: TrueEvent, found: SeenEvent | None) -> dict[str, Any]:
    start_ms = drive.plan.start_ms
    row: dict[str, Any] = {
        "cause": CAUSES[event.cause_code],
        "place": drive.roadway.text(event.measure_m),
        "carriageway": drive.roadway.road.carriageways[event.course],
        "true_from_s": (event.begin_ms - start_ms) / 1000.0,
        "true_until_s": None if event.over_ms is None else (event.over_ms - start_ms) / 1000.0,
        "vehicles": len(event.vehicles),
    }
    if found is None:
        return {**row, "event_id": None}
    return {
        **row,
        "event_id": found.event_id,
        "warned_from_s": (found.first_ms - start_ms) / 1000.0,
        "warned_until_s": None if found.ended_ms is None else (found.ended_ms - start_ms) / 1000.0,
        "ended_because": found.ended_because,
        "off_by_m": round(abs(found.anchor_m - event.measure_m)),
        "versions": len(found.versions),
        "messages": found.messages,
        "tiles": len(found.tiles),
    }


def _warnings(
    drive: Drive, broker: BrokerSide, told: Told, pairs: Sequence[tuple[Witness, SeenEvent | None]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Who was warned of each true event, and who was warned although it did not concern him."""
    found: list[dict[str, Any]] = []
    differences: list[str] = []
    course = drive.world.scenario.traffic.course
    for witness, seen in pairs:
        event = witness.event
        heeded = {
            vehicle: (time_ms, event.place_m - progress_m)
            for (vehicle, event_id), (time_ms, progress_m) in told.items()
            if seen is not None and event_id == seen.event_id
        }
        row, missed = warned(witness, heeded, drive.world.names)
        needless = sorted(
            drive.world.names[vehicle]
            for vehicle, (_, left_m) in heeded.items()
            if course[vehicle] != event.course or left_m < event.place_m - event.head_m - 100.0
        )
        found.append({"event_id": seen.event_id if seen else None, **row, "needless": needless})
        differences += missed if seen is not None else []
        differences += [f"{name} was warned of {_named(drive, event)}, which it had behind it" for name in needless]
    return found, differences
