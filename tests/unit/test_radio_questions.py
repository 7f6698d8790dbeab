"""Questions about the radio of a planned project: every decibel against the plan's layers and against closed forms."""

from __future__ import annotations

import math
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Geod

from command_line import set_in, trassa
from drawn_drive import drawn_drive
from trassa.errors import InputError
from trassa.linear import ARROWS, KmLabel, Layer
from trassa.plan.radio.coverage import coverage_rules, site_attenuation
from trassa.plan.radio.explain import explain
from trassa.plan.radio.questions import PlannedRadio, planned_radio
from trassa.radio.antenna_settings import AntennaSettings
from trassa.radio.diffraction import Polarisation
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.layers import SCHEMAS
from trassa.radio.links import terrain_links
from trassa.radio.plan_layers import candidates_layer, site_names
from trassa.radio.raster import coverage_lattice, coverage_tiles

GEOD = Geod(ellps="WGS84")
EARTH_KM = 6371.0 * 157.0 / (157.0 - 45.0)
READ = (
    *("--column", "latitude_deg=Lat", "--column", "longitude_deg=Lon", "--column", "rsrp_dbm=RSRP (dBm)"),
    *("--column", "time_s=seconds", "--column", "speed_kmh=km/h", "--column", "run=drive"),
)


@pytest.fixture(scope="module")
def hills(planned_hills: Path) -> PlannedRadio:
    return planned_radio(planned_hills)


@pytest.fixture(scope="module")
def sectors(hills: PlannedRadio) -> PlannedRadio:
    """Five masts of the hills with sectors, tilts and powers of every kind, and a rate each way promised."""
    antenna = AntennaSettings(
        kind="sector", sectors=["both", "ahead", "back"], tilts_deg=[2.0, 6.0], back_offs_db=[0.0, 3.0]
    )
    radio = hills.settings.model_copy(
        update={"antenna": antenna, "rate_down_mbps": 5.0, "rate_up_mbps": 2.0, "calibration_offset_db": -2.0}
        | {"penetration_loss_db": 3.0}
    )
    settings = hills.project.settings.model_copy(update={"radio": radio})
    planned = replace(hills, project=replace(hills.project, settings=settings))
    options = len(planned.candidates.options)
    masts = np.flatnonzero(planned.candidates.kind == "new")[::30]
    slots = [int(place) * options + (7 * i) % options for i, place in enumerate(masts.tolist())]
    return replace(planned, layers={**planned.layers, **_layers(planned, slots)})


def _layers(planned: PlannedRadio, slots: list[int]) -> dict[str, Layer]:
    offered = candidates_layer(planned.candidates, slots)
    chosen = offered.where(chosen=True)
    shared = {name: chosen[name] for name in chosen.columns if name in planned.layers["sites"].columns}
    names = site_names(len(chosen))
    sites = Layer.from_columns(
        SCHEMAS["sites"],
        **shared,
        site=names,
        km=planned.road.calibration.km(chosen["measure_m"]),
        needed_for=[""] * len(names),
    )
    return {"candidates": offered, "sites": sites}


def _field(planned: PlannedRadio) -> Field:
    book = LossBook(planned.paths, planned.candidates, planned.points, planned.bins)
    return field_of(book, planned.slots, planned.budget)


def _some(planned: PlannedRadio, count: int) -> list[int]:
    return [int(row) for row in np.random.default_rng(5).integers(0, len(planned.bins), count)]


def _middle(planned: PlannedRadio, row: int) -> tuple[str, float]:
    bins = planned.layers["bins"]
    return str(bins["carriageway"][row]), float(0.5 * (bins["start_m"][row] + bins["end_m"][row]))


