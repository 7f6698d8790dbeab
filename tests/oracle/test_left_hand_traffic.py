"""A road that keeps left is the mirror image of one that keeps right: so are its masts, trenches and crossings."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from line_evidence import forged
from osm_map import ORIGIN, OsmMap, Tags
from trassa.errors import InputError
from trassa.linear import Layer, opposite
from trassa.plan.project import create_project, open_project
from trassa.plan.proof import Proof
from trassa.plan.report.map_picture import map_picture
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.plan.verify import verify
from trassa.plan.verify.evidence import read_evidence
from trassa.plan.verify.geopackage import read_layers
from trassa.plan.verify.radio.offer import check_offer
from trassa.provenance import no_progress
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.settings import RadioSettings
from trassa.road.exchange import write_raster
from trassa.road.hills import generated_hills
from trassa.road.model import Road
from trassa.road.settings import ClutterSettings, RoadSettings, TerrainSettings
from trassa.road.survey import survey
from trassa.road.verge import outwards
from trassa.road.walls import road_walls
from trassa.twin.course import Courses
from trassa.twin.traffic import LANE_RIGHT_M, SHOULDER

_LENGTH_M, _MEDIAN_M = 6000.0, 20.0
_ARC_SECOND = 1.0 / 3600.0
_PROJECT = """
[road]
ref = "A 1"
osm = ["road.osm"]
[terrain]
files = ["road.tif"]
kind = "bare"
[radio]
new_mast_heights_m = [35.0]
new_mast_spacing_m = 500.0
new_mast_side = "alternate"
siting_step_m = 50.0
[optical]
cables = 2
equipment_list = "cameras.csv"
check_transmission = false
"""
_CAMERAS = "name,service,position,offset_m\nEAST,camera,A 1 km 2+000 →,8\nWEST,camera,A 1 km 3+500 ←,8\n"


class _Seen(OsmMap):
    """A map as it is, or in a mirror that stands on the meridian of its origin."""

    def __init__(self, *, mirrored: bool) -> None:
        super().__init__()
        self._sign = -1.0 if mirrored else 1.0

    def node(self, east_m: float, north_m: float, tags: Tags | None = None, node_id: int = 0) -> int:
        return super().node(self._sign * east_m, north_m, tags, node_id)


def _north_m(east_m: float) -> float:
    return 300.0 * math.sin(east_m / 900.0)


def _side_m(east_m: float, left_m: float) -> tuple[float, float]:
    """A point to the left of the road's bends, seen eastwards."""
    slope = math.atan(math.cos(east_m / 900.0) / 3.0)
    return east_m - left_m * math.sin(slope), _north_m(east_m) + left_m * math.cos(slope)


def _dual(drawn: OsmMap) -> OsmMap:
    """A winding motorway with a post every kilometre and a way in a cutting; labels rise from the origin on."""
    places = np.arange(0.0, _LENGTH_M + 1.0, 50.0).tolist()
    posts = {e: {"highway": "milestone", "distance": f"{e / 1000.0:g}"} for e in places if e % 1000.0 == 0.0}
    one = [drawn.node(*_side_m(e, 0.0), posts.get(e)) for e in places]
    other = [drawn.node(*_side_m(e, _MEDIAN_M)) for e in reversed(places)]
    for line in (one, other):
        drawn.way(line[:21])
        drawn.way(line[20:41], cutting="yes")
        drawn.way(line[40:])
    return drawn


def _surroundings(drawn: OsmMap) -> OsmMap:
    """Masts on either side and a power line; masts carry their height."""
    mast = {"man_made": "mast", "tower:type": "communication", "communication:mobile_phone": "yes", "height": "40"}
    for number, (east_m, left_m) in enumerate(((1700.0, 150.0), (4300.0, -200.0)), start=1):
        drawn.node(*_side_m(east_m, left_m), {**mast, "name": f"M {number}"})
    row = drawn.row([(0.0, 900.0), (6000.0, 500.0)])
    drawn.way(row, highway="", oneway="", ref="", power="minor_line")
    return drawn


