"""The bores that must be there, derived bin by bin from alignment and structures, with their stored head-ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.handover_time import handover_s

__all__ = ["DueBore", "due_bores"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DueBore:
    """A bore by rule. ``at_m`` are the n + 1 edges of its bins, ``inside`` has shape (n,).

    ``heads`` and ``heads_m`` are the stored head-ends that name it: names and measures.
    """

    name: str
    carriageway: str
    at_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    inside: npt.NDArray[np.bool_]
    heads: tuple[str, ...]
    heads_m: tuple[float, ...]

    def place(self, evidence: Evidence, number: int) -> str:
        """``A 4 km 352+400–352+410 →`` of one bin."""
        arrow = "→" if self.carriageway == "increasing" else "←"
        start_m, end_m = float(self.at_m[number]), float(self.at_m[number + 1])
        return f"{evidence.place(start_m)}–{evidence.calibration.label(end_m)} {arrow}"


def due_bores(evidence: Evidence) -> list[DueBore]:
    """Every bore of the road, numbered along the increasing carriageway, then along the other."""
    radio = evidence.settings.radio
    found: list[DueBore] = []
    beyond_m = max(radio.tunnel.portal_overlap_m, radio.design_speed_kmh / 3.6 * handover_s(radio))
    heads = evidence.layers["tunnel_heads"]
    for carriageway in evidence.carriageways:
        line = evidence.layers["alignment"].where(carriageway=carriageway)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        at_m, there = line["measure_m"], line["present"]
        for first, last, inside in _runs(evidence, carriageway, at_m, there, beyond_m):
            points, name = np.arange(first, last + 2), f"B-{len(found) + 1:02d}"
            mine = heads.where(bore=name)
            found.append(
                DueBore(
                    name,
                    carriageway,
                    at_m[points],
                    line["latitude_deg"][points],
                    line["longitude_deg"][points],
                    np.array(inside),
                    tuple(str(head) for head in mine["head"]),
                    tuple(float(measure) for measure in mine["measure_m"]),
                )
            )
    return found


def _runs(
    evidence: Evidence, carriageway: str, at_m: FloatArray, there: npt.NDArray[np.bool_], beyond_m: float
) -> list[tuple[int, int, list[bool]]]:
    """First and last bin of every stretch that belongs to tunnels, and which of its bins lie inside one."""
    structures = evidence.layers["structures"].where(carriageway=carriageway)
    holes, tunnels = (
        [(float(a), float(b)) for a, b in zip(rows["start_m"], rows["end_m"], strict=True)]
        for rows in (structures.where(kind="hole"), structures.where(kind="tunnel"))
    )
    tunnels = [(a, b) for a, b in _joined(tunnels) if b - a >= evidence.settings.radio.tunnel.shortest_m]
    runs: list[tuple[int, int, list[bool]]] = []
    for bin_ in range(len(at_m) - 1):
        start, end = float(at_m[bin_]), float(at_m[bin_ + 1])
        if not (there[bin_] and there[bin_ + 1]) or any(start < b and end > a for a, b in holes):
            continue
        if not any(start < b + beyond_m and end > a - beyond_m for a, b in tunnels):
            continue
        inside = any(start < b and end > a for a, b in tunnels)
        if runs and runs[-1][1] == bin_ - 1:
            runs[-1] = (runs[-1][0], bin_, [*runs[-1][2], inside])
        else:
            runs.append((bin_, bin_, [inside]))
    return [run for run in runs if any(run[2])]


def _joined(stretches: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that touch, as one: a tunnel that the map has in pieces is as long as all of them."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