def test_every_decibel_adds_up_to_the_margin_of_the_plan(hills: PlannedRadio) -> None:
    bins = hills.layers["bins"]
    for row in _some(hills, 40):
        said = explain(hills, *_middle(hills, row))  # type: ignore[arg-type]
        assert (said.extent.start_m, said.extent.end_m) == (bins["start_m"][row], bins["end_m"][row])
        assert said.cells[0].site == bins["server"][row]
        assert said.cells[0].rsrp_dbm == pytest.approx(bins["rsrp_dbm"][row], abs=0.01)
        assert sum(step.size_db for step in said.steps) == pytest.approx(bins["margin_db"][row], abs=0.01)
        assert said.margin_db == pytest.approx(said.stored_margin_db, abs=0.01)
        assert next(need.margin_db for need in said.needs if need.limits) == pytest.approx(said.margin_db, abs=1e-9)
        down = {one.site: one.margin_db for one in said.without}
        assert down[said.cells[0].site] == pytest.approx(bins["second_margin_db"][row], abs=0.01)
        assert said.beside_load.reliability == bins["reliability"][row]
        assert said.failures == ()
        assert said.cure is None


def test_sectors_tilts_and_rates_add_up_too(sectors: PlannedRadio) -> None:
    """The margins that siting works with, by another composition; more than one need, and the smaller margin counts."""
    found = _field(sectors)
    seen: set[str] = set()
    for row in _some(sectors, 60):
        said = explain(sectors, *_middle(sectors, row))  # type: ignore[arg-type]
        assert math.isnan(found.margin_db[row]) == (not said.cells)
        if not said.cells:
            assert said.failures[0] == "radio.served: no site is in reach"
            continue
        assert said.margin_db == pytest.approx(found.margin_db[row], abs=0.01)
        assert sum(step.size_db for step in said.steps) == pytest.approx(said.margin_db, abs=1e-9)
        assert {need.name for need in said.needs} == {"rsrp", "downlink rate", "uplink rate"}
        assert min(need.margin_db for need in said.needs) == pytest.approx(said.margin_db, abs=1e-9)
        seen |= {cell.cell.split("/")[1] for cell in said.cells}
    assert seen == {"1", "2"}


def test_angles_and_patterns_by_the_geodesic(sectors: PlannedRadio) -> None:
    """Bearings by pyproj, the 3GPP pattern written out, the angle below the horizon over the effective Earth."""
    sites, points = sectors.layers["sites"], sectors.points
    for row in _some(sectors, 25):
        for cell in explain(sectors, *_middle(sectors, row)).cells:  # type: ignore[arg-type]
            site = next(one for one in sites.rows() if one["site"] == cell.site)
            azimuth_deg = float(site["ahead_deg" if cell.cell.endswith("/1") else "back_deg"])
            gaps = []
            for point in (int(sectors.bins.start[row]), int(sectors.bins.end[row])):
                place = points.longitude_deg[point], points.latitude_deg[point]
                bearing_deg, _, distance_m = GEOD.inv(site["longitude_deg"], site["latitude_deg"], *place)
                off_deg = (bearing_deg - azimuth_deg + 180.0) % 360.0 - 180.0
                lower_m = float(site["ground_m"]) + float(site["height_m"]) - points.height_m[point] - 1.5
                below_deg = math.degrees(math.atan2(lower_m, distance_m) + distance_m / (2000.0 * EARTH_KM))
                around_db = min(12.0 * (off_deg / 65.0) ** 2, 30.0)
                over_db = min(12.0 * ((below_deg - float(site["tilt_deg"])) / 10.0) ** 2, 20.0)
                pattern_db = min(around_db + over_db, 30.0)
                gaps.append(max(abs(distance_m - cell.distance_m) / 100.0, abs(off_deg - cell.off_axis_deg)))
                if gaps[-1] == min(gaps):
                    nearest = (pattern_db, below_deg)
            assert min(gaps) < 0.3
            assert cell.pattern_db == pytest.approx(nearest[0], abs=0.15)
            assert cell.below_deg == pytest.approx(nearest[1], abs=0.02)
            assert cell.back_off_db == site["back_off_db"]


