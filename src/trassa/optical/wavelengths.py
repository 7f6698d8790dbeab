"""The backbone as light sees it: huts, sections from ROADM to ROADM, and every path a wavelength may take.

Where huts hold ROADMs, each has wavelengths to each point of presence: the short way while the line is whole, the
long way after a cut. Where they hold amplifiers only, wavelengths run from end to end. A second cable in a trench of
its own carries a section when the first is cut there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from trassa.errors import InputError
from trassa.optical.amplifiers import Amplifier, designed_section
from trassa.optical.equipment import Equipment
from trassa.optical.settings import OpticalSettings

__all__ = ["Lightpath", "LineSpan", "Node", "Section", "WavelengthLine"]


@dataclass(frozen=True)
class Node:
    """A hut as a node of the backbone; coordinates are WGS 84 degrees, for maps only."""

    name: str
    text: str
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class LineSpan:
    """The fibre between two neighbouring huts; ``splices_m`` are places of joints along it, metres of fibre."""

    fibre_m: float
    splices_m: tuple[float, ...]
    loss_db: float
    limit_db: float

    @property
    def turned(self) -> LineSpan:
        """The same span as light from the other end passes it."""
        return LineSpan(
            self.fibre_m, tuple(self.fibre_m - m for m in reversed(self.splices_m)), self.loss_db, self.limit_db
        )


@dataclass(frozen=True)
class Section:
    """From one ROADM to the next in the sense of the light; ``huts`` are indices, ``spans`` one fewer."""

    huts: tuple[int, ...]
    cable: int
    spans: tuple[LineSpan, ...]

    @property
    def sense(self) -> str:
        """``out`` with growing measure, ``back`` against it."""
        return "out" if self.huts[0] < self.huts[-1] else "back"


@dataclass(frozen=True)
class Lightpath:
    """One way of light from hut to hut. ``detour`` is true where only a cut sends it there."""

    source: int
    target: int
    sections: tuple[Section, ...]
    detour: bool

    @property
    def cables(self) -> tuple[int, ...]:
        """Index of the cable of each section, in the order of the light."""
        return tuple(section.cable for section in self.sections)


@dataclass(frozen=True)
class WavelengthLine:
    """One uninterrupted line. ``spans`` has for each pair of neighbouring huts one span per cable.

    ``trenches_apart`` says that a cut of one cable leaves the other whole.
    """

    nodes: tuple[Node, ...]
    spans: tuple[tuple[LineSpan, ...], ...]
    presence_before: bool
    presence_after: bool
    trenches_apart: bool
    rules: OpticalSettings
    library: Equipment

    def check_spans(self) -> None:
        """Raise :class:`InputError` naming the kilometres where a span is beyond its limit."""
        for (before, after), cables in zip(pairwise(self.nodes), self.spans, strict=True):
            for span in cables:
                if span.loss_db > span.limit_db:
                    raise InputError(
                        f"optical: the span {before.name}–{after.name} ({before.text}–{after.text}) loses "
                        f"{span.loss_db:.1f} dB, more than its limit of {span.limit_db:.1f} dB",
                        cure="a hut in between",
                    )

    @cached_property
    def roadms(self) -> tuple[int, ...]:
        """Huts with a ROADM; both ends always."""
        inner = self.rules.hut_equipment == "roadm"
        return tuple(range(len(self.nodes))) if inner else (0, len(self.nodes) - 1)

    @property
    def cables(self) -> range:
        """Indices of the cables."""
        return range(len(self.spans[0]))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Every section on every cable in both senses."""
        found: list[Section] = []
        for first, last in pairwise(self.roadms):
            for cable in self.cables:
                spans = tuple(self.spans[index][cable] for index in range(first, last))
                huts = tuple(range(first, last + 1))
                found.append(Section(huts, cable, spans))
                found.append(Section(huts[::-1], cable, tuple(span.turned for span in reversed(spans))))
        return tuple(found)

    @cached_property
    def amplifiers(self) -> dict[Section, list[Amplifier]]:
        """The design of every section."""
        return {section: self._designed(section) for section in self.sections}

    def _designed(self, section: Section) -> list[Amplifier]:
        names = [f"{self.nodes[hut].name} ({self.nodes[hut].text})" for hut in section.huts]
        return designed_section([span.loss_db for span in section.spans], names, self.library)

    def path(self, source: int, target: int, away: int = -1) -> Lightpath:
        """The path from hut to hut on the first cable, on the second one in the section ``away``."""
        step = 1 if target > source else -1
        stops = [hut for hut in self.roadms if min(source, target) <= hut <= max(source, target)][::step]
        taken: list[Section] = []
        for number, ends in enumerate(pairwise(stops)):
            ways = [section for section in self.sections if (section.huts[0], section.huts[-1]) == ends]
            taken.append(ways[1] if number == away else ways[0])
        return Lightpath(source, target, tuple(taken), away >= 0)

    @cached_property
    def lightpaths(self) -> tuple[Lightpath, ...]:
        """Every distinct path between a ROADM and a point of presence, both senses, before and after any one cut.

        A line without a point of presence is measured from end to end.
        """
        ends = [self.roadms[0]] * self.presence_before + [self.roadms[-1]] * self.presence_after
        pairs = [(hut, end) for end in (ends or [self.roadms[-1]]) for hut in self.roadms if hut != end]
        if not ends:
            pairs = [(self.roadms[0], self.roadms[-1])]
        both = dict.fromkeys(pair for hut, end in pairs for pair in ((hut, end), (end, hut)))
        paths: list[Lightpath] = []
        for source, target in both:
            direct = self.path(source, target)
            nearest = self._nearest(source if target in ends else target, ends)
            far = bool(ends) and nearest not in (source, target)
            paths.append(Lightpath(source, target, direct.sections, far))
            if len(self.cables) > 1 and self.trenches_apart and not far:
                paths += [self.path(source, target, away) for away in range(len(direct.sections))]
        return tuple(paths)

    def _nearest(self, hut: int, ends: Sequence[int]) -> int:
        """The point of presence with the least fibre to it."""
        spans = [min(span.fibre_m for span in cables) for cables in self.spans]
        return min(ends, key=lambda end: sum(spans[min(hut, end) : max(hut, end)]), default=-1)
