"""Where the toll points of the tariffs stand beside this road.

::

    coordinates in the tariff          projected on the road, at their true distance
    a toll place of the map            the nearest to the tariff's kilometre, if that is the nearest to it
    the tariff's kilometre alone       beside the main line, or at an assumed distance on a ramp
    none of these on this road         not connected, named

A toll point is one connection, whatever lanes, booths and carriageways it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.linear import Carriageway, KmLabel
from trassa.optical.access.connection_list import OFFSET_M
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import TOLL_POINT
from trassa.optical.settings import OpticalSettings
from trassa.road.locate import Locator
from trassa.road.model import Road
from trassa.toll.tariff import TollPoint

__all__ = ["TollPlaces", "toll_places"]

_KINDS = ("toll_plaza", "toll_gantry")
_MAIN_LINE_M = 60.0
"""A toll place of the map that is farther from both carriageways stands on a ramp."""
_FARTHEST_M = 5000.0


@dataclass(frozen=True)
class TollPlaces:
    """Toll points beside this road as connections; ids of those whose distance is assumed, and of those elsewhere."""

    connections: tuple[Connection, ...]
    assumed: tuple[str, ...]
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class _Stand:
    """A place beside the road: ``offset_m`` outwards from the nearest carriageway."""

    measure_m: float
    carriageway: Carriageway
    offset_m: float


def toll_places(points: Sequence[TollPoint], road: Road, rules: OpticalSettings) -> TollPlaces:
    """The place of every toll point. A schematic axis has no sides: there the kilometre alone counts."""
    real = road.axis != "schematic"
    given = _given(points, road) if real else {}
    at_m = {point.id: _measure_m(point, road) for point in points if point.id not in given}
    mapped: dict[str, _Stand] = {}
    if real:
        stands = _mapped(road)
        for kind in ("main line", "ramp"):
            ours = {p.id: m for p in points if p.at == kind and (m := at_m.get(p.id)) is not None}
            beside = [stand for stand in stands if (stand.offset_m > _MAIN_LINE_M) == (kind == "ramp")]
            mapped |= _paired(ours, beside, rules.toll_place_m)
    found: list[Connection] = []
    assumed: list[str] = []
    elsewhere: list[str] = []
    for point in points:
        stand, measure_m = given.get(point.id) or mapped.get(point.id), at_m.get(point.id)
        side = next((side for side in point.carriageways if side in road.alignments), None)
        if stand is not None and not (point.at == "main line" and point.id in mapped):
            found.append(Connection(point.id, stand.measure_m, stand.carriageway, stand.offset_m, TOLL_POINT))
        elif measure_m is None or side is None:
            elsewhere.append(point.id)
        elif point.at == "main line":
            # A gantry hangs over the lanes; what is connected is the cabinet beside them.
            there_m = stand.measure_m if stand else measure_m
            found.append(Connection(point.id, there_m, side, OFFSET_M, TOLL_POINT))
        else:
            assumed.append(point.id)
            found.append(Connection(point.id, measure_m, side, rules.ramp_offset_m, TOLL_POINT))
    return TollPlaces(tuple(found), tuple(assumed), tuple(elsewhere))


def _given(points: Sequence[TollPoint], road: Road) -> dict[str, _Stand]:
    """Toll points with coordinates near this road."""
    with_place = [p for p in points if p.latitude_deg is not None and p.longitude_deg is not None]
    stands = _located([(p.latitude_deg or 0.0, p.longitude_deg or 0.0) for p in with_place], road)
    return {p.id: s for p, s in zip(with_place, stands, strict=True) if s.offset_m <= _FARTHEST_M}


def _mapped(road: Road) -> list[_Stand]:
    """The toll places of the map."""
    rows = [row for row in road.places.rows() if row["kind"] in _KINDS]
    return _located([(float(row["latitude_deg"]), float(row["longitude_deg"])) for row in rows], road)


def _located(places: Sequence[tuple[float, float]], road: Road) -> list[_Stand]:
    if not places:
        return []
    found = Locator(road).locate([lat for lat, _ in places], [lon for _, lon in places])
    columns = (found.measure_m.tolist(), found.carriageway.tolist(), abs(found.offset_m).tolist())
    return [_Stand(*row) for row in zip(*columns, strict=True)]


def _measure_m(point: TollPoint, road: Road) -> float | None:
    """Where the tariff's kilometre lies on this road; None where it has none."""
    if point.km is None:
        return None
    try:
        measure_m = road.calibration.measure(KmLabel.from_decimal(point.km))
    except InputError:  # a kilometre that this road does not have
        return None
    return measure_m if 0.0 <= measure_m <= road.length_m else None


def _paired(points: Mapping[str, float], stands: Sequence[_Stand], within_m: float) -> dict[str, _Stand]:
    """The toll place of each point: the nearest to it, where no other point is nearer to that place."""
    pairs: dict[str, _Stand] = {}
    for ident, measure_m in points.items():
        nearest = min(stands, key=lambda stand: (abs(stand.measure_m - measure_m), stand.measure_m), default=None)
        if nearest is None:
            continue
        away_m = abs(nearest.measure_m - measure_m)
        if away_m <= within_m and all(away_m <= abs(nearest.measure_m - other_m) for other_m in points.values()):
            pairs[ident] = nearest
    return pairs
