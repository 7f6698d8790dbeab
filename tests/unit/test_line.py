"""Lines on the ground against brute force by geodesics."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from trassa.errors import InputError
from trassa.road.line import Line

GEOD = Geod(ellps="WGS84")


def wandering(seed: int, latitude_deg: float) -> Line:
    chance = np.random.default_rng(seed)
    heading = np.cumsum(chance.normal(0.0, 8.0, 150))
    lon, lat = [9.0], [latitude_deg]
    for angle, step in zip(heading, chance.uniform(20.0, 240.0, 150), strict=True):
        there = GEOD.fwd(lon[-1], lat[-1], angle, step)
        lon.append(there[0])
        lat.append(there[1])
    return Line(np.array(lat), np.array(lon))


@pytest.mark.parametrize(("seed", "latitude_deg"), [(1, 50.0), (2, 59.9), (3, -33.0), (4, 0.0)])
def test_projection_is_the_nearest_point(seed: int, latitude_deg: float) -> None:
    line = wandering(seed, latitude_deg)
    dense_m = np.append(np.arange(0.0, line.length_m, 2.0), line.length_m)
    dense_lat, dense_lon = line.at(dense_m)
    chance = np.random.default_rng(seed + 100)
    at = chance.uniform(0.0, line.length_m, 60)
    base_lat, base_lon = line.at(at)
    lon, lat, _ = GEOD.fwd(base_lon, base_lat, chance.uniform(0, 360, 60), chance.uniform(0.0, 2500.0, 60))
    feet = line.project(lat, lon)
    for i in range(60):
        _, _, distance = GEOD.inv(np.full(len(dense_m), lon[i]), np.full(len(dense_m), lat[i]), dense_lon, dense_lat)
        assert abs(feet.offset_m[i]) == pytest.approx(distance.min(), abs=1.2)
        foot_lat, foot_lon = line.at(feet.measure_m[i])
        _, _, back = GEOD.inv(lon[i], lat[i], foot_lon, foot_lat)
        assert back == pytest.approx(abs(feet.offset_m[i]), rel=5e-4, abs=0.05)


def test_length_is_geodesic_and_sides_have_signs() -> None:
    line = Line(np.array([50.0, 50.0]), np.array([9.0, 9.1]))
    assert line.length_m == pytest.approx(GEOD.inv(9.0, 50.0, 9.1, 50.0)[2])
    feet = line.project([49.999, 50.001, 50.0], [9.05, 9.05, 9.2])
    assert feet.offset_m[0] > 0.0 > feet.offset_m[1]
    assert feet.beyond.tolist() == [False, False, True]
    assert line.azimuth_deg() == pytest.approx(90.0, abs=0.1)
    assert line.reversed().azimuth_deg() == pytest.approx(270.0, abs=0.1)


def test_a_point_is_no_line() -> None:
    with pytest.raises(InputError, match="at least 2"):
        Line(np.array([50.0]), np.array([9.0]))
