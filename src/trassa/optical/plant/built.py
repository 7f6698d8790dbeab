"""What already lies in the ground: sections of the line whose plant is read, not planned.

::

    section    hut A ── chamber ── chamber, joint ── chamber ── chamber, joint       as listed, nothing else between
    outside                                                                 ── ── ── planned

A section begins and ends at a joint or in a hut, so every reel is either built or planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from trassa.linear import Extent, Layer

__all__ = [
    "NOTHING_BUILT",
    "ONE_PLACE_M",
    "AsBuilt",
    "BuiltItem",
    "BuiltPlace",
    "BuiltSection",
    "MarkedSheath",
    "places_of",
]

_NAN = float("nan")
_NUMBERS = (
    "measure_m",
    "loop_m",
    "mark_in_m",
    "mark_out_m",
    "splice_loss_db",
    "attenuation_1310_db_per_km",
    "attenuation_1550_db_per_km",
)
ONE_PLACE_M = 5.0
"""Rows of one section and cable nearer than this to one another are one chamber and what lies in it."""


@dataclass(frozen=True)
class BuiltItem:
    """One row of the list as it was read; ``cable`` counts from 0, what the list does not say is NaN.

    ``splice_loss_db`` is the two-way mean of a closure's splices, the attenuations those of the reel that begins there.
    """

    section: str
    item: str
    name: str
    cable: int
    measure_m: float
    loop_m: float
    mark_in_m: float
    mark_out_m: float
    splice_loss_db: float = _NAN
    attenuation_1310_db_per_km: float = _NAN
    attenuation_1550_db_per_km: float = _NAN


@dataclass(frozen=True)
class MarkedSheath:
    """A piece of one reel between two metre marks, from joint to joint inside the loops: so much sheath in all."""

    start_m: float
    end_m: float
    sheath_m: float


@dataclass(frozen=True)
class BuiltPlace:
    """One chamber that stands, with what lies in it; a hut's is a chamber too. Names that are not listed are empty.

    ``joint`` where all fibres are spliced, reel to reel; a closure that is no joint is a tap. ``loop_m`` is the cable
    stored there, half on either side of the joint (in a hut so much at each cable end), None where the list does not
    say. The marks are the metres printed on the sheath that comes with growing measure and on that which goes on, NaN
    where they were not read; where the cable passes uncut both are one. ``splice_loss_db`` is the two-way mean of the
    closure's splices and ``attenuation_db_per_km`` that of the reel that goes on, at 1310 and 1550 nm, NaN where they
    were not measured.
    """

    measure_m: float
    chamber: str
    closure: str
    hut: str
    joint: bool
    loop_m: float | None = None
    mark_in_m: float = _NAN
    mark_out_m: float = _NAN
    splice_loss_db: float = _NAN
    attenuation_db_per_km: tuple[float, float] = (_NAN, _NAN)

    @property
    def ends_reel(self) -> bool:
        """Whether reels meet here."""
        return self.joint or bool(self.hut)


@dataclass(frozen=True)
class BuiltSection:
    """Places of one cable in order of measure, at least two; the first and the last are joints or huts.

    ``cable`` counts from 0. ``laid`` is False for a cable that is still to be pulled through another one's chambers.
    """

    name: str
    cable: int
    places: tuple[BuiltPlace, ...]
    laid: bool = True

    @property
    def extent(self) -> Extent:
        """From the first place to the last."""
        return Extent(self.places[0].measure_m, self.places[-1].measure_m)

    @cached_property
    def marked(self) -> tuple[MarkedSheath, ...]:
        """What the metre marks say: from each that was read to the next one on the same reel."""
        found: list[MarkedSheath] = []
        last: BuiltPlace | None = None
        for place in self.places:
            if last is not None and place.mark_in_m == place.mark_in_m:
                sheath_m = abs(place.mark_in_m - last.mark_out_m)
                found.append(MarkedSheath(last.measure_m, place.measure_m, sheath_m))
            if place.mark_out_m == place.mark_out_m:
                last = place
            elif place.ends_reel:
                last = None
        return tuple(found)

    @property
    def gaps(self) -> list[Extent]:
        """The stretches between neighbouring places, in which nothing stands."""
        return [Extent(a.measure_m, b.measure_m) for a, b in pairwise(self.places)]


@dataclass(frozen=True)
class AsBuilt:
    """All sections that are built, which do not overlap on one cable, and the rows they were read from.

    Sections that meet in one joint or hut are one section.
    """

    sections: tuple[BuiltSection, ...] = ()
    items: tuple[BuiltItem, ...] = ()

    @classmethod
    def of(cls, items: Sequence[BuiltItem]) -> AsBuilt:
        """The sections that rows make up; rows of one place become one."""
        keys = list(dict.fromkeys((item.section, item.cable) for item in items))
        found: list[BuiltSection] = []
        for name, cable in keys:
            mine = [item for item in items if (item.section, item.cable) == (name, cable)]
            found.append(BuiltSection(name, cable, tuple(_place(group) for group in places_of(mine))))
        return cls(tuple(_joined(sorted(found, key=lambda s: (s.cable, s.extent.start_m)))), tuple(items))

    @classmethod
    def of_layer(cls, layer: Layer) -> AsBuilt:
        """The same from the layer ``as_built`` of a plan."""
        return cls.of(
            [
                BuiltItem(
                    str(row["section"]),
                    str(row["item"]),
                    str(row["name"]),
                    int(str(row["cable"]).removeprefix("C-")) - 1,
                    *(float(row[column]) for column in _NUMBERS),
                )
                for row in layer.rows()
            ]
        )

    def on(self, cable: int) -> Sequence[BuiltSection]:
        """The sections of one cable in order of measure."""
        mine = [section for section in self.sections if section.cable == cable]
        return sorted(mine, key=lambda section: section.extent.start_m)

    def marked(self, cable: int, within: Extent) -> tuple[MarkedSheath, ...]:
        """The marked pieces of one cable from hut to hut, which none of them passes, in order."""
        pieces = [piece for section in self.on(cable) for piece in section.marked]
        return tuple(p for p in pieces if within.start_m <= p.start_m and p.end_m <= within.end_m)

    def hut_at(self, measure_m: float) -> str:
        """The name of the built hut at a place; empty where there is none."""
        return self._huts.get(measure_m, "")

    def covers(self, measure_m: float) -> bool:
        """Whether any cable is built at a place, ends included: no planned hut stands there."""
        return any(section.extent.start_m <= measure_m <= section.extent.end_m for section in self.sections)

    @property
    def huts_m(self) -> list[float]:
        """Where built huts stand, in order."""
        return sorted(self._huts)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every listed name; what is planned gets another."""
        return frozenset(item.name for item in self.items)

    @cached_property
    def _huts(self) -> dict[float, str]:
        return {place.measure_m: place.hut for section in self.sections for place in section.places if place.hut}


