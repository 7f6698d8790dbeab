"""Where the plan gives a connection: the bins, and what remains of them when sites are lost."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from trassa.errors import UsageError
from trassa.linear import Layer
from trassa.live.roadway import Roadway

__all__ = ["Coverage"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class Coverage:
    """Connection along each carriageway.

    A bin is covered when its best server that still stands has a margin of zero or more. The plan stores two servers
    a bin: with both lost, the bin counts as uncovered, although a third may be in reach.
    """

    def __init__(self, roadway: Roadway, lost_sites: Collection[str] = ()) -> None:
        known = set(roadway.layers["sites"]["site"].tolist())
        for site in lost_sites:
            if site not in known:
                raise UsageError(f"drive: the plan has no site {site}", cure=f"one of {min(known)} … {max(known)}")
        bins = roadway.layers["bins"]
        self._runs: list[tuple[FloatArray, BoolArray]] = []
        for carriageway in roadway.road.carriageways:
            mine = bins.where(carriageway=carriageway)
            order = np.argsort(mine["start_m"], kind="stable")
            self._runs.append((mine["start_m"][order], _covered(mine, lost_sites)[order]))

    def covered(self, course: npt.NDArray[np.int8], measure_m: FloatArray) -> BoolArray:
        """Whether each vehicle, by the index of its carriageway, has a connection at its measure."""
        found = np.zeros(len(measure_m), dtype=np.bool_)
        for index, (start_m, covered) in enumerate(self._runs):
            mine = course == index
            bin_index = np.searchsorted(start_m, measure_m[mine], side="right") - 1
            found[mine] = covered[np.clip(bin_index, 0, len(covered) - 1)]
        return found

    def share(self, course: int, start_m: float, end_m: float) -> float:
        """The covered share of an extent of one carriageway."""
        starts, covered = self._runs[course]
        inside = (starts >= start_m) & (starts < end_m)
        return float(covered[inside].mean()) if inside.any() else 0.0


def _covered(bins: Layer, lost_sites: Collection[str]) -> BoolArray:
    lost = np.isin(bins["server"].astype(str), list(lost_sites)) if lost_sites else np.zeros(len(bins), dtype=bool)
    second_lost = np.isin(bins["second"].astype(str), list(lost_sites)) if lost_sites else lost
    # a margin is NaN where no site is in reach, and NaN >= 0 is false
    best = np.where(lost, np.where(second_lost, -np.inf, bins["second_margin_db"]), bins["margin_db"])
    return np.asarray(best >= 0.0)
