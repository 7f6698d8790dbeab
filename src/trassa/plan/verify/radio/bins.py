"""The bins that must be there, derived from the alignment, and the plan's own bins beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.handover_time import handover_s
from trassa.plan.verify.radio.paths import Receivers
from trassa.plan.verify.radio.service import Edges
from trassa.plan.verify.verdict import Row
from trassa.radio.settings import RadioSettings

__all__ = ["DueBins", "check_bins", "due_bins"]

FloatArray = npt.NDArray[np.float64]

_BIN_M = 10.0


@dataclass(frozen=True)
class DueBins:
    """Every bin that the road has, by rule; arrays of shape (bins,).

    ``edges`` index ``receivers``, the alignment's points. ``exempt`` names the structure that exempts a bin, or is
    empty. ``stored`` is the row of the plan's own bin, −1 where the plan has none.
    """

    receivers: Receivers
    edges: Edges
    start_m: FloatArray
    end_m: FloatArray
    carriageway: npt.NDArray[np.object_]
    exempt: npt.NDArray[np.object_]
    stored: npt.NDArray[np.int64]
    windows: Edges
    """Where a handover may run: stretches that one server must hold as a whole; none where that is not promised."""

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """The bins that the promise speaks about."""
        return np.asarray(self.exempt == "", dtype=bool)

    def place(self, evidence: Evidence, number: int) -> str:
        """``A 4 km 352+400–352+410 →`` of one bin."""
        start, end = float(self.start_m[number]), float(self.end_m[number])
        arrow = "→" if self.carriageway[number] == "increasing" else "←"
        return f"{evidence.place(start)}–{evidence.calibration.label(end)} {arrow}"

    def window(self, evidence: Evidence, number: int) -> str:
        """The same of one window, from its first point to its last."""
        first, last = (int(edge[number]) for edge in (self.windows.first, self.windows.last))
        begins = int(np.flatnonzero(self.edges.first == first)[0])
        start, end = (float(self.receivers.measure_m[point]) for point in (first, last))
        arrow = "→" if self.carriageway[begins] == "increasing" else "←"
        return f"{evidence.place(start)}–{evidence.calibration.label(end)} {arrow}"


def due_bins(evidence: Evidence) -> DueBins:
    """A bin between each two neighbouring points of a carriageway that exist, unless a hole touches it."""
    alignment = evidence.layers["alignment"]
    offset, firsts, starts, ends, ways, rules, points = 0, [], [], [], [], [], []
    for carriageway in evidence.carriageways:
        line = alignment.where(carriageway=carriageway)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        points.append(line)
        start, end = line["measure_m"][:-1], line["measure_m"][1:]
        there = line["present"][:-1] & line["present"][1:] & ~_touched(evidence, "hole", carriageway, start, end)
        exempt = np.full(len(start), "", dtype=object)
        for kind in evidence.settings.radio.exempt_structures:
            exempt[_touched(evidence, kind, carriageway, start, end)] = kind
        firsts.append(np.flatnonzero(there) + offset)
        starts.append(start[there])
        ends.append(end[there])
        ways.append(np.full(int(there.sum()), carriageway, dtype=object))
        rules.append(exempt[there])
        offset += len(line)
    names = ("measure_m", "latitude_deg", "longitude_deg", "height_m")
    receivers = Receivers(*(np.concatenate([line[name] for line in points]) for name in names))
    first, start_m, end_m, carriageways, exempts = (np.concatenate(p) for p in (firsts, starts, ends, ways, rules))
    stored = _stored_rows(evidence.layers["bins"], start_m, carriageways)
    edges = Edges(first, first + 1)
    windows = _windows(evidence.settings.radio, first[exempts == ""])
    return DueBins(receivers, edges, start_m, end_m, carriageways, exempts, stored, windows)


def _windows(radio: RadioSettings, counted: npt.NDArray[np.int64]) -> Edges:
    """From every counted bin as many bins as the way of a handover can touch, as far as its run of bins has them."""
    firsts, lasts = [], []
    handover, there = radio.handover, set(counted.tolist())
    wide = math.ceil(radio.design_speed_kmh / 3.6 * handover_s(radio) / _BIN_M) + 1
    for bin_ in counted.tolist() if handover.overlap else ():
        length = next((k for k in range(wide) if bin_ + k not in there), wide)
        if length == wide or bin_ - 1 not in there:
            firsts.append(bin_)
            lasts.append(bin_ + length)
    return Edges(np.array(firsts, dtype=np.int64), np.array(lasts, dtype=np.int64))


def _touched(
    evidence: Evidence, kind: str, carriageway: str, start_m: FloatArray, end_m: FloatArray
) -> npt.NDArray[np.bool_]:
    rows = evidence.layers["structures"].where(kind=kind, carriageway=carriageway)
    touched = np.zeros(len(start_m), dtype=bool)
    for begin, finish in zip(rows["start_m"], rows["end_m"], strict=True):
        touched |= (start_m < finish) & (end_m > begin)
    return touched


def _stored_rows(bins: Layer, start_m: FloatArray, carriageway: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    keys = zip(bins["carriageway"].tolist(), np.round(bins["start_m"], 3).tolist(), strict=True)
    rows = {key: row for row, key in enumerate(keys)}
    wanted = zip(carriageway.tolist(), np.round(start_m, 3).tolist(), strict=True)
    return np.array([rows.get(key, -1) for key in wanted], dtype=np.int64)


def check_bins(evidence: Evidence, due: DueBins) -> Row:
    """No bin is missing, none is invented, and those that do not count are exempt by the stated rule."""
    bins, wrong = evidence.layers["bins"], []
    missing = np.flatnonzero(due.stored < 0)
    if len(missing):
        length_m = float((due.end_m - due.start_m)[missing].sum())
        wrong.append(
            f"{len(missing)} bins ({length_m:.0f} m) are missing, the first at {due.place(evidence, missing[0])}"
        )
    if len(bins) - len(due.stored) + len(missing):
        wrong.append(f"{len(bins) - len(due.stored) + len(missing)} bins lie where the alignment has none")
    there = np.flatnonzero(due.stored >= 0)
    rows = due.stored[there]
    other_end = there[np.abs(bins["end_m"][rows] - due.end_m[there]) > 1e-3]
    if len(other_end):
        wrong.append(f"{len(other_end)} bins end elsewhere, the first at {due.place(evidence, other_end[0])}")
    other_rule = there[bins["exempt"][rows] != due.exempt[there]]
    if len(other_rule):
        said = bins["exempt"][due.stored[other_rule[0]]] or "not exempt"
        wrong.append(
            f"{len(other_rule)} bins are exempt otherwise than by rule, the first at "
            f"{due.place(evidence, other_rule[0])}: {said}, by rule {due.exempt[other_rule[0]] or 'not exempt'}"
        )
    first = missing if len(missing) else (other_end if len(other_end) else other_rule)
    place = due.place(evidence, int(first[0])) if len(first) else ""
    exempt_m = float((due.end_m - due.start_m)[~due.counted].sum())
    said = "; ".join(wrong) or f"{len(due.stored)} bins, none missing, {exempt_m:.0f} m exempt by rule"
    return Row("radio.bins", place, None, "", not wrong, None, said)
