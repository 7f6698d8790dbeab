"""What became of a vehicle's own report: passed on byte for byte, once a tile, shown as reported, heard upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trassa.live.roadway import Roadway
from trassa.twin.observer import Observer
from trassa.twin.reporter import Reporter
from trassa.twin.score import Witness, warned
from trassa.twin.sending import tile_faults

__all__ = ["report_score"]

Told = Mapping[tuple[int, str], tuple[int, float]]


def report_score(
    roadway: Roadway,
    reporter: Reporter,
    witness: Witness | None,
    observer: Observer,
    rows: Sequence[dict[str, Any]],
    told: Told,
    names: Sequence[str],
) -> tuple[dict[str, Any], list[str]]:
    """The part of the score about the report, empty where nobody sent one, and its differences."""
    event, event_id = reporter.event, reporter.event_id
    if event is None or witness is None:
        return {}, []
    carriageway = roadway.road.carriageways[event.course]
    seen = observer.reports.get(event_id)
    row = next((row for row in rows if row.get("reported") and str(row["event_id"]) == event_id), None)
    faults: list[str] = []
    tiles = 0
    if seen is None:
        faults.append("was not passed on")
    else:
        seen.anchor_m, tiles = event.measure_m, len(seen.tiles)
        faults += tile_faults(reporter.courses.all[event.course], event, seen, roadway.settings.vehicles)
        if seen.altered:
            faults.append(f"was passed on {seen.altered} times with other bytes")
        if seen.messages != tiles:
            faults.append(f"was passed on {seen.messages} times in {tiles} tiles")
        if seen.first_ms != event.begin_ms:
            faults.append(f"was passed on {(seen.first_ms - event.begin_ms) / 1000:.1f} s late")
    if row is None:
        faults.append("is not on the platform's list")
    elif str(row["carriageway"]) != carriageway:
        faults.append(f"is listed on carriageway {row['carriageway']}")
    left_m = {v: (ms, event.place_m - at_m) for (v, heard), (ms, at_m) in told.items() if heard == event_id}
    heard, missed = warned(witness, left_m, names)
    score = {
        "event_id": event_id,
        "place": roadway.text(event.measure_m),
        "carriageway": carriageway,
        "protocol_version": reporter.protocol_version,
        "sent": reporter.sent,
        "tiles": tiles,
        **heard,
    }
    return score, [*(f"the report {event_id} of {names[reporter.vehicle]} {fault}" for fault in faults), *missed]
