"""Route, sheath and fibre: three lengths, none of them planar, and the way back from fibre to measure."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from drawn_road import drawn_road
from trassa.linear import Extent
from trassa.optical.access.latency import fibre_latency_us, group_latency_us_per_km
from trassa.optical.plant.lengths import Lengths, verge_of
from trassa.optical.plant.route import CableRoute, Loop
from trassa.optical.settings import OpticalSettings

RULES = OpticalSettings()


def _verge(road, carriageway="increasing", shortest_part_m=500.0):
    return verge_of(road, carriageway, reel_route_m=3900.0, shortest_part_m=shortest_part_m)


@pytest.mark.parametrize("azimuth_deg", [0.0, 37.0, 90.0])
@pytest.mark.parametrize("carriageway", ["increasing", "decreasing"])
def test_route_at_60_north_is_the_geodesic(carriageway: str, azimuth_deg: float) -> None:
    road = drawn_road(5000.0, start=(60.0, 30.0), azimuth_deg=azimuth_deg)
    line = road.alignments[carriageway]
    ends = (line.longitude_deg[0], line.latitude_deg[0], line.longitude_deg[-1], line.latitude_deg[-1])
    geodesic_m = Geod(ellps="WGS84").inv(*ends)[2]
    assert _verge(road, carriageway).route_m[-1] == pytest.approx(geodesic_m, abs=0.01)


def test_route_follows_the_slope() -> None:
    road = drawn_road(4000.0, height_m=lambda measure: 0.06 * measure)
    assert _verge(road).route_m[-1] == pytest.approx(4000.0 * math.hypot(1.0, 0.06), rel=1e-9)


def test_schematic_axis_is_measured_by_its_declared_kilometres() -> None:
    """Its geometry is a chord between plazas and must not be measured: here it is half as long."""
    road = drawn_road(8000.0, axis="schematic")
    line = road.alignments["decreasing"]
    halved = replace(line, longitude_deg=line.longitude_deg[0] + (line.longitude_deg - line.longitude_deg[0]) / 2)
    road = replace(road, alignments={**road.alignments, "decreasing": halved})
    assert _verge(road, "decreasing").route_m[-1] == pytest.approx(8000.0)
    surveyed = replace(road, axis="surveyed")
    assert _verge(surveyed, "decreasing").route_m[-1] == pytest.approx(4000.0, rel=1e-3)


def test_a_hole_splits_the_verge_and_short_rests_are_left_out() -> None:
    road = drawn_road(6000.0, holes=[(2000.0, 2500.0), (2700.0, 3000.0)])
    assert _verge(road).parts == (Extent(0.0, 2000.0), Extent(3000.0, 6000.0))
    assert _verge(road, shortest_part_m=100.0).parts == (
        Extent(0.0, 2000.0),
        Extent(2500.0, 2700.0),
        Extent(3000.0, 6000.0),
    )


def test_three_lengths_stay_three_and_add_up() -> None:
    piece = Lengths.laid(1000.0, slack_ratio=0.02, loops_m=18.0, helix_ratio=0.975)
    assert (piece.route_m, piece.sheath_m) == pytest.approx((1000.0, 1038.0))
    assert piece.fibre_m == pytest.approx(1038.0 / 0.975)
    assert (piece + piece - piece).fibre_m == pytest.approx(piece.fibre_m)
    total = Lengths.total([piece, piece])
    assert (total.route_m, total.sheath_m, total.fibre_m) == pytest.approx((2000.0, 2076.0, 2076.0 / 0.975))
    assert Lengths.total([]) == Lengths(0.0, 0.0, 0.0)


def test_a_loop_stands_at_its_place() -> None:
    verge = _verge(drawn_road(2000.0))
    loops = [Loop(0.0, 0.0, 4.0), Loop(1000.0, 5.0, 5.0), Loop(2000.0, 4.0, 0.0)]
    cable = CableRoute.of(verge, 0.0, 2000.0, loops, RULES)
    assert cable.sheath_m(np.array([0.0, 999.0, 1000.0, 1001.0, 2000.0])) == pytest.approx(
        [0.0, 4.0 + 999 * 1.02, 4.0 + 1020 + 5, 4.0 + 1001 * 1.02 + 10, 2040.0 + 18.0]
    )
    assert cable.whole.fibre_m == pytest.approx(2058.0 / 0.975)
    within_loop_m = (4.0 + 1020.0 + np.array([0.0, 2.0, 5.0, 8.0, 10.0])) / 0.975
    assert cable.measure_at_fibre(within_loop_m) == pytest.approx([1000.0] * 5)


@given(
    places=st.lists(st.integers(1, 299).map(lambda i: i * 10.0), max_size=6, unique=True),
    asked=st.lists(st.floats(0.0, 3000.0), min_size=2, max_size=8),
    rise=st.floats(0.0, 0.06),
)
def test_fibre_rises_with_measure_and_leads_back(places: list[float], asked: list[float], rise: float) -> None:
    verge = _verge(drawn_road(3000.0, height_m=lambda measure: rise * measure))
    loops = [Loop(0.0, 0.0, 4.0), *(Loop(place, 5.0, 5.0) for place in places), Loop(3000.0, 4.0, 0.0)]
    cable = CableRoute.of(verge, 0.0, 3000.0, loops, RULES)
    measure = np.sort(np.array(asked))
    fibre_m = cable.fibre_m(measure)
    assert (np.diff(fibre_m) >= np.diff(measure) * 1.02 / 0.975 - 1e-6).all()
    assert cable.measure_at_fibre(fibre_m) == pytest.approx(measure, abs=1e-5)


def test_group_index_gives_the_delay() -> None:
    assert group_latency_us_per_km(1.4681) == pytest.approx(4.897, abs=5e-4)
    assert group_latency_us_per_km(1.4675) == pytest.approx(4.895, abs=5e-4)
    assert fibre_latency_us(700_000.0, RULES) == pytest.approx(3427.9)
