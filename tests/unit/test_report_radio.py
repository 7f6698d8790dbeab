"""The radio pages of the report: every figure is that of a layer or adds up to one, every picture keeps its shape."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from synthetic_plan import SyntheticPlan, synthetic_plan
from trassa.linear import CARRIAGEWAYS, Column, Extent, Layer, Schema
from trassa.plan.bom import total_of
from trassa.plan.claims.radio import radio_claims
from trassa.plan.project import open_project
from trassa.plan.report import ReportInput, render_report
from trassa.plan.report.antenna_picture import Sector, compass, vertical_cut
from trassa.plan.report.axis import KmAxis, commonest, worst_margins
from trassa.plan.report.drive_tables import handover_rows, trip_rows
from trassa.plan.report.levels import Level
from trassa.plan.report.link_rows import LinkRow, deductions_of, link_table
from trassa.plan.report.profile_picture import MastPath, profile_picture
from trassa.plan.report.radio_panels import SITE_COLOURS, promise_of, radio_panels, radio_ways
from trassa.plan.report.site_sheets import SiteSheets
from trassa.plan.stages import kept_stages
from trassa.provenance import Assumption
from trassa.radio.antenna import SectorPattern
from trassa.radio.budget import Deduction, combining_db, coupling_limits, link_budget_of
from trassa.radio.layers import SCHEMAS
from trassa.radio.settings import RadioSettings

SETTINGS = RadioSettings(
    technology="nr", frequency_mhz=763.0, uplink_mhz=708.0, eirp_per_re_dbm=34.0, need_rsrp_dbm=-120.0,
    rate_down_mbps=5.0, rate_up_mbps=1.0, vehicle_branches=2, site_branches=2, with_interference=True,
    penetration_loss_db=6.0, calibration_offset_db=-1.5,
)  # fmt: skip
PATTERN = SectorPattern(15.0, 65.0, 10.0, 30.0, 20.0)
TAKEN = {"fast_path": Deduction(0.05, "measured"), "step_effect": Deduction(1.2, "doubling the step")}
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def with_radio(plan: SyntheticPlan) -> dict[str, Layer]:
    """The layers of a plan and what a radio plan has besides: two cells a site, drives, and the connection ahead."""
    sites, bins, rng = plan.layers["sites"], plan.layers["bins"], np.random.default_rng(4)
    count, n = len(sites), len(bins)
    at, side = np.repeat(np.arange(count), 2), np.tile([1, 2], count)
    names = [f"{sites['site'][site]}/{number}" for site, number in zip(at, side, strict=True)]
    azimuth = np.where(side == 1, 325.0, 140.0)
    shared = ("measure_m", "carriageway", "offset_m", "latitude_deg", "longitude_deg")
    known = {name: sites[name][at] for name in shared}
    columns = known | {"cell": names, "site": sites["site"][at], "azimuth_deg": azimuth, "sends": names,
                       "tilt_deg": np.full(2 * count, 3.0), "eirp_per_re_dbm": np.full(2 * count, 34.0),
                       "pci": np.arange(2 * count) + 7, "load": np.linspace(0.1, 0.3, 2 * count),
                       "down_load": np.linspace(0.2, 0.4, 2 * count),
                       "worst_down": np.roll(sites["site"][at], 2)}  # fmt: skip
    cells = Layer.from_columns(
        SCHEMAS["cells"], **{c.name: columns[c.name] for c in SCHEMAS["cells"].columns if c.name in columns}
    )
    way = np.resize(np.array(CARRIAGEWAYS, dtype=object), 2 * count)
    measure = np.linspace(300.0, plan.road.length_m - 300.0, 2 * count)
    events = np.resize(np.array(["handover", "handover", "failed handover"], dtype=object), 2 * count)
    handovers = Layer.from_columns(
        SCHEMAS["handovers"], measure_m=measure, carriageway=way, km=plan.road.calibration.km(measure), event=events,
        from_cell=names, to_cell=np.roll(np.array(names, dtype=object), 1),
        interruption_ms=np.where(events == "handover", 40, 400),
    )  # fmt: skip
    sinr = rng.normal(12.0, 6.0, n)
    ahead = Layer.from_columns(
        SCHEMAS["ahead"], start_m=bins["start_m"], end_m=bins["end_m"], carriageway=bins["carriageway"],
        rate_down_mbps=rng.uniform(2.0, 60.0, n), rate_up_mbps=rng.uniform(0.5, 9.0, n),
        reliability=rng.uniform(0.9, 0.999, n), interruption_risk=np.full(n, 0.01), confidence=np.full(n, 0.999),
    )  # fmt: skip
    judged = {"sinr_db": sinr, "sinr_margin_db": sinr - 9.0, "down_sinr_margin_db": sinr - 12.0,
              "reliability": rng.uniform(0.94, 0.999, n), "down_reliability": rng.uniform(0.9, 0.99, n)}  # fmt: skip
    one, following = np.ones(2 * count), np.roll(np.array(names, dtype=object), -1)
    neighbours = Layer.from_columns(
        SCHEMAS["neighbours"], cell=names, neighbour=following, rank=one, bins=np.arange(2 * count) + 100,
        handovers_increasing=one, handovers_decreasing=np.zeros(2 * count),
    )  # fmt: skip
    return plan.layers | {
        "bins": Layer(bins.schema, {**bins.columns, **judged}), "cells": cells, "handovers": handovers, "ahead": ahead,
        "neighbours": neighbours, "trips": _trips(),
    }  # fmt: skip


def _trips() -> Layer:
    rows: list[tuple[object, ...]] = []
    for way in CARRIAGEWAYS:
        still = [(way, "median", kmh, 1, 30.0, 0.0 if kmh < 100 else 2.0, 0.0, 0.0, 1.2, 0.04, 0.04)
                 for kmh in range(10, 140, 10)]  # fmt: skip
        rows.extend(still)
        rows.append((way, "drawn", 130, 200, 41.375, 1.25, 0.5, 3.125, 4.4, 1.75, 0.92))
    names = [column.name for column in SCHEMAS["trips"].columns]
    return Layer.from_rows(SCHEMAS["trips"], [dict(zip(names, row, strict=True)) for row in rows])


def page_of(plan: SyntheticPlan, layers: dict[str, Layer]) -> str:
    cost = total_of(plan.bill, "RUB")
    report = ReportInput(plan.road, layers, plan.proof, plan.bill, cost, "план", plan.assumptions)
    return render_report(replace(report, radio=SETTINGS, pattern=PATTERN))


@pytest.fixture(scope="module")
def plan() -> SyntheticPlan:
    return synthetic_plan()


@pytest.fixture(scope="module")
def layers(plan: SyntheticPlan) -> dict[str, Layer]:
    return with_radio(plan)


@pytest.fixture(scope="module")
def page(plan: SyntheticPlan, layers: dict[str, Layer]) -> str:
    return page_of(plan, layers)


def summed(rows: tuple[LinkRow, ...], need: str) -> float:
    return sum(row.sign * row.values.get(need, 0.0) for row in rows)


@pytest.mark.parametrize(
    "settings",
    [
        RadioSettings(),
        SETTINGS,
        SETTINGS.model_copy(update={"rate_up_mbps": 0.0}),
        RadioSettings(profile="eu-5g-corridor", band="n78"),
        RadioSettings(profile="remote-driving"),
    ],
)
def test_every_column_of_the_link_budget_adds_up(settings: RadioSettings) -> None:
    table = link_table(settings, TAKEN)
    assert table is not None
    limits = coupling_limits(settings)
    assert table.limits == limits
    for need, limit_db in limits.items():
        if math.isfinite(limit_db):
            assert summed(table.rows, need) == pytest.approx(limit_db, abs=1e-9), need
    limiting = min(limits, key=lambda need: limits[need])
    assert table.budget.limiting == limiting
    if math.isfinite(limits[limiting]):
        planned = limits[limiting] + summed(table.planned, limiting)
        assert planned == pytest.approx(table.budget.largest_loss_db, abs=1e-9)


def test_the_link_budget_by_hand() -> None:
    """30 dBm to −110 dBm may lose 140 dB; 1.64485 · 8 dB of fading and 1.25 dB of deductions leave 125.59 dB."""
    table = link_table(RadioSettings(), TAKEN)
    assert table is not None
    shown = table.as_text()
    assert shown["start"] == "140.00"
    assert shown["largest"] == "125.59"
    assert shown["served"] == "−95.59 dBm"
    assert [row["cells"] for row in shown["planned"]] == [["13.16"], ["0.05"], ["1.20"]]


def test_the_limits_of_the_rates_are_where_the_rates_are_just_carried() -> None:
    link, limits = link_budget_of(SETTINGS), coupling_limits(SETTINGS)
    for need, rate, branches, promised in (
        ("downlink rate", link.downlink_rate_mbps, SETTINGS.vehicle_branches, SETTINGS.rate_down_mbps),
        ("uplink rate", link.uplink_rate_mbps, SETTINGS.site_branches, SETTINGS.rate_up_mbps),
    ):
        edge_db = limits[need] - combining_db(branches)
        assert float(rate(edge_db - 0.01)) >= promised
        assert float(rate(edge_db + 0.5)) < promised


def test_noise_in_the_table_is_minus_174_dbm_per_hertz() -> None:
    table = link_table(SETTINGS, {})
    assert table is not None
    noise = next(row for row in table.rows if row.item.startswith("Thermal"))
    assert noise.values["downlink rate"] == pytest.approx(-173.975 + 10.0 * math.log10(15_000.0), abs=1e-3)


def test_a_plan_has_the_need_that_its_link_budget_prints(planned_hills: Path) -> None:
    """Of every bin the median RSRP less the margin is the level that the table calls served."""
    project = open_project(planned_hills)
    kept = kept_stages(project)
    radio = kept.results["radio"]
    claims = radio_claims(kept.road, radio.layers, radio.figures, radio.assumptions, project.settings.radio)
    table = link_table(project.settings.radio, deductions_of(claims, ()))
    assert table is not None
    bins = radio.layers["bins"]
    need_dbm = (bins["rsrp_dbm"] - bins["margin_db"])[np.isfinite(bins["margin_db"])]
    budget = table.budget
    assert need_dbm == pytest.approx(budget.need_rsrp_dbm + budget.fade_margin_db + budget.deducted_db, abs=1e-9)


def test_only_what_the_served_claim_rests_on_is_deducted(plan: SyntheticPlan) -> None:
    taken = (
        Assumption("radio.shadowing_sigma", 8.0, "dB", True, "assumed"),
        Assumption("radio.step_effect", 1.2, "dB", True, "doubling the step"),
        Assumption("radio.mast_top", 3.0, "m", True, "metres are no decibels"),
        Assumption("radio.slope", 1.0, "dB", False, "not taken"),
    )
    served = replace(plan.proof.claims[0], assumptions=taken)
    other = Assumption("radio.hidden_mean", 2.0, "dB", True, "of another claim")
    beside = replace(served, id="radio.rate.with-interference", assumptions=(other,))
    assert deductions_of([beside, served], [other]) == {"step_effect": Deduction(1.2, "doubling the step")}
    assert deductions_of([], [other]) == {"hidden_mean": Deduction(2.0, "of another claim")}


def test_the_page_tells_what_the_layers_hold(page: str, layers: dict[str, Layer]) -> None:
    words = unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u202f", "")
    for row in layers["cells"].rows():
        assert re.search(rf"{row['cell']}\s+{row['azimuth_deg']:.1f}°\s+3\.0°\s+34\.0 dBm\s+{row['pci']}\s", words)
        loads = rf"{100.0 * row['load']:.1f} %\s+{100.0 * row['down_load']:.1f} % \({row['worst_down']}\)"
        assert re.search(loads, words), row["cell"]
    for row in layers["neighbours"].rows():
        assert re.search(rf"{row['cell']}\s+1\s+{row['neighbour']}\s+{10 * row['bins']} m\s+1\s+0\s", words)
    for row in layers["handovers"].rows():
        assert re.search(
            rf"{row['event']}\s+{row['from_cell']}\s+{row['to_cell']}\s+{row['interruption_ms']} ms", words
        )
    assert "Maximum coupling loss" in words
    assert "41.38" in words


def test_every_picture_is_well_formed_and_nothing_is_fetched(page: str) -> None:
    pictures = SVG.findall(page)
    assert len(pictures) > 20
    for picture in pictures:
        ElementTree.fromstring(picture)
    for word in ("http:", "https:", "url(", "xlink", "<image", "<use", "@import", "src="):
        assert word not in page
    assert set(re.findall(r'href="(.)', page)) == {"#"}
    assert "NaN" not in page
    assert "nan" not in re.findall(r"[a-z]+", " ".join(pictures))


def test_a_plan_without_the_newer_layers_has_no_such_pages(plan: SyntheticPlan) -> None:
    bare = render_report(ReportInput(plan.road, plan.layers, plan.proof, plan.bill, total_of(plan.bill, "RUB"), "план"))
    for absent in ('id="link"', 'id="drive"', ">rate →<", ">SINR →<", ">reliability →<", 'class="antenna"'):
        assert absent not in bare
    assert bare.count('<details class="sheet">') == len(plan.layers["sites"])


def test_seven_hundred_kilometres_stay_below_six_megabytes() -> None:
    long = synthetic_plan(669_000.0)
    html = page_of(long, with_radio(long))
    assert len(html.encode()) < 6_000_000
    assert html.count('<details class="sheet">') == len(long.layers["sites"]) > 150
    assert "more, in the layer handovers of plan.gpkg" in html


def test_strips_show_the_worst_bin_of_every_column(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    """The figures under the pointer against a plain loop over the bins."""
    axis = KmAxis(Extent(5000.0, 17_000.0), plan.road.calibration, 0, 97)
    way = radio_ways(("decreasing",), layers)[0]
    promise = promise_of(SETTINGS)
    drawn = {panel.name: "".join(panel.body) for panel in radio_panels(axis, way, promise)}
    assert list(drawn) == ["server ←", "margin ←", "SINR ←", "reliability ←", "rate ←"]
    for panel, name, layer, column, scale in (
        ("SINR ←", "← median SINR", layers["bins"], "sinr_db", 10.0),
        ("reliability ←", "← reliability", layers["bins"], "reliability", 1e4),
        ("rate ←", "← down", layers["ahead"], "rate_down_mbps", 10.0),
        ("margin ←", "← any site down", layers["bins"], "second_margin_db", 10.0),
    ):
        shown = re.search(rf'data-name="{name}"[^>]*data-v="([^"]*)"', drawn[panel])
        assert shown is not None
        found = _unrolled(shown[1])
        assert len(found) == axis.width
        mine = layer.where(carriageway="decreasing")
        for index, token in enumerate(found):
            low, high = (5000.0 + 12_000.0 / 97 * edge for edge in (index, index + 1))
            here = (mine["end_m"] > low + 1e-6) & (mine["start_m"] < high - 1e-6)
            if "exempt" in mine.columns:
                here &= mine["exempt"] == ""
            want = "x" if not here.any() else str(math.floor(float(mine[column][here].min()) * scale + 1e-9))
            assert token == want, (panel, index)


def _unrolled(runs: str) -> list[str]:
    tokens = [token.split("*") for token in runs.split(" ")]
    return [token[0] for token in tokens for _ in range(int(token[1]) if len(token) > 1 else 1)]


def test_a_column_has_the_colour_of_most_of_its_bins(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    axis = KmAxis(Extent(0.0, plan.road.length_m), plan.road.calibration, 0, 100)
    way = radio_ways(("increasing",), layers)[0]
    chosen = commonest(axis, way.bins, way.server)
    middle = 0.5 * (way.bins["start_m"] + way.bins["end_m"])
    for column in range(100):
        here = way.server[(middle >= 400.0 * column) & (middle < 400.0 * (column + 1))]
        if not len(here):
            assert chosen[column] == -1
        else:
            assert np.count_nonzero(here == chosen[column]) == np.bincount(here).max()


def test_neighbours_on_the_strip_have_different_colours(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    axis = KmAxis(Extent(0.0, plan.road.length_m), plan.road.calibration, 0, 712)
    way = radio_ways(("increasing",), layers)[0]
    best = re.findall(r'class="s(\d)"><title>best: (\S+?)</title>', "".join(next(radio_panels(axis, way, None)).body))
    assert len(best) >= len(layers["sites"]) - 1
    for (colour, site), (next_colour, next_site) in pairwise(best):
        assert colour != next_colour or site == next_site
        assert int(colour) == list(layers["sites"]["site"]).index(site) % SITE_COLOURS


def test_without_a_promise_the_strips_accuse_nobody(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    axis = KmAxis(Extent(0.0, plan.road.length_m), plan.road.calibration, 0, 300)
    way = radio_ways(("increasing",), layers)[0]
    promise = promise_of(SETTINGS.model_copy(update={"with_interference": False}))
    drawn = {panel.name: "".join(panel.body) for panel in radio_panels(axis, way, promise)}
    assert "reliability →" not in drawn
    assert 'class="alarm"' not in drawn["SINR →"]
    assert 'class="need"' in drawn["SINR →"]


def test_missing_columns_are_missing_strips(plan: SyntheticPlan) -> None:
    """A plan of an earlier edition has fewer columns in its bins."""
    bins = plan.layers["bins"]
    old = {name: values for name, values in bins.columns.items() if "sinr" not in name and "reliability" not in name}
    way = radio_ways(("increasing",), {"bins": Layer(bins.schema, old), "sites": plan.layers["sites"]})[0]
    axis = KmAxis(Extent(0.0, plan.road.length_m), plan.road.calibration, 0, 300)
    assert [panel.name for panel in radio_panels(axis, way, promise_of(SETTINGS))] == ["server →", "margin →"]
    assert np.isfinite(worst_margins(axis, way.bins, "margin_db")).any()


def test_levels_are_never_drawn_better_than_they_are() -> None:
    for level in (Level(25.0, -15.0, 76), Level(99.99, 80.0, 48, lambda p: -math.log10(1.0 - p / 100.0))):
        span = level.bend(level.top) - level.bend(level.bottom)
        for value in np.linspace(level.bottom, level.top, 200).tolist():
            exact = 4.0 + (level.bend(level.top) - level.bend(value)) / span * (level.height - 8)
            assert exact <= level.y(value) + 1e-9 < exact + 0.5 + 1e-6
        assert level.y(level.top + 50.0) == level.y(level.top)


def test_trips_that_differ_in_nothing_but_speed_are_one_row(layers: dict[str, Layer]) -> None:
    rows = trip_rows(layers["trips"])
    assert [(row["way"], row["speed"], row["kind"]) for row in rows[:3]] == [
        ("→", "10–90 km/h", "without shadowing"),
        ("→", "100–130 km/h", "without shadowing"),
        ("→", "130 km/h", "200 with shadowing"),
    ]
    assert rows[2]["handovers"] == "41.38"
    assert rows[2]["outage_95_s"] == "0.92 s"
    assert len(rows) == 6


def test_sentences_about_handovers(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    mine = layers["handovers"].where(carriageway="decreasing")
    told = handover_rows(plan.road, layers["handovers"])["sentences"][1]
    good = int(np.count_nonzero(mine["event"] == "handover"))
    assert told.startswith(f"← {good} handovers, one every {40.0 / good:.1f} km, {len(mine) - good} failed or lost")
    assert f"{mine['interruption_ms'].sum()} ms altogether".replace(",", "") in told.replace("\u202f", "")
    none = handover_rows(plan.road, Layer.empty(SCHEMAS["handovers"]))
    assert none["sentences"] == ["→ 0 handovers, none failed", "← 0 handovers, none failed"]


def test_sites_serve_all_that_is_served(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    sheets = SiteSheets(plan.road, layers, radio_ways(plan.road.carriageways, layers), "RUB", SETTINGS, PATTERN).rows()
    bins = layers["bins"]
    counted = bins["exempt"] == ""
    lengths = bins["end_m"] - bins["start_m"]
    for sheet in sheets:
        mine = float(lengths[counted & (bins["server"] == sheet["site"])].sum())
        assert sheet["serves"].startswith(f"{mine / 1000.0:.2f} km of carriageway: км "), sheet["site"]
        assert str(sheet["compass"]).count('class="beam') == 2


def test_a_sheet_draws_the_path_to_the_farthest_bin(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    """5 km over flat ground from 25 m: half way the line is 13.25 m up, the Earth 0.37 m, the zone 22.1 m wide."""
    rows = {
        "site": np.full(11, "S-01", dtype=object), "to_measure_m": np.full(11, 6500.0),
        "to_carriageway": np.full(11, "decreasing", dtype=object), "distance_m": np.linspace(0.0, 5000.0, 11),
        "ground_m": np.full(11, 180.0), "clutter_m": np.where(np.arange(11) == 5, 10.0, 0.0),
    }  # fmt: skip
    columns = tuple(Column(name, "text" if v.dtype == object else "float", "m", name) for name, v in rows.items())
    profiles = Layer.from_columns(Schema("profiles", "table", "paths", columns), **rows)
    known = layers | {"profiles": profiles}
    sheets = SiteSheets(plan.road, known, radio_ways(plan.road.carriageways, known), "RUB", SETTINGS, PATTERN).rows()
    clear_m = 13.25 - 10.0 - 2500.0**2 / (2000.0 * 6371.0 * 157.0 / 112.0)
    share = clear_m / math.sqrt(299.792458 / 763.0 * 2500.0 / 2.0)
    note = sheets[0]["profile_note"]
    assert f"{plan.road.text(6500.0)} ←, 5.00 km: grazed, {share:.2f} radii" in note
    assert note.endswith("at 2.50 km")
    assert str(sheets[0]["profile"]).count('class="clutter"') == 1
    assert "farthest bin" in str(sheets[0]["vertical"])
    assert not any(sheet["profile"] for sheet in sheets[1:])


def test_sites_that_share_a_cell_show_its_neighbours(plan: SyntheticPlan, layers: dict[str, Layer]) -> None:
    cells = layers["cells"]
    shared = Layer(cells.schema, {**cells.columns, "sends": np.full(len(cells), "C-01", dtype=object)})
    row = {
        "cell": "C-01",
        "neighbour": "C-02",
        "rank": 1,
        "bins": 5,
        "handovers_increasing": 3,
        "handovers_decreasing": 4,
    }
    listed = Layer.from_rows(SCHEMAS["neighbours"], [row])
    mixed = layers | {"cells": shared, "neighbours": listed}
    for sheet in SiteSheets(plan.road, mixed, radio_ways(plan.road.carriageways, mixed), "RUB").rows():
        assert [cell["shares"] for cell in sheet["cells"]] == ["C-01", "C-01"]
        assert [(n["neighbour"], n["increasing"], n["decreasing"]) for n in sheet["neighbours"]] == [("C-02", 3, 4)]


def _points(picture: str, class_: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    drawn = re.search(rf'd="M([^"]*)" class="{class_}"', picture)
    assert drawn is not None
    return np.array([[float(v) for v in pair.split()] for pair in drawn[1].rstrip("z").split("L")])


@pytest.mark.parametrize("azimuth_deg", [0.0, 66.0, 200.0])
def test_the_compass_shows_the_pattern(azimuth_deg: float) -> None:
    """North up, east right; 82 units are 30 dB: the axis at the rim, 30° off it 12·(30/65)² = 2.56 dB inside."""
    points = _points(compass(PATTERN, [Sector("S-01/1", azimuth_deg, 2.0)], []), "beam b0") - [170.0, 112.0]
    radius = np.hypot(*points.T)
    bearing = np.degrees(np.arctan2(points[:, 0], -points[:, 1]))
    axis = int(np.argmax(radius))
    off = abs((bearing[axis] - azimuth_deg + 180.0) % 360.0 - 180.0)
    assert off < 0.2
    assert radius[axis] == pytest.approx(82.0, abs=0.1)
    assert radius[(axis + 6) % 72] == pytest.approx(82.0 * (1.0 - 12.0 * (30.0 / 65.0) ** 2 / 30.0), abs=0.1)
    assert radius[(axis + 36) % 72] == pytest.approx(0.0, abs=0.1)


def test_the_vertical_cut_looks_down_by_its_tilt() -> None:
    points = _points(vertical_cut(PATTERN, 4.0, [("tilt", 4.0)]), "cut")
    angle = -10.0 + (points[:, 0] - 34.0) / 250.0 * 35.0
    loss = (points[:, 1] - 12.0) / 150.0 * 30.0
    assert angle[int(np.argmin(loss))] == pytest.approx(4.0, abs=0.01)
    assert np.interp(9.0, angle, loss) == pytest.approx(3.0, abs=0.05)
    assert loss.max() == pytest.approx(20.0, abs=0.05)


def flat_path(length_m: float = 10_000.0, mast_m: float = 30.0, vehicle_m: float = 1.5) -> MastPath:
    at = np.linspace(0.0, length_m, 101)
    return MastPath(at, np.full(101, 100.0), np.zeros(101), mast_m, vehicle_m, 0.3, 8500.0)


def test_fresnel_bulge_and_angle_by_hand() -> None:
    """Ten kilometres at 1 GHz: 27.4 m in the middle; the Earth of 8500 km stands 1.47 m above its chord there."""
    path, middle = flat_path(), np.array([5000.0])
    assert path.fresnel_m(middle)[0] == pytest.approx(27.386, abs=1e-3)
    assert path.bulge_m(middle)[0] == pytest.approx(1.4706, abs=1e-4)
    assert path.sight_m(middle)[0] == pytest.approx(115.75)
    assert path.below_horizon_deg == pytest.approx(math.degrees(28.5 / 10_000.0 + 10.0 / 17_000.0), abs=1e-6)


def test_the_least_clear_place_of_a_path() -> None:
    path = flat_path()
    hill = np.where(path.distance_m == 4000.0, 12.0, 0.0)
    blocked = replace(path, ground_m=path.ground_m + hill, clutter_m=np.where(hill > 0.0, 15.0, 0.0))
    at_m, share = blocked.clearance()
    over_m = 130.0 - 0.4 * 28.5 - (100.0 + 12.0 + 15.0 + 4.0 * 6.0 / 17.0)
    assert at_m == 4000.0
    assert share == pytest.approx(over_m / math.sqrt(0.3 * 4000.0 * 6000.0 / 10_000.0), abs=1e-9)
    picture = ElementTree.fromstring(profile_picture(blocked))
    assert {e.get("class") for e in picture.iter("path")} == {"clutter", "ground", "fresnel"}
