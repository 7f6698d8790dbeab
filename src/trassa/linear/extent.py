"""Half-open extents along a road, and the algebra of sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trassa.errors import InputError

__all__ = ["Extent", "intersected", "merged", "subtracted", "total_length_m"]


@dataclass(frozen=True, order=True)
class Extent:
    """A stretch of measure, its start inside and its end outside.

    ::

        measure   0         10        20        30
        extent    .         [=========)         .       Extent(10, 20)

    The half-open form makes neighbouring extents add up without a metre counted twice.
    """

    start_m: float
    end_m: float

    def __post_init__(self) -> None:
        if not self.start_m < self.end_m:
            raise InputError(
                f"extent: start {self.start_m:g} m is not before end {self.end_m:g} m", cure="swap the two"
            )

    @property
    def length_m(self) -> float:
        """Length in metres of measure."""
        return self.end_m - self.start_m

    def contains(self, measure_m: float) -> bool:
        """Whether a measure lies inside (the end does not)."""
        return self.start_m <= measure_m < self.end_m

    def overlaps(self, other: Extent) -> bool:
        """Whether the two share any length."""
        return self.start_m < other.end_m and other.start_m < self.end_m


def merged(extents: Iterable[Extent]) -> list[Extent]:
    """The union as disjoint extents in order; touching ones become one."""
    union: list[Extent] = []
    for extent in sorted(extents):
        if union and extent.start_m <= union[-1].end_m:
            union[-1] = Extent(union[-1].start_m, max(union[-1].end_m, extent.end_m))
        else:
            union.append(extent)
    return union


def intersected(first: Sequence[Extent], second: Sequence[Extent]) -> list[Extent]:
    """What lies in both sets, as disjoint extents in order."""
    left, right = merged(first), merged(second)
    common: list[Extent] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start_m, right[j].start_m), min(left[i].end_m, right[j].end_m)
        if start < end:
            common.append(Extent(start, end))
        if left[i].end_m < right[j].end_m:
            i += 1
        else:
            j += 1
    return common


def subtracted(extents: Iterable[Extent], holes: Iterable[Extent]) -> list[Extent]:
    """What lies in ``extents`` and in none of ``holes``, as disjoint extents in order."""
    rest: list[Extent] = []
    cuts = merged(holes)
    for extent in merged(extents):
        start = extent.start_m
        for cut in cuts:
            if cut.end_m <= start or cut.start_m >= extent.end_m:
                continue
            if cut.start_m > start:
                rest.append(Extent(start, cut.start_m))
            start = max(start, cut.end_m)
        if start < extent.end_m:
            rest.append(Extent(start, extent.end_m))
    return rest


def total_length_m(extents: Iterable[Extent]) -> float:
    """Length in metres of the union."""
    return sum(extent.length_m for extent in merged(extents))