def _planned(root: Path, *, mirrored: bool) -> Path:
    root.mkdir(parents=True)
    drawn = _surroundings(_dual(_Seen(mirrored=mirrored))).write(root / "road.osm")
    cols = 1201
    ground = generated_hills(7, ORIGIN[0] + 0.08, ORIGIN[1] - 600 * _ARC_SECOND, 576, cols, _ARC_SECOND)
    dem, cameras = root / "road.tif", root / "cameras.csv"
    ground = np.ascontiguousarray(ground[:, ::-1]) if mirrored else ground
    write_raster(dem, ground, ORIGIN[0] + 0.08, ORIGIN[1] - 600 * _ARC_SECOND, _ARC_SECOND, _ARC_SECOND)
    cameras.write_text(_CAMERAS, "utf-8")
    create_project(root / "plan", parse_settings(_PROJECT), {one.name: one for one in (drawn, dem, cameras)})
    run_plan(open_project(root / "plan"), lambda stage: no_progress)
    return root / "plan"


@pytest.fixture(scope="module")
def right_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The road as it is, planned."""
    return _planned(tmp_path_factory.mktemp("traffic") / "right", mirrored=False)


@pytest.fixture(scope="module")
def left_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The road in the mirror, planned; nothing but its geometry says that it keeps left."""
    return _planned(tmp_path_factory.mktemp("traffic") / "left", mirrored=True)


def _mirrored(layer: Layer) -> dict[str, Any]:
    """The columns of a layer as the mirror shows them; NaN stays NaN."""
    found: dict[str, Any] = dict(layer.columns)
    for name in found:
        if name == "longitude_deg":
            found[name] = 2.0 * ORIGIN[1] - found[name]
        elif name in ("ahead_deg", "back_deg", "heading_deg"):
            found[name] = (360.0 - found[name]) % 360.0
        elif name == "curvature_per_m":
            found[name] = -found[name]
    return found


def test_the_mirrored_road_has_the_mirrored_plan(right_hand: Path, left_hand: Path) -> None:
    right, left = read_layers(right_hand / "plan.gpkg"), read_layers(left_hand / "plan.gpkg")
    assert set(right["sites"]["carriageway"]) == {"increasing", "decreasing"}
    assert set(right["sites"]["kind"]) == {"new", "existing"}
    assert set(right["crossings"]["purpose"]) == {"connection", "hut"}
    (told,) = left.pop("findings").where(kind="traffic")["detail"].tolist()
    assert told == "traffic keeps left, by its carriageways"
    assert not len(right.pop("findings").where(kind="traffic"))
    for name, layer in right.items():
        assert len(layer) == len(left[name]), name
        for column, due in _mirrored(layer).items():
            if due.dtype.kind == "f":
                assert left[name][column] == pytest.approx(due, abs=1e-4, nan_ok=True), f"{name}.{column}"
            else:
                assert left[name][column].tolist() == due.tolist(), f"{name}.{column}"


def test_the_mirrored_road_has_the_same_claims_and_costs(right_hand: Path, left_hand: Path) -> None:
    proofs = [Proof.read(root / "proof.json") for root in (right_hand, left_hand)]
    for claim, same in zip(proofs[0].claims, proofs[1].claims, strict=True):
        assert (same.id, same.promise, same.holds, same.failures) == (
            *(claim.id, claim.promise, claim.holds, claim.failures),
        )
        assert same.worst.place == claim.worst.place
        assert same.worst.value == pytest.approx(claim.worst.value, abs=1e-4, nan_ok=True)
    costs = [
        next(claim for claim in proof.claims if claim.id == "radio.least-cost").method["cost_minor"] for proof in proofs
    ]
    assert costs[0] == costs[1]
    numbers = [
        {name: value for name, value in proof.figures["optical"].items() if isinstance(value, int | float)}
        for proof in proofs
    ]
    assert "trench_route_m" in numbers[0]
    assert numbers[1] == pytest.approx(numbers[0])


def test_verification_agrees_with_the_mirrored_plan(left_hand: Path) -> None:
    verification = verify(left_hand)
    assert verification.agrees, verification.text()


def test_masts_between_the_carriageways_or_on_the_other_side_are_named(left_hand: Path) -> None:
    evidence = read_evidence(left_hand)
    assert check_offer(evidence, None).agrees
    rows = evidence.layers["candidates"]
    new, existing = (int(np.flatnonzero(rows["kind"] == kind)[0]) for kind in ("new", "existing"))
    line = evidence.layers["alignment"].where(carriageway=str(rows["carriageway"][new]))
    moved = evidence
    for column in ("latitude_deg", "longitude_deg"):
        on_axis = float(np.interp(rows["measure_m"][new], line["measure_m"], line[column]))
        moved = forged(moved, "candidates", column, new, lambda stands, on_axis=on_axis: 2.0 * on_axis - stands)
    assert f"{rows['name'][new]} stands between the carriageways" in check_offer(moved, None).detail
    swapped = forged(evidence, "candidates", "carriageway", existing, opposite)
    assert f"{rows['name'][existing]} stands on the other side of the road" in check_offer(swapped, None).detail


