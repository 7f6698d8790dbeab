"""Where a site could be put: existing masts near the road, and new masts along its verge."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.errors import InputError
from trassa.linear import Carriageway, Extent, opposite
from trassa.radio.options import Options, options_of
from trassa.radio.settings import RadioSettings
from trassa.radio.site_cost import fibre_drop_m, place_minor, power_m
from trassa.road.alignment import Alignment
from trassa.road.ground import GroundGrid
from trassa.road.model import Road

__all__ = ["Candidates", "candidates_of"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True)
class Candidates:
    """Places for a site and what is on offer there.

    Arrays of shape (places,), in order of measure; ``height_m`` and ``cost_minor`` have shape (places, options),
    with NaN and 0 where an option is not on offer. ``ahead_deg`` and ``back_deg`` are the azimuths of the sectors
    that look towards increasing and decreasing measure, NaN on an axis without geometry. ``power_m`` and
    ``fibre_drop_m`` are the ways to mains power and to the cable (:mod:`trassa.radio.site_cost`).
    """

    name: npt.NDArray[np.object_]
    kind: npt.NDArray[np.object_]
    carriageway: npt.NDArray[np.object_]
    measure_m: FloatArray
    offset_m: FloatArray
    latitude_deg: FloatArray
    longitude_deg: FloatArray
    ground_m: FloatArray
    height_assumed: npt.NDArray[np.bool_]
    ahead_deg: FloatArray
    back_deg: FloatArray
    power_m: FloatArray
    fibre_drop_m: FloatArray
    height_m: FloatArray
    cost_minor: npt.NDArray[np.int64]
    options: Options

    def __len__(self) -> int:
        return len(self.measure_m)

    @property
    def mast_heights_m(self) -> FloatArray:
        """Antenna heights by mast, shape (places, masts): each height once, whatever else is combined with it."""
        _, first = np.unique(self.options.mast, return_index=True)
        return np.ascontiguousarray(self.height_m[:, first])

    @property
    def offered(self) -> npt.NDArray[np.bool_]:
        """Which options are on offer, shape (places, options)."""
        return np.isfinite(self.height_m)

    def take(self, index: npt.ArrayLike) -> Candidates:
        """The places at an index array or mask, in that order."""
        at = np.asarray(index)
        by_place = [name for name in self.__dataclass_fields__ if name != "options"]
        return Candidates(**{name: getattr(self, name)[at] for name in by_place}, options=self.options)


def candidates_of(road: Road, ground: GroundGrid | None, settings: RadioSettings) -> Candidates:
    """All places of a road: usable masts within reach of it, and new masts every so many metres of verge.

    No new mast stands on a bridge, in a tunnel or in a hole; with terrain, none where its ground is unknown.
    :class:`~trassa.errors.InputError` where nothing is left.
    """
    places = _sorted(road, _new_masts(road, settings) + _existing_masts(road, settings), settings)
    if ground is not None and len(places):
        height = _standing_m(ground, places.latitude_deg, places.longitude_deg)
        places = replace(places, ground_m=height).take(np.isfinite(height))
    if not len(places):
        raise InputError(
            f"radio: {road.ref} has no place for a site (no usable mast, no open verge with known ground)",
            cure="a smaller radio.new_mast_spacing_m, or terrain that reaches the road",
        )
    return places


def _standing_m(ground: GroundGrid, latitude_deg: FloatArray, longitude_deg: FloatArray) -> FloatArray:
    """The ground that masts stand on, shape (places,); NaN where it is unknown.

    A surface model reads treetops and roofs, and nobody plants a mast on those: there it is the lowest of the heights
    at the place and at the eight places one node away in latitude, longitude or both.
    """
    here, _ = ground.sample(latitude_deg, longitude_deg)
    if ground.kind == "bare":
        return here
    lowest = here
    for south in (-ground.step_lat_deg, 0.0, ground.step_lat_deg):
        for east in (-ground.step_lon_deg, 0.0, ground.step_lon_deg):
            lowest = np.fmin(lowest, ground.sample(latitude_deg - south, longitude_deg + east)[0])
    return np.where(np.isfinite(here), lowest, np.nan)


@dataclass(frozen=True)
class _Place:
    name: str
    kind: str
    carriageway: Carriageway
    measure_m: float
    offset_m: float
    latitude_deg: float
    longitude_deg: float
    heights_m: tuple[float, ...]
    height_assumed: bool
    ahead_deg: float
    back_deg: float


def _sorted(road: Road, places: list[_Place], settings: RadioSettings) -> Candidates:
    places = sorted(places, key=lambda place: (place.measure_m, place.kind, place.name))
    options = options_of(settings)
    kind, offset_m = _texts([place.kind for place in places]), np.array([place.offset_m for place in places])
    latitude_deg = np.array([place.latitude_deg for place in places], dtype=np.float64)
    longitude_deg = np.array([place.longitude_deg for place in places], dtype=np.float64)
    mains_m, drop_m = power_m(road, kind, latitude_deg, longitude_deg, settings), fibre_drop_m(offset_m)
    heights = np.full((len(places), len(options)), np.nan)
    cost = np.zeros((len(places), len(options)), dtype=np.int64)
    sector_minor = settings.prices.sector.amount_minor
    for row, place in enumerate(places):
        for mast, height_m in enumerate(place.heights_m):
            of_mast = options.mast == mast
            heights[row, of_mast] = height_m
            alone_minor = place_minor(place.kind, height_m, float(mains_m[row]), float(drop_m[row]), settings.prices)
            cost[row, of_mast] = alone_minor + options.sectors[of_mast] * sector_minor
    return Candidates(
        name=_texts([place.name for place in places]),
        kind=kind,
        carriageway=_texts([place.carriageway for place in places]),
        measure_m=np.array([place.measure_m for place in places], dtype=np.float64),
        offset_m=offset_m,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        ground_m=np.zeros(len(places)),
        height_assumed=np.array([place.height_assumed for place in places], dtype=bool),
        ahead_deg=np.array([place.ahead_deg for place in places], dtype=np.float64),
        back_deg=np.array([place.back_deg for place in places], dtype=np.float64),
        power_m=mains_m,
        fibre_drop_m=drop_m,
        height_m=heights,
        cost_minor=cost,
        options=options,
    )


def _new_masts(road: Road, settings: RadioSettings) -> list[_Place]:
    if not settings.new_mast_heights_m:
        return []
    heights = tuple(settings.new_mast_heights_m)
    built = {side: _built_up(road, side) for side in road.carriageways}
    places: list[_Place] = []
    for number, measure_m in enumerate(np.arange(0.0, road.length_m, settings.new_mast_spacing_m).tolist()):
        side = _side(road, settings, number)
        if not _has_verge(road.alignments[side], built[side], measure_m):
            continue
        latitude_deg, longitude_deg, offset_m = _verge(road, side, measure_m, settings.new_mast_offset_m)
        place = (side, measure_m, offset_m, latitude_deg, longitude_deg)
        looks = _azimuths_deg(road, side, measure_m, (latitude_deg, longitude_deg), offset_m, settings)
        places.append(_Place(f"N-{number:05d}", "new", *place, heights, False, *looks))
    return places


def _side(road: Road, settings: RadioSettings, number: int) -> Carriageway:
    if settings.new_mast_side == "alternate":
        wanted: Carriageway = "increasing" if number % 2 == 0 else "decreasing"
    else:
        wanted = settings.new_mast_side
    return wanted if wanted in road.alignments else opposite(wanted)


def _built_up(road: Road, side: Carriageway) -> list[Extent]:
    return [extent for kind in ("bridge", "tunnel", "hole") for extent in road.structure_extents(kind, side)]


def _has_verge(line: Alignment, built_up: list[Extent], measure_m: float) -> bool:
    after = int(np.clip(np.searchsorted(line.measure_m, measure_m, side="right"), 1, len(line) - 1))
    exists = bool(line.present[after - 1] and line.present[after])
    return exists and not any(extent.contains(measure_m) for extent in built_up)


def _verge(road: Road, side: Carriageway, measure_m: float, offset_m: float) -> tuple[float, float, float]:
    """Latitude and longitude beside a carriageway, where traffic keeps to, and how far off the reference line."""
    latitude_deg, longitude_deg = _at(road, side, measure_m)
    heading_deg = _heading_deg(road, side, measure_m)
    if not np.isfinite(heading_deg + latitude_deg):
        return np.nan, np.nan, offset_m
    longitude, latitude, _ = _WGS84.fwd(longitude_deg, latitude_deg, heading_deg + 90.0 * road.keeps_right, offset_m)
    reference = road.reference if road.reference in road.alignments else side
    place = (float(latitude), float(longitude))
    return *place, round(_distance_m(place, _at(road, reference, measure_m)), 1)


def _existing_masts(road: Road, settings: RadioSettings) -> list[_Place]:
    places: list[_Place] = []
    for mast in road.masts.where(usable=True).rows():
        if float(mast["offset_m"]) > settings.existing_mast_max_offset_m:
            continue
        mapped_m = float(mast["height_m"]) - settings.existing_mast_top_m
        assumed = not np.isfinite(mapped_m)
        height_m = _lowest_m(settings) if assumed else max(mapped_m, 5.0)
        measure_m, place = float(mast["measure_m"]), (float(mast["latitude_deg"]), float(mast["longitude_deg"]))
        name = str(mast["name"]) or str(mast["osm_id"])
        side = _side_of(road, measure_m, place)
        located = (side, measure_m, float(mast["offset_m"]), *place)
        looks = _azimuths_deg(road, side, measure_m, place, float(mast["offset_m"]), settings)
        places.append(_Place(name, "existing", *located, (height_m,), assumed, *looks))
    return _distinct_names(places)


def _azimuths_deg(
    road: Road,
    side: Carriageway,
    measure_m: float,
    place: tuple[float, float],
    offset_m: float,
    settings: RadioSettings,
) -> tuple[float, float]:
    """Towards the road ``aim_m`` and the mast's offset further along it, ahead and back, in degrees from north.

    Beyond the end of the road a sector looks at the end, and where the mast stands there, away from the other one.
    """
    side = side if side in road.alignments else opposite(side)
    aim_m = settings.antenna.aim_m + offset_m
    looks = []
    for along_m in (aim_m, -aim_m):
        aimed_m = float(np.clip(measure_m + along_m, 0.0, road.length_m))
        if abs(aimed_m - measure_m) < 0.5 * settings.antenna.aim_m:
            looks.append(np.nan)
            continue
        latitude_deg, longitude_deg = _at(road, side, aimed_m)
        looks.append(float(_WGS84.inv(place[1], place[0], longitude_deg, latitude_deg)[0]) % 360.0)
    ahead_deg, back_deg = looks
    if np.isnan(ahead_deg) and np.isnan(back_deg):
        first, last = _at(road, side, 0.0), _at(road, side, road.length_m)
        ahead_deg = float(_WGS84.inv(first[1], first[0], last[1], last[0])[0]) % 360.0
    if np.isnan(ahead_deg):
        ahead_deg = (back_deg + 180.0) % 360.0
    if np.isnan(back_deg):
        back_deg = (ahead_deg + 180.0) % 360.0
    return ahead_deg, back_deg


def _lowest_m(settings: RadioSettings) -> float:
    """The antenna of a mast of unknown height stands at least this high; losses are computed from there."""
    return max(settings.existing_mast_default_height_m - settings.mast_height_tolerance_m, 5.0)


def _distinct_names(places: list[_Place]) -> list[_Place]:
    seen: dict[str, int] = {}
    distinct: list[_Place] = []
    for place in places:
        seen[place.name] = seen.get(place.name, 0) + 1
        number = seen[place.name]
        distinct.append(place if number == 1 else replace(place, name=f"{place.name} ({number})"))
    return distinct


def _side_of(road: Road, measure_m: float, place: tuple[float, float]) -> Carriageway:
    """The carriageway on whose verge's side a mast stands; the reference where headings are unknown."""
    side: Carriageway = "increasing" if "increasing" in road.alignments else "decreasing"
    heading_deg = _heading_deg(road, side, measure_m)
    latitude_deg, longitude_deg = _at(road, side, measure_m)
    if not np.isfinite(heading_deg + latitude_deg + place[0]):
        return road.reference
    azimuth_deg, _, _ = _WGS84.inv(longitude_deg, latitude_deg, place[1], place[0])
    to_the_right = np.sin(np.radians(azimuth_deg - heading_deg))
    return side if to_the_right * road.keeps_right >= 0.0 else opposite(side)


def _at(road: Road, side: Carriageway, measure_m: float) -> tuple[float, float]:
    line = road.alignments[side]
    latitude = np.interp(measure_m, line.measure_m, line.latitude_deg)
    return float(latitude), float(np.interp(measure_m, line.measure_m, line.longitude_deg))


def _heading_deg(road: Road, side: Carriageway, measure_m: float) -> float:
    line = road.alignments[side]
    return float(line.heading_deg[int(np.abs(line.measure_m - measure_m).argmin())])


def _distance_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    return float(_WGS84.inv(first[1], first[0], second[1], second[0])[2])


def _texts(values: list[str]) -> npt.NDArray[np.object_]:
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts
