"""One uninterrupted part of the line: its huts and spans, its cables, and what hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trassa.linear import Extent
from trassa.optical.access.links import Link
from trassa.optical.access.rings import Ring
from trassa.optical.access.trees import Tree
from trassa.optical.placement import Chain
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt, BuiltSection
from trassa.optical.plant.drops import Drop
from trassa.optical.plant.route import CableRoute
from trassa.optical.settings import OpticalSettings
from trassa.optical.survival import Backbone

__all__ = ["Line"]


@dataclass(frozen=True)
class Line:
    """A part of the line between two ends of the road or of its geometry.

    ``hut_names``, ``cables`` and ``trenches`` name huts in order of measure and cables in order of building;
    ``as_built`` is what stands on all of the road.
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
    as_built: AsBuilt = NOTHING_BUILT

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

    @cached_property
    def trees(self) -> list[tuple[int, Tree]]:
        """Every passive tree with the number of its span."""
        return [(number, tree) for number, span in enumerate(self.chain.spans) for tree in span.optics.trees]

    def cable_route(self, cable: int) -> CableRoute:
        """One whole cable of the line, through all its huts."""
        spans = [span.plants[cable].cable for span in self.chain.spans]
        loops = [loop for span in spans for loop in span.loops]
        marked = [piece for span in spans for piece in span.marked]
        return CableRoute.of(spans[0].verge, spans[0].start_m, spans[-1].end_m, loops, self.rules, marked)

    def built_on(self, cable: int) -> list[BuiltSection]:
        """The sections of one cable that lie in the ground already, in order of measure."""
        ends = Extent(self.chain.huts[0].measure_m, self.chain.huts[-1].measure_m)
        return [s for s in self.as_built.on(cable) if s.laid and ends.contains(s.extent.start_m)]

    @property
    def own_trenches(self) -> Sequence[int]:
        """Index of the first cable in each trench."""
        return [self.trenches.index(trench) for trench in dict.fromkeys(self.trenches)]

    @property
    def trench_route_m(self) -> float:
        """Route to be dug, all trenches."""
        return sum(self.cable_route(cable).whole.route_m for cable in self.own_trenches)

    def chambers_m(self, cable: int) -> list[float]:
        """Places of the chambers of one cable in order."""
        return sorted({m for span in self.chain.spans for m in span.plants[cable].chambers_m})
