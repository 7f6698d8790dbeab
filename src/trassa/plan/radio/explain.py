"""Who serves a place of a planned road, recomputed from the inputs: every decibel between a site and the margin."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.decibels import standard_normal_quantile
from trassa.errors import InputError
from trassa.linear import Carriageway, Extent
from trassa.plan.radio.explanation import (
    BesideLoad,
    CellTraffic,
    Cure,
    Explanation,
    Need,
    ServingCell,
    Step,
    WithoutSite,
)
from trassa.plan.radio.links import cell_links
from trassa.plan.radio.questions import PlannedRadio, place_beside, planned_radio
from trassa.radio.budget import coupling_limits, link_budget_of
from trassa.radio.doppler import doppler_check

__all__ = ["explain", "explain_place"]

FloatArray = npt.NDArray[np.float64]


def explain_place(folder: Path, position: str) -> Explanation:
    """The bin that holds a position of a planned project, explained."""
    planned = planned_radio(folder)
    place = place_beside(folder, position)
    return explain(planned, place.carriageway, place.measure_m)


def explain(planned: PlannedRadio, carriageway: Carriageway, measure_m: float) -> Explanation:
    """The bin at a measure of a carriageway, explained.

    Raises :class:`~trassa.errors.InputError` where the carriageway has no bin: in a hole.
    """
    row = planned.bin_at(carriageway, measure_m)
    if row < 0:
        place = planned.road.text(measure_m)
        raise InputError(f"explain: the {carriageway} carriageway has no bin at {place}", cure="a place on the road")
    settings, stored = planned.settings, next(planned.layers["bins"].take([row]).rows())
    cells = _cells(planned, row)
    without = _without(cells)
    load = _beside_load(planned, row)
    traffic = _traffic(planned, cells)
    failures = () if stored["exempt"] else tuple(_failures(planned, cells, load, traffic))
    return Explanation(
        road=planned.road,
        carriageway=carriageway,
        measure_m=measure_m,
        extent=Extent(float(stored["start_m"]), float(stored["end_m"])),
        exempt=str(stored["exempt"]),
        cells=cells,
        steps=tuple(_steps(planned, cells[0])) if cells else (),
        needs=tuple(_needs(planned, cells[0])) if cells else (),
        without=without,
        beside_load=load,
        traffic=traffic,
        doppler=doppler_check(link_budget_of(settings).carrier, settings.design_speed_kmh),
        speed_kmh=settings.design_speed_kmh,
        stored_margin_db=float(stored["margin_db"]),
        failures=failures,
        told=_told(planned, carriageway, float(stored["start_m"]), float(stored["end_m"])),
        cure=_cure(planned, row) if any(failure.startswith("radio.served") for failure in failures) else None,
    )


def _cells(planned: PlannedRadio, row: int) -> tuple[ServingCell, ...]:
    """The cells that reach both edges of a bin, each at the edge at which its site loses more, best first."""
    edges = planned.points.take([planned.bins.start[row], planned.bins.end[row]])
    links, sites, budget = cell_links(planned, edges), planned.layers["sites"], planned.budget
    found = []
    for cell in range(len(links)):
        at_site_db = links.site_coupling_db[cell]
        if not np.isfinite(at_site_db).all():
            continue
        edge = int(np.argmax(at_site_db))
        coupling_db, site = float(links.coupling_db[cell, edge]), int(links.site[cell])
        found.append(
            ServingCell(
                links.names[cell],
                str(sites["site"][site]),
                str(sites["name"][site]),
                float(links.distance_m[cell, edge]),
                float(links.off_axis_deg[cell, edge]),
                float(links.below_deg[cell, edge]),
                float(links.path_loss_db[cell, edge]),
                float(links.pattern_db[cell, edge]),
                float(links.back_off_db[cell, edge]),
                coupling_db,
                float(budget.rsrp_dbm(coupling_db)),
                budget.largest_loss_db - coupling_db,
            )
        )
    return tuple(sorted(found, key=lambda cell: -cell.margin_db))


def _steps(planned: PlannedRadio, cell: ServingCell) -> list[Step]:
    """The budget of a cell as lines that add up to its margin."""
    settings, budget = planned.settings, planned.budget
    fading = f"{standard_normal_quantile(settings.reliability):.3f} σ at reliability {settings.reliability:g}"
    return [
        Step("EIRP per resource element", settings.eirp_per_re_dbm, "dBm, radio.eirp_per_re_dbm"),
        Step("path loss", 0.0 - cell.path_loss_db, f"dB, {cell.distance_m:.0f} m, median in time"),
        Step("antenna pattern", 0.0 - cell.pattern_db, f"dB, {cell.below_deg:.1f}° below the horizon"),
        Step("back-off", 0.0 - cell.back_off_db, "dB"),
        Step("vehicle antenna", settings.vehicle_gain_dbi, "dBi, radio.vehicle_gain_dbi"),
        Step("into the vehicle", 0.0 - settings.penetration_loss_db, "dB, radio.penetration_loss_db"),
        Step("calibration", settings.calibration_offset_db, "dB, radio.calibration_offset_db"),
        Step("fade margin", -budget.fade_margin_db, f"dB, {fading}, σ = {settings.sigma_db:g} dB"),
        *(Step(name.removesuffix("_db"), -one.size_db, f"dB, {one.source}") for name, one in budget.deductions.items()),
        Step("need", -budget.need_rsrp_dbm, f"dBm with the sign turned: {budget.limiting}"),
    ]


def _needs(planned: PlannedRadio, cell: ServingCell) -> list[Need]:
    settings, budget = planned.settings, planned.budget
    vehicle_db = settings.vehicle_gain_dbi - settings.penetration_loss_db
    needs = []
    for name, limit_db in coupling_limits(settings).items():
        need_dbm = settings.eirp_per_re_dbm + vehicle_db - limit_db
        margin_db = cell.rsrp_dbm - budget.fade_margin_db - budget.deducted_db - need_dbm
        needs.append(Need(name, need_dbm, margin_db, name == budget.limiting))
    return needs


def _without(cells: tuple[ServingCell, ...]) -> tuple[WithoutSite, ...]:
    """For each site that serves: the best of the others when it is down."""
    serving = dict.fromkeys(cell.site for cell in cells if cell.margin_db >= 0.0)
    found = []
    for site in serving:
        left = next((cell for cell in cells if cell.site != site), None)
        found.append(WithoutSite(site, left.cell if left else "", left.margin_db if left else math.nan))
    return tuple(found)


def _beside_load(planned: PlannedRadio, row: int) -> BesideLoad:
    settings, bins, ahead = planned.settings, planned.layers["bins"], planned.layers["ahead"]
    same = (ahead["start_m"] == bins["start_m"][row]) & (ahead["carriageway"] == bins["carriageway"][row])
    rates = [float(ahead[name][same][0]) if same.any() else math.nan for name in ("rate_down_mbps", "rate_up_mbps")]
    return BesideLoad(
        neighbour_load=settings.neighbour_load,
        sinr_db=float(bins["sinr_db"][row]),
        reliability=float(bins["reliability"][row]),
        down_reliability=float(bins["down_reliability"][row]),
        worst_down=str(bins["worst_down"][row]),
        rate_down_mbps=rates[0],
        rate_up_mbps=rates[1],
        asked_reliability=settings.reliability,
        promised=settings.with_interference and settings.rate_down_mbps > 0.0,
    )


def _traffic(planned: PlannedRadio, cells: tuple[ServingCell, ...]) -> CellTraffic | None:
    """What the plan says of the cell that the best server belongs to."""
    known = planned.layers["cells"].where(cell=cells[0].cell) if cells else None
    if known is None or not len(known) or math.isnan(float(known["load"][0])):
        return None
    row = next(known.rows())
    loads = float(row["load"]), float(row["down_load"])
    return CellTraffic(str(row["sends"]), *loads, str(row["worst_down"]), planned.settings.neighbour_load)


def _failures(
    planned: PlannedRadio, cells: tuple[ServingCell, ...], load: BesideLoad, traffic: CellTraffic | None
) -> list[str]:
    """What is promised and fails here, by claim."""
    settings, failures = planned.settings, []
    serving = {cell.site for cell in cells if cell.margin_db >= 0.0}
    if not serving:
        lacking = f"the best cell lacks {-cells[0].margin_db:.2f} dB" if cells else "no site is in reach"
        failures.append(f"radio.served: {lacking}")
    if settings.any_site_down and len(serving) < 2:
        failures.append(f"radio.served.any-site-down: {len(serving)} of 2 sites serve")
    if load.promised:
        with_down = settings.any_site_down and load.down_reliability < settings.reliability
        if with_down or not load.reliability >= settings.reliability:
            told = f"reliability {load.reliability:.4f}, {load.down_reliability:.4f} with the worst site down"
            levers = "radio.neighbour_load, bandwidth, reuse or a shared cell are the levers"
            failures.append(f"beside the load: {told}; {levers}")
    if traffic is not None and traffic.down_load > traffic.bound:
        failures.append(f"radio.capacity: {traffic.text()}")
    return failures


def _told(planned: PlannedRadio, carriageway: str, start_m: float, end_m: float) -> tuple[str, ...]:
    """What the plan itself says of a stretch that no set of candidates serves."""
    rows = planned.layers["unserved"].where(carriageway=carriageway)
    here = rows.take((rows["start_m"] < end_m) & (rows["end_m"] > start_m))
    return tuple(f"{row['claim']}: {row['reason']}. Try: {row['cure']}" for row in here.rows())


def _cure(planned: PlannedRadio, row: int) -> Cure | None:
    """The cheapest candidate at a free place that serves the bin; where none does, the one that lacks least."""
    candidates, options = planned.candidates, planned.candidates.options
    margin_db = _margins_db(planned, row)
    margin_db[sorted({slot // len(options) for slot in planned.slots})] = -np.inf
    reached = np.isfinite(margin_db)
    if not reached.any():
        return None
    serves = reached & (margin_db >= 0.0)
    if serves.any():
        cost = np.where(serves, candidates.cost_minor, np.iinfo(np.int64).max)
        cheapest = cost == cost.min()
        place, option = np.unravel_index(int(np.argmax(np.where(cheapest, margin_db, -np.inf))), margin_db.shape)
    else:
        place, option = np.unravel_index(int(np.argmax(margin_db)), margin_db.shape)
    return Cure(
        str(candidates.name[place]),
        str(candidates.kind[place]),
        float(candidates.measure_m[place]),
        planned.road.text(float(candidates.measure_m[place])),
        float(candidates.height_m[place, option]),
        options.names()[option],
        float(options.tilt_deg[option]),
        float(options.back_off_db[option]),
        int(candidates.cost_minor[place, option]),
        planned.project.settings.project.currency,
        float(margin_db[place, option]),
    )


def _margins_db(planned: PlannedRadio, row: int) -> FloatArray:
    """Margin of every option at the worse edge of a bin, shape (places, options); −∞ where there is no link."""
    edges = planned.points.take([planned.bins.start[row], planned.bins.end[row]])
    links = planned.paths.links(planned.candidates, edges)
    loss_db = np.full((2, *planned.candidates.height_m.shape), np.inf)
    loss_db[links.receiver, links.place] = links.loss_db
    return np.asarray(planned.budget.largest_loss_db - loss_db.max(axis=0), dtype=np.float64)
