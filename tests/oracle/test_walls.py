"""Noise walls and cuttings: knife edges by Fresnel's integrals, crossings by shapely, and verification's own way."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from scipy.special import fresnel

import trassa.plan.radio.stage
from drawn_road import drawn_road
from forging import accused_by
from osm_map import OsmMap, straight
from trassa.plan.project import open_project
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.plan.verify import verify
from trassa.plan.verify.radio.one_path import Ends, Mast, Wave
from trassa.plan.verify.radio.walls import WallLines, wall_losses_db
from trassa.provenance import no_progress
from trassa.radio.bins import Points
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.links import Links
from trassa.radio.settings import RadioSettings
from trassa.radio.walls import behind_walls, wall_assumptions
from trassa.road.settings import ClutterSettings, RoadSettings, TerrainSettings
from trassa.road.survey import survey
from trassa.road.walls import Walls, road_walls, wall_height_m
from valley import valley

GEOD = Geod(ellps="WGS84")
SETTINGS = RadioSettings(frequency_mhz=800.0, vehicle_antenna_m=1.5)


def walls_of(rows: list[tuple[float, float, float, float, float]], *, mapped: bool = False) -> Walls:
    lat0, lon0, lat1, lon1, height = np.array(rows).T
    return Walls(lat0, lon0, lat1, lon1, height, np.full(len(rows), mapped))


def scene(
    masts: list[tuple[float, float, float]], spots: list[tuple[float, float]]
) -> tuple[Candidates, Points, Links]:
    """Masts (lat, lon, height) and receivers (lat, lon) on a plain at sea level, every link at 100 dB."""
    road = drawn_road(2000.0)
    offer = candidates_of(road, None, RadioSettings(new_mast_heights_m=[30.0])).take(np.zeros(len(masts), np.int64))
    lat, lon, height = np.array(masts).T
    object.__setattr__(offer, "latitude_deg", lat)
    object.__setattr__(offer, "longitude_deg", lon)
    object.__setattr__(offer, "ground_m", np.zeros(len(masts)))
    object.__setattr__(offer, "height_m", height[:, None])
    at = np.array(spots)
    points = Points(("increasing",), np.zeros(len(at), np.int64), np.arange(len(at)) * 10.0, *at.T, np.zeros(len(at)))
    start = np.arange(len(masts) + 1) * len(at)
    receiver = np.tile(np.arange(len(at), dtype=np.int32), len(masts))
    return offer, points, Links(start, receiver, np.full((len(receiver), 1), 100.0, np.float32))


def moved(lat: float, lon: float, bearing: float, metres: float) -> tuple[float, float]:
    east, north, _ = GEOD.fwd(lon, lat, bearing, metres)
    return north, east


def fresnel_loss_db(nu: float) -> float:
    """J(ν) by the integrals themselves: ITU-R P.526 §2.7 and §4.1."""
    sine, cosine = fresnel(nu)
    return -20.0 * math.log10(math.hypot(1.0 - cosine - sine, cosine - sine) / 2.0)


@pytest.mark.parametrize("away_m", [5.0, 12.0, 40.0, 120.0])
@pytest.mark.parametrize("height_m", [2.0, 4.0, 8.0])
def test_a_wall_costs_its_knife_edge(away_m: float, height_m: float) -> None:
    """A mast of 31.5 m, 1 km to the north; a long wall between, square to the path."""
    here = (50.0, 9.0)
    far = moved(*here, 0.0, 1000.0)
    foot = moved(*here, 0.0, away_m)
    west, east = moved(*foot, 270.0, 500.0), moved(*foot, 90.0, 500.0)
    masts, points, links = scene([(*far, 31.5)], [here])
    found = behind_walls(links, masts, points, walls_of([(*west, *east, height_m)]), SETTINGS)
    above_m = height_m - 1.5 - 30.0 * away_m / 1000.0
    nu = above_m * math.sqrt(2.0 / (0.2998 / 0.8) * (1.0 / away_m + 1.0 / (1000.0 - away_m)))
    due_db = fresnel_loss_db(nu) if nu > -0.78 else 0.0
    assert float(found.loss_db[0, 0]) - 100.0 == pytest.approx(due_db, abs=0.3)
    assert nu <= -0.78 or due_db > 0.0


def test_walls_count_where_the_path_crosses_them_and_nowhere_else() -> None:
    """Random masts, receivers and walls: which links lose, against shapely in the plane at each receiver."""
    random = np.random.default_rng(526)
    masts, points, links = scene(
        [(*row, 20.0) for row in random.uniform([49.99, 8.98], [50.01, 9.02], (12, 2)).tolist()],
        random.uniform([49.998, 8.997], [50.002, 9.003], (60, 2)).tolist(),
    )
    starts = random.uniform([49.997, 8.995], [50.003, 9.005], (40, 2))
    rows = np.column_stack([starts, starts + random.uniform(-0.0015, 0.0015, (40, 2)), np.full(40, 25.0)])
    walls = walls_of(rows.tolist())
    found_db = behind_walls(links, masts, points, walls, SETTINGS).loss_db[:, 0].astype(float) - 100.0
    crossed = []
    for link in range(len(links.receiver)):
        mast, spot = int(links.place[link]), int(links.receiver[link])
        lat, lon = points.latitude_deg[spot], points.longitude_deg[spot]
        metre = 111_229.0, 71_696.0
        plane = lambda y, x, lat=lat, lon=lon, metre=metre: ((x - lon) * metre[1], (y - lat) * metre[0])  # noqa: E731
        path = shapely.LineString([(0.0, 0.0), plane(masts.latitude_deg[mast], masts.longitude_deg[mast])])
        meets = [shapely.intersection(path, shapely.LineString([plane(*r[:2]), plane(*r[2:4])])) for r in rows]
        away = [math.hypot(one.x, one.y) for one in meets if not one.is_empty]
        crossed.append(any(metres < 299.0 for metres in away) if not any(299 <= m <= 301 for m in away) else None)
    told = np.array([found_db[k] > 0.0 for k, one in enumerate(crossed) if one is not None])
    due = np.array([one for one in crossed if one is not None])
    assert 100 < due.sum() < len(due) - 100
    assert (told == due).all()


def test_a_joint_counts_once_and_the_near_side_nothing() -> None:
    here = (50.0, 9.0)
    north, beyond = moved(*here, 0.0, 1000.0), moved(*here, 0.0, 8.0)
    foot = moved(*here, 0.0, 15.0)
    west, east = moved(*foot, 270.0, 300.0), moved(*foot, 90.0, 300.0)
    masts, points, links = scene([(*north, 30.0), (*beyond, 30.0)], [here])
    whole = behind_walls(links, masts, points, walls_of([(*west, *east, 4.0)]), SETTINGS).loss_db[:, 0]
    split = walls_of([(*west, *foot, 4.0), (*foot, *east, 4.0)])
    joined = behind_walls(links, masts, points, split, SETTINGS).loss_db[:, 0]
    assert whole[0] > 105.0
    assert joined[0] == pytest.approx(whole[0], abs=0.01)  # the wall in one piece is a millimetre elsewhere
    assert whole[1] == joined[1] == 100.0  # this mast stands on the vehicle's side of the wall


def test_two_walls_are_one_edge_where_the_steepest_lines_meet() -> None:
    """Antennas of one height, equal walls 20 m from either end: the lines over them meet in the middle."""
    here = (50.0, 9.0)
    far = moved(*here, 0.0, 200.0)
    rows = []
    for away_m in (20.0, 180.0):
        foot = moved(*here, 0.0, away_m)
        rows.append((*moved(*foot, 270.0, 100.0), *moved(*foot, 90.0, 100.0), 4.0))
    masts, points, links = scene([(*far, 1.5)], [here])
    both = float(behind_walls(links, masts, points, walls_of(rows), SETTINGS).loss_db[0, 0]) - 100.0
    nu = 2.5 / 20.0 * 100.0 * math.sqrt(2.0 / (0.2998 / 0.8) * 200.0 / (100.0 * 100.0))
    assert both == pytest.approx(fresnel_loss_db(nu), abs=0.3)
    alone = float(behind_walls(links, masts, points, walls_of(rows[:1]), SETTINGS).loss_db[0, 0]) - 100.0
    assert alone < both < 2.0 * alone


def test_verification_finds_the_same_decibels_its_own_way() -> None:
    random = np.random.default_rng(1812)
    spots = random.uniform([49.995, 8.99], [50.005, 9.01], (200, 2)).tolist()
    mast = (50.003, 9.004, 35.0)
    starts = random.uniform([49.994, 8.988], [50.006, 9.012], (300, 2))
    heights = random.uniform(2.0, 9.0, 300)
    rows = np.column_stack([starts, starts + random.normal(0.0, 0.0004, (300, 2)), heights])
    masts, points, links = scene([mast], spots)
    walls = walls_of(rows.tolist())
    ours_db = behind_walls(links, masts, points, walls, SETTINGS).loss_db[:, 0].astype(float) - 100.0
    lat, lon = np.array(spots).T
    away_m = np.asarray(GEOD.inv(np.full(200, mast[1]), np.full(200, mast[0]), lon, lat)[2])
    lines, wave = WallLines(rows[:, :4].copy(), heights, walls.mapped), Wave(0.8, 45.0, 325.0, 1.5, 30.0, 0)
    own_db = wall_losses_db(Mast(*mast, 0.0), Ends(lat, lon, np.zeros(200), away_m), lines, wave)
    assert np.count_nonzero(own_db) > 50
    assert ours_db == pytest.approx(own_db, abs=2e-4)
    rare = wave._replace(time_percent=10.0)
    assert not wall_losses_db(Mast(*mast, 0.0), Ends(lat, lon, np.zeros(200), away_m), lines, rare).any()


@pytest.mark.parametrize(
    ("text", "height_m"),
    [("4", 4.0), ("4.5 m", 4.5), ("3,5", 3.5), ("6m", 6.0), ("", None), ("high", None), ("0", None), ("12 ft", None)],
)
def test_heights_as_maps_write_them(text: str, height_m: float | None) -> None:
    assert wall_height_m({"height": text}) == height_m


def test_what_the_map_says_of_walls_and_cuttings(tmp_path: Path) -> None:
    drawn = OsmMap()
    line = drawn.row(straight(0.0, 3000.0, 0.0))
    drawn.way(line[:11])
    drawn.way(line[10:16], cutting="yes")
    drawn.way(line[15:21], cutting="left")
    drawn.way(line[20:])
    plain = {"highway": "", "oneway": "", "ref": ""}
    drawn.way(drawn.row(straight(100.0, 300.0, 12.0)), barrier="wall", wall="noise_barrier", **plain)
    drawn.way(drawn.row(straight(300.0, 500.0, -12.0)), barrier="noise_barrier", height="6", **plain)
    drawn.way(drawn.row([(600.0, -30.0), (600.0, 30.0)]), barrier="noise_barrier", **plain)  # on a bridge across
    drawn.way(drawn.row(straight(0.0, 500.0, 900.0)), barrier="noise_barrier", **plain)  # nobody's wall
    drawn.way(drawn.row(straight(0.0, 500.0, 20.0)), barrier="wall", **plain)
    drawn.way(drawn.row(straight(0.0, 500.0, 60.0)), cutting="yes", highway="track", ref="")
    file = drawn.write(tmp_path / "walls.osm")
    road = survey(RoadSettings(ref="A 1", osm=[file.name]), None, TerrainSettings(), tmp_path)
    walls = road_walls([file], road, ClutterSettings(cutting_edge_m=20.0))
    assert walls is not None
    north_m = np.round((walls.start_lat_deg - 50.0) * 111_229.0)
    assert sorted(zip(north_m.tolist(), walls.height_m.tolist(), walls.mapped.tolist(), strict=True)) == sorted(
        [(12.0, 4.0, False)] * 2 + [(-12.0, 6.0, True)] * 2 + [(-20.0, 5.0, False)] * 5 + [(20.0, 5.0, False)] * 5
    )
    assert [one.size for one in wall_assumptions(walls)] == [5.0, 300.0]
    bare = road_walls([file], road, ClutterSettings(noise_wall_m=0.0, cutting_m=0.0))
    assert bare is None
    assert wall_assumptions(bare) == []


WALLED = """
any_site_down = false
[radio.antenna]
kind = "omni"
"""


def test_a_plan_that_does_not_see_the_walls_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall on either side along a third of the valley: planned with them it agrees, planned without it does not."""
    root = valley(tmp_path / "valley", WALLED, 3000.0)
    rows = np.loadtxt(root / "inputs" / "valley.csv", delimiter=",", skiprows=1)[20:40]
    azimuth = GEOD.inv(rows[0, 1], rows[0, 0], rows[-1, 1], rows[-1, 0])[0]
    nodes, ways = [], []
    for side in (90.0, -90.0):
        first = len(nodes) + 1
        for lat, lon, _ in rows:
            north, east = moved(lat, lon, azimuth + side, 25.0)
            nodes.append(f'<node id="{len(nodes) + 1}" version="1" lat="{north:.7f}" lon="{east:.7f}"/>')
        refs = "".join(f'<nd ref="{number}"/>' for number in range(first, len(nodes) + 1))
        ways.append(f'<way id="{len(ways) + 1}" version="1">{refs}<tag k="barrier" v="noise_barrier"/></way>')
    text = "\n".join(['<osm version="0.6">', *nodes, *ways, "</osm>"])
    (root / "inputs" / "walls.osm").write_text(text, "utf-8")
    toml = root / "trassa.toml"
    toml.write_text(toml.read_text("utf-8").replace("# osm = []", 'osm = ["walls.osm"]'), "utf-8")
    assert parse_settings(toml.read_text("utf-8")).road.osm == ["walls.osm"]
    run_plan(open_project(root), lambda stage: no_progress)
    honest = verify(root)
    assert honest.agrees, honest.text()
    monkeypatch.setattr(trassa.plan.radio.stage, "road_walls", lambda *given: None)
    toml.write_text(toml.read_text("utf-8") + "\n", "utf-8")
    run_plan(open_project(root), lambda stage: no_progress, only="radio")
    run_plan(open_project(root), lambda stage: no_progress)
    assert "radio.margins" in accused_by(verify(root))
