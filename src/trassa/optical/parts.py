"""From a road to what the line is planned on: verges, uninterrupted parts, places for huts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trassa.errors import ConfigError, InputError
from trassa.linear import Carriageway, Extent, merged, opposite, subtracted
from trassa.optical.lengths import Verge, verge_of
from trassa.optical.placement import HutPlace
from trassa.optical.plant import reel_route_m
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["Part", "hut_places", "parts_of", "unbuilt_extents", "verges_of"]

_SAME_PLACE_M = 100.0
"""Hut places nearer to one another than this are one."""


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
        side: verge_of(road, side, reel_route_m=reel_route_m(rules), shortest_part_m=rules.shortest_part_m)
        for side in dict.fromkeys(wanted)
    }
    return tuple(verges[side] for side in wanted)


def parts_of(road: Road, verges: Sequence[Verge], rules: OpticalSettings) -> list[Part]:
    """The parts of the line in order of measure: where the road exists, on either carriageway."""
    ground = _common_ground(verges)
    parts: list[Part] = []
    for extent in verges[0].parts:
        start_m, end_m = (ground.nearest_open(m, extent) for m in (extent.start_m, extent.end_m))
        if end_m - start_m < rules.shortest_part_m / 2.0:
            continue
        at_start = extent.start_m <= 1.0
        at_end = extent.end_m >= road.length_m - 1.0
        parts.append(Part(extent, Extent(start_m, end_m), at_start, at_end))
    if not parts:
        raise InputError(
            f"optical: {road.span_text(0.0, road.length_m)} has no {rules.shortest_part_m:.0f} m without a hole",
            cure="a smaller optical.shortest_part_m, or a map without holes",
        )
    return parts


def unbuilt_extents(road: Road, parts: Sequence[Part]) -> list[Extent]:
    """Where no cable is laid: holes in the geometry and what is too short between them."""
    return subtracted([Extent(0.0, road.length_m)], [part.extent for part in parts])


def hut_places(road: Road, verges: Sequence[Verge], part: Part, rules: OpticalSettings) -> list[HutPlace]:
    """Where huts may stand on a part, in order: its two ends, powered places, and new power every few kilometres."""
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
    ends = [
        _end(m, here, powered, rules) for m, here in ((start_m, part.presence_before), (end_m, part.presence_after))
    ]
    between = [
        place for measure, place in sorted(inner.items()) if start_m + _SAME_PLACE_M < measure < end_m - _SAME_PLACE_M
    ]
    return [ends[0], *between, ends[1]]


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
    connection = prices.power_at_place if power == "place" else prices.power_new
    cost_minor = prices.hut.amount_minor + prices.line_equipment.amount_minor + connection.amount_minor
    return HutPlace(measure_m, name, role, power, cost_minor)
