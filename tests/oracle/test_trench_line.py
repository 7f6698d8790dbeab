"""The trench beside the axis against a circle, a geodesic and an offset curve that GEOS draws."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from drawn_road import drawn_road
from trassa.linear import Carriageway, opposite
from trassa.optical.plant.lengths import Verge, verge_of
from trassa.road.alignment import Alignment
from trassa.road.model import Road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey
from trassa.road.verge import beside, outwards, traffic_of

WGS84 = Geod(ellps="WGS84")
OFFSET_M = 12.0


def _verge(road: Road, carriageway: Carriageway, offset_m: float) -> Verge:
    return verge_of(road, carriageway, reel_route_m=3900.0, shortest_part_m=500.0, offset_m=offset_m)


def _bent(
    road: Road, centre: tuple[float, float], radius_m: float, sense: int, carriageway: Carriageway, median_m: float
) -> Alignment:
    """A carriageway on a geodesic circle, to the right of it by ``median_m`` (``sense`` 1 turns right)."""
    line = road.alignments[carriageway]
    angle_deg = np.degrees(sense * line.measure_m / radius_m)
    whole = np.full(len(line), 1.0)
    out_m = (radius_m - sense * median_m) * whole
    lon, lat, _ = WGS84.fwd(centre[1] * whole, centre[0] * whole, angle_deg, out_m)
    return replace(line, latitude_deg=np.asarray(lat), longitude_deg=np.asarray(lon))


def _on_circle(length_m: float, radius_m: float, sense: int, left_hand: bool) -> Road:
    road = drawn_road(length_m)
    right_m = {"increasing": 0.0, "decreasing": 20.0 if left_hand else -20.0}
    lines = {name: _bent(road, (60.0, 30.0), radius_m, sense, name, right_m[name]) for name in road.alignments}
    road = replace(road, alignments=lines)
    return replace(road, traffic=traffic_of(road, None))


@pytest.mark.parametrize("left_hand", [False, True])
@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_on_a_circle_the_trench_is_longer_by_offset_times_turn(
    carriageway: Carriageway, sense: int, left_hand: bool
) -> None:
    radius_m = 400.0
    road = _on_circle(1500.0, radius_m, sense, left_hand)
    first_m, last_m = 100.0, 1400.0
    axis, trench = _verge(road, carriageway, 0.0), _verge(road, carriageway, OFFSET_M)
    axis_m, trench_m = (float(np.diff(v.route_at([first_m, last_m]))[0]) for v in (axis, trench))
    right = 1 if (carriageway == "increasing") != left_hand else -1
    assert outwards(road, carriageway) == right
    turn = sense * (last_m - first_m) / radius_m
    assert trench_m - axis_m == pytest.approx(-right * OFFSET_M * turn, abs=1e-3)
    # and it is the concentric arc, but for what chords of 10 m cut off
    own_m = radius_m - sense * (0.0 if carriageway == "increasing" else (20.0 if left_hand else -20.0))
    assert trench_m == pytest.approx((own_m - sense * right * OFFSET_M) * abs(turn), abs=0.1)


@pytest.mark.parametrize("azimuth_deg", [0.0, 37.0, 90.0])
def test_straight_at_60_north_the_trench_is_as_long_as_the_geodesic(azimuth_deg: float) -> None:
    road = drawn_road(50_000.0, start=(60.0, 30.0), azimuth_deg=azimuth_deg, carriageways=["increasing"])
    assert _verge(road, "increasing", OFFSET_M).route_m[-1] == pytest.approx(50_000.0, abs=0.01)


def test_on_a_slope_the_trench_is_measured_in_space() -> None:
    road = drawn_road(4000.0, height_m=lambda measure: 0.06 * measure)
    assert _verge(road, "increasing", OFFSET_M).route_m[-1] == pytest.approx(4000.0 * math.hypot(1.0, 0.06), rel=1e-6)


def test_without_offset_and_on_a_schematic_axis_nothing_changes() -> None:
    road = _on_circle(1500.0, 400.0, 1, False)
    assert _verge(road, "increasing", 0.0).route_m == pytest.approx(road.alignments["increasing"].measure_m)
    schematic = replace(road, axis="schematic")
    assert _verge(schematic, "decreasing", OFFSET_M).route_m == pytest.approx(road.alignments["increasing"].measure_m)
    assert beside(schematic, OFFSET_M) is schematic


def test_kinks_of_a_mapped_line_cancel_out() -> None:
    """Points thrown to and fro by half a metre: a straight road's trench stays as long as the road."""
    road = drawn_road(20_000.0, azimuth_deg=0.0, carriageways=["increasing"])
    line = road.alignments["increasing"]
    thrown_m = np.random.default_rng(7).uniform(-0.5, 0.5, len(line))
    lon, lat, _ = WGS84.fwd(line.longitude_deg, line.latitude_deg, np.full(len(line), 90.0), thrown_m)
    noisy = replace(road, alignments={"increasing": replace(line, latitude_deg=lat, longitude_deg=lon)})
    axis, trench = _verge(noisy, "increasing", 0.0), _verge(noisy, "increasing", OFFSET_M)
    assert float(np.abs(trench.route_m - axis.route_m).max()) < 0.6


