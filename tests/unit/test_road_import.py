"""Ways into carriageways: branches, holes, clipped ways, one carriageway, refs, an interchange."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import osmium
import pytest

from osm_map import OsmMap, straight
from trassa.errors import InputError
from trassa.road.model import Road
from trassa.road.refs import folded_ref, refs_of
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road


def imported(made: OsmMap, tmp_path: Path, **settings: object) -> Road:
    path = made.write(tmp_path / "map.osm.gz")
    return surveyed_road(RoadSettings.model_validate({"ref": "A 1", **settings}), [path])


def details(road: Road, kind: str) -> list[str]:
    return list(road.findings.where(kind=kind)["detail"])


def dual(made: OsmMap, start_m: float = 0.0, end_m: float = 5000.0, **tags: str) -> tuple[list[int], list[int]]:
    east = made.row(straight(start_m, end_m, 0.0))
    west = made.row(straight(end_m, start_m, 15.0))
    made.way(east, **tags)
    made.way(west, **tags)
    return east, west


def test_two_carriageways_share_their_measures(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made)
    road = imported(made, tmp_path)
    assert road.reference == "increasing"  # runs east: azimuth within 0–180°
    assert road.length_m == pytest.approx(5000.0, abs=1.0)
    increasing, decreasing = road.alignments["increasing"], road.alignments["decreasing"]
    np.testing.assert_array_equal(increasing.measure_m, decreasing.measure_m)
    assert np.abs(increasing.longitude_deg - decreasing.longitude_deg).max() < 2e-6
    assert np.nanmax(np.abs(increasing.heading_deg - 90.0)) < 0.1
    assert np.nanmax(np.abs(decreasing.heading_deg - 270.0)) < 0.1


@pytest.mark.parametrize("wanted", ["A 1", "a1", "A-1", "А1"])
def test_ref_is_folded_and_printed_as_mapped(tmp_path: Path, wanted: str) -> None:
    made = OsmMap()
    dual(made, ref="A 1;B 7")
    assert imported(made, tmp_path, ref=wanted).ref == "A 1"


def test_folding() -> None:
    assert folded_ref("М-11") == folded_ref("M11") == folded_ref(" m 11") == "M11"
    assert folded_ref("A 11") != folded_ref("A 1")
    assert refs_of({"ref": "A 2; A 7"}) == ["A 2", "A 7"]


def test_unknown_ref_lists_those_there_are(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made, ref="A 1;B 7")
    with pytest.raises(InputError, match=r"A 9.*A 1 \(10\.0 km of motorway\).*B 7"):
        imported(made, tmp_path, ref="A 9")


def test_highest_class_is_taken_and_the_other_named(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made)
    made.way(made.row(straight(5000.0, 9000.0, 0.0)), highway="primary")
    road = imported(made, tmp_path)
    assert road.length_m == pytest.approx(5000.0, abs=1.0)
    assert details(road, "other_class") == [
        "4.0 km of primary carry the same ref and are left out (motorway is taken; "
        "road_class = 'motorway primary' takes both)"
    ]
    assert imported(made, tmp_path, road_class="primary").length_m == pytest.approx(4000.0, abs=1.0)


def test_a_class_that_is_none_is_refused(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made)
    with pytest.raises(InputError, match=r"'autobahn' is not a road class.*motorway, trunk"):
        imported(made, tmp_path, road_class="autobahn")


@pytest.mark.parametrize("bend_first", [True, False])
def test_straightest_continuation_wins_at_a_branch(tmp_path: Path, bend_first: bool) -> None:
    made = OsmMap()
    east = made.row(straight(0.0, 5000.0, 0.0))
    bend = [east[20], *made.row([(2000.0 + 100.0 * i, -40.0 * i) for i in range(1, 11)])]
    for nodes in [bend, east] if bend_first else [east, bend]:
        made.way(nodes)
    made.way(made.row(straight(5000.0, 0.0, 15.0)))
    road = imported(made, tmp_path)
    assert road.length_m == pytest.approx(5000.0, abs=1.0)
    (side,) = details(road, "side_chain")
    assert side.startswith("1,077 m")
    assert road.alignments["increasing"].present.all()


def test_a_stub_straight_ahead_does_not_end_the_road(tmp_path: Path) -> None:
    made = OsmMap()
    first = made.row(straight(0.0, 3000.0, 0.0))
    made.way(first)
    made.way([first[-1], *made.row(straight(3100.0, 3300.0, 0.0))])
    made.way([first[-1], *made.row([(3000.0 + 100.0 * i, -30.0 * i) for i in range(1, 60)])])
    road = imported(made, tmp_path)
    assert road.length_m == pytest.approx(3000.0 + 59 * math.hypot(100.0, 30.0), abs=2.0)
    assert len(details(road, "branch")) == 1


def test_a_hole_keeps_measure_running(tmp_path: Path) -> None:
    made = OsmMap()
    a = made.row(straight(0.0, 2000.0, 0.0))
    b = made.row(straight(3200.0, 6000.0, 0.0))
    made.way(a)
    made.way(b)
    made.way(made.row(straight(6000.0, 0.0, 15.0)))
    road = imported(made, tmp_path)
    increasing = road.alignments["increasing"]
    assert road.length_m == pytest.approx(6000.0, abs=1.0)
    (hole,) = road.structure_extents("hole", "increasing")
    assert (hole.start_m, hole.end_m) == pytest.approx((2000.0, 3200.0), abs=1.0)
    inside = (increasing.measure_m > hole.start_m) & (increasing.measure_m < hole.end_m)
    np.testing.assert_array_equal(increasing.present, ~inside)
    assert np.isnan(increasing.heading_deg[inside]).all()
    assert road.structure_extents("hole", "decreasing") == []
    (told,) = details(road, "hole")
    assert "way 100 (node 1020) and way 101 (node 1021)" in told
    assert told.startswith(("1,200 m", "1,199 m"))


def test_a_gap_too_long_ends_the_road(tmp_path: Path) -> None:
    made = OsmMap()
    dual(made, 0.0, 8000.0)
    dual(made, 20_000.0, 25_000.0)
    road = imported(made, tmp_path, hole_max_m=10_000.0)
    assert road.length_m == pytest.approx(8000.0, abs=2.0)
    assert len(details(road, "side_chain")) == 2


def test_dangling_references_cut_the_way_and_are_named(tmp_path: Path) -> None:
    made = OsmMap()
    east = made.row(straight(0.0, 5000.0, 0.0))
    made.way([*east[:20], 7001, 7002, *east[22:], 7003])
    made.way(made.row(straight(5000.0, 0.0, 15.0)))
    road = imported(made, tmp_path)
    (told,) = details(road, "dangling_reference")
    assert told == "way 100 refers to 3 node(s) that the extract lacks: n7001, n7002, n7003; cut there"
    (hole,) = road.structure_extents("hole", "increasing")
    assert (hole.start_m, hole.end_m) == pytest.approx((1900.0, 2200.0), abs=1.0)


def test_two_clipped_extracts_make_one_whole_road(tmp_path: Path) -> None:
    made = OsmMap()
    east, west = dual(made)
    left = made.write(tmp_path / "left.osm", without={*east[:20], *west[-20:]})
    right = made.write(tmp_path / "right.osm.gz", without={*east[40:], *west[:-40]})
    road = surveyed_road(RoadSettings(ref="A 1"), [left, right])
    assert road.length_m == pytest.approx(5000.0, abs=1.0)
    assert details(road, "dangling_reference") == []


def test_pbf_gives_the_same_road(tmp_path: Path) -> None:
    made = OsmMap()
    interchange(made)
    text = made.write(tmp_path / "map.osm")
    binary = tmp_path / "map.osm.pbf"
    with osmium.SimpleWriter(str(binary)) as writer:
        for item in osmium.FileProcessor(str(text)):
            writer.add(item)
    roads = [surveyed_road(RoadSettings(ref="A 1"), [path]) for path in (text, binary)]
    digests = [{name: layer.digest() for name, layer in road.to_layers().items()} for road in roads]
    assert digests[0] == digests[1]
    binary.write_bytes(binary.read_bytes()[:-40])
    with pytest.raises(InputError, match="breaks off or is damaged"):
        surveyed_road(RoadSettings(ref="A 1"), [binary])


def test_posts_belong_to_the_way_they_stand_on_or_the_road_they_name(tmp_path: Path) -> None:
    made = OsmMap()
    east, west = dual(made, ref="A 1;A 2")
    other = made.row(straight(0.0, 5000.0, -20.0))
    made.way(other, highway="secondary", ref="L 5")
    for i in range(5, 46, 10):
        made.node(100.0 * i, 0.0, {"highway": "milestone", "distance": f"{10 + i / 10:.1f}"}, node_id=east[i])
    made.node(1000.0, 0.0, {"highway": "milestone", "distance": "77", "ref": "A 2"}, node_id=east[10])
    made.node(3000.0, -20.0, {"highway": "milestone", "distance": "3"}, node_id=other[30])
    made.node(4000.0, 20.0, {"highway": "milestone", "distance": "14.0"})
    made.node(1000.0, 55.0, {"highway": "milestone", "distance": "11.0", "ref": "A 1"})
    made.node(2000.0, 55.0, {"highway": "milestone", "distance": "12.0"})
    made.node(2000.0, 10.0, {"highway": "milestone", "note": "unlesbar"})
    road = imported(made, tmp_path)
    assert road.posts["label_km"].tolist() == [10.5, 11.0, 11.5, 12.5, 13.5, 14.0, 14.5]
    assert road.posts["accepted"].all()
    assert len(details(road, "unread_post")) == 1
    assert west


def test_falling_labels_turn_the_road_round(tmp_path: Path) -> None:
    made = OsmMap()
    east, _ = dual(made)
    for i in range(5, 46, 10):
        made.node(100.0 * i, 0.0, {"highway": "milestone", "distance": f"{20 - i / 10:.1f}"}, node_id=east[i])
    road = imported(made, tmp_path)
    line = road.alignments["increasing"]
    assert line.longitude_deg[0] > line.longitude_deg[-1]
    assert set(road.posts["carriageway"]) == {"decreasing"}
    assert float(road.calibration.km(0.0)) == pytest.approx(15.0, abs=0.01)


def test_one_carriageway_leaves_the_other_absent(tmp_path: Path) -> None:
    made = OsmMap()
    made.way(made.row(straight(0.0, 5000.0, 0.0)))
    road = imported(made, tmp_path)
    assert road.carriageways == ("increasing",)
    assert len(details(road, "one_carriageway")) == 1


def test_a_single_carriageway_against_the_rule_is_the_decreasing_one(tmp_path: Path) -> None:
    made = OsmMap()
    made.way(made.row(straight(5000.0, 0.0, 0.0)))
    road = imported(made, tmp_path)
    assert road.carriageways == ("decreasing",)
    line = road.alignments["decreasing"]
    assert line.longitude_deg[-1] > line.longitude_deg[0]
    assert np.nanmax(np.abs(line.heading_deg - 270.0)) < 0.1


def test_a_two_way_road_is_one_increasing_carriageway(tmp_path: Path) -> None:
    made = OsmMap()
    nodes = made.row(straight(5000.0, 0.0, 0.0))
    made.way(nodes[:30], highway="trunk", oneway="")
    made.way(nodes[29:], highway="trunk", oneway="")
    road = imported(made, tmp_path)
    assert road.carriageways == ("increasing",)
    assert road.length_m == pytest.approx(5000.0, abs=1.0)
    assert road.alignments["increasing"].longitude_deg[-1] > road.alignments["increasing"].longitude_deg[0]


def test_oneway_against_the_drawing(tmp_path: Path) -> None:
    made = OsmMap()
    made.way(made.row(straight(5000.0, 0.0, 0.0)), oneway="-1")
    made.way(made.row(straight(5000.0, 0.0, 15.0)))
    road = imported(made, tmp_path)
    assert road.carriageways == ("increasing", "decreasing")
    assert road.alignments["increasing"].latitude_deg.max() < road.alignments["decreasing"].latitude_deg.min()


def interchange(made: OsmMap) -> None:
    """A 1 runs east and shares 1 km with A 2, which comes from the south and leaves to the north."""
    for side, sign in ((0.0, 1), (15.0, -1)):
        approach = straight(0.0, 3000.0, side)
        shared = straight(3000.0, 4000.0, side)
        leave = straight(4000.0, 8000.0, side)
        south = [(3000.0 - 40.0 * i, side - 90.0 * i) for i in range(1, 40)]
        north = [(4000.0 + 40.0 * i, side + 90.0 * i) for i in range(1, 40)]
        meet, part = made.node(3000.0, side), made.node(4000.0, side)
        rows = {
            "A 1": [(made.row(approach[:-1]), [meet]), ([part], made.row(leave[1:]))],
            "A 2": [(made.row(south[::-1]), [meet]), ([part], made.row(north))],
        }
        for ref, ways in rows.items():
            for head, tail in ways:
                made.way([*head, *tail][::sign], ref=ref)
        made.way([meet, *made.row(shared[1:-1]), part][::sign], ref="A 1;A 2")


def test_another_motorway_of_the_class_does_not_confuse(tmp_path: Path) -> None:
    made = OsmMap()
    interchange(made)
    first = imported(made, tmp_path)
    assert first.length_m == pytest.approx(8000.0, abs=2.0)
    assert details(first, "side_chain") == details(first, "hole") == []
    second = imported(made, tmp_path, ref="A2")
    assert second.ref == "A 2"
    assert second.length_m == pytest.approx(1000.0 + 2 * 39 * math.hypot(40.0, 90.0), abs=2.0)
    for road in (first, second):
        assert road.carriageways == ("increasing", "decreasing")
        assert all(line.present.all() for line in road.alignments.values())


def test_ramps_of_the_same_ref_between_carriageways_stay_side_chains(tmp_path: Path) -> None:
    made = OsmMap()
    east, west = dual(made, 0.0, 8000.0)
    loop = [(4000.0 + 300.0 * math.sin(a), -300.0 + 300.0 * math.cos(a)) for a in np.linspace(0.2, 3.0, 12)]
    made.way([east[40], *made.row(loop)])
    road = imported(made, tmp_path)
    assert road.length_m == pytest.approx(8000.0, abs=2.0)
    assert len(details(road, "side_chain")) == 1
    assert details(road, "hole") == []
    assert west


def test_a_ring_is_opened_and_said_to_be_one(tmp_path: Path) -> None:
    made = OsmMap()
    angles = np.linspace(0.0, 2.0 * math.pi, 200, endpoint=False)
    for radius, sense in ((5000.0, -1), (5015.0, 1)):
        nodes = made.row([(radius * math.cos(sense * a), radius * math.sin(sense * a)) for a in angles])
        made.way(nodes[:100])
        made.way([*nodes[99:], nodes[0]])
    road = imported(made, tmp_path)
    assert len(details(road, "ring")) == 1
    assert road.carriageways == ("increasing", "decreasing")
    assert road.length_m == pytest.approx(2 * math.pi * 5008.0, rel=0.01)


def test_curvature_of_a_circle_is_signed_to_the_right(tmp_path: Path) -> None:
    made = OsmMap()
    radius = 1000.0
    points = [(radius * math.sin(a), radius * math.cos(a)) for a in np.arange(-1.0, 1.0, 0.05)]  # clockwise: right
    made.way(made.row(points))
    made.way(made.row([(x * 1.015, y * 1.015) for x, y in reversed(points)]))
    road = imported(made, tmp_path)
    middle = slice(40, -40)
    assert np.abs(road.alignments["increasing"].curvature_per_m[middle] * radius - 1.0).max() < 0.1
    assert np.abs(road.alignments["decreasing"].curvature_per_m[middle] * radius + 1.0).max() < 0.1


def test_attributes_on_their_extents(tmp_path: Path) -> None:
    made = OsmMap()
    east = made.row(straight(0.0, 5000.0, 0.0))
    made.way(east[:11], lanes="2", maxspeed="none", lit="no")
    made.way(east[10:16], lanes="2", maxspeed="120", bridge="yes", bridge__name="Talbrücke")
    made.way(east[15:21], lanes="3", maxspeed="signals", maxspeed__hgv__conditional="60 @ (22:00-06:00)")
    made.way(east[20:], tunnel="yes", maxspeed="70 mph", toll="yes")
    made.way(made.row(straight(5000.0, 0.0, 15.0)))
    road = imported(made, tmp_path)
    sections = list(road.cross_sections.where(carriageway="increasing").rows())
    assert [round(float(s["end_m"]), -1) for s in sections] == [1000.0, 1500.0, 2000.0, 5000.0]
    assert [s["speed_limit_kind"] for s in sections] == ["none", "fixed", "signals", "fixed"]
    assert float(sections[3]["speed_limit_kmh"]) == pytest.approx(112.654)
    assert [s["lanes"] for s in sections] == [2, 2, 3, 0]
    assert sections[2]["speed_limit_conditional"] == "maxspeed:hgv:conditional=60 @ (22:00-06:00)"
    assert [s["toll"] for s in sections] == ["unknown", "unknown", "unknown", "yes"]
    (bridge,) = road.structures.where(kind="bridge").rows()
    assert (bridge["start_m"], bridge["end_m"]) == pytest.approx((1000.0, 1500.0), abs=1.0)
    assert bridge["name"] == "Talbrücke"
    assert len(road.structures.where(kind="tunnel")) == 1
    assert road.cross_sections.where(carriageway="decreasing")["speed_limit_kind"].tolist() == ["unknown"]


def test_places_and_masts(tmp_path: Path) -> None:
    made = OsmMap()
    east, _ = dual(made)
    made.node(2000.0, 0.0, {"highway": "motorway_junction", "ref": "32", "name": "Nord"}, node_id=east[20])
    made.node(3000.0, 120.0, {"highway": "services", "name": "Rasthof"})
    made.node(3000.0, 900.0, {"highway": "services", "name": "Autohof"})
    for lane in range(4):
        made.node(4000.0, 4.0 * lane, {"barrier": "toll_booth", "name": "Mautstelle"})
    made.node(1000.0, -500.0, {"man_made": "mast", "tower:type": "communication", "height": "40 m"})
    made.node(1500.0, -500.0, {"man_made": "tower", "tower:type": "bell_tower"})
    made.node(2500.0, 1500.0, {"communication:mobile_phone": "yes", "name": "Rathaus"})
    made.node(3500.0, 800.0, {"man_made": "mast", "communication:gsm-r": "yes"})
    hall = made.row([(4500.0, 600.0), (4520.0, 600.0), (4520.0, 620.0)])
    made.way([*hall, hall[0]], highway="", oneway="", ref="", man_made="tower", tower__type="communication")
    road = imported(made, tmp_path)
    assert [(p["kind"], p["name"]) for p in road.places.rows()] == [
        ("junction", "32 Nord"),
        ("service_area", "Rasthof"),
        ("toll_plaza", "Mautstelle"),
    ]
    assert [p["carriageway"] for p in road.places.rows()][:2] == ["increasing", "decreasing"]
    masts = {str(m["name"]): m for m in road.masts.rows()}
    assert [m["kind"] for m in road.masts.rows()] == ["communication", "mobile", "railway", "communication"]
    assert [m["usable"] for m in road.masts.rows()] == [True, True, False, True]
    assert masts["Rathaus"]["offset_m"] == pytest.approx(1500.0, abs=2.0)
    assert road.masts["height_m"][0] == 40.0
    assert str(road.masts["osm_id"][3]).startswith("w")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.osm", None, "does not exist"),
        ("cut.osm.gz", b"\x1f\x8b\x08\x00broken", "breaks off or is damaged"),
        ("cut.osm", b"<?xml version='1.0'?><osm version='0.6'><node id='1' lat='50", "breaks off or is damaged"),
        ("road.shp", b"", "not a kind of extract"),
        ("empty.osm", b"<?xml version='1.0'?><osm version='0.6'></osm>", "holds no road"),
    ],
)
def test_unusable_extracts_are_one_clear_error(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        surveyed_road(RoadSettings(ref="A 1"), [path])
