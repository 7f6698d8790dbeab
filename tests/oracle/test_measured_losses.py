"""Losses measured at acceptance: budgets by hand, planned values given as measured, one span made worse, GNPy."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.optical.as_built.listing import read_as_built
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.built import AsBuilt
from trassa.optical.plant.drops import Connection
from trassa.optical.service_settings import ServiceClass
from trassa.optical.settings import OpticalSettings
from trassa.optical.wdm.closed_form import CLOSED_FORM_DB
from trassa.plan.optical.as_built_template import as_built_template
from trassa.road.model import Road

SPLICE, IN_1310, IN_1550 = "splice_loss_db", "attenuation_1310_db_per_km", "attenuation_1550_db_per_km"
RULES = OpticalSettings(check_transmission=False, verge_offset_m=0.0, span_limit_m=60_000.0)
GNPY = RULES.model_copy(update={"check_transmission": True})
needs_gnpy = pytest.mark.skipif(sys.version_info >= (3, 13), reason="GNPy has no release for this Python")
Row = dict[str, str]


def _built(folder: Path, text: str, road: Road, rules: OpticalSettings) -> AsBuilt:
    path = folder / "list.csv"
    path.write_text(text, "utf-8")
    return read_as_built(path, road, rules)


SHORT = drawn_road(20_000.0)
LOT = f"""section;item;name;cable;position;loop_m;sheath_mark_m;mark_in_m;mark_out_m;{SPLICE};{IN_1310};{IN_1550}
lot 1;hut;Weimar;C-1;km 2+000;6;10;;;;0,31;0,19
lot 1;tap;T 1;C-1;km 5+000;30;3300;;;0,12;;
lot 1;joint;M 1;C-1;km 7+400;;5801,5;;;-0,04;0,4;0,27
lot 1;joint;M 2;C-1;km 8+200;;6700;;;0,31;;
lot 1;hut;Apolda;C-1;km 9+000;;7500;;;;;
"""
GLASS_KM = {"1": 5.7915 / 0.975, "2": 0.8985 / 0.975, "3": 0.8 / 0.975}
"""Fibre of the three reels by their marks."""
LONGER = 0.975 / 0.97


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> OpticalPlan:
    sites = [Connection(name, m, "increasing", 40.0) for name, m in (("S-1", 5010.0), ("S-2", 7390.0))]
    as_built = _built(tmp_path_factory.mktemp("hand"), LOT, SHORT, RULES)
    return plan_optical(SHORT, sites, RULES, as_built=as_built)


def test_the_loss_of_a_span_by_hand(hand: OpticalPlan) -> None:
    (row,) = hand.layers["spans"].where(span="Weimar–Apolda").rows()
    assert row["fibre_m"] == pytest.approx(1000.0 * sum(GLASS_KM.values()))
    glass_db = GLASS_KM["1"] * 0.19 + GLASS_KM["2"] * 0.27 + GLASS_KM["3"] * 0.22
    joints_db, pigtails_db, connectors_db, repairs_db = -0.04 + 0.31, 2 * 0.05, 2 * 0.5, 3.0
    assert row["loss_db"] == pytest.approx(LONGER * glass_db + joints_db + pigtails_db + connectors_db + repairs_db)


@pytest.mark.parametrize(
    ("link", "reels_km", "splices_db"),
    [
        ("S-1–Weimar", {"1": 3.29 / 0.975}, 0.12),
        ("S-1–Apolda", {"1": 2.5015 / 0.975, "2": GLASS_KM["2"], "3": GLASS_KM["3"]}, 0.12 - 0.04 + 0.31),
        ("S-2–Weimar", {"1": GLASS_KM["1"]}, -0.04),
        ("S-2–Apolda", {"2": GLASS_KM["2"], "3": GLASS_KM["3"]}, -0.04 + 0.31),
    ],
)
def test_the_losses_of_a_link_by_hand(
    hand: OpticalPlan, link: str, reels_km: dict[str, float], splices_db: float
) -> None:
    """The drop's fibre loses what is planned; its splice what was measured in its closure, a joint's or a tap's."""
    (row,) = hand.layers["links"].where(link=link).rows()
    band = next(optics.band for optics in RULES.transceivers if optics.name == row["optics"])
    per_km = {"1310": {"1": 0.31, "2": 0.4, "3": 0.35, "drop": 0.35}, "1550": {"1": 0.19, "2": 0.27, "3": 0.22}}[band]
    planned = {"1310": 0.35, "1550": 0.22}[band]
    drop_km = float(row["fibre_m"]) / 1000.0 - sum(reels_km.values())
    assert 0.04 / 0.975 < drop_km < 0.5
    glass_db = sum(km * per_km[reel] for reel, km in reels_km.items()) + drop_km * planned
    fixed_db = splices_db + 2 * 0.05 + 2 * 0.5
    attenuator_db = float(row["attenuator_db"])
    assert row["typical_loss_db"] - attenuator_db == pytest.approx(glass_db + fixed_db)
    assert row["first_day_loss_db"] - attenuator_db == pytest.approx(0.6 * (glass_db + fixed_db))
    assert row["loss_db"] - attenuator_db == pytest.approx(LONGER * glass_db + fixed_db + 3.0)