def _surveyed(root: Path, drawn: OsmMap, **said: Any) -> Road:
    root.mkdir(parents=True, exist_ok=True)
    settings = RoadSettings(ref="A 1", osm=["road.osm"], **said)
    return survey(settings, None, TerrainSettings(), drawn.write(root / "road.osm").parent)


def _both(root: Path) -> tuple[Road, Road]:
    """The dual road as it is and in the mirror."""
    right, left = (_surveyed(root / name, _dual(_Seen(mirrored=name == "left"))) for name in ("right", "left"))
    return right, left


def test_edges_of_cuttings_lie_outside(tmp_path: Path) -> None:
    right, left = _both(tmp_path)
    found = [road_walls([tmp_path / road.traffic / "road.osm"], road, ClutterSettings()) for road in (right, left)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].start_lat_deg == pytest.approx(found[0].start_lat_deg, abs=1e-9)
    assert found[1].start_lon_deg == pytest.approx(2.0 * ORIGIN[1] - found[0].start_lon_deg, abs=1e-9)


def test_vehicles_drive_and_stop_on_the_side_that_traffic_keeps_to(tmp_path: Path) -> None:
    ahead_m, lanes_m = np.array([500.0, 2500.0, 4000.0]), LANE_RIGHT_M[[0, 1, SHOULDER]]
    for course in (0, 1):
        with np.errstate(invalid="ignore"):  # the very end of a line points nowhere
            right, left = (Courses(road).all[course].place(ahead_m, lanes_m) for road in _both(tmp_path))
        assert left[0] == pytest.approx(right[0], abs=1e-9)
        assert left[1] == pytest.approx(2.0 * ORIGIN[1] - right[1], abs=1e-9)


def test_the_drawn_map_is_mirrored(tmp_path: Path) -> None:
    points = [
        np.array([float(number) for number in re.findall(r"-?[\d.]+", " ".join(re.findall(r' points="([^"]+)"', svg)))])
        for svg in (map_picture(road, {}) for road in _both(tmp_path))
    ]
    right, left = (numbers.reshape(-1, 2) for numbers in points)
    assert len(right) > 100
    assert left[:, 0] == pytest.approx(820.0 - right[:, 0], abs=0.11)
    assert left[:, 1] == pytest.approx(right[:, 1], abs=0.11)


def _undivided(drawn: OsmMap) -> OsmMap:
    drawn.way(drawn.row([_side_m(e, 0.0) for e in np.arange(0.0, _LENGTH_M + 1.0, 50.0).tolist()]), oneway="no")
    return drawn


def _masts(road: Road) -> Candidates:
    return candidates_of(road, None, RadioSettings(new_mast_heights_m=[30.0]))


def test_where_one_line_stands_for_all_traffic_the_setting_says_it(tmp_path: Path) -> None:
    east = _surveyed(tmp_path / "east", _undivided(_Seen(mirrored=False)))
    assert (east.traffic, outwards(east, "increasing")) == ("right", 1)
    assert not len(east.findings.where(kind="traffic"))
    left = _surveyed(tmp_path / "left", _undivided(_Seen(mirrored=False)), traffic="left")
    assert (left.traffic, outwards(left, "increasing")) == ("left", -1)
    assert left.findings.where(kind="traffic")["detail"].tolist() == ["traffic keeps left, by road.traffic"]
    axis = east.alignments["increasing"]
    here, there = _masts(east), _masts(left)
    for name in ("latitude_deg", "longitude_deg"):
        on_axis = np.interp(here.measure_m, axis.measure_m, getattr(axis, name))
        assert 0.5 * (getattr(here, name) + getattr(there, name)) == pytest.approx(on_axis, abs=1e-8)
        assert np.abs(getattr(here, name) - getattr(there, name)).max() > 1e-4


def test_what_the_carriageways_show_is_not_talked_away(tmp_path: Path) -> None:
    for mirrored, shown, stated in ((False, "right", "left"), (True, "left", "right")):
        drawn = _dual(_Seen(mirrored=mirrored))
        assert _surveyed(tmp_path / shown, drawn, traffic=shown).traffic == shown
        with pytest.raises(
            InputError, match=rf"keeps {shown} by its geometry: on 100% .* road.traffic says '{stated}'"
        ):
            _surveyed(tmp_path / shown, drawn, traffic=stated)
