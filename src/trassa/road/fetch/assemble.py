"""From a road's number to an extract, elevation tiles and their attribution in one folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.clock import timestamp
from trassa.errors import InputError
from trassa.provenance import Progress, no_progress, sha256_of_bytes, sha256_of_file
from trassa.road.fetch.copernicus import fetch_tiles, tiles_around
from trassa.road.fetch.courier import Courier
from trassa.road.fetch.extract import RoadTrace, merge_extracts, traces_of
from trassa.road.fetch.overpass import QueryTooLarge, require_answer, road_query, surroundings_query
from trassa.road.lattice import Bounds, metres_per_degree
from trassa.road.refs import folded_ref

__all__ = ["COPERNICUS_COARSE_URL", "COPERNICUS_URL", "OVERPASS_URL", "FetchedRoad", "fetch_road"]

OVERPASS_URL = "https://overpass-api.de/api/interpreter"
COPERNICUS_URL = "https://copernicus-dem-30m.s3.amazonaws.com"
COPERNICUS_COARSE_URL = "https://copernicus-dem-90m.s3.amazonaws.com"

_BOX_DEG = 0.25
_MARGIN_M = 5000.0
_SPLITS = 3
_ATTRIBUTION = """\
{ref}, fetched {date}

{osm}
© OpenStreetMap contributors, Open Database License 1.0 (https://www.openstreetmap.org/copyright).
A database derived from it stays under the same licence.

{tiles}
Produced using Copernicus WorldDEM-30 and WorldDEM-90 © DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH
2014-2018 provided under COPERNICUS by the European Union and ESA; all rights reserved.
"""


@dataclass(frozen=True)
class FetchedRoad:
    """What lies in the folder now. The elevation tiles are a *surface* model: woods and houses are in the heights."""

    osm: tuple[Path, ...]
    dem: tuple[Path, ...]
    attribution: Path
    notes: tuple[str, ...]


def fetch_road(
    ref: str,
    into: Path,
    *,
    overpass_url: str = OVERPASS_URL,
    dem_url: str = COPERNICUS_URL,
    coarse_dem_url: str = COPERNICUS_COARSE_URL,
    near: tuple[float, float] | None = None,
    reach_m: float = 15_000.0,
    contact: str = "",
    sleep: Callable[[float], None] = time.sleep,
    progress: Progress = no_progress,
) -> FetchedRoad:
    """Fetch a road: its ways by ref, its surroundings in boxes along it, elevation tiles within ``reach_m``.

    ``near`` (latitude, longitude) chooses among roads of one number. Whatever has arrived is kept with its date and
    SHA-256 and not asked for again; the same call after a break goes on from there. Raises :class:`InputError` where no
    road or several roads answer to the number, or where a server keeps failing.
    """
    answers = into / "overpass"
    with Courier(contact=contact, sleep=sleep) as courier:
        found = answers / f"road-{folded_ref(ref).lower()}.osm"
        courier.ask(overpass_url, road_query(ref), found, require_answer)
        trace = _one_road(traces_of(found, ref), ref, near)
        progress(0.05)
        parts = _surroundings(courier, overpass_url, trace, answers, lambda share: progress(0.05 + 0.5 * share))
        corners = tiles_around(trace.latitude_deg, trace.longitude_deg, reach_m)
        tiles = fetch_tiles(
            courier, corners, into, dem_url, coarse_dem_url, lambda share: progress(0.55 + 0.35 * share)
        )
    extract = into / f"{folded_ref(ref).lower()}.osm.gz"
    merge_extracts([found, *parts], extract, lambda share: progress(0.9 + 0.1 * share))
    note = f"map: complete within {_MARGIN_M / 1000:.0f} km of the road; beyond, no woods or buildings are known"
    return _signed(ref, into, extract, tiles.files, (note, *tiles.notes))


def _one_road(traces: list[RoadTrace], ref: str, near: tuple[float, float] | None) -> RoadTrace:
    if not traces:
        raise InputError(f"fetch: the map knows no road {ref!r}", cure="the number as its signs spell it")
    if near is not None:
        return min(traces, key=lambda t: float(np.min(_distance_m(t, near))))
    if len(traces) > 1:
        places = [
            "{:.1f}° N {:.1f}° E".format(*trace.middle) + f" ({trace.length_m / 1000:.0f} km)" for trace in traces
        ]
        raise InputError(
            f"fetch: {len(traces)} roads are called {ref!r}: {', '.join(places)}, carriageways counted singly",
            cure="--near {:.1f},{:.1f}".format(*traces[0].middle),
        )
    return traces[0]


def _distance_m(trace: RoadTrace, near: tuple[float, float]) -> npt.NDArray[np.float64]:
    per_lat_m, per_lon_m = metres_per_degree(near[0])
    apart = np.hypot((trace.latitude_deg - near[0]) * per_lat_m, (trace.longitude_deg - near[1]) * per_lon_m)
    return np.asarray(apart, dtype=np.float64)


def _surroundings(courier: Courier, url: str, trace: RoadTrace, folder: Path, progress: Progress) -> list[Path]:
    boxes = list(_boxes_along(trace))
    files: list[Path] = []
    for number, box in enumerate(boxes):
        files += _ask_box(courier, url, box, folder, _SPLITS)
        progress((number + 1) / len(boxes))
    return files


def _ask_box(courier: Courier, url: str, box: Bounds, folder: Path, splits: int) -> list[Path]:
    """One box, or its halves where Overpass finds it too large."""
    query = surroundings_query(box)
    file = folder / f"box-{sha256_of_bytes(query.encode())[:16]}.osm"
    try:
        courier.ask(url, query, file, require_answer)
    except QueryTooLarge:
        if splits == 0:
            raise
        west, south, east, north = box
        middle = (west + east) / 2.0
        halves = Bounds(west, south, middle, north), Bounds(middle, south, east, north)
        if north - south > (east - west) * 0.6:
            middle = (south + north) / 2.0
            halves = Bounds(west, south, east, middle), Bounds(west, middle, east, north)
        return [part for half in halves for part in _ask_box(courier, url, half, folder, splits - 1)]
    return [file]


def _boxes_along(trace: RoadTrace) -> Iterator[Bounds]:
    """The road's points by cells of a quarter degree, the box of each widened by the margin."""
    lat, lon = trace.latitude_deg, trace.longitude_deg
    cells, owner = np.unique(np.floor(np.stack([lat, lon]) / _BOX_DEG).astype(int), axis=1, return_inverse=True)
    for number in range(cells.shape[1]):
        own_lat, own_lon = lat[owner.ravel() == number], lon[owner.ravel() == number]
        per_lat_m, per_lon_m = metres_per_degree(float(np.abs(own_lat).max()))
        up, aside = _MARGIN_M / float(per_lat_m), _MARGIN_M / float(per_lon_m)
        west, south, east, north = own_lon.min(), own_lat.min(), own_lon.max(), own_lat.max()
        yield Bounds(float(west - aside), float(south - up), float(east + aside), float(north + up))


def _signed(ref: str, into: Path, extract: Path, tiles: tuple[Path, ...], notes: tuple[str, ...]) -> FetchedRoad:
    """Write attribution and an account of the files beside them."""
    date = timestamp()
    attribution = into / "ATTRIBUTION.txt"
    names = "\n".join(tile.name for tile in tiles)
    attribution.write_text(_ATTRIBUTION.format(ref=ref, date=date, osm=extract.name, tiles=names), "utf-8")
    files = {file.name: {"sha256": sha256_of_file(file), "bytes": file.stat().st_size} for file in (extract, *tiles)}
    account = {"ref": ref, "finished": date, "terrain_kind": "surface", "files": files, "notes": list(notes)}
    (into / "fetch.json").write_text(json.dumps(account, ensure_ascii=False, indent=1), "utf-8")
    return FetchedRoad((extract,), tiles, attribution, notes)
