"""From a road to what the line is planned on: verges, uninterrupted parts, places for huts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from trassa.errors import ConfigError, InputError
from trassa.linear import Carriageway, Extent, merged, opposite, subtracted
from trassa.optical.ducts import hut_ways_minor
from trassa.optical.light_quantities import with_light
from trassa.optical.placement import HutPlace
from trassa.optical.plant.built import NOTHING_BUILT, ONE_PLACE_M, AsBuilt, BuiltPlace, BuiltSection
from trassa.optical.plant.layout import reel_route_m
from trassa.optical.plant.lengths import Verge, verge_of
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["Part", "built_verges", "hut_places", "parts_of", "pulled_through", "unbuilt_extents", "verges_of"]

_SAME_PLACE_M = 100.0
"""Hut places nearer to one another than this are one."""

_LABEL_M = 1.0
"""A list names whole metres: a place so little beyond the end of a part stands at its end."""

_END_HUT_M = 500.0
"""A built hut nearer than this to the end of a part, with nothing built behind it, ends the line."""


@dataclass(frozen=True)
class Part:
    """An uninterrupted stretch of the line, from its first hut to its last; both stand where chambers may stand.

    An end of the road is a point of presence; a hole in the geometry is not.
    """

    extent: Extent
    line: Extent
    presence_before: bool
    presence_after: bool


def verges_of(road: Road, rules: OpticalSettings) -> tuple[Verge, ...]:
    """The verge of each cable, the first cable's first; the same object twice where both lie in one trench."""
    first: Carriageway = road.reference if rules.side == "reference" else rules.side
    wanted = [first]
    if rules.cables == 2:
        wanted.append(opposite(first) if rules.second_cable == "other_side" else first)
    missing = [side for side in wanted if side not in road.alignments]
    if missing:
        raise ConfigError(
            f"optical: {road.ref} has no {missing[0]} carriageway, only {', '.join(road.carriageways)}",
            cure=f"optical.side = '{road.carriageways[0]}' and optical.second_cable = 'same_trench'",
        )
    verges = {
        side: verge_of(
            road,
            side,
            reel_route_m=reel_route_m(rules),
            shortest_part_m=rules.shortest_part_m,
            offset_m=rules.verge_offset_m,
        )
        for side in dict.fromkeys(wanted)
    }
    return tuple(verges[side] for side in wanted)


def built_verges(verges: Sequence[Verge], as_built: AsBuilt) -> tuple[Verge, ...]:
    """The verges, open within built sections at their places and nowhere else, nor so near beside their ends that one
    could not be told from the other; still one object for one trench."""
    found: dict[int, Verge] = {}
    for cable, verge in enumerate(verges):
        sections = as_built.on(cable)
        if id(verge) not in found:
            built = [section.extent for section in sections]
            kept = subtracted(merged([*verge.closed, *_beside(built, verge)]), built)
            gaps = [gap for section in sections for gap in section.gaps]
            found[id(verge)] = replace(verge, closed=tuple(sorted([*kept, *gaps], key=lambda extent: extent.start_m)))
    return tuple(found[id(verge)] for verge in verges)


def _beside(built: Sequence[Extent], verge: Verge) -> list[Extent]:
    """What is so near to a built section that it is one place with its end."""
    first_m, last_m = float(verge.measure_m[0]), float(verge.measure_m[-1])
    wide = (Extent(max(e.start_m - ONE_PLACE_M, first_m), min(e.end_m + ONE_PLACE_M, last_m)) for e in built)
    return subtracted(list(wide), built)


def pulled_through(as_built: AsBuilt, verges: Sequence[Verge], road: Road, rules: OpticalSettings) -> AsBuilt:
    """The sections of the cables that are planned; a second one in the first one's trench lies in its chambers.

    Where the list is silent about that second cable, its joints stand beside the first one's.

    Raises :class:`InputError` where a built reel is longer than one that may be bought.
    """
    if len(verges) < 2 or verges[0] is not verges[1]:
        return replace(as_built, sections=tuple(s for s in as_built.sections if s.cable < len(verges)))
    listed = [section.extent for section in as_built.on(1)]
    pulled: list[BuiltSection] = []
    for section in as_built.on(0):
        if section.extent in listed:
            continue
        places = tuple(BuiltPlace(p.measure_m, "", "", p.hut, p.joint) for p in section.places)
        pulled.append(BuiltSection(section.name, 1, places, laid=False))
        ends = [place.measure_m for place in places if place.ends_reel]
        for start_m, end_m in pairwise(ends):
            route_m = float(verges[0].route_at(end_m) - verges[0].route_at(start_m))
            if route_m > reel_route_m(rules):
                raise InputError(
                    f"optical: the second cable cannot be pulled along {road.span_text(start_m, end_m)}: "
                    f"{route_m:.0f} m between joints of section {section.name!r}, a reel covers "
                    f"{reel_route_m(rules):.0f} m",
                    cure='a greater optical.reel_limit_m, or optical.second_cable = "other_side"',
                )
    return replace(as_built, sections=(*as_built.sections, *pulled))


def parts_of(
    road: Road, verges: Sequence[Verge], rules: OpticalSettings, as_built: AsBuilt = NOTHING_BUILT
) -> list[Part]:
    """The parts of the line in order of measure: where the road exists, on either carriageway.

    A part ends in the built hut that stands at its end. Raises :class:`InputError` for a section that no part holds.
    """
    ground = _common_ground(verges)
    parts: list[Part] = []
    for extent in verges[0].parts:
        start_m, end_m = (ground.nearest_open(m, extent) for m in (extent.start_m, extent.end_m))
        if end_m - start_m < rules.shortest_part_m / 2.0:
            continue
        at_start = extent.start_m <= 1.0
        at_end = extent.end_m >= road.length_m - 1.0
        line = _ended_in_huts(Extent(start_m, end_m), extent, as_built)
        parts.append(Part(extent, line, at_start, at_end))
    if not parts:
        raise InputError(
            f"optical: {road.span_text(0.0, road.length_m)} has no {rules.shortest_part_m:.0f} m without a hole",
            cure="a smaller optical.shortest_part_m, or a map without holes",
        )
    _require_held(road, parts, as_built)
    return parts


def _ended_in_huts(line: Extent, part: Extent, as_built: AsBuilt) -> Extent:
    held = Extent(part.start_m - _LABEL_M, part.end_m + _LABEL_M)
    places = [p for s in as_built.sections for p in s.places if held.contains(p.measure_m)]
    first = min(places, key=lambda place: place.measure_m, default=None)
    last = max(places, key=lambda place: place.measure_m, default=None)
    start_m, end_m = line.start_m, line.end_m
    if first is not None and first.hut and abs(first.measure_m - start_m) <= _END_HUT_M:
        start_m = first.measure_m
    if last is not None and last is not first and last.hut and abs(last.measure_m - end_m) <= _END_HUT_M:
        end_m = last.measure_m
    return Extent(start_m, end_m)


def _require_held(road: Road, parts: Sequence[Part], as_built: AsBuilt) -> None:
    for section in as_built.sections:
        start_m, end_m = section.extent.start_m, section.extent.end_m
        part = next((p for p in parts if p.line.start_m <= start_m and end_m <= p.line.end_m), None)
        said = f"optical: section {section.name!r} as built, {road.span_text(start_m, end_m)},"
        if part is None:
            held = ", ".join(road.span_text(p.line.start_m, p.line.end_m) for p in parts)
            raise InputError(f"{said} does not lie on the line ({held})", cure="the positions in the list")
        for end_of_line_m in (part.line.start_m, part.line.end_m):
            if start_m <= end_of_line_m <= end_m and not as_built.hut_at(end_of_line_m):
                raise InputError(f"{said} reaches the end of the line without a hut", cure="the hut there in the list")


