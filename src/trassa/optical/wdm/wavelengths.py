"""The backbone as light sees it: huts, sections from ROADM to ROADM, and every path a wavelength may take.

Where huts hold ROADMs, each has wavelengths to each point of presence: the short way while the line is whole, the
long way after a cut or the loss of a hut. Where they hold amplifiers only, wavelengths run from end to end. A second
cable carries every section once more. What is cut or under repair decides section by section which of the two is lit,
so beside the first and the second cable from end to end their *weakest mixture* is a way: in each section the cable
that leaves less signal. Noise adds up section by section, so no other mixture leaves less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.optical.settings import OpticalSettings
from trassa.optical.wdm.amplifiers import Amplifier, designed_section
from trassa.optical.wdm.equipment import Comb, Equipment
from trassa.optical.wdm.osnr import amplifier_noise, fibre_noise

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
    """The fibre between two neighbouring huts; ``splices_m`` are places of joints along it, metres of fibre.

    ``splices_db`` are their losses and ``attenuation_db_per_km`` that of the fibre at 1550 nm; None: as planned.
    """

    fibre_m: float
    splices_m: tuple[float, ...]
    loss_db: float
    limit_db: float
    splices_db: tuple[float, ...] | None = None
    attenuation_db_per_km: float | None = None

    @property
    def turned(self) -> LineSpan:
        """The same span as light from the other end passes it."""
        return replace(
            self,
            splices_m=tuple(self.fibre_m - m for m in reversed(self.splices_m)),
            splices_db=None if self.splices_db is None else self.splices_db[::-1],
        )

    def per_km_db(self, rules: OpticalSettings) -> float:
        """Attenuation at 1550 nm."""
        return rules.attenuation_1550_db_per_km if self.attenuation_db_per_km is None else self.attenuation_db_per_km


@dataclass(frozen=True)
class Section:
    """From one ROADM to the next in the sense of the light; ``huts`` are indices, ``spans`` one fewer."""

    huts: tuple[int, ...]
    cable: int
    spans: tuple[LineSpan, ...]

    @property
    def fibre_m(self) -> float:
        """Fibre of its spans together."""
        return sum(span.fibre_m for span in self.spans)

    @property
    def sense(self) -> str:
        """``out`` with growing measure, ``back`` against it."""
        return "out" if self.huts[0] < self.huts[-1] else "back"


@dataclass(frozen=True)
class Lightpath:
    """One way of light from hut to hut. ``detour`` is true where only a cut or a lost hut sends it there.

    ``longer_ratio`` is the most fibre that any mixture of cables has there, over the way's own.
    """

    source: int
    target: int
    sections: tuple[Section, ...]
    detour: bool
    longer_ratio: float = 1.0

    @property
    def cables(self) -> tuple[int, ...]:
        """Index of the cable of each section, in the order of the light."""
        return tuple(section.cable for section in self.sections)


@dataclass(frozen=True)
class WavelengthLine:
    """One uninterrupted line. ``spans`` has for each pair of neighbouring huts one span per cable."""

    nodes: tuple[Node, ...]
    spans: tuple[tuple[LineSpan, ...], ...]
    presence_before: bool
    presence_after: bool
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

    def noise(self, section: Section, comb: Comb) -> npt.NDArray[np.float64]:
        """Noise over signal that a section adds in closed form, amplifiers and fibre, in 0.1 nm, (channels,)."""
        key = (section, comb)
        if key not in self._noise:
            self._noise[key] = self._noise_of(section, comb)
        return self._noise[key]

    @cached_property
    def _noise(self) -> dict[tuple[Section, Comb], npt.NDArray[np.float64]]:
        return {}

    def _noise_of(self, section: Section, comb: Comb) -> npt.NDArray[np.float64]:
        rules, library = self.rules, replace(self.library, comb=comb)
        entry_db = rules.connector_loss_db + rules.splice_loss_db
        added = 0.0
        for amplifier, span in zip(self.amplifiers[section], section.spans, strict=False):
            power_dbm = amplifier.launch_dbm - entry_db - max(library.padding_db - span.loss_db, 0.0)
            fibre_m = span.fibre_m * rules.helix_ratio / rules.helix_ratio_low
            added += fibre_noise(power_dbm, fibre_m, span.per_km_db(rules), library)
        return amplifier_noise(self.amplifiers[section], comb) + added

    def path(self, source: int, target: int, cable: int = 0) -> Lightpath:
        """The path from hut to hut on one cable."""
        return Lightpath(source, target, tuple(cables[cable] for cables in self._taken(source, target)), False)

    def _taken(self, source: int, target: int) -> list[tuple[Section, ...]]:
        """The sections on a way in the order of the light, each on every cable."""
        step = 1 if target > source else -1
        stops = [hut for hut in self.roadms if min(source, target) <= hut <= max(source, target)][::step]
        ends = pairwise(stops)
        return [tuple(s for s in self.sections if (s.huts[0], s.huts[-1]) == between) for between in ends]

    def ways(self, source: int, target: int, *, far: bool = False) -> list[Lightpath]:
        """Over the first cable, the second, and their weakest mixture where it is neither; ``far``: all are detours."""
        taken, comb = self._taken(source, target), self.library.comb
        weakest = tuple(max(cables, key=lambda section: float(self.noise(section, comb).max())) for cables in taken)
        alone = [tuple(cables[cable] for cables in taken) for cable in self.cables]
        longest_m = sum(max(section.fibre_m for section in cables) for cables in taken)
        ratio = longest_m / sum(section.fibre_m for section in weakest)
        return [
            Lightpath(source, target, way, far or way != alone[0], ratio if way == weakest else 1.0)
            for way in dict.fromkeys([*alone, weakest])
        ]

    @cached_property
    def lightpaths(self) -> tuple[Lightpath, ...]:
        """Every distinct path between a ROADM and a point of presence, both senses, before and after any one cut.

        A line without a point of presence is measured from end to end.
        """
        ends = [self.roadms[0]] * self.presence_before + [self.roadms[-1]] * self.presence_after
        pairs = [(hut, end) for end in (ends or [self.roadms[-1]]) for hut in self.roadms if hut != end]
        if not ends:
            pairs = [(self.roadms[0], self.roadms[-1])]
        paths: list[Lightpath] = []
        for source, target in dict.fromkeys(pair for hut, end in pairs for pair in ((hut, end), (end, hut))):
            nearest = self._nearest(source if target in ends else target, ends)
            paths += self.ways(source, target, far=bool(ends) and nearest not in (source, target))
        return tuple(paths)

    def _nearest(self, hut: int, ends: Sequence[int]) -> int:
        """The point of presence with the least fibre to it."""
        spans = [min(span.fibre_m for span in cables) for cables in self.spans]
        return min(ends, key=lambda end: sum(spans[min(hut, end) : max(hut, end)]), default=-1)
