"""The drive without shadowing against the levels: every handover where one was due, none left out; and the trips.

The drive itself is not driven again. But whoever is served by a cell hands over soon after another one stands above it
by the offset of event A3, and not before: the stored handovers are held to that, place by place.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.cell_levels import CellLevels
from trassa.plan.verify.radio.handover_time import handover_s
from trassa.plan.verify.verdict import Row

__all__ = ["check_handovers"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_HANDOVER, _KINDS = "handover", ("handover", "failed handover", "link failure")
_EARLY_DB, _LATE_DB = 0.5, 1.0
"""A bin is seen at one of its edges: levels between places are that uncertain, and filtered ones more so."""
_TIMES, _SPARE_M = 3.0, 40.0
"""A handover may take so many times its worst time for a steady change, where levels jump; and four bins."""
_STEP_MS = 10


class _Way(NamedTuple):
    """One carriageway in the sense of travel: points, their measures, and whether masts serve there."""

    points: IntArray
    measure_m: FloatArray
    served: BoolArray


class _Event(NamedTuple):
    """What interrupts the drive: where, how, and between which cells (−1: none)."""

    measure_m: float
    kind: str
    left: int
    reached: int
    for_ms: int


def check_handovers(evidence: Evidence, due: DueBins, levels: CellLevels) -> Row:
    """The layer ``handovers`` against the levels and against its own order, carriageway by carriageway."""
    stored, wrong = evidence.layers["handovers"], []
    unknown = set(stored["from_cell"].tolist()) | set(stored["to_cell"].tolist()) - set(levels.names)
    wrong += [f"there is no cell {name}" for name in sorted(unknown - set(levels.names) - {""})]
    wrong += [f"{kind} is no event" for kind in sorted(set(stored["event"].tolist()) - set(_KINDS))]
    if (np.abs(stored["km"] - evidence.calibration.km(stored["measure_m"])) > 1e-3).any():
        wrong.append("kilometres are not those of the measures")
    for way in () if wrong else evidence.carriageways:
        wrong += _way_off(evidence, due, levels, way)
    said = "; ".join(wrong[:3]) or f"{len(stored)} interruptions, each where the levels have it, none left out"
    return Row("radio.handovers", "", None, "", not wrong, None, said)


def _way_off(evidence: Evidence, due: DueBins, levels: CellLevels, name: str) -> list[str]:
    way, wrong = _way(due, name), []
    if len(way.points) < 2:
        return []
    sense = 1.0 if name == "increasing" else -1.0
    events = _events(evidence.layers["handovers"].where(carriageway=name), levels, sense)
    radio = evidence.settings.radio
    execution_ms = _STEP_MS * math.ceil(radio.handover.execution_ms / _STEP_MS - 1e-9)
    for event in events:
        place = evidence.place(event.measure_m, name)
        if event.kind == _HANDOVER and event.for_ms != execution_ms:
            wrong.append(f"the handover at {place} takes {event.for_ms} ms, by trassa.toml {execution_ms} ms")
        if event.kind == _HANDOVER and not _was_due(evidence, levels, way, event, sense):
            wrong.append(f"{levels.names[event.reached]} is no target of a handover at {place}")
        if event.kind != _HANDOVER and event.for_ms < 0:
            wrong.append(f"the interruption at {place} takes {event.for_ms} ms")
    served, broken = _serving(levels, way, events, sense)
    wrong += [f"the drive is on another cell than is left at {evidence.place(one.measure_m, name)}" for one in broken]
    late = _late(evidence, levels, way, served)
    return wrong + [f"no handover where one was due before {evidence.place(m, name)}" for m in late]


def _way(due: DueBins, name: str) -> _Way:
    mine = np.flatnonzero(due.carriageway == name)
    points = np.unique(np.concatenate([due.edges.first[mine], due.edges.last[mine]]))
    cable = np.zeros(len(due.receivers.measure_m), dtype=bool)
    for edge in (due.edges.first, due.edges.last):
        cable[edge[mine[~due.counted[mine]]]] = True
    points = points if name == "increasing" else points[::-1]
    return _Way(points, due.receivers.measure_m[points], ~cable[points])


def _events(rows: Layer, levels: CellLevels, sense: float) -> list[_Event]:
    number = {name: k for k, name in enumerate(levels.names)} | {"": -1}
    order = np.argsort(sense * rows["measure_m"], kind="stable").tolist()
    return [
        _Event(
            float(rows["measure_m"][k]),
            str(rows["event"][k]),
            number[str(rows["from_cell"][k])],
            number[str(rows["to_cell"][k])],
            int(rows["interruption_ms"][k]),
        )
        for k in order
    ]


def _was_due(evidence: Evidence, levels: CellLevels, way: _Way, event: _Event, sense: float) -> bool:
    """Whether the target stood above the cell left by the offset, somewhere on the way of a handover before."""
    if event.left == event.reached or event.reached < 0:
        return False
    radio = evidence.settings.radio
    behind = sense * (event.measure_m - way.measure_m)
    far_m = _reach_m(evidence)
    points = way.points[(behind >= -_SPARE_M) & (behind <= far_m)]
    left, reached = _of(levels, event.left, points), _of(levels, event.reached, points)
    offset_db = radio.handover.a3_offset_db + radio.handover.hysteresis_db
    return bool((np.isfinite(reached) & (reached >= left + offset_db - _EARLY_DB)).any())


def _reach_m(evidence: Evidence) -> float:
    radio = evidence.settings.radio
    return _TIMES * radio.design_speed_kmh / 3.6 * handover_s(radio) + _SPARE_M


def _of(levels: CellLevels, cell: int, points: IntArray) -> FloatArray:
    """The level of one cell at some points, −inf where it is not heard or there is none."""
    count = max(len(levels.names), 1)
    key, wanted = levels.point * count + levels.cell, points * count + cell
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[at] == wanted) & (cell >= 0), levels.level_dbm[at], -np.inf)


def _serving(levels: CellLevels, way: _Way, events: list[_Event], sense: float) -> tuple[IntArray, list[_Event]]:
    """The cell that serves at every point of the way (−1: none, or not known), and the events that leave another."""
    along, count = sense * way.measure_m, max(len(levels.names), 1)
    served, broken = np.full(len(along), -1, dtype=np.int64), []
    begins = np.flatnonzero(np.diff(way.served, prepend=False) & way.served)
    ends = np.flatnonzero(~np.append(way.served[1:], False) & way.served)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        inside = [e for e in events if along[begin] - _SPARE_M <= sense * e.measure_m <= along[end] + _SPARE_M]
        broken += [b for a, b in pairwise(inside) if a.reached != b.left]
        first = _first(levels, way.points[begin], count)
        start = inside[0].left if inside else first
        if start >= 0 and not _is_strongest(levels, start, way.points[begin : begin + 3]):
            broken.append(inside[0])
        cuts = [begin, *(int(np.searchsorted(along, sense * e.measure_m)) for e in inside), end + 1]
        for cell, (a, b) in zip([start, *(e.reached for e in inside)], pairwise(cuts), strict=True):
            served[max(a, begin) : min(b, end + 1)] = cell
    return served, broken


def _first(levels: CellLevels, point: int, count: int) -> int:
    """The strongest cell at a point, −1 for none."""
    rows = np.flatnonzero(levels.point == point)
    return int(levels.cell[rows[np.argmax(levels.level_dbm[rows])]]) if len(rows) else -1


def _is_strongest(levels: CellLevels, cell: int, points: IntArray) -> bool:
    """Whether a cell is as good as the strongest at one of some points: a drive begins on that."""
    mine = np.isin(levels.point, points) & (levels.cell == cell)
    return bool((levels.lead_db[mine] <= _LATE_DB).any())


def _late(evidence: Evidence, levels: CellLevels, way: _Way, served: IntArray) -> list[float]:
    """Where some other cell has stood above the serving one for longer than a handover takes, (measures,)."""
    radio, count = evidence.settings.radio, max(len(levels.names), 1)
    place = np.full(levels.points, -1, dtype=np.int64)
    place[way.points] = np.arange(len(way.points))
    own_dbm = np.full(len(served), -np.inf)
    for cell in np.unique(served[served >= 0]).tolist():
        mine = served == cell
        own_dbm[mine] = _of(levels, cell, way.points[mine])
    at = place[levels.point]
    offset_db = radio.handover.a3_offset_db + radio.handover.hysteresis_db
    rows = np.flatnonzero(at >= 0)
    rows = rows[(served[at[rows]] >= 0) & (levels.level_dbm[rows] - own_dbm[at[rows]] > offset_db + _LATE_DB)]
    rows = rows[np.isfinite(own_dbm[at[rows]])]
    key = np.sort((levels.cell[rows] * count + served[at[rows]]) * len(served) + at[rows])
    if not len(key):
        return []
    fresh = np.diff(key, prepend=-2) != 1
    first, last = np.flatnonzero(fresh), np.flatnonzero(np.append(fresh[1:], True))
    begin, end = way.measure_m[key[first] % len(served)], way.measure_m[key[last] % len(served)]
    return sorted(end[np.abs(end - begin) > _reach_m(evidence)].tolist())