def unbuilt_extents(road: Road, parts: Sequence[Part]) -> list[Extent]:
    """Where no cable is laid: holes in the geometry and what is too short between them."""
    return subtracted([Extent(0.0, road.length_m)], [part.extent for part in parts])


def hut_places(
    road: Road, verges: Sequence[Verge], part: Part, rules: OpticalSettings, as_built: AsBuilt = NOTHING_BUILT
) -> list[HutPlace]:
    """Where huts may stand on a part, in order: its two ends, powered places, and new power every few kilometres.

    Built huts stand; no other one does within a built section. ``verges`` are those of the road, not
    :func:`built_verges`.
    """
    ground = _common_ground(verges)
    powered = _powered_places(road, rules)
    start_m, end_m = part.line.start_m, part.line.end_m
    inner: dict[float, HutPlace] = {}
    count = int((end_m - start_m) // rules.new_power_step_m)
    for step in range(1, count + 1):
        at = ground.nearest_open(start_m + step * rules.new_power_step_m, part.line)
        inner[at] = _hut(at, "", "aggregation", "new", rules)
    for measure_m, name in powered:
        if part.line.contains(measure_m):
            at = ground.nearest_open(measure_m, part.line)
            inner[at] = _hut(at, name, "aggregation", "place", rules)
    huts_m = [m for m in as_built.huts_m if start_m < m < end_m]
    inner = {m: place for m, place in inner.items() if not as_built.covers(m) and _is_apart(m, huts_m)}
    ends = [
        _built(m, here, rules) if as_built.hut_at(m) else _end(m, here, powered, rules)
        for m, here in ((start_m, part.presence_before), (end_m, part.presence_after))
    ]
    free = [place for m, place in inner.items() if start_m + _SAME_PLACE_M < m < end_m - _SAME_PLACE_M]
    standing = [_built(m, False, rules) for m in huts_m]
    between = sorted([*free, *standing], key=lambda place: place.measure_m)
    return with_light([ends[0], *between, ends[1]], part.presence_before + part.presence_after, rules)


def _is_apart(measure_m: float, huts_m: Sequence[float]) -> bool:
    return all(abs(measure_m - hut_m) > _SAME_PLACE_M for hut_m in huts_m)


def _built(measure_m: float, presence: bool, rules: OpticalSettings) -> HutPlace:
    role = "point_of_presence" if presence else "aggregation"
    return replace(_hut(measure_m, "", role, "built", rules), built=True)


def _common_ground(verges: Sequence[Verge]) -> Verge:
    """The first verge, closed wherever any verge is: huts stand where every cable can be brought in."""
    return replace(verges[0], closed=tuple(merged(extent for verge in verges for extent in verge.closed)))


def _powered_places(road: Road, rules: OpticalSettings) -> list[tuple[float, str]]:
    places = road.places
    near = np.abs(np.nan_to_num(places["offset_m"], nan=0.0)) <= rules.place_offset_m
    rows = places.take(near & places["powered"])
    return sorted(zip(rows["measure_m"].tolist(), rows["name"].tolist(), strict=True))


def _end(measure_m: float, presence: bool, powered: Sequence[tuple[float, str]], rules: OpticalSettings) -> HutPlace:
    nearest = min(powered, key=lambda place: abs(place[0] - measure_m), default=(float("inf"), ""))
    has_power = abs(nearest[0] - measure_m) <= rules.place_offset_m
    role = "point_of_presence" if presence else "aggregation"
    return _hut(measure_m, nearest[1] if has_power else "", role, "place" if has_power else "new", rules)


def _hut(measure_m: float, name: str, role: str, power: str, rules: OpticalSettings) -> HutPlace:
    prices = rules.prices
    powered = {"place": prices.power_at_place.amount_minor, "new": prices.power_new.amount_minor, "built": 0}
    cost_minor = prices.hut.amount_minor + powered[power]
    return HutPlace(measure_m, name, role, power, cost_minor + hut_ways_minor(rules))