NOTHING_BUILT = AsBuilt()
"""A line of which nothing stands."""


def places_of(items: Sequence[BuiltItem]) -> list[list[BuiltItem]]:
    """Rows of one section and cable, those of one place together, in order of measure."""
    groups: list[list[BuiltItem]] = []
    for item in sorted(items, key=lambda item: item.measure_m):
        if groups and item.measure_m - groups[-1][0].measure_m <= ONE_PLACE_M:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _place(group: Sequence[BuiltItem]) -> BuiltPlace:
    """One place; it stands where its chamber stands, or its hut, or what is listed first."""
    names = {item.item: item.name for item in reversed(group)}
    at = next((item for kind in ("hut", "chamber") for item in group if item.item == kind), group[0])
    said = ([value for value in (getattr(item, name) for item in group) if value == value] for name in _NUMBERS[1:])
    loop_m, mark_in_m, mark_out_m, splice_db, at_1310, at_1550 = (values[0] if values else _NAN for values in said)
    return BuiltPlace(
        at.measure_m,
        names.get("chamber", ""),
        names.get("joint", names.get("tap", "")),
        names.get("hut", ""),
        "joint" in names,
        loop_m if loop_m == loop_m else None,
        mark_in_m,
        mark_out_m,
        splice_db,
        (at_1310, at_1550),
    )


def _joined(sections: Sequence[BuiltSection]) -> list[BuiltSection]:
    """Neighbours that meet in one place joined; the place is where the first of them has it."""
    found: list[BuiltSection] = []
    for section in sections:
        last = found[-1] if found else None
        if last is None or last.cable != section.cable or not _meet(last.places[-1], section.places[0]):
            found.append(section)
            continue
        end, begin = last.places[-1], section.places[0]
        both = replace(
            end,
            chamber=end.chamber or begin.chamber,
            loop_m=begin.loop_m if end.loop_m is None else end.loop_m,
            mark_out_m=begin.mark_out_m,
            splice_loss_db=end.splice_loss_db if end.splice_loss_db == end.splice_loss_db else begin.splice_loss_db,
            attenuation_db_per_km=begin.attenuation_db_per_km,
        )
        places = (*last.places[:-1], both, *section.places[1:])
        found[-1] = BuiltSection(f"{last.name}, {section.name}", section.cable, places, section.laid)
    return found


def _meet(end: BuiltPlace, begin: BuiltPlace) -> bool:
    return (end.hut, end.closure) == (begin.hut, begin.closure) and abs(begin.measure_m - end.measure_m) <= ONE_PLACE_M
