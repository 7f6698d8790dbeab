"""Relevance: the stretch upstream, on the right carriageway, clipped at the road's ends."""

from __future__ import annotations

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.linear import CARRIAGEWAYS, Carriageway, Extent
from trassa.road.locate import Locator
from trassa.vehicles.relevance import Relevance, concerns, upstream_extent
from trassa.vehicles.tiles import quadkeys

ROAD_M = 12_000.0


@pytest.mark.parametrize(
    ("carriageway", "anchor_m", "start_m", "end_m"),
    [
        ("increasing", 5000.0, 3000.0, 5000.0),
        ("decreasing", 5000.0, 5000.0, 7000.0),
        ("increasing", 500.0, 0.0, 500.0),
        ("decreasing", 11_500.0, 11_500.0, 12_000.0),
        ("increasing", 0.0, 0.0, 10.0),
        ("decreasing", 12_000.0, 11_990.0, 12_000.0),
        ("increasing", 12_000.0, 10_000.0, 12_000.0),
        ("decreasing", 0.0, 0.0, 2000.0),
    ],
)
def test_upstream_is_where_traffic_comes_from(
    carriageway: Carriageway, anchor_m: float, start_m: float, end_m: float
) -> None:
    assert upstream_extent(carriageway, anchor_m, 2000.0, ROAD_M) == Extent(start_m, end_m)


def test_it_concerns_those_upstream_on_that_carriageway_and_nobody_else() -> None:
    extent = upstream_extent("increasing", 5000.0, 2000.0, ROAD_M)
    assert concerns("increasing", extent, "increasing", 4000.0)
    assert concerns("increasing", extent, "increasing", 5000.0)
    assert not concerns("increasing", extent, "increasing", 5100.0)
    assert not concerns("increasing", extent, "increasing", 2900.0)
    assert not concerns("increasing", extent, "decreasing", 4000.0)


@pytest.mark.parametrize("carriageway", CARRIAGEWAYS)
def test_every_place_of_the_extent_lies_in_an_addressed_tile(carriageway: Carriageway) -> None:
    road = drawn_road(ROAD_M, azimuth_deg=65.0, start=(55.8, 37.4))
    relevance = Relevance(road)
    for anchor_m in (0.0, 3456.7, 6000.0, ROAD_M):
        extent = relevance.extent(carriageway, anchor_m)
        lat, lon = Locator(road).point(carriageway, np.linspace(extent.start_m, extent.end_m, 300))
        rng = np.random.default_rng(3)
        noisy = lat + rng.normal(0, 3e-5, len(lat)), lon + rng.normal(0, 5e-5, len(lon))
        tiles = set(relevance.tiles(carriageway, anchor_m))
        assert set(quadkeys(*noisy)) <= tiles
        assert len(tiles) <= 9


@pytest.mark.parametrize(("carriageway", "heading_deg"), [("increasing", 65.0), ("decreasing", 245.0)])
def test_the_way_leads_upstream_from_the_hazard(carriageway: Carriageway, heading_deg: float) -> None:
    way = Relevance(drawn_road(ROAD_M, azimuth_deg=65.0, start=(55.8, 37.4))).approach(carriageway, 5050.0)
    sign = -1 if carriageway == "increasing" else 1
    assert way.measure_m[0] == 5050.0
    assert way.measure_m[-1] == 5050.0 + sign * 2000.0
    assert (np.diff(way.measure_m) * sign > 0).all()
    assert way.heading_deg == pytest.approx(heading_deg, abs=0.5)


def test_the_way_stops_at_a_hole_of_the_map() -> None:
    road = drawn_road(ROAD_M, holes=[(4000.0, 4500.0)])
    way = Relevance(road).approach("increasing", 5000.0)
    assert 4490.0 <= way.measure_m[-1] <= 4600.0
