"""Two real extracts: the A 4 with its posts, and the motorways of a test field with a jump, a hole and clipped ways."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from trassa.errors import InputError
from trassa.linear import Calibration, Carriageway, KmLabel, LabelNotFound
from trassa.road.carriageways import laid_out
from trassa.road.chains import chains_of
from trassa.road.locate import Locator
from trassa.road.model import Road
from trassa.road.osm import read_roads
from trassa.road.posts import JudgedPost, Post, calibrated
from trassa.road.refs import read_road
from trassa.road.schematic import read_facts, schematic_road
from trassa.road.settings import RoadSettings
from trassa.road.survey import surveyed_road

REFS = ["A 2", "A 7", "A 36", "A 37", "A 39", "A 352", "A 391", "A 392", "B 4"]


@pytest.fixture(scope="module")
def a4_file(shared: Path) -> Path:
    return shared / "roads" / "badhersfeld_a4" / "osm_bbox.osm.gz"


@pytest.fixture(scope="module")
def field_file(shared: Path) -> Path:
    return shared / "roads" / "testfeld_nds" / "TestfeldNDS_main_roads.osm.gz"


@pytest.fixture(scope="module")
def a4(a4_file: Path) -> Road:
    return surveyed_road(RoadSettings(ref="A 4"), [a4_file])


@pytest.fixture(scope="module")
def a7(field_file: Path) -> Road:
    return surveyed_road(RoadSettings(ref="A7"), [field_file])


def posts_of(road: Road) -> list[Post]:
    return [
        Post(
            float(row["measure_m"]),
            float(row["label_km"]),
            "increasing" if row["carriageway"] == "increasing" else "decreasing",
            float(row["latitude_deg"]),
            float(row["longitude_deg"]),
            int(row["osm_id"]),
        )
        for row in road.posts.rows()
    ]


def judged(road: Road, posts: list[Post]) -> tuple[Calibration, list[JudgedPost]]:
    return calibrated(posts, road.length_m, reference=road.reference, script="Latn")[:2]


def rejected(road: Road, posts: list[Post]) -> list[float]:
    return [verdict.post.label_km for verdict in judged(road, posts)[1] if not verdict.accepted]


def test_a4_has_two_clean_carriageways_of_known_length(a4_file: Path) -> None:
    objects, ref, road_class = read_road([a4_file], "a4")
    lines, notes = laid_out(chains_of(objects.ways.values())[0], 25_000.0)
    assert (ref, road_class, notes) == ("A 4", "motorway", [])
    assert [len(line.way_ids) for line in lines] == [46, 46]
    assert [len(line.line.latitude_deg) for line in lines] == [221, 220]
    assert [line.line.length_m for line in lines] == pytest.approx([13_595.0, 13_591.0], abs=2.0)


def test_a4_rises_westward(a4: Road) -> None:
    assert a4.reference == "increasing"
    assert a4.length_m == pytest.approx(13_591.0, abs=2.0)
    line = a4.alignments["increasing"]
    assert line.longitude_deg[0] == pytest.approx(9.80498, abs=1e-5)
    assert line.longitude_deg[-1] == pytest.approx(9.63791, abs=1e-5)
    apart = Locator(a4).locate(line.latitude_deg, line.longitude_deg)
    assert set(apart.carriageway) == {"increasing"}
    assert np.abs(np.interp(apart.measure_m, line.measure_m, line.measure_m) - line.measure_m).max() < 0.01


def test_a4_post_350_is_rejected_by_name_and_the_rest_stay(a4: Road) -> None:
    (bad,) = a4.posts.where(accepted=False).rows()
    assert bad["label_km"] == 350.0
    assert 250.0 <= abs(float(bad["residual_m"])) <= 300.0
    (told,) = a4.findings.where(kind="rejected_post")["detail"]
    assert "km 350+000" in told
    good = a4.posts.where(accepted=True)
    assert sorted(set(good["label_km"])) == [float(km) for km in range(351, 364)]
    offset_m = 1000.0 * good["label_km"] - good["measure_m"]
    assert np.abs(offset_m - np.median(offset_m)).max() <= 60.0
    knots = good.where(knot=True)
    assert np.abs(a4.calibration.km(knots["measure_m"]) - knots["label_km"]).max() < 1e-9
    before = a4.calibration.extents("extrapolated")[0]
    assert (before.start_m, before.end_m) == pytest.approx((0.0, 1614.0), abs=2.0)


def test_a4_interval_356_is_longer_than_a_kilometre(a4: Road) -> None:
    calibration = a4.calibration
    assert calibration.measure(KmLabel.parse("356+1050")) == pytest.approx(calibration.measure_at_km(356.0) + 1050.0)
    with pytest.raises(LabelNotFound):
        calibration.measure(KmLabel.parse("356+1090"))


def test_a4_labels_do_not_depend_on_order_or_on_the_reference(a4: Road, a4_file: Path) -> None:
    posts = posts_of(a4)
    whole = judged(a4, posts)
    for seed in range(4):
        random.Random(seed).shuffle(posts)
        assert judged(a4, posts) == whole
    other = surveyed_road(RoadSettings(ref="A 4"), [a4_file], follow="decreasing")
    assert other.reference == "decreasing"
    assert other.posts.where(accepted=False)["label_km"].tolist() == [350.0]
    for carriageway in a4.carriageways:
        line = a4.alignments[carriageway]
        located = Locator(other).locate(line.latitude_deg, line.longitude_deg)
        assert set(located.carriageway) == {carriageway}
        moved_m = 1000.0 * (other.calibration.km(located.measure_m) - a4.calibration.km(line.measure_m))
        assert np.abs(moved_m).max() < 30.0
        assert np.median(np.abs(moved_m)) < 5.0


def test_a4_without_any_one_post(a4: Road) -> None:
    at = np.linspace(0.0, a4.length_m, 2000)
    for label in range(352, 363):
        rest = [post for post in posts_of(a4) if post.label_km != label]
        calibration, verdicts = judged(a4, rest)
        assert [v.post.label_km for v in verdicts if not v.accepted] == [350.0]
        assert np.abs(calibration.km(at) - a4.calibration.km(at)).max() * 1000.0 <= 75.0


@pytest.mark.parametrize("shift_km", [0.3, -0.3])
def test_a4_with_one_post_moved_by_300_m(a4: Road, shift_km: float) -> None:
    posts = posts_of(a4)
    for index, post in enumerate(posts):
        if post.label_km == 350.0:
            continue
        label_km = post.label_km + shift_km
        moved = Post(post.measure_m, label_km, post.carriageway, post.latitude_deg, post.longitude_deg, post.osm_id)
        assert sorted(rejected(a4, [*posts[:index], moved, *posts[index + 1 :]])) == sorted([350.0, label_km])


def test_a4_with_all_posts_moved_by_30_m(a4: Road) -> None:
    moved = [Post(p.measure_m, p.label_km + 0.03, p.carriageway, 0.0, 0.0, p.osm_id) for p in posts_of(a4)]
    calibration, verdicts = judged(a4, moved)
    assert [v.post.label_km for v in verdicts if not v.accepted] == [350.03]
    at = np.linspace(0.0, a4.length_m, 100)
    np.testing.assert_allclose(calibration.km(at) - a4.calibration.km(at), 0.03, atol=1e-9)


def test_a4_attributes(a4: Road) -> None:
    lengths: dict[int, float] = {}
    for row in a4.cross_sections.rows():
        lengths[int(row["lanes"])] = lengths.get(int(row["lanes"]), 0.0) + float(row["end_m"]) - float(row["start_m"])
    assert lengths == {2: pytest.approx(23_800.0, abs=100.0), 3: pytest.approx(3_300.0, abs=100.0)}
    bridges = a4.structures.where(kind="bridge")
    assert (bridges["end_m"] - bridges["start_m"]).sum() == pytest.approx(1136.0, abs=15.0)
    junctions = a4.places.where(kind="junction")
    assert set(junctions["name"]) == {"32 Bad Hersfeld"}
    assert a4.calibration.km(junctions["measure_m"]) == pytest.approx([356.9, 357.1], abs=0.1)
    masts = {(row["kind"], row["usable"], round(float(row["offset_m"]), -1)) for row in a4.masts.rows()}
    assert masts == {
        ("communication", True, 1380.0),
        ("communication", True, 100.0),
        ("communication", True, 80.0),
        ("communication", True, 1560.0),
        ("mobile", True, 1490.0),
        ("railway", False, 1870.0),
    }


def test_a7_jump_is_found_and_its_labels_do_not_exist(a7: Road) -> None:
    (jump,) = a7.findings.where(kind="chainage_jump").rows()
    assert float(jump["end_m"]) - float(jump["start_m"]) == pytest.approx(2140.0, abs=15.0)
    found = [
        1000.0 * (b.start_km - a.end_km)
        for a, b in zip(a7.calibration.intervals, a7.calibration.intervals[1:], strict=False)
        if abs(b.start_km - a.end_km) > 1e-6
    ]
    assert found == [pytest.approx(8090.0, abs=15.0)]
    with pytest.raises(LabelNotFound, match=r"km 145\+000 does not exist"):
        a7.calibration.measure(KmLabel(145))
    assert a7.posts["accepted"].all()
    assert len(a7.posts) == 56
    assert len(a7.findings.where(kind="stretch")) == 1


def test_a7_is_two_lines_and_a_stub(a7: Road, field_file: Path) -> None:
    assert a7.length_m == pytest.approx(91_837.0, abs=5.0)
    (stub,) = a7.findings.where(kind="side_chain")["detail"]
    assert stub.startswith("770 m")
    line = a7.alignments["increasing"]
    assert line.latitude_deg[0] > line.latitude_deg[-1]


@pytest.mark.parametrize("ref", REFS)
def test_every_motorway_of_the_test_field_imports(field_file: Path, ref: str) -> None:
    road = surveyed_road(RoadSettings(ref=ref.replace(" ", "")), [field_file])
    assert road.ref == ref
    assert road.carriageways == ("increasing", "decreasing")
    for line in road.alignments.values():
        assert np.isfinite([line.latitude_deg, line.longitude_deg]).all()
        assert np.isfinite([line.heading_deg[line.present], line.curvature_per_m[line.present]]).all()
        assert line.present.mean() > (0.5 if ref == "A 37" else 0.93)
        across = Locator(road).locate(line.latitude_deg[line.present], line.longitude_deg[line.present])
        assert np.percentile(np.abs(across.measure_m - line.measure_m[line.present]), 99) < 5.0
    at = np.arange(1.0, road.length_m, 37.0)
    again = [road.calibration.measure(road.calibration.label(float(measure))) for measure in at]
    assert np.abs(np.array(again) - at).max() < 1.0


def test_a37_keeps_measure_running_across_its_hole(field_file: Path) -> None:
    road = surveyed_road(RoadSettings(ref="A 37"), [field_file])
    carriageways: tuple[Carriageway, Carriageway] = ("increasing", "decreasing")
    for carriageway in carriageways:
        hole = max(road.structure_extents("hole", carriageway), key=lambda extent: extent.length_m)
        assert 10_000.0 < hole.length_m < 12_000.0
        line = road.alignments[carriageway]
        assert not line.present[(line.measure_m > hole.start_m) & (line.measure_m < hole.end_m)].any()
    assert all("way" in detail and "node" in detail for detail in road.findings.where(kind="hole")["detail"][1:])


def test_dangling_references_of_the_test_field_are_all_named(field_file: Path) -> None:
    ways = read_roads([field_file], lambda tags: tags.get("highway") == "motorway").ways
    clipped = {number: way for number, way in ways.items() if np.isnan(way.latitude_deg).any()}
    dangling = [note.detail for note in chains_of(ways.values())[1] if note.kind == "dangling_reference"]
    assert sum(int(np.isnan(way.latitude_deg).sum()) for way in clipped.values()) == 37
    assert len(dangling) == len(clipped)
    assert all(any(f"way {number} " in detail for detail in dangling) for number in clipped)


def test_wrong_ref_lists_the_motorways(field_file: Path) -> None:
    with pytest.raises(InputError, match=r"A 2 \(256\.6 km of motorway\), A 7 \(184\.5 km of motorway\)"):
        surveyed_road(RoadSettings(ref="A 99"), [field_file])


def test_truncated_extract(a4_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.osm.gz"
    cut.write_bytes(a4_file.read_bytes()[:600_000])
    with pytest.raises(InputError, match="breaks off or is damaged"):
        surveyed_road(RoadSettings(ref="A 4"), [cut])


def test_m11_facts_as_published(shared: Path) -> None:
    road = schematic_road("М-11", read_facts(shared / "roads" / "m11" / "m11_facts.csv"), 15.0, 684.0)
    assert road.length_m == 669_000.0
    chords = road.findings.where(kind="chord")
    assert len(chords) == 27
    assert road.text(34_000.0) == "М-11 км 49+000"
