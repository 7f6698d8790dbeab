"""Honest plans of odd roads: ties, hair-breadths and lists in whole metres, of which every row must agree."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

import line_evidence as evidence_of
from drawn_road import drawn_road
from line_evidence import accused, line_evidence
from trassa.errors import InputError
from trassa.optical.as_built.listing import read_as_built
from trassa.optical.plan import plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import RADIO_SITE, shipped_services
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.as_built_template import as_built_template
from trassa.road.model import Road

QUICK: dict[str, Any] = {"check_transmission": False}
RINGS = tuple(one.model_copy(update={"access": "ring"}) for one in shipped_services())


def _agrees(root: Path, road: Road, connections: list[Connection], **settings: Any) -> None:
    evidence = line_evidence(root, road, connections, **{**QUICK, **settings})
    assert {name: row.detail for name, row in accused(evidence).items()} == {}


def test_radio_sites_on_rings_have_servers_and_basebands(tmp_path: Path) -> None:
    sites = [Connection(f"S-{number}", 2000.0 * number, "increasing", 30.0, RADIO_SITE) for number in (1, 2, 4)]
    rules = {"services": RINGS, "edge_round_trip_us": 400.0, "new_power_step_m": 3000.0}
    _agrees(tmp_path, drawn_road(12_000.0), sites, cells={"C-1": ["S-1", "S-2"]}, **rules)


def test_other_equipment_in_a_hole_is_no_site_without_a_server(tmp_path: Path) -> None:
    road = drawn_road(30_000.0, holes=[(12_000.0, 19_000.0)])
    far = Connection("CAM-1", 15_500.0, "increasing", 20.0, "camera")
    near = Connection("S-1", 3000.0, "increasing", 20.0, RADIO_SITE)
    _agrees(tmp_path, road, [near, far], edge_round_trip_us=1000.0, stray_limit_m=10.0)


@pytest.mark.parametrize(("end_m", "offset_m"), [(9003.7, 333.0), (9555.0, 333.0), (9871.2, 20.0), (9871.2, 1016.0)])
def test_ways_as_short_as_one_another(tmp_path: Path, end_m: float, offset_m: float) -> None:
    """Without delay in huts, a tap at the last hut is as near to a point of presence over either of its links."""
    sites = [Connection("S-1", end_m, "decreasing", offset_m), Connection("S-2", 4000.0, "decreasing", offset_m)]
    _agrees(tmp_path, drawn_road(12_000.0, holes=[(end_m, 11_700.0)]), sites, hut_latency_us=0.0)


def test_a_tap_a_hair_behind_the_farthest_chamber(tmp_path: Path) -> None:
    site = Connection("S-1", 1000.004, "increasing", 40.0, RADIO_SITE)
    _agrees(tmp_path, drawn_road(7000.0), [site], verge_offset_m=0.0)


def test_a_structure_whose_route_is_longer_than_its_measure(tmp_path: Path) -> None:
    """A reel covers 3803.7 m: the bridge by its measure, not by its route over the hills."""
    road = drawn_road(7000.0, bridges=[(1500.0, 5303.0)], height_m=lambda measure_m: measure_m * 0.03)
    _agrees(tmp_path, road, [])


def test_a_part_of_which_a_bridge_covers_most(tmp_path: Path) -> None:
    road = drawn_road(6000.0, bridges=[(3100.0, 4500.0)], holes=[(640.0, 2610.0), (4040.0, 4204.0)])
    _agrees(tmp_path, road, [])


def test_a_cause_that_never_fails_apart(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    site = Connection("S-1", 3000.0, "increasing", 40.0, RADIO_SITE)
    _agrees(tmp_path, drawn_road(7000.0), [site], cables=2, availability={"common_cause_ratio": 1.0})
    assert not [str(one.message) for one in recwarn if issubclass(one.category, RuntimeWarning)]


def _planned_with(
    root: Path, text: str, road: Road, sites: list[Connection], monkeypatch: pytest.MonkeyPatch, **rules: Any
) -> None:
    (root / "inputs").mkdir()
    path = root / "inputs" / "built.csv"
    path.write_text(text, "utf-8")
    as_built = read_as_built(path, road, OpticalSettings(**QUICK, **rules))
    monkeypatch.setattr(evidence_of, "plan_optical", partial(plan_optical, as_built=as_built))
    _agrees(root, road, sites, as_built="built.csv", **rules)


@pytest.mark.parametrize("length_m", [9000.94, 9000.37])
def test_the_end_of_a_road_in_the_midst_of_a_metre(
    tmp_path: Path, length_m: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is exported of a plan is a list of what is built for the next."""
    road, rules = drawn_road(length_m, start_km=352.4), OpticalSettings(**QUICK)
    text = as_built_template(road, plan_optical(road, [], rules).layers, rules)
    _planned_with(tmp_path, text, road, [], monkeypatch)


LISTED = "section;item;name;cable;position\na;{2};W;C-1;km {0}\na;{2};E;C-1;km {1}\n"


@pytest.mark.parametrize(
    ("places", "drawn", "rules"),
    [
        (("3+725", "6+725", "joint"), {}, {}),
        (("369+717", "372+480", "hut"), {"start_km": 352.4, "bridges": [(14_849.3, 17_316.585)]}, {}),
        (("0+080", "0+703", "hut"), {"holes": [(0.0, 80.0)]}, {}),
        (("0+000", "0+210", "hut"), {"holes": [(213.4, 900.0)]}, {"shortest_part_m": 20.0}),
        (("10+000", "12+660", "hut"), {"tunnels": [(11_511.3, 12_660.38)]}, {"cables": 2}),
    ],
    ids=["joint under a tap", "hut beside a bridge", "hut behind a hole", "hut before a hole", "hut in a tunnel"],
)
def test_a_list_in_whole_metres(
    tmp_path: Path,
    places: tuple[str, str, str],
    drawn: dict[str, Any],
    rules: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    road = drawn_road(30_000.0, **drawn)
    sites = [Connection(f"S-{at_m:.0f}", at_m, "increasing", 20.0) for at_m in (3725.0, 16_900.0)]
    _planned_with(tmp_path, LISTED.format(*places), road, sites, monkeypatch, **rules)


def test_a_hut_beyond_a_short_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    road = drawn_road(6000.0, holes=[(213.4, 900.0)])
    with pytest.raises(InputError, match="does not lie on the line"):
        _planned_with(tmp_path, LISTED.format("0+000", "0+213", "hut"), road, [], monkeypatch, shortest_part_m=20.0)
