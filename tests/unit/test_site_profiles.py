"""Profiles of the sites against the geodesics of PROJ, point by point, and against the losses they are made for."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from trassa.linear import Layer
from trassa.radio.bins import Bins, Points
from trassa.radio.layers import SCHEMAS
from trassa.radio.site_profiles import profiles_layer
from trassa.road.ground import GroundGrid

GEOD = Geod(ellps="WGS84")


def ground_of(step_m: float) -> GroundGrid:
    """Seeded hills with woods on them, 30 km wide, about 50.1° N 9.2° E."""
    rng = np.random.default_rng(8)
    rows, cols = 361, 541
    north, west = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    ground = 200.0 + 60.0 * np.sin(north / 31.0) * np.cos(west / 43.0) + rng.normal(0.0, 2.0, (rows, cols))
    clutter = np.where(rng.random((rows, cols)) < 0.3, 15.0, 0.0)
    return GroundGrid(
        50.25, 9.0, 1 / 1200, 1 / 1200, ground.astype(np.float32), clutter.astype(np.float32), "bare", step_m, 40.0
    )


def road_of(ground: GroundGrid) -> tuple[Points, Bins]:
    """A road of 8 km to the east-north-east; points every 10 m."""
    at = np.arange(0.0, 8010.0, 10.0)
    longitude, latitude, _ = GEOD.fwd(np.full(len(at), 9.1), np.full(len(at), 50.08), np.full(len(at), 70.0), at)
    height = ground.sample(latitude, longitude)[0] - 0.5
    points = Points(("increasing",), np.zeros(len(at), np.int64), at, latitude, longitude, height)
    start = np.arange(len(at) - 1)
    return points, Bins(start, start + 1, np.full(len(start), "", dtype=object))


def layer_of(name: str, count: int, **known: object) -> Layer:
    blank = {"int": 0, "float": 0.0, "text": "", "bool": False}
    columns = {c.name: np.full(count, blank[c.type], dtype=object if c.type == "text" else None)
               for c in SCHEMAS[name].columns}  # fmt: skip
    return Layer.from_columns(SCHEMAS[name], **{**columns, **known})  # type: ignore[arg-type]


def made(step_m: float) -> tuple[GroundGrid, Points, Layer, Layer]:
    ground = ground_of(step_m)
    points, bins = road_of(ground)
    half = np.arange(len(bins)) < 300
    servers = np.where(half, "S-01", "S-02").astype(object)
    exempt = np.full(len(bins), "", dtype=object)
    exempt[700:] = "tunnel"
    served = layer_of("bins", len(bins), server=servers, exempt=exempt)
    sites = layer_of(
        "sites", 3, site=["S-01", "S-02", "S-03"], latitude_deg=[50.08, 50.1, 50.1], longitude_deg=[9.1, 9.15, 9.15],
        ground_m=[201.0, 202.0, 203.0],
    )  # fmt: skip
    return ground, points, sites, profiles_layer(ground, sites, points, bins, served)


def test_a_profile_is_the_ground_along_the_geodesic() -> None:
    """Short enough to be kept whole: every point is the grid's own value at its place on the geodesic."""
    ground, points, _, profiles = made(60.0)
    assert sorted(set(profiles["site"])) == ["S-01", "S-02"]
    first = profiles.where(site="S-01")
    assert float(first["to_measure_m"][0]) == 3000.0
    assert float(first["distance_m"][-1]) == pytest.approx(3000.0, abs=1e-3)
    assert float(first["ground_m"][0]) == 201.0
    assert float(first["ground_m"][-1]) == float(points.height_m[300])
    azimuth, _, _ = GEOD.inv(9.1, 50.08, points.longitude_deg[300], points.latitude_deg[300])
    for row in list(first.rows())[1:-1]:
        longitude, latitude, _ = GEOD.fwd(9.1, 50.08, azimuth, row["distance_m"])
        level, cover = ground.sample(latitude, longitude)
        open_road = 3000.0 - float(row["distance_m"]) < 40.0
        want = min(float(level), float(points.height_m[300])) if open_road else float(level)
        assert row["ground_m"] == pytest.approx(want, abs=1e-3)
        assert row["clutter_m"] == pytest.approx(0.0 if open_road else float(cover), abs=1e-3)


def test_the_farthest_bin_that_counts_is_the_end() -> None:
    _, points, _, profiles = made(60.0)
    second = profiles.where(site="S-02")
    away = [GEOD.inv(9.15, 50.1, points.longitude_deg[i], points.latitude_deg[i])[2] for i in range(300, 701)]
    assert float(second["to_measure_m"][0]) == 10.0 * (300 + int(np.argmax(away)))
    assert float(second["distance_m"][-1]) == pytest.approx(max(away), abs=1e-3)


def test_thinning_keeps_every_summit() -> None:
    """At a tenth of the step there are ten times the points; 120 stay, and none of those dropped stands higher."""
    _, _, _, dense = made(6.0)
    for site in ("S-01", "S-02"):
        mine = dense.where(site=site)
        assert len(mine) == 120
        assert (np.diff(mine["distance_m"]) > 0.0).all()
    ground, points, _, _ = made(6.0)
    mine = dense.where(site="S-01")
    azimuth, _, _ = GEOD.inv(9.1, 50.08, points.longitude_deg[300], points.latitude_deg[300])
    along = np.arange(6.0, 2960.0, 6.0)
    longitude, latitude, _ = GEOD.fwd(np.full(len(along), 9.1), np.full(len(along), 50.08),
                                      np.full(len(along), azimuth), along)  # fmt: skip
    level, cover = ground.sample(latitude, longitude)
    assert (mine["ground_m"] + mine["clutter_m"])[1:-1].max() == pytest.approx((level + cover).max(), abs=0.05)


def test_without_ground_there_is_no_profile() -> None:
    _, points, sites, _ = made(60.0)
    _, bins = road_of(ground_of(60.0))
    served = layer_of("bins", len(bins), server=np.full(len(bins), "S-01", dtype=object))
    assert len(profiles_layer(None, sites, points, bins, served)) == 0