CAMERA = ServiceClass(name="camera", access="tree", protection="feeder", split=2, rate_mbps=20.0)
TREES = RULES.model_copy(update={"services": (CAMERA,)})


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> OpticalPlan:
    cameras = [Connection(name, m, "increasing", 40.0, "camera") for name, m in (("K-1", 5010.0), ("K-2", 7390.0))]
    as_built = _built(tmp_path_factory.mktemp("tree"), LOT, SHORT, TREES)
    return plan_optical(SHORT, cameras, TREES, as_built=as_built)


@pytest.mark.parametrize(
    ("camera", "hut", "reels_km", "splices_db"),
    [
        ("K-1", "Weimar", {"1": 3.29 / 0.975}, 2 * 0.12),
        ("K-1", "Apolda", {"1": 2.5015 / 0.975, "2": GLASS_KM["2"], "3": GLASS_KM["3"]}, 2 * 0.12 - 0.04 + 0.31),
        ("K-2", "Weimar", {"1": GLASS_KM["1"]}, 2 * 0.12 - 0.04),
        ("K-2", "Apolda", {"1": 2 * 2.5015 / 0.975, "2": GLASS_KM["2"], "3": GLASS_KM["3"]}, 2 * (0.12 - 0.04) + 0.31),
    ],
)
def test_the_losses_of_a_tree_by_hand(
    tree: OpticalPlan, camera: str, hut: str, reels_km: dict[str, float], splices_db: float
) -> None:
    """The splitter stands at the tap; light for the other place goes on, and back, through the first reel."""
    assert tree.layers["splitters"]["measure_m"].tolist() == [5000.0]
    (row,) = tree.layers["tree_links"].where(connection=camera, hut=hut).rows()
    splitter, second_db = TREES.trees.splitter(2), TREES.trees.second_input_loss_db
    drop_km = float(row["fibre_m"]) / 1000.0 - sum(reels_km.values())
    assert 0.04 / 0.975 < drop_km < 0.5
    per_km = {"1310": {"1": 0.31, "2": 0.4, "3": 0.35, "drop": 0.35}, "1550": {"1": 0.19, "2": 0.27, "3": 0.22}}
    short_db = sum(km * per_km["1310"][reel] for reel, km in reels_km.items()) + drop_km * 0.35
    long_db = sum(km * per_km["1550"][reel] for reel, km in reels_km.items()) + drop_km * 0.22
    fixed_db = splices_db + 2 * 0.05 + 2 * 0.5
    attenuator_db = float(row["attenuator_db"])
    assert row["first_day_loss_db"] - attenuator_db == pytest.approx(
        0.6 * (long_db + fixed_db) + splitter.least_loss_db
    )
    typical_db = short_db + fixed_db + splitter.typical_loss_db + second_db
    assert row["typical_loss_db"] - attenuator_db == pytest.approx(typical_db)
    aged_db = LONGER * short_db + fixed_db + splitter.greatest_loss_db + second_db + 3.0
    assert row["loss_db"] - attenuator_db == pytest.approx(aged_db)


