"""road locate and road posts: points on the road, labels on Earth, and what they are called in JSON."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pyproj import Geod

from command_line import trassa

GEOD = Geod(ellps="WGS84")


def located(folder: Path, *words: object) -> dict[str, object]:
    done = trassa("road", "locate", folder, *words, "--json")
    assert (done.code, done.err) == (0, ""), done.err
    answer: dict[str, object] = done.json
    return answer


def test_a_point_beside_the_road(planned_lane: Path) -> None:
    """2 km from the start of a line due north, 30 m east of it: geodesics by pyproj."""
    lon, lat, _ = GEOD.fwd(37.3, 55.0, 0.0, 2000.0)
    lon, lat, _ = GEOD.fwd(lon, lat, 90.0, 30.0)
    answer = located(planned_lane, f"{lat:.8f}", f"{lon:.8f}")
    assert {"road", "carriageway", "measure_m", "km", "label", "offset_m"} <= set(answer)
    assert answer["road"] == "Б-1"
    assert answer["carriageway"] in ("increasing", "decreasing")
    assert answer["measure_m"] == pytest.approx(2000.0, abs=0.5)
    assert answer["offset_m"] == pytest.approx(30.0, abs=0.1)
    assert answer["km"] == pytest.approx(102.0, abs=2e-3)
    assert answer["label"] in ("км 101+999", "км 102+000", "км 102+001")


@pytest.mark.parametrize("arrow", ["→", "←"])
def test_there_and_back(planned_a4: Path, arrow: str) -> None:
    for label in ("349+500", "352+400", "356+789", "362+999"):
        place = located(planned_a4, f"A 4 km {label} {arrow}")
        assert place["label"] == f"km {label}"
        again = located(planned_a4, place["latitude_deg"], place["longitude_deg"])
        assert again["carriageway"] == {"→": "increasing", "←": "decreasing"}[arrow]
        assert again["measure_m"] == pytest.approx(place["measure_m"], abs=0.1)
        assert again["km"] == pytest.approx(place["km"], abs=1e-4)
        assert again["offset_m"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(
    "words", [["A 4 km 352+400"], ["A", "4", "km", "352+400"], ["352+400"], ["352.400"], ["A4 352.4"]]
)
def test_one_place_in_all_its_notations(planned_a4: Path, words: list[str]) -> None:
    answer = located(planned_a4, *words)
    assert answer["km"] == pytest.approx(352.4, abs=1e-6)
    assert answer["label"] == "km 352+400"


def test_negative_coordinates_are_values(planned_lane: Path) -> None:
    answer = located(planned_lane, "-33.9", "-18.4")
    assert (answer["latitude_deg"], answer["longitude_deg"]) == (-33.9, -18.4)
    assert float(str(answer["offset_m"])) > 1e6
    assert located(planned_lane, "54.9", "-.5")["longitude_deg"] == -0.5


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["37.3", "55.01"], 3, "latitude first: 55.01 37.3"),
        (["95", "37"], 3, "latitude 95° lies outside ±90°"),
        (["55", "190"], 3, "longitude 190° lies outside ±180°"),
        (["nan", "37"], 3, "latitude nan° lies outside"),
        (["Б-1 км 500"], 3, "does not exist on this road"),
        (["А 107 км 101"], 3, "is on another road than Б-1. Try: Б-1 101+000"),
        (["ПК 1010+00"], 3, "picketage"),
        (["somewhere"], 3, "is not a"),
        (["55", "37", "--jsn"], 2, "no such option --jsn"),
    ],
)
def test_places_that_are_none(planned_lane: Path, words: list[str], code: int, told: str) -> None:
    assert told in trassa("road", "locate", planned_lane, *words).refused(code)


def test_the_ref_may_be_spelt_as_people_do(planned_lane: Path) -> None:
    for ref in ("Б-1", "Б1", "Б 1"):
        assert located(planned_lane, f"{ref} км 101+500")["label"] == "км 101+500"


def test_a_line_for_a_terminal(planned_lane: Path) -> None:
    out = trassa("road", "locate", planned_lane, "км 101+500").out
    assert out.startswith("Б-1 км 101+500 → ")
    assert out.count("\n") == 1


def test_posts_of_the_a4(planned_a4: Path) -> None:
    answer = trassa("road", "posts", planned_a4, "--json").json
    assert answer["road"] == "A 4"
    rejected = [post for post in answer["posts"] if not post["accepted"]]
    assert [post["label_km"] for post in rejected] == [350.0]
    assert len(answer["posts"]) == 15
    assert any("km 350+000" in note for note in answer["notes"])
    measures = [post["measure_m"] for post in answer["posts"]]
    assert measures == sorted(measures)
    assert all(math.isfinite(measure) for measure in measures)
    table = trassa("road", "posts", planned_a4).out.splitlines()
    assert table[0].split()[:2] == ["post", "km"]
    assert "NO" in table[1]


def test_a_road_without_posts_has_none(planned_lane: Path) -> None:
    assert trassa("road", "posts", planned_lane, "--json").json["posts"] == []
    assert trassa("road", "posts", planned_lane).code == 0
