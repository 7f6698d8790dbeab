"""Ways to mains and cable against geodesics measured metre by metre, and the sites that follow against all choices."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod

from mains_map import LENGTH_M, mains_map
from osm_map import Tags, place
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.plan import plan_radio
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road

WGS84 = Geod(ellps="WGS84")
SETTINGS = RadioSettings(new_mast_spacing_m=250.0, any_site_down=False)
ROUNDED_M, BETWEEN_M = 10.0, 25.0
Points = list[tuple[float, float]]


def surveyed(tmp_path: Path, *things: tuple[Points, Tags]) -> Road:
    return surveyed_road(RoadSettings(ref="A 1", osm=["a.osm"]), [mains_map(*things).write(tmp_path / "a.osm")])


def metre_by_metre(points: Points, candidates: Candidates) -> np.ndarray:
    """The geodesic from each candidate to the nearest of points a metre apart on the line."""
    dense: list[tuple[float, float]] = []
    for (e1, n1), (e2, n2) in zip(points, points[1:] or points, strict=False):
        steps = max(int(np.hypot(e2 - e1, n2 - n1)), 1)
        dense += [place(e1 + (e2 - e1) * s / steps, n1 + (n2 - n1) * s / steps) for s in range(steps + 1)]
    lat, lon = np.array(dense).T
    pairs = zip(candidates.latitude_deg, candidates.longitude_deg, strict=True)
    whole = np.ones(len(lat))
    return np.array([WGS84.inv(x * whole, y * whole, lon, lat)[2].min() for y, x in pairs])


@pytest.mark.parametrize("seed", range(4))
def test_power_comes_from_the_nearest_metre_of_the_mains(seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    line: Points = [(float(e), float(n)) for e, n in draw.uniform((-500.0, -2000.0), (4500.0, 2500.0), (5, 2))]
    corner, wide = draw.uniform((0.0, 300.0), (3000.0, 1500.0)), float(draw.uniform(100.0, 900.0))
    e, n = float(corner[0]), float(corner[1])
    village: Points = [(e, n), (e + wide, n), (e + wide, n + wide), (e, n + wide), (e, n)]
    road = surveyed(tmp_path, (line, {"power": "minor_line"}), (village, {"landuse": "residential"}))
    candidates = candidates_of(road, None, SETTINGS)
    nearest_m = np.minimum(metre_by_metre(line, candidates), metre_by_metre(village, candidates))
    beyond_m = candidates.power_m - np.minimum(nearest_m, SETTINGS.power_limit_m)
    assert len(candidates) == 16
    assert beyond_m.min() >= -0.5
    assert beyond_m.max() <= ROUNDED_M + BETWEEN_M


@pytest.mark.parametrize(
    ("tags", "feeds"),
    [
        ({"power": "minor_line"}, True),
        ({"power": "line", "voltage": "20000"}, True),
        ({"power": "line", "voltage": "110000;20000"}, True),
        ({"power": "line", "voltage": "110000"}, False),
        ({"power": "line"}, False),
        ({"power": "minor_line", "voltage": "110 kV"}, False),
        ({"power": "cable"}, False),
        ({"power": "cable", "voltage": "10000"}, True),
        ({"power": "minor_line", "frequency": "16.7"}, False),
        ({"power": "minor_line", "disused": "yes"}, False),
        ({"power": "substation", "substation": "traction"}, False),
        ({"power": "substation"}, True),
        ({"power": "tower"}, False),
        ({"landuse": "farmyard"}, False),  # an open line is no area
        ({"landuse": "forest"}, False),
    ],
)
def test_what_a_site_can_be_fed_from(tags: Tags, feeds: bool, tmp_path: Path) -> None:
    line: Points = [(0.0, 412.0), (2000.0, 412.0), (LENGTH_M, 412.0)]
    candidates = candidates_of(surveyed(tmp_path, (line, tags)), None, SETTINGS)
    way_m = 430.0 if feeds else SETTINGS.power_assumed_m
    assert candidates.power_m.tolist() == [way_m] * len(candidates)


@pytest.mark.parametrize(
    ("tags", "feeds"),
    [
        ({"power": "pole"}, True),
        ({"power": "transformer", "transformer": "distribution"}, True),
        ({"power": "transformer", "voltage:primary": "110000"}, False),
        ({"highway": "services"}, True),
        ({"barrier": "toll_booth"}, True),
        ({"highway": "motorway_junction"}, False),
    ],
)
def test_single_places_that_feed(tags: Tags, feeds: bool, tmp_path: Path) -> None:
    candidates = candidates_of(surveyed(tmp_path, ([(2000.0, -1015.0)], tags)), None, SETTINGS)
    if not feeds:
        assert set(candidates.power_m.tolist()) == {SETTINGS.power_assumed_m}
        return
    exact_m = metre_by_metre([(2000.0, -1015.0)], candidates)
    assert np.allclose(candidates.power_m, 10.0 * np.ceil(exact_m / 10.0), atol=1e-9)


def test_drops_and_powers_of_masts_of_the_map(tmp_path: Path) -> None:
    mast = {"man_made": "mast", "tower:type": "communication", "height": "40"}
    village: Points = [(0.0, 500.0), (4000.0, 500.0), (4000.0, 900.0), (0.0, 900.0), (0.0, 500.0)]
    masts = [([(1000.0, 703.0)], mast), ([(3000.0, -61.0)], mast)]
    found = candidates_of(surveyed(tmp_path, (village, {"landuse": "residential"}), *masts), None, SETTINGS)
    existing = found.kind == "existing"
    assert found.power_m[existing].tolist() == [0.0, 0.0]
    assert found.fibre_drop_m[existing].tolist() == [710.0, 70.0]
    assert set(found.fibre_drop_m[~existing].tolist()) == {20.0}
    assert set(found.power_m[~existing].tolist()) == {520.0}


def test_a_farther_way_never_costs_less_and_the_limit_holds(tmp_path: Path) -> None:
    ways = []
    for north_m in (200.0, 1000.0, 2900.0, 3300.0):
        road = surveyed(tmp_path, ([(0.0, north_m), (LENGTH_M, north_m)], {"power": "minor_line"}))
        ways.append(candidates_of(road, None, SETTINGS))
    costs = np.array([one.cost_minor.sum() for one in ways])
    assert (np.diff(costs) > 0).all()
    assert ways[-1].power_m.max() == SETTINGS.power_limit_m
    assert ways[2].power_m.max() < SETTINGS.power_limit_m


@pytest.mark.parametrize("village_m", [500.0, 2000.0, 3500.0])
def test_the_siting_is_the_cheapest_of_all_choices(village_m: float, tmp_path: Path) -> None:
    """Any two places serve: every pair is counted; the chosen one stands at the transformer, not on the far mast."""
    settings = SETTINGS.model_copy(
        update={"any_site_down": True, "new_mast_heights_m": [35.0], "eirp_per_re_dbm": 18.0}
    )
    mast = ([(village_m, 1503.0)], {"man_made": "mast", "tower:type": "communication", "height": "35"})
    road = surveyed(tmp_path, ([(village_m, 60.0)], {"power": "transformer"}), mast)
    plan = plan_radio(road, None, settings)
    rows = plan.layers["candidates"]
    costs = {int(p): int(c) for p, c in zip(rows["place"], rows["cost_minor"], strict=True)}
    cheapest = min(costs[a] + costs[b] for a, b in combinations(costs, 2))
    assert plan.siting.cost_minor == cheapest
    sites = plan.layers["sites"]
    assert np.abs(sites["measure_m"] - village_m).max() <= 250.0
    far = replace(road, power=road.power.take(np.zeros(0, dtype=np.int64)))
    assert plan_radio(far, None, settings).siting.cost_minor > cheapest
