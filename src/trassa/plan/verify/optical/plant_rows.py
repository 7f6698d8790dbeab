"""What is dug in and jointed, piece by piece: cables, chambers, closures and reels against one another and the rules.

Lengths are measured in ``cable``; here it is where things stand, what they are called, and whether limits hold between
them. What is already built stands where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.stated_rows import AT_M, rows_off
from trassa.plan.verify.verdict import Row

__all__ = ["check_plant", "reel_route_m", "road_runs", "trenches_of"]

_LIMIT_M = 0.01
_ONE_PLACE_M = 5.0
"""Nearer than this to a chamber that is built no other one stands."""


def check_plant(evidence: Evidence, plant: Plant) -> Row:
    """The row ``optical.plant``."""
    wrong = [*_cables_off(evidence, plant)]
    for trench in trenches_of(plant):
        wrong += _chambers_off(evidence, trench)
    for cable in plant.cables:
        wrong += [*_closures_off(evidence, plant, cable), *_reels_off(evidence, cable)]
    for layer, column in (("chambers", "chamber"), ("closures", "closure"), ("reels", "reel")):
        wrong += _names_off(evidence.layers[layer], column)
    lost = [row for row in evidence.layers["chambers"].rows() if not _holds(plant, row)]
    wrong += [f"chamber {row['chamber']} holds {row['cable']}, which does not lie there" for row in lost]
    count = {name: len(evidence.layers[name]) for name in ("chambers", "closures", "reels")}
    said = (
        "; ".join(wrong[:3]) or ", ".join(f"{number} {name}" for name, number in count.items()) + ", as the rules ask"
    )
    return Row("optical.plant", "", None, "", not wrong, None, said)


def trenches_of(plant: Plant) -> list[list[Cable]]:
    """The cables of each trench: those on one side of the road that begin at one place."""
    found: dict[tuple[str, float], list[Cable]] = {}
    for cable in plant.cables:
        found.setdefault((cable.carriageway, cable.start_m), []).append(cable)
    return list(found.values())


def reel_route_m(rules: OpticalSettings) -> float:
    """The longest route between two joints that one reel is sure to cover: loops or hut entries at both its ends."""
    into_hut_m = rules.termination_loop_m + (rules.hut_entry_m + rules.crossing_m) * (1.0 + rules.slack_ratio)
    return (rules.reel_limit_m - max(rules.closure_loop_m, 2.0 * into_hut_m)) / (1.0 + rules.slack_ratio)


def _cables_off(evidence: Evidence, plant: Plant) -> Iterator[str]:
    """As many cables as trassa.toml asks for, on the sides it names, wherever the road exists."""
    rules, reference = evidence.settings.optical, str(evidence.proof.road["reference"])
    first = reference if rules.side == "reference" else rules.side
    other = "decreasing" if first == "increasing" else "increasing"
    sides = [first, *([first if rules.second_cable == "same_trench" else other] if rules.cables == 2 else [])]
    by_part: dict[tuple[float, float], list[Cable]] = {}
    for cable in plant.cables:
        by_part.setdefault((cable.start_m, cable.end_m), []).append(cable)
    for part in by_part.values():
        if [cable.carriageway for cable in part] != sides:
            yield f"{', '.join(cable.name for cable in part)} lie on other sides than trassa.toml says"
    names = evidence.layers["cables"]["cable"].tolist()
    yield from (f"{name} stands twice in cables" for name in sorted(set(names)) if names.count(name) > 1)
    for row in evidence.layers["cables"].rows():
        if row["fibres"] != rules.fibres:
            yield f"{row['cable']} has {row['fibres']} fibres, trassa.toml says {rules.fibres}"
    for start_m, end_m in _stretches(evidence, plant):
        middle_m = (start_m + end_m) / 2.0
        if not any(cable.start_m <= middle_m <= cable.end_m for cable in plant.cables):
            yield f"no cable lies at {evidence.place(middle_m)}"


def _stretches(evidence: Evidence, plant: Plant) -> list[tuple[float, float]]:
    """Where the road is long enough for a cable and its huts, from the first place on which one may stand to the
    last."""
    shortest_m = evidence.settings.optical.shortest_part_m
    free = [_free_m(evidence, plant, *run) for run in road_runs(evidence) if run[1] - run[0] >= shortest_m]
    return [(first_m, last_m) for first_m, last_m in free if last_m - first_m >= shortest_m / 2.0]


def road_runs(evidence: Evidence) -> list[tuple[float, float]]:
    """Where the road exists on either carriageway, from hole to hole."""
    alignment, holes = evidence.layers["alignment"], evidence.layers["structures"].where(kind="hole")
    edges = np.unique(np.concatenate((alignment["measure_m"], holes["start_m"], holes["end_m"])))
    middle = (edges[:-1] + edges[1:]) / 2.0
    there = np.zeros(len(middle), dtype=bool)
    for carriageway in evidence.carriageways:
        line = alignment.where(carriageway=carriageway)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        before = np.clip(np.searchsorted(line["measure_m"], middle) - 1, 0, len(line) - 2)
        whole = line["present"][before] & line["present"][before + 1]
        for hole in holes.where(carriageway=carriageway).rows():
            whole &= ~((middle > hole["start_m"]) & (middle < hole["end_m"]))
        there |= whole
    turns = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
    return [(float(edges[a]), float(edges[b])) for a, b in turns.reshape(-1, 2)]


def _free_m(evidence: Evidence, plant: Plant, start_m: float, end_m: float) -> tuple[float, float]:
    """The first and the last place of a stretch that is on no bridge and in no tunnel."""
    free_m = [start_m, end_m]
    beside = {cable.carriageway: cable for cable in plant.cables}
    for low, high in _merged(closed for cable in beside.values() for closed in _closed(evidence, cable)):
        if low < free_m[0] < high:
            free_m[0] = high
        if low < free_m[1] < high:
            free_m[1] = low
    return free_m[0], free_m[1]


def _closed(evidence: Evidence, cable: Cable) -> list[tuple[float, float]]:
    """Bridges and tunnels in which no chamber of a cable may stand, overlapping ones as one."""
    rows = (
        (float(row["start_m"]), float(row["end_m"]))
        for row in evidence.layers["structures"].rows()
        if row["kind"] in ("bridge", "tunnel") and row["carriageway"] == cable.carriageway
    )
    longest_m = reel_route_m(cable.rules)
    return [(low, high) for low, high in _merged(rows) if cable.route_m(high) - cable.route_m(low) <= longest_m]


def _merged(extents: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for low, high in sorted(extents):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _chambers_off(evidence: Evidence, trench: Sequence[Cable]) -> Iterator[str]:
    """Chambers of one trench: at every hut and closure, outside bridges and tunnels, near enough to one another."""
    cable, rules, layers = trench[0], evidence.settings.optical, evidence.layers
    named = ",".join(one.name for one in trench)
    ours = sorted(layers["chambers"].where(cable=named).rows(), key=lambda row: float(row["measure_m"]))
    at_m = [float(row["measure_m"]) for row in ours]
    if not at_m or abs(at_m[0] - cable.start_m) > AT_M or abs(at_m[-1] - cable.end_m) > AT_M:
        yield f"{named} has no chamber at one of its ends"
        return
    huts = _inside(layers["huts"], cable)
    taps, closures = [], []
    for one in trench:
        for row in layers["closures"].where(cable=one.name).rows():
            closures.append(float(row["measure_m"]))
            taps += [float(row["measure_m"])] if "tap" in str(row["kind"]) else []
    for row in ours:
        here_m = float(row["measure_m"])
        kinds = (("hut", huts), ("site", taps), ("closure", closures))
        purpose = next((kind for kind, places in kinds if _stands(places, here_m)), "pull")
        if row["purpose"] != purpose or row["carriageway"] != cable.carriageway:
            yield f"chamber {row['chamber']} is stated {row['purpose']} {row['carriageway']}, found {purpose}"
    yield from (f"no chamber of {named} at {evidence.place(m)}" for m in huts + closures if not _stands(at_m, m))
    closed, limit_m = _closed(evidence, cable), rules.chamber_limit_m
    entered = [float(row["measure_m"]) for row in layers["huts"].rows() if _is_built(row)]
    for row in ours:
        here_m = float(row["measure_m"])
        stands = cable.built_over(here_m, here_m) or _stands(entered, here_m)
        if any(a + AT_M < here_m < b - AT_M for a, b in closed) and not stands:
            yield f"chamber {row['chamber']} stands on a bridge or in a tunnel"
    for before, after in pairwise(ours):
        low, high = float(before["measure_m"]), float(after["measure_m"])
        apart_m = cable.route_m(high) - cable.route_m(low)
        if high - low <= AT_M:
            yield f"chambers {before['chamber']} and {after['chamber']} are one"
        slack_m = [_ONE_PLACE_M if _is_built(row) else AT_M for row in (before, after)]
        crossed = any(a <= low + slack_m[0] and high - slack_m[1] <= b for a, b in closed)
        free = crossed or any(one.built_over(low, high) for one in trench)
        if apart_m > limit_m + _LIMIT_M and not free:
            yield f"{apart_m:.1f} m between {before['chamber']} and {after['chamber']}, {limit_m:g} m at most"


def _is_built(row: Mapping[str, Any]) -> bool:
    return str(row.get("origin", "planned")) != "planned"


def _inside(layer: Layer, cable: Cable) -> list[float]:
    return [float(m) for m in layer["measure_m"] if cable.start_m - AT_M <= m <= cable.end_m + AT_M]


def _stands(places: Sequence[float], at_m: float) -> bool:
    return any(abs(place - at_m) <= AT_M for place in places)


def _closures_off(evidence: Evidence, plant: Plant, cable: Cable) -> list[str]:
    """A tap where a drop leaves this cable, a joint where its reels meet, in the chamber that stands there."""
    layers, taps_on = evidence.layers, _first_beside(plant, cable)
    huts = _inside(layers["huts"], cable)
    taps = [m for m in layers["connections"]["tap_m"].tolist() if taps_on and cable.start_m <= m <= cable.end_m]
    starts = [
        m for m in layers["reels"].where(cable=cable.name)["start_m"].tolist() if cable.start_m <= m < cable.end_m
    ]
    joints = [m for m in starts if not _stands(huts, m)]
    chambers = {}
    for row in layers["chambers"].rows():
        if cable.name in str(row["cable"]).split(","):
            chambers[round(float(row["measure_m"]), 4)] = str(row["chamber"])
    rows = layers["closures"].where(cable=cable.name)
    rows = rows.take((rows["measure_m"] >= cable.start_m - AT_M) & (rows["measure_m"] <= cable.end_m + AT_M))
    listed = [float(r["measure_m"]) for r in rows.rows() if _is_built(r) and "joint" not in str(r["kind"])]
    due = []
    for at_m in sorted({*joints, *listed, *(m for m in taps if not _stands(huts, m))}):
        tap = _stands(taps, at_m) or _stands(listed, at_m)
        kinds = [*(["joint"] if _stands(joints, at_m) else []), *(["tap"] if tap else [])]
        chamber = chambers.get(round(at_m, 4), "no chamber")
        place = {"measure_m": at_m, "carriageway": cable.carriageway}
        due.append({**place, "kind": " and ".join(kinds), "chamber": chamber})
    return [f"{cable.name}: {said}" for said in rows_off(rows, ["measure_m"], due)]


def _first_beside(plant: Plant, cable: Cable) -> bool:
    """Whether drops tap this cable: the first of those that lie beside one another."""
    beside = [one for one in plant.cables if one.start_m <= cable.start_m + AT_M and cable.start_m < one.end_m]
    return bool(beside) and beside[0] is cable


def _reels_off(evidence: Evidence, cable: Cable) -> list[str]:
    """Reels one behind the other from hut to joint to hut, each as long as the cable is there."""
    closures = evidence.layers["closures"].where(cable=cable.name)
    joints = [row for row in closures.rows() if "joint" in str(row["kind"])]
    inside = [m for m in (float(row["measure_m"]) for row in joints) if cable.start_m < m < cable.end_m]
    ends = sorted({*inside, *_inside(evidence.layers["huts"], cable)})
    due = [{"start_m": a, "end_m": b, "sheath_m": cable.sheath_m(b) - cable.sheath_m(a)} for a, b in pairwise(ends)]
    rows = evidence.layers["reels"].where(cable=cable.name)
    rows = rows.take((rows["start_m"] >= cable.start_m - AT_M) & (rows["end_m"] <= cable.end_m + AT_M))
    return [f"{cable.name}: {said}" for said in rows_off(rows, ["start_m"], due)]


def _names_off(layer: Layer, column: str) -> list[str]:
    """No name twice and none empty; what is planned is numbered in the order of its rows."""
    names = layer[column].tolist()
    letters = {"chamber": "CH", "closure": "CL", "reel": "R"}[column]
    planned = [str(row[column]) for row in layer.rows() if not _is_built(row)]
    wrong = [f"{column} {name} stands twice" for name in sorted(set(names)) if names.count(name) > 1 or not name]
    numbers = [name.removeprefix(f"{letters}-") for name in planned]
    rising = all(number.isdecimal() for number in numbers) and [*map(int, numbers)] == sorted(map(int, numbers))
    ours = all(name.startswith(f"{letters}-") for name in planned)
    return wrong if rising and ours else [*wrong, f"{column}: names out of order"]


def _holds(plant: Plant, row: Mapping[str, Any]) -> bool:
    return all(plant.at(name, float(row["measure_m"])) is not None for name in str(row["cable"]).split(","))