def test_in_a_bend_tighter_than_the_offset_no_step_shrinks_below_a_fifth() -> None:
    road = _on_circle(200.0, 8.0, 1, False)
    axis, trench = _verge(road, "increasing", 0.0), _verge(road, "increasing", OFFSET_M)
    shares = np.diff(trench.route_m) / np.diff(axis.route_m)
    assert shares.min() == pytest.approx(0.2)


def _nds(shared: Path, ref: str) -> Road:
    folder = shared / "roads" / "testfeld_nds"
    return survey(RoadSettings(ref=ref, osm=["TestfeldNDS_main_roads.osm.gz"]), None, TerrainSettings(), folder)


@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_on_a_real_motorway_it_is_the_offset_curve_of_geos(shared: Path, carriageway: Carriageway) -> None:
    """Piece by piece of 2 km in an azimuthal projection about its middle.

    GEOS ends a piece square to its first and last step, the trench square to chords of 40 m: 12 m · 1.4° at either end.
    All together they are within 2 m.
    """
    road = _nds(shared, "A 39")
    line, trench = road.alignments[carriageway], _verge(road, carriageway, OFFSET_M)
    axis = _verge(road, carriageway, 0.0)
    side = outwards(road, carriageway)
    off, count = [], 200
    for first in range(0, len(line) - count, count):
        piece = slice(first, first + count + 1)
        if not line.present[piece].all():
            continue
        lat, lon = line.latitude_deg[piece], line.longitude_deg[piece]
        local = Transformer.from_crs("EPSG:4326", f"+proj=aeqd +lat_0={lat[100]} +lon_0={lon[100]}", always_xy=True)
        drawn = shapely.LineString(np.column_stack(local.transform(lon, lat)))
        # GEOS counts distance positive to the left
        geos_m = drawn.offset_curve(-side * OFFSET_M, join_style="mitre").length - drawn.length
        ours_m = np.diff((trench.route_m - axis.route_m)[[first, first + count]])[0]
        off.append(float(ours_m - geos_m))
    assert len(off) > 10
    assert max(abs(v) for v in off) < 0.6
    assert abs(sum(off)) < 2.0


def test_the_drawn_verge_stands_off_the_axis_away_from_the_other_carriageway(shared: Path) -> None:
    road = _nds(shared, "A 39")
    moved = beside(road, OFFSET_M)
    for carriageway in road.carriageways:
        line, verge = road.alignments[carriageway], moved.alignments[carriageway]
        other = road.alignments[opposite(carriageway)]
        here = line.present & other.present

        def away_m(first: Alignment, second: Alignment, at: np.ndarray = here) -> np.ndarray:
            ends = (first.longitude_deg[at], first.latitude_deg[at], second.longitude_deg[at], second.latitude_deg[at])
            return np.asarray(WGS84.inv(*ends)[2])

        assert away_m(line, verge) == pytest.approx(OFFSET_M, abs=1e-6)
        assert (away_m(verge, other) > away_m(line, other)).mean() > 0.99
