"""The two ways of every connection: to the hut before it and to the hut behind, over own fibres, around a ring or
through the splitter of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.access.latency import fibre_latency_us
from trassa.optical.access.links import SpanOptics
from trassa.optical.access.rings import Ring
from trassa.optical.access.trees import Tree
from trassa.optical.plant.drops import Drop
from trassa.optical.settings import OpticalSettings

__all__ = ["Ways", "ways_of"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ways:
    """Connections in columns, in order of span and tap: row 0 leads to the hut before, row 1 to the hut behind.

    ``name``, ``tap_m``, ``span``, ``service`` (n,); ``latency_us``, ``margin_db`` (2, n), the least margin on the way.
    ``reach_m`` (2, n) is the far end of what each way takes of the cable, seen from its hut: the tap, or on a tree the
    splitter where that is farther.
    """

    name: npt.NDArray[np.object_]
    tap_m: FloatArray
    span: npt.NDArray[np.int64]
    service: npt.NDArray[np.object_]
    latency_us: FloatArray
    margin_db: FloatArray
    reach_m: FloatArray

    def of_service(self, name: str) -> Ways:
        """Those of one service class."""
        ours = self.service == name
        columns = (self.name[ours], self.tap_m[ours], self.span[ours], self.service[ours])
        return Ways(*columns, self.latency_us[:, ours], self.margin_db[:, ours], self.reach_m[:, ours])


@dataclass(frozen=True)
class _Way:
    drop: Drop
    span: int
    latency_us: tuple[float, float]
    margin_db: tuple[float, float]
    splitter_m: float | None = None

    @property
    def reach_m(self) -> tuple[float, float]:
        splitter_m = self.drop.tap_m if self.splitter_m is None else self.splitter_m
        return max(self.drop.tap_m, splitter_m), min(self.drop.tap_m, splitter_m)


def ways_of(optics: Sequence[SpanOptics], rules: OpticalSettings) -> Ways:
    """The ways of everything that is connected, span by span."""
    found: list[_Way] = []
    for number, span in enumerate(optics):
        ours = _own(number, span, rules) + [way for ring in span.rings for way in _around(number, ring, rules)]
        ours += [way for tree in span.trees for way in _branching(number, tree, rules)]
        found += sorted(ours, key=lambda way: way.drop.tap_m)
    name, service = np.empty(len(found), dtype=object), np.empty(len(found), dtype=object)
    name[:] = [way.drop.connection.name for way in found]
    service[:] = [way.drop.connection.service for way in found]
    return Ways(
        name,
        np.array([way.drop.tap_m for way in found], dtype=np.float64),
        np.array([way.span for way in found], dtype=np.int64),
        service,
        np.array([way.latency_us for way in found], dtype=np.float64).reshape(-1, 2).T,
        np.array([way.margin_db for way in found], dtype=np.float64).reshape(-1, 2).T,
        np.array([way.reach_m for way in found], dtype=np.float64).reshape(-1, 2).T,
    )


def _own(span: int, optics: SpanOptics, rules: OpticalSettings) -> list[_Way]:
    def delay_us(fibre_m: float) -> float:
        return float(fibre_latency_us(fibre_m, rules))

    return [
        _Way(
            before.drop,
            span,
            (delay_us(before.lengths.fibre_m), delay_us(behind.lengths.fibre_m)),
            (before.budget.margin_db, behind.budget.margin_db),
        )
        for before, behind in zip(optics.links(0), optics.links(1), strict=True)
    ]


def _around(span: int, ring: Ring, rules: OpticalSettings) -> list[_Way]:
    """Either way round: every segment's fibre, and a switch in each member passed, its own included."""
    delay = fibre_latency_us([segment.lengths.fibre_m for segment in ring.segments], rules) + rules.ring_latency_us
    margin = np.array([segment.budget.margin_db for segment in ring.segments])
    before, least_before = np.cumsum(delay)[:-1], np.minimum.accumulate(margin)[:-1]
    behind, least_behind = np.cumsum(delay[::-1])[::-1][1:], np.minimum.accumulate(margin[::-1])[::-1][1:]
    return [
        _Way(drop, span, (float(before[i]), float(behind[i])), (float(least_before[i]), float(least_behind[i])))
        for i, drop in enumerate(ring.drops)
    ]


def _branching(span: int, tree: Tree, rules: OpticalSettings) -> list[_Way]:
    """Through the splitter to the OLT in either hut."""
    found: list[_Way] = []
    for branch in tree.branches:
        delay = [float(fibre_latency_us(one.fibre_m, rules)) + rules.trees.latency_us for one in branch.lengths]
        margins = (branch.budgets[0].margin_db, branch.budgets[1].margin_db)
        found.append(_Way(branch.drop, span, (delay[0], delay[1]), margins, tree.splitter_m))
    return found