def test_the_cheapest_cure_is_that_of_trying_every_candidate(hills: PlannedRadio) -> None:
    """Two neighbouring sites are taken away; every option of every place is tried by the plan's own book of losses."""
    sites = hills.layers["sites"]
    left = replace(hills, layers={**hills.layers, "sites": sites.take(np.arange(len(sites)) > 1)})
    row = int(np.flatnonzero(hills.layers["bins"]["server"] == sites["site"][0])[100])
    said = explain(left, *_middle(hills, row))  # type: ignore[arg-type]
    assert [failure.split(":")[0] for failure in said.failures] == ["radio.served", "radio.served.any-site-down"]
    book, options = LossBook(left.paths, left.candidates, left.points, left.bins), len(left.candidates.options)
    near = np.flatnonzero(np.abs(left.candidates.measure_m - said.measure_m) < left.settings.reach_m).tolist()
    book.open(near)
    tried = []
    for place in set(near) - {slot // options for slot in left.slots}:
        for option in np.flatnonzero(left.candidates.offered[place]).tolist():
            reception = book.reception(place * options + option, left.budget)
            at = np.flatnonzero(reception.bin == row)
            if len(at) and reception.margin_db[at[0]] >= 0.0:
                tried.append((int(left.candidates.cost_minor[place, option]), -float(reception.margin_db[at[0]])))
    assert said.cure is not None
    assert said.cure.cost_minor == min(tried)[0]
    assert said.cure.margin_db == pytest.approx(-min(tried)[1], abs=0.01)


def test_a_second_server_stands_elsewhere(hills: PlannedRadio) -> None:
    """One site on an existing mast is left: nothing is cheaper than its own place, and that is taken."""
    sites = hills.layers["sites"]
    only = sites.take(np.flatnonzero(sites["kind"] == "existing")[:1])
    alone = replace(hills, layers={**hills.layers, "sites": only})
    row = int(np.argmin(np.abs(hills.layers["bins"]["start_m"] - only["measure_m"][0])))
    said = explain(alone, *_middle(hills, row))  # type: ignore[arg-type]
    assert [failure.split(":")[0] for failure in said.failures] == ["radio.served.any-site-down"]
    assert said.cure is not None
    assert said.cure.measure_m != only["measure_m"][0]


def test_where_no_candidate_serves_the_nearest_to_it_is_named(hills: PlannedRadio) -> None:
    radio = hills.settings.model_copy(update={"need_rsrp_dbm": -40.0})
    settings = hills.project.settings.model_copy(update={"radio": radio})
    deaf = replace(hills, project=replace(hills.project, settings=settings))
    said = explain(deaf, *_middle(hills, 1000))  # type: ignore[arg-type]
    assert said.margin_db == pytest.approx(said.stored_margin_db - 70.0, abs=0.01)
    assert said.cure is not None
    assert said.cure.margin_db < 0.0
    assert "no candidate serves here" in said.text()


def test_inputs_that_are_not_those_of_the_plan(hills: PlannedRadio) -> None:
    other = replace(hills, layers={**hills.layers, "candidates": hills.layers["candidates"].take(np.arange(5))})
    with pytest.raises(InputError, match="do not give the 5 candidates of the plan"):
        explain(other, "increasing", 1000.0)


def test_a_bin_that_does_not_count_fails_nothing(hills: PlannedRadio) -> None:
    """In the tunnel every site is taken away, and no promise is broken; a metre outside it is."""
    nowhere = replace(hills, layers={**hills.layers, "sites": hills.layers["sites"].take(np.array([], dtype=int))})
    exempt = np.flatnonzero(hills.layers["bins"]["exempt"] == "tunnel")
    inside = explain(nowhere, *_middle(hills, int(exempt[0])))  # type: ignore[arg-type]
    assert (inside.exempt, inside.cells, inside.failures) == ("tunnel", (), ())
    assert "does not count: tunnel" in inside.text()
    outside = explain(nowhere, *_middle(hills, int(exempt[0]) - 1))  # type: ignore[arg-type]
    assert outside.failures[0] == "radio.served: no site is in reach"
    assert outside.as_dict()["margin_db"] is None


def test_bins_by_measure(hills: PlannedRadio) -> None:
    bins = hills.layers["bins"]
    for row in (0, 17, len(bins) - 1):
        side = str(bins["carriageway"][row])
        assert hills.bin_at(side, float(bins["start_m"][row])) == row
        assert hills.bin_at(side, float(bins["end_m"][row]) - 1e-6) == row
    assert hills.bin_at("increasing", -5.0) == -1
    assert hills.bin_at("decreasing", float(bins["end_m"].max())) == len(bins) - 1


def test_ahead_is_what_the_layer_says_bin_by_bin(planned_hills: Path, hills: PlannedRadio) -> None:
    asked = ("--speed-kmh", 90, "--for-m", 9000, "--rate-down-mbps", 8, "--json")
    answer = trassa("radio", "ahead", planned_hills, "H 1 km 20+000 →", *asked)
    assert answer.code == 0
    assert answer.err == "needed: downlink 8 Mbit/s\n"
    start_m = float(hills.road.calibration.measure(KmLabel.parse("20+000")))
    rows = hills.layers["ahead"].where(carriageway="increasing")
    inside = np.minimum(rows["end_m"], start_m + 9000.0) - np.maximum(rows["start_m"], start_m)
    short_m = float(inside[(inside > 0.0) & (rows["rate_down_mbps"] < 8.0)].sum())
    told = answer.json
    assert 0.0 < short_m < 9000.0
    assert sum(one["end_m"] - one["start_m"] for one in told["shortfalls"]) == pytest.approx(short_m, abs=1.0)
    assert told["worst"]["rate_down_mbps"] == pytest.approx(rows["rate_down_mbps"][inside > 0.0].min(), abs=1e-4)
    assert told["duration_s"] == pytest.approx(9000.0 / 25.0)


def test_ahead_asks_for_the_promise_where_nothing_is_asked(planned_hills: Path) -> None:
    done = trassa("radio", "ahead", planned_hills, "H 1 km 30+000 ←", "--speed-kmh", 120)
    assert (done.code, done.err) == (0, "needed: reliability 0.95\n")
    assert done.out.startswith("2.0 km ahead, 60 s")


def test_coverage_has_the_levels_of_the_budget_in_free_space(sectors: PlannedRadio) -> None:
    """Slant path and pattern in closed form at the nodes near a mast: model, gains and sectors reach the raster."""
    radio = sectors.settings.model_copy(update={"propagation": "free-space"})
    settings = sectors.project.settings.model_copy(update={"radio": radio})
    free = replace(sectors, project=replace(sectors.project, settings=settings))
    site = next(row for row in free.layers["sites"].rows() if row["sectors"] == "ahead")
    alone = replace(free, layers={**free.layers, "sites": free.layers["sites"].where(site=site["site"])})
    rules = replace(coverage_rules(alone, 400.0, 1500.0), reach_m=4000.0)
    assert alone.ground is not None
    lattice = coverage_lattice(alone.road, alone.ground, rules)
    checked = 0
    for tile in coverage_tiles(alone.road, alone.ground, alone.layers["sites"], rules, site_attenuation(alone)):
        for row, col in zip(*np.nonzero(tile.server), strict=True):
            lat, lon = lattice.latitudes_deg()[tile.row + row], lattice.longitudes_deg()[tile.col + col]
            bearing_deg, _, distance_m = GEOD.inv(site["longitude_deg"], site["latitude_deg"], lon, lat)
            if distance_m < 300.0:
                continue
            ground_m = float(alone.ground.sample(lat, lon)[0])
            lower_m = float(site["ground_m"]) + float(site["height_m"]) - ground_m - 1.5
            off_deg = (bearing_deg - float(site["ahead_deg"]) + 180.0) % 360.0 - 180.0
            below_deg = math.degrees(math.atan2(lower_m, distance_m) + distance_m / (2000.0 * EARTH_KM))
            over_db = min(12.0 * ((below_deg - float(site["tilt_deg"])) / 10.0) ** 2, 20.0)
            pattern_db = min(min(12.0 * (off_deg / 65.0) ** 2, 30.0) + over_db, 30.0)
            path_db = 92.4 + 20.0 * math.log10(0.8) + 20.0 * math.log10(math.hypot(distance_m, lower_m) / 1000.0)
            level_dbm = 30.0 - 3.0 - 2.0 - path_db - pattern_db - float(site["back_off_db"])
            assert tile.rsrp_dbm[row, col] == pytest.approx(level_dbm, abs=0.1)
            checked += 1
    assert checked > 30


def test_coverage_takes_air_and_polarisation_of_the_project(hills: PlannedRadio) -> None:
    """At 30 MHz, far behind the hills, both change levels by tenths of a dB: nodes are those of the links with both."""
    update = {"frequency_mhz": 30.0, "polarisation": "horizontal", "n0": 400.0, "dn_per_km": 60.0}
    settings = hills.project.settings.model_copy(update={"radio": hills.settings.model_copy(update=update)})
    planned = replace(hills, project=replace(hills.project, settings=settings))
    sites = planned.layers["sites"].take([0])
    assert planned.ground is not None
    beside = replace(planned.ground, open_road_m=0.0)
    rules = coverage_rules(planned, 800.0, 3000.0)
    lattice = coverage_lattice(planned.road, planned.ground, rules)
    tile = next(iter(coverage_tiles(planned.road, planned.ground, sites, rules)))
    row, col = np.nonzero(tile.server)
    lat, lon = lattice.latitudes_deg()[tile.row + row], lattice.longitudes_deg()[tile.col + col]
    mast = (sites["latitude_deg"], sites["longitude_deg"], sites["ground_m"], sites["height_m"][:, None])
    gaps = []
    air: list[tuple[Polarisation, float, float]] = [
        *(
            ("horizontal", 400.0, 60.0),
            ("vertical", 400.0, 60.0),
            ("horizontal", 325.0, 60.0),
            ("horizontal", 400.0, 45.0),
        )
    ]
    for polarisation, n0, dn in air:
        links = terrain_links(
            beside, *mast, lat, lon, beside.sample(lat, lon)[0], frequency_mhz=30.0, receiver_antenna_m=1.5,
            reach_m=15_000.0, dn_per_km=dn, n0_n_units=n0, polarisation=polarisation,
        )  # fmt: skip
        gaps.append(float(np.abs(30.0 - links.loss_db[:, 0] - tile.rsrp_dbm[row, col]).max()))
    assert gaps[0] < 1e-3
    assert min(gaps[1:]) > 1e-2


def test_coverage_files(planned_hills: Path, hills: PlannedRadio, tmp_path: Path) -> None:
    asked = ("--step-m", 200, "--half-width-m", 400, "--into", tmp_path / "cover", "--json")
    done = trassa("radio", "coverage", planned_hills, *asked)
    assert done.code == 0, done.err
    assert {Path(file["path"]).name for file in done.json["files"]} >= {
        *("rsrp.tif", "best_server.tif", "best_server.tab", "coverage.kmz")
    }
    with rasterio.open(tmp_path / "cover" / "rsrp.tif") as raster:
        levels = raster.read(1)
        assert raster.shape == (done.json["rows"], done.json["cols"])
    promised = hills.layers["bins"]["rsrp_dbm"]
    assert np.nanmedian(levels) == pytest.approx(np.median(promised), abs=12.0)


def test_a_planted_offset_and_sigma_come_back(planned_hills: Path, tmp_path: Path) -> None:
    drive = drawn_drive(planned_hills, tmp_path / "drive.csv", offset_db=-4.0, sigma_db=6.0)
    for words in (READ, (*READ, "--column", "cell=Cell")):
        done = trassa("radio", "calibrate", planned_hills, drive, *words, "--json")
        assert done.code == 0, done.err
        whole, *classes = done.json["calibrations"]
        assert whole["offset_low_db"] < -4.0 < whole["offset_high_db"]
        assert whole["sigma_low_db"] < 6.0 < whole["sigma_high_db"]
        assert whole["correlation_m"] == pytest.approx(150.0, rel=0.35)
        assert {one["clutter"] for one in classes} == {"open", "beside woods or houses"}
        assert sum(one["samples"] for one in classes) == whole["samples"]
        assert sum(row["readings"] for row in done.json["along_road"]) == whole["samples"]
        assert {row["carriageway"] for row in done.json["along_road"]} == {"increasing"}


def test_a_reading_of_a_cell_is_compared_with_that_cell(
    planned_hills: Path, hills: PlannedRadio, tmp_path: Path
) -> None:
    """All readings said to be of one far cell: the offset is the mean difference to that cell, by the explanation."""
    drive = drawn_drive(planned_hills, tmp_path / "drive.csv", offset_db=0.0, sigma_db=0.5)
    header, *lines = drive.read_text("utf-8").splitlines()
    said = [line.split(",") for line in [*lines[40:1300:20], lines[0]]]
    few = [",".join([*one[:6], "S-02/1", "2"]) for one in said[:-1]] + [",".join([*said[-1][:6], "Z-99/1", "99"])]
    drive.write_text("\n".join([header, *few]) + "\n", "utf-8")
    done = trassa("radio", "calibrate", planned_hills, drive, *READ, "--column", "cell=Cell", "--json")
    assert done.code == 0, done.err
    assert "readings of Z-99/1 are of no cell of the plan" in done.err
    rows = {round(row["start_m"]): row["predicted_dbm"] for row in done.json["along_road"] if row["readings"] == 1}
    for start_m, predicted_dbm in list(rows.items())[:10]:
        levels = [
            next((c.rsrp_dbm for c in explain(hills, "increasing", start_m + step).cells if c.cell == "S-02/1"), np.nan)
            for step in np.arange(5.0, 100.0, 10.0)
        ]
        assert np.nanmin(np.abs(np.array(levels) - predicted_dbm)) < 0.02


@pytest.fixture(scope="module")
def calibrated_lane(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The lane, proven anew with the settings that a drive test gave, as they are printed."""
    folder = tmp_path_factory.mktemp("calibrated")
    drive = drawn_drive(planned_lane, folder / "drive.csv", offset_db=-3.0, sigma_db=5.0, distance_m=60.0)
    done = trassa("radio", "calibrate", planned_lane, drive, *READ)
    assert done.code == 0, done.err
    lines = done.out.split("[radio]\n")[1]
    shutil.copytree(planned_lane, folder / "lane")
    set_in(folder / "lane", "radio", lines.rstrip())
    again = trassa("run", folder / "lane")
    assert again.code in (0, 1), again.err
    return folder / "lane", lines


def test_the_printed_lines_prove_the_plan_anew(calibrated_lane: tuple[Path, str]) -> None:
    folder, lines = calibrated_lane
    given = tomllib.loads(lines)
    assert set(given) >= {"sigma_db", "sigma_source", "calibration_offset_db"}
    said = {one.name: one for one in planned_radio(folder).assumptions}["radio.shadowing_sigma"]
    assert (said.size, said.source) == (given["sigma_db"], given["sigma_source"])
    assert "contains location variability, used alone" in said.source


def test_an_offset_replaces_the_one_before(calibrated_lane: tuple[Path, str], tmp_path: Path) -> None:
    """Levels of a calibrated plan have its offset in them: a drive 2 dB below them asks for 2 dB more in all."""
    folder, lines = calibrated_lane
    before_db = tomllib.loads(lines)["calibration_offset_db"]
    drive = drawn_drive(folder, tmp_path / "drive.csv", offset_db=-2.0, sigma_db=0.1)
    done = trassa("radio", "calibrate", folder, drive, *READ, "--json")
    assert done.json["settings"]["radio.calibration_offset_db"] == pytest.approx(before_db - 2.0, abs=0.1)


@pytest.fixture(scope="module")
def schematic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve kilometres of a schematic axis, planned: an estimate."""
    folder = tmp_path_factory.mktemp("schematic")
    ends = ["junction,A,100,,55.0,37.3,,drawn", "junction,B,112,,55.1078,37.3,,drawn"]
    facts = "\n".join(["kind,name,km,km_to,lat,lon,value,source", *ends, ""])
    (folder / "facts.csv").write_text(facts, "utf-8")
    assert trassa("init", folder / "road", "--ref", "Б-2", "--schematic", folder / "facts.csv").code == 0
    set_in(folder / "road", "road", "start_km = 100.0\nend_km = 112.0")
    set_in(folder / "road", "radio", "any_site_down = false")
    done = trassa("run", folder / "road")
    assert done.code == 0, done.err
    return folder / "road"


def test_what_cannot_be_answered(tmp_path: Path, schematic: Path, planned_lane: Path) -> None:
    (tmp_path / "drive.csv").write_text("Lat,Lon,RSRP (dBm),seconds,km/h,drive\n55,37,-90,0,50,a\n", "utf-8")
    (tmp_path / "nowhere.csv").write_text("Lat,Lon,RSRP (dBm),seconds,km/h,drive\n,37,-90,0,50,a\n", "utf-8")
    fresh = tmp_path / "fresh"
    assert trassa("init", fresh, "--example", "m11").code == 0
    for words, told in (
        (("explain", fresh, "М-11 км 100+000"), "is not planned yet"),
        (("ahead", fresh, "М-11 км 100+000", "--speed-kmh", 90), "is not planned yet"),
        (("coverage", fresh, "--into", tmp_path / "c"), "is not planned yet"),
        (("calibrate", fresh, tmp_path / "drive.csv", *READ), "is not planned yet"),
        (("explain", tmp_path / "none", "A 4 km 1"), "holds no trassa.toml"),
        (("coverage", planned_lane, "--into", tmp_path / "c"), "has no terrain"),
        (("coverage", planned_lane, "--into", tmp_path / "drive.csv"), "is a file"),
        (("coverage", planned_lane, "--into", planned_lane), "holds a project"),
        (("calibrate", planned_lane, tmp_path / "nowhere.csv", *READ), "1 readings have no position"),
        (("calibrate", schematic, tmp_path / "drive.csv", *READ), "schematic axis"),
        (("calibrate", planned_lane, tmp_path / "drive.csv", *READ), "0 readings of drive.csv"),
        (("calibrate", planned_lane, tmp_path / "drive.csv", *READ[:2]), "no header is given for longitude_deg"),
        (("calibrate", planned_lane, tmp_path / "none.csv", *READ), "No such file"),
        (("explain", planned_lane, "Б-1 км 99"), "does not exist on this road"),
        (("explain", planned_lane, "A 4 km 102"), "is on another road"),
        (("explain", planned_lane, "55.01 37.32"), "55.01 37.32 lies 1.3 km off Б-1"),
        (("ahead", planned_lane, "0 0", "--speed-kmh", 90), "km off Б-1"),
        (("ahead", planned_lane, "Б-1 км 102", "--speed-kmh", 90, "--for-s", -1), "a way of -25 m"),
    ):
        error = trassa("radio", *words).refused()
        assert told in error, (words, error)
        assert "Try:" in error


def test_options_that_cannot_be_meant(tmp_path: Path, planned_lane: Path) -> None:
    place, files = (planned_lane, "Б-1 км 102"), ("--into", tmp_path / "c")
    for words, told in (
        (("coverage", planned_lane, *files, "--step-m", "nan"), "a step of nan m"),
        (("coverage", planned_lane, *files, "--half-width-m", 1), "a half width of 1 m"),
        (("ahead", *place, "--speed-kmh", "nan"), "a speed of nan km/h"),
        (("ahead", *place, "--speed-kmh", 0), "a speed of 0 km/h"),
        (("ahead", *place, "--speed-kmh", 90, "--for-s", 1, "--for-m", 1), "both say how far"),
        (("ahead", *place, "--speed-kmh", 90, "--reliability", 1.5), "reliability of 1.5"),
        (("ahead", *place, "--speed-kmh", 90, "--rate-up-mbps", "nan"), "uplink of nan"),
    ):
        error = trassa("radio", *words).refused(2)
        assert told in error, (words, error)
        assert "Try:" in error


@pytest.mark.parametrize("project", ["planned_lane", "schematic"])
def test_a_road_without_terrain_adds_up_too(project: str, request: pytest.FixtureRequest) -> None:
    planned = planned_radio(request.getfixturevalue(project))
    bins = planned.layers["bins"]
    for row in _some(planned, 10):
        said = explain(planned, *_middle(planned, row))  # type: ignore[arg-type]
        assert said.margin_db == pytest.approx(bins["margin_db"][row], abs=0.01)
        assert said.cells[0].site == bins["server"][row]


def test_explanation_on_a_terminal(planned_hills: Path) -> None:
    for arrow in ARROWS.values():
        done = trassa("radio", "explain", planned_hills, f"H 1 km 18+860 {arrow}")
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()
        assert lines[0].startswith("cell ")
        margin = next(line for line in lines if line.startswith("  margin"))
        assert float(margin.split()[1]) >= 0.0
        assert any(line.startswith("Doppler at 130 km/h: 96 Hz, within the 750 Hz") for line in lines)
        assert sum(line.startswith("without S-") for line in lines) >= 2