LONG = drawn_road(200_000.0, places=[(m, f"P {m:.0f}", True) for m in (52e3, 100e3, 148e3)])
CAMERAS = [Connection(f"K-{m:.0f}", m, "increasing", 12.0, "camera") for m in np.arange(1500.0, 200e3, 9000.0)]
SITES = [Connection(f"S-{m:.0f}", m, "increasing", 60.0) for m in np.arange(700.0, 200e3, 11_000.0)]


def _as_list(plan: OpticalPlan, rules: OpticalSettings, change: Callable[[Row, bool], None]) -> str:
    """The plan as a list; ``change`` gets each row, and whether a reel goes on behind it."""
    rows = list(csv.DictReader(io.StringIO(as_built_template(LONG, plan.layers, rules)), delimiter=";"))
    last = {row["section"]: row["name"] for row in rows}
    for row in rows:
        change(row, row["item"] in ("hut", "joint") and last[row["section"]] != row["name"])
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), delimiter=";")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _follows(folder: Path, text: str, rules: OpticalSettings) -> OpticalPlan:
    return plan_optical(LONG, [*SITES, *CAMERAS], rules, as_built=_built(folder, text, LONG, rules))


def _unchanged(row: Row, goes_on: bool) -> None:
    assert row[SPLICE] == row[IN_1310] == row[IN_1550] == ""


@pytest.fixture(scope="module")
def first() -> OpticalPlan:
    return plan_optical(LONG, [*SITES, *CAMERAS], RULES)


@pytest.fixture(scope="module")
def built(first: OpticalPlan, tmp_path_factory: pytest.TempPathFactory) -> OpticalPlan:
    """All of the line as built, nothing measured."""
    return _follows(tmp_path_factory.mktemp("built"), _as_list(first, RULES, _unchanged), GNPY)


@needs_gnpy
def test_what_was_measured_as_planned_changes_nothing(first: OpticalPlan, built: OpticalPlan, tmp_path: Path) -> None:
    def as_planned(row: Row, goes_on: bool) -> None:
        row[SPLICE] = "0,05" if row["item"] in ("joint", "tap") else ""
        row[IN_1310], row[IN_1550] = ("0,35", "0,22") if goes_on else ("", "")

    plan = _follows(tmp_path, _as_list(first, RULES, as_planned), GNPY)
    assert np.isfinite(plan.layers["as_built"][SPLICE]).sum() > 50
    for name, layer in plan.layers.items():
        if name != "as_built":
            assert repr(list(layer.rows())) == repr(list(built.layers[name].rows())), name
    assert plan.transmissions[0].topology == built.transmissions[0].topology


