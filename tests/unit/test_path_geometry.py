"""Length and curve of radio paths against the geodesics of PROJ."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from trassa.radio.path_geometry import earth_points, geodesic_m, point_ahead, third_points_deg

GEOD = Geod(ellps="WGS84")


def drawn_paths(latitude_deg: float, longest_m: float, count: int = 300) -> list[tuple[float, ...]]:
    """Seeded paths: latitude, longitude, azimuth, length."""
    rng = np.random.default_rng(20)
    return [
        (
            latitude_deg + rng.uniform(-1.0, 1.0),
            rng.uniform(-180.0, 180.0),
            rng.uniform(0.0, 360.0),
            longest_m * 10.0 ** rng.uniform(-3.0, 0.0),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("latitude_deg", [0.0, 45.0, 60.0, 75.0, -60.0])
def test_lengths_are_geodesic(latitude_deg: float) -> None:
    worst = 0.0
    for latitude, longitude, azimuth, length in drawn_paths(latitude_deg, 50_000.0):
        east, north, _ = GEOD.fwd(longitude, latitude, azimuth, length)
        here, there = earth_points([latitude], [longitude], [0.0]), earth_points([north], [east], [0.0])
        worst = max(worst, abs(geodesic_m(here, 0, there, 0) / length - 1.0))
    print(f"{latitude_deg}°: largest relative error of length {worst:.1e}")
    assert worst < 1e-9


@pytest.mark.parametrize("latitude_deg", [0.0, 60.0, 75.0])
def test_curve_is_geodesic(latitude_deg: float) -> None:
    worst_m = 0.0
    share = np.array([0.05, 0.17, 0.3, 0.5, 0.6, 0.83, 0.97])
    for latitude, longitude, azimuth, length in drawn_paths(latitude_deg, 50_000.0, 150):
        east, north, _ = GEOD.fwd(longitude, latitude, azimuth, length)
        here, there = earth_points([latitude], [longitude], [0.0]), earth_points([north], [east], [0.0])
        lat_1, lon_1, lat_2, lon_2 = third_points_deg(here, 0, there, 0, length)
        thirds = np.array([0.0, 1.0, 2.0, 3.0]) / 3.0
        around = [longitude + (lon - longitude + 180.0) % 360.0 - 180.0 for lon in (longitude, lon_1, lon_2, east)]
        lat = np.polyval(np.polyfit(thirds, np.array([latitude, lat_1, lat_2, north]) - latitude, 3), share) + latitude
        lon = np.polyval(np.polyfit(thirds, np.array(around) - longitude, 3), share) + longitude
        true_lon, true_lat, _ = GEOD.fwd(
            np.full(7, longitude), np.full(7, latitude), np.full(7, azimuth), share * length
        )
        worst_m = max(worst_m, float(GEOD.inv(lon, lat, true_lon, true_lat)[2].max()))
    print(f"{latitude_deg}°: samples off the geodesic by at most {worst_m:.4f} m on paths up to 50 km")
    assert worst_m < 0.1


def test_a_point_is_no_distance_from_itself() -> None:
    here = earth_points([60.0], [30.0], [0.0])
    assert geodesic_m(here, 0, here, 0) == 0.0


@pytest.mark.parametrize("latitude_deg", [0.0, 60.0, 75.0, -60.0])
def test_a_point_ahead_lies_on_the_geodesic(latitude_deg: float) -> None:
    worst_m = 0.0
    for latitude, longitude, azimuth, length in drawn_paths(latitude_deg, 250.0, 100):
        east, north, _ = GEOD.fwd(longitude, latitude, azimuth, length)
        here, there = earth_points([latitude], [longitude], [0.0]), earth_points([north], [east], [0.0])
        found = point_ahead(here, 0, there, 0, 250.0)
        true_lon, true_lat, _ = GEOD.fwd(longitude, latitude, azimuth, 250.0)
        off_m = GEOD.inv(float(found.longitude_deg[0]), float(found.latitude_deg[0]), true_lon, true_lat)[2]
        assert geodesic_m(here, 0, found, 0) == pytest.approx(250.0, abs=1e-5)
        worst_m = max(worst_m, off_m)
    print(f"{latitude_deg}°: 250 m ahead, off by at most {worst_m:.1e} m")
    assert worst_m < 1e-4


def test_ahead_of_nothing_is_north() -> None:
    here = earth_points([60.0], [30.0], [0.0])
    found = point_ahead(here, 0, here, 0, 250.0)
    assert found.longitude_deg[0] == pytest.approx(30.0, abs=1e-9)
    assert geodesic_m(here, 0, found, 0) == pytest.approx(250.0, abs=1e-5)
    assert found.latitude_deg[0] > 60.0
