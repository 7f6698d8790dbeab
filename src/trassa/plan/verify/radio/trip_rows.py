"""The layer of trips: a row for every speed that is due, and counts and times that trips of such a length can have."""

from __future__ import annotations

import math

import numpy as np

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.verdict import Row

__all__ = ["check_trip_rows"]

_SPEED_STEP_KMH = 10
_PROMISED, _FEWEST, _MOST, _DRIVEN_M = 200, 20, 200, 4e6
"""Trips drawn where something is promised of them; else so many as make up so many metres, within bounds."""
_COUNTS = ("handovers", "failed_handovers", "link_failures", "ping_pongs")
_STEP_S, _SMALL = 0.01, 1e-6


def check_trip_rows(evidence: Evidence, due: DueBins) -> Row:
    """Every row of the layer ``trips`` by itself, and the drive at the design speed against the layer ``handovers``."""
    wrong: list[str] = []
    for way in evidence.carriageways:
        mine = due.carriageway == way
        if int(mine.sum()) < 2:
            continue
        centre_m = 0.5 * (due.start_m + due.end_m)[mine]
        rows = evidence.layers["trips"].where(carriageway=way)
        length_m = float(centre_m.max() - centre_m.min())
        wrong += _rows_off(evidence, rows, way, length_m)
        for row in range(len(rows)):
            told = {name: float(rows[name][row]) for name in rows.columns if name not in ("carriageway", "kind")}
            where = f"{way}, {rows['kind'][row]} at {told['speed_kmh']:g} km/h:"
            wrong += [f"{where} {said}" for said in _row_off(evidence, told, length_m)]
        wrong += _drive_off(evidence, rows, way)
    said = "; ".join(wrong[:3]) or f"{len(evidence.layers['trips'])} rows of trips agree with themselves and the drive"
    return Row("radio.trips.rows", "", None, "", not wrong, None, said)


def _rows_off(evidence: Evidence, rows: Layer, way: str, length_m: float) -> list[str]:
    """Rows that are due and not there, and numbers of trips that are not those by rule."""
    radio = evidence.settings.radio
    design_kmh = float(radio.design_speed_kmh)
    speeds = [float(kmh) for kmh in range(_SPEED_STEP_KMH, math.ceil(design_kmh), _SPEED_STEP_KMH)] + [design_kmh]
    drawn = _PROMISED if radio.longest_outage_s else int(np.clip(_DRIVEN_M // max(length_m, 1.0), _FEWEST, _MOST))
    wanted = sorted([("median", kmh, 1) for kmh in speeds] + [("drawn", design_kmh, drawn)])
    columns = (rows["kind"].tolist(), rows["speed_kmh"].tolist(), rows["trips"].tolist())
    return [] if sorted(zip(*columns, strict=True)) == wanted else [f"{way}: not the trips that are due"]


def _row_off(evidence: Evidence, told: dict[str, float], length_m: float) -> list[str]:
    """What no trips over so many metres can have."""
    rules, trips = evidence.settings.radio.handover, told["trips"]
    duration_s = length_m / (told["speed_kmh"] / 3.6) + _STEP_S
    wrong = [
        f"{name} are no count over {trips:.0f} trips"
        for name in _COUNTS
        if told[name] < 0.0 or abs(told[name] * trips - round(told[name] * trips)) > _SMALL * trips
    ]
    if told["ping_pongs"] > told["handovers"]:
        wrong.append("more ping-pongs than handovers")
    in_handovers_s = told["handovers"] * math.ceil(rules.execution_ms / 10.0 - 1e-9) * _STEP_S
    longest_s, often_s, outage_s = (told[name] for name in ("longest_outage_s", "outage_95_s", "outage_s"))
    if not in_handovers_s - _SMALL <= outage_s <= duration_s:
        wrong.append(
            f"{outage_s:.2f} s without service, {in_handovers_s:.2f} s in handovers, {duration_s:.0f} s driven"
        )
    if not 0.0 <= often_s <= longest_s + _SMALL or longest_s > min(duration_s, trips * outage_s + _SMALL):
        wrong.append(f"outages of {often_s:.2f} s and {longest_s:.2f} s do not fit {outage_s:.2f} s in the mean")
    if trips == 1.0 and abs(often_s - longest_s) > _SMALL:
        wrong.append("one trip has two longest outages")
    if outage_s < 0.05 * often_s - _SMALL:
        wrong.append(f"a twentieth of the trips lacks service for {often_s:.2f} s, the mean is {outage_s:.2f} s")
    return wrong


def _drive_off(evidence: Evidence, rows: Layer, way: str) -> list[str]:
    """The trip without shadowing at the design speed against what interrupts it; a failure at the end has no row."""
    drive = rows.take((rows["kind"] == "median") & (rows["speed_kmh"] == evidence.settings.radio.design_speed_kmh))
    if len(drive) != 1:
        return []
    events = evidence.layers["handovers"].where(carriageway=way)
    counts = {kind: int((events["event"] == kind).sum()) for kind in ("handover", "failed handover", "link failure")}
    told = [float(drive[name][0]) for name in ("handovers", "failed_handovers", "link_failures")]
    open_ended = sum(told) - sum(counts.values())
    wrong = []
    if told[0] != counts["handover"] or not 0.0 <= open_ended <= 1.0 or told[1] < counts["failed handover"]:
        wrong.append(f"{way}: {told[0]:g} handovers at the design speed, {counts['handover']} are listed")
    gone_s = 0.001 * events["interruption_ms"].astype(np.float64)
    if gone_s.sum() > drive["outage_s"][0] + _SMALL or gone_s.max(initial=0.0) > drive["longest_outage_s"][0] + _SMALL:
        wrong.append(
            f"{way}: {gone_s.sum():.2f} s of interruptions are listed, {drive['outage_s'][0]:.2f} s in the trip"
        )
    return wrong