@needs_gnpy
def test_worse_splices_in_one_span_are_that_spans_alone(first: OpticalPlan, built: OpticalPlan, tmp_path: Path) -> None:
    spans = first.layers["spans"]
    assert len(spans) >= 3
    start_m, end_m = float(spans["start_m"][1]), float(spans["end_m"][1])
    worse: list[float] = []

    def one_span(row: Row, goes_on: bool) -> None:
        km, metres = row["position"].removeprefix("A 1 ").removeprefix("km ").split("+")
        if row["item"] == "joint" and start_m < 1000 * int(km) + int(metres) < end_m:
            worse.append(0.1 + 0.02 * (len(worse) % 7))
            row[SPLICE] = f"{0.05 + worse[-1]:.2f}"

    plan = _follows(tmp_path, _as_list(first, RULES, one_span), GNPY)
    assert len(worse) > 5
    more_db = plan.layers["spans"]["loss_db"] - built.layers["spans"]["loss_db"]
    assert more_db == pytest.approx([0.0, sum(worse), *[0.0] * (len(spans) - 2)], abs=1e-9)
    for name in ("links", "ring_segments"):
        column = "measure_m" if name == "links" else "start_m"
        before, after = built.layers[name], plan.layers[name]
        outside = (before[column] < start_m) | (before[column] >= end_m)
        assert (after["loss_db"][outside] == before["loss_db"][outside]).all(), name
        assert (after["loss_db"][~outside] > before["loss_db"][~outside]).any(), name
    ways = list(zip(built.layers["wavelengths"].rows(), plan.layers["wavelengths"].rows(), strict=True))
    assert ways
    crossed = [min(a["start_m"], a["end_m"]) < end_m and max(a["start_m"], a["end_m"]) > start_m for a, _ in ways]
    assert 0 < sum(crossed) < len(ways)
    for (before, after), falls in zip(ways, crossed, strict=True):
        for column in ("gsnr_db", "closed_gsnr_db"):
            change_db = float(after[column]) - float(before[column])
            assert change_db < 0.0 if falls else change_db == pytest.approx(0.0, abs=1e-9), column


@needs_gnpy
@pytest.mark.parametrize("seed", range(3))
def test_closed_form_stays_below_gnpy_over_measured_plant(first: OpticalPlan, tmp_path: Path, seed: int) -> None:
    """Splices and reels of any acceptance; GNPy's fibre has the mean attenuation and every splice in its place."""
    drawn = np.random.default_rng(seed)

    def any_value(row: Row, goes_on: bool) -> None:
        if row["item"] == "joint":
            row[SPLICE] = f"{drawn.choice([-0.1, -0.02, 0.03, 0.1, 0.3]):.2f}"
        if goes_on:
            row[IN_1550] = f"{drawn.uniform(0.17, 0.25):.3f}"

    plan = _follows(tmp_path, _as_list(first, RULES, any_value), GNPY)
    off_db = plan.layers["wavelengths"]["closed_gsnr_db"] - plan.layers["wavelengths"]["gsnr_db"]
    assert off_db.max() <= CLOSED_FORM_DB
    assert off_db.min() >= -0.3
    spans = {
        element["uid"]: element["params"]
        for element in plan.transmissions[0].topology["elements"]
        if element["type"] == "Fiber"
    }
    for row in plan.layers["spans"].rows():
        (params,) = [p for uid, p in spans.items() if uid == f"fibre {row['span']} out"]
        glass_db = params["length"] * params["loss_coef"] + sum(lump["loss"] for lump in params["lumped_losses"])
        assert glass_db + params["con_in"] + params["con_out"] + 3.0 == pytest.approx(row["loss_db"], abs=1e-6)


def test_a_span_that_loses_too_much_is_refused_with_its_kilometres(first: OpticalPlan, tmp_path: Path) -> None:
    def lossy(row: Row, goes_on: bool) -> None:
        row[SPLICE] = "2" if row["item"] == "joint" else ""

    with pytest.raises(
        InputError,
        match=r"no chain of huts holds the limits: the span .* dB measured between the huts beyond what",
    ):
        _follows(tmp_path, _as_list(first, RULES, lossy), RULES)


def test_the_list_comes_back_out_as_it_went_in(first: OpticalPlan, tmp_path: Path) -> None:
    """Huts and joints in which sections meet included."""
    count = iter(range(10_000))

    def numbered(row: Row, goes_on: bool) -> None:
        number = next(count) % 90
        row[SPLICE] = f"{number / 1000.0:g}" if row["item"] in ("joint", "tap") else ""
        row[IN_1550] = f"{0.15 + number / 1000.0:g}" if goes_on else ""

    text = _as_list(first, RULES, numbered)
    plan = _follows(tmp_path, text, RULES)
    again = as_built_template(LONG, plan.layers, RULES)
    assert list(csv.DictReader(io.StringIO(again), delimiter=";")) == list(
        csv.DictReader(io.StringIO(text), delimiter=";")
    )
