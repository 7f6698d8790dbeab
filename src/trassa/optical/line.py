"""One uninterrupted part of the line: its huts and spans, its cables, and what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trassa.linear import Extent
from trassa.optical.drops import Drop
from trassa.optical.links import Link
from trassa.optical.placement import Chain
from trassa.optical.rings import Ring
from trassa.optical.route import CableRoute
from trassa.optical.settings import OpticalSettings
from trassa.optical.survival import Backbone

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """A part of the line between two ends of the road or of its geometry.

    ``hut_names``, ``cables`` and ``trenches`` name huts in order of measure and cables in order of building.
    """

    extent: Extent
    chain: Chain
    drops: tuple[Drop, ...]
    hut_names: tuple[str, ...]
    cables: tuple[str, ...]
    trenches: tuple[str, ...]
    presence_before: bool
    presence_after: bool
    rules: OpticalSettings

    @cached_property
    def backbone(self) -> Backbone:
        """The line as a graph to be cut."""
        return Backbone(
            self.chain.spans, self.presence_before, self.presence_after, self.cables, self.trenches, self.rules
        )

    @cached_property
    def links(self) -> list[tuple[Link, Link]]:
        """The two links of each connection with own fibres, to the huts before and behind, in order of taps."""
        pairs = [zip(s.optics.links(0), s.optics.links(1), strict=True) for s in self.chain.spans]
        return [pair for span in pairs for pair in span]

    def backbone_of(self, service: str) -> Backbone:
        """The same with the connections of one service class alone."""
        return replace(self.backbone, service=service)

    @cached_property
    def rings(self) -> list[tuple[int, Ring]]:
        """Every access ring with the number of its span."""
        return [(number, ring) for number, span in enumerate(self.chain.spans) for ring in span.optics.rings]

    def cable_route(self, cable: int) -> CableRoute:
        """One whole cable of the line, through all its huts."""
        spans = [span.plants[cable].cable for span in self.chain.spans]
        loops = [loop for span in spans for loop in span.loops]
        return CableRoute.of(spans[0].verge, spans[0].start_m, spans[-1].end_m, loops, self.rules)

    @property
    def own_trenches(self) -> Sequence[int]:
        """Index of the first cable in each trench."""
        return [self.trenches.index(trench) for trench in dict.fromkeys(self.trenches)]

    @property
    def trench_route_m(self) -> float:
        """Route to be dug, all trenches."""
        return sum(self.cable_route(cable).whole.route_m for cable in self.own_trenches)

    @property
    def chamber_count(self) -> int:
        """Chambers on all trenches; a hut's chamber belongs to the spans on both its sides."""
        return sum(len(self.chambers_m(cable)) for cable in self.own_trenches)

    def chambers_m(self, cable: int) -> list[float]:
        """Places of the chambers of one cable in order."""
        return sorted({m for span in self.chain.spans for m in span.plants[cable].chambers_m})

    @property
    def hut_crossings(self) -> int:
        """Crossings that bring a second cable's other side of the road into the huts."""
        return (len(self.own_trenches) - 1) * len(self.chain.huts)
