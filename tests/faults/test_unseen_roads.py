"""Roads and files of kinds that the shared data lack: each gives the right road or one clear error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from osm_map import OsmMap, straight
from trassa.errors import InputError
from trassa.plan.verify.alignment import _labels_said
from trassa.road.drawing import read_drawing
from trassa.road.milestones import read_km
from trassa.road.model import Road
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road


def dual(made: OsmMap, posts: dict[int, str] | None = None) -> None:
    """6 km of road from west to east; a post at every point whose number ``posts`` names."""
    posts = posts or {}
    east = [
        made.node(*point, {"highway": "milestone", "distance": posts[i]} if i in posts else None)
        for i, point in enumerate(straight(0.0, 6000.0, 0.0))
    ]
    made.way(east)
    made.way(made.row(straight(6000.0, 0.0, 15.0)))


def imported(path: Path) -> Road:
    return surveyed_road(RoadSettings(ref="A 1"), [path])


def told(road: Road, kind: str) -> list[str]:
    return list(road.findings.where(kind=kind)["detail"])


def ways_first(path: Path) -> Path:
    """The same file as a server writes it that was asked for ways, then for their nodes, in no order of ids."""
    head, *objects, tail = path.read_text("utf-8").split("\n")[1:]
    path.write_text("\n".join([head, *sorted(objects, key=lambda o: (o.startswith("<node"), o[-40:])), tail]), "utf-8")
    return path


def test_ways_before_their_nodes_in_no_order(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made, {10: "41", 30: "43", 50: "45"})
    path = made.write(tmp_path / "map.osm")
    sorted_road, shuffled_road = imported(path), imported(ways_first(path))
    assert shuffled_road.posts.digest() == sorted_road.posts.digest()
    assert shuffled_road.length_m == sorted_road.length_m


def test_negative_ids_name_the_object_and_the_cure(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made)
    path = made.write(tmp_path / "map.osm")
    text = path.read_text("utf-8").replace(' id="', ' id="-').replace('ref="1', 'ref="-1')
    path.write_text(text.replace('"', "'"), "utf-8")
    with pytest.raises(InputError, match=r"map\.osm has negative ids, such as node -1000.*osmium renumber"):
        imported(path)


def test_a_road_across_the_180th_meridian_is_refused(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made)
    path = made.write(tmp_path / "map.osm")
    far = path.read_text("utf-8").replace('lon="9.00', 'lon="179.99').replace('lon="9.0', 'lon="-179.9')
    path.write_text(far, "utf-8")
    with pytest.raises(InputError, match=r"crosses the 180° meridian.*cut at 180°"):
        imported(path)


def test_a_road_without_length_is_refused(tmp_path: Path) -> None:
    made = OsmMap()
    made.way(made.row([(0.0, 0.0), (0.0, 0.0)]))
    with pytest.raises(InputError, match="none of its ways has two nodes at two places"):
        imported(made.write(tmp_path / "map.osm"))
    made.way(made.row([(0.0, 0.0), (4.0, 0.0)]))
    with pytest.raises(InputError, match=r"A 1 is 4\.0 m long in its source \(at least 10 m\)"):
        imported(made.write(tmp_path / "map.osm"))


@pytest.mark.parametrize("second_start", [0, 30, 77])
def test_a_ring_has_both_carriageways_all_round(tmp_path: Path, second_start: int) -> None:
    made = OsmMap()
    for radius_m, sense, start in ((5000.0, 1.0, 0), (5015.0, -1.0, second_start)):
        angle = sense * 2.0 * math.pi * (np.arange(120) + start) / 120.0
        nodes = made.row(list(zip(radius_m * np.sin(angle), radius_m * np.cos(angle), strict=True)))
        made.way(nodes[:60])
        made.way([*nodes[59:], nodes[0]])
    road = imported(made.write(tmp_path / "map.osm"))
    assert len(told(road, "ring")) == 1
    assert told(road, "hole") == []
    one, other = road.alignments["increasing"], road.alignments["decreasing"]
    assert one.present.all()
    assert other.present.all()
    apart_m = 111_195.0 * np.hypot(
        one.latitude_deg - other.latitude_deg,
        (one.longitude_deg - other.longitude_deg) * math.cos(math.radians(50.0)),
    )
    assert apart_m.max() < 30.0
    extents = road.cross_sections
    assert (extents["end_m"] - extents["start_m"]).sum() == pytest.approx(2.0 * road.length_m, rel=0.01)


def test_carriageways_part_nowhere_where_a_road_ends_in_a_fork(tmp_path: Path) -> None:
    """Eastbound the southern branch is the straighter, westbound the northern one."""

    def arc(north_m: float, east_m: float, rise_m: float) -> list[tuple[float, float]]:
        turn = 0.5 * math.pi * np.arange(1, 13) / 12.0
        return list(zip(8000.0 + east_m * np.sin(turn), north_m + rise_m * (1.0 - np.cos(turn)), strict=True))

    made = OsmMap()
    east, west = made.row(straight(0.0, 8000.0, 0.0)), made.row(straight(8000.0, 0.0, 20.0))
    made.way(east)
    made.way(west)
    for east_m, rise_m in ((1500.0, -900.0), (900.0, 1000.0)):
        made.way([east[-1], *made.row(arc(0.0, east_m, rise_m))])
    for east_m, rise_m in ((1480.0, -890.0), (1500.0, 1000.0)):
        made.way([*made.row(arc(20.0, east_m, rise_m)[::-1]), west[0]])
    road = imported(made.write(tmp_path / "map.osm"))
    apart_deg = road.alignments["increasing"].latitude_deg - road.alignments["decreasing"].latitude_deg
    assert 111_195.0 * np.abs(apart_deg).max() < 50.0
    assert road.alignments["decreasing"].present.mean() > 0.99
    assert len(told(road, "side_chain")) == 2


@pytest.mark.parametrize(
    ("said", "km"),
    [
        ("356,5", 356.5),
        ("356.5 km", 356.5),
        ("km 356+500", 356.5),
        ("356500 m", 356.5),
        ("356.5;356,5", 356.5),
        ("Kilometer 356", 356.0),
        ("PK 356+500", 356.5),
        ("10 mi", 16.09344),
    ],
)
def test_labels_as_people_write_them(said: str, km: float) -> None:
    assert read_km({"distance": said}) == pytest.approx(km, abs=1e-9)
    assert min(abs(one - km) for one in _labels_said({"distance": said})) < 5e-4


@pytest.mark.parametrize("said", ["356;357", "A 4", "-3", "", "2 km 3"])
def test_what_is_no_label_is_none(said: str) -> None:
    assert read_km({"distance": said}) is None


def test_one_post_says_that_the_sense_is_assumed(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made, {10: "41"})
    (detail,) = told(imported(made.write(tmp_path / "map.osm")), "few_posts")
    assert "one kilometre post only" in detail


def test_posts_in_unsaid_miles_are_told(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made, {10 * i: f"{40 + i / 1.609344:.3f}" for i in range(1, 6)})
    (detail,) = told(imported(made.write(tmp_path / "map.osm")), "few_posts")
    assert "4 of 5 posts contradict the rest" in detail


def drawing(tmp_path: Path, rows: list[str]) -> Path:
    path = tmp_path / "line.csv"
    path.write_text("\n".join(["lat,lon,line", *rows]), "utf-8")
    return path


def test_drawn_pieces_that_meet_are_one_line(tmp_path: Path) -> None:
    west = [f"50.0,{9.0 + 0.01 * i:.2f},a" for i in range(6)]
    east = [f"50.0,{9.05 + 0.01 * i:.2f},b" for i in range(6)]
    for rows in ([*west, *east], [*east[::-1], *west]):
        (line,) = read_drawing(drawing(tmp_path, rows))
        assert len(line.latitude_deg) == 11
        assert (np.abs(np.diff(line.longitude_deg)) < 0.011).all()


def test_two_drawn_carriageways_that_meet_stay_two(tmp_path: Path) -> None:
    there = [f"50.0,{9.0 + 0.01 * i:.2f},a" for i in range(6)]
    back = ["50.0,9.05,b", *[f"50.0002,{9.05 - 0.01 * i:.2f},b" for i in range(1, 6)]]
    assert len(read_drawing(drawing(tmp_path, [*there, *back]))) == 2


def test_drawn_lines_that_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    rows = ["50.0,9.0,a", "50.0,9.05,a", "50.0,9.06,b", "50.0,9.1,b"]
    with pytest.raises(InputError, match=r"line\.csv holds two lines that neither meet nor run side by side"):
        read_drawing(drawing(tmp_path, rows))
