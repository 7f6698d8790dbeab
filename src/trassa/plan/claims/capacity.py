"""The claim that every cell carries the vehicles that it serves, within the load that the others reckon with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Layer
from trassa.plan.claim import Claim, Evidence, Scope, Worst
from trassa.plan.claims.estimate import estimate_reasons, verdict
from trassa.plan.claims.extents import exemptions_of
from trassa.provenance import Assumption
from trassa.radio.cell_load import bandwidth_for_load_mhz
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["capacity_claim", "traffic_promised"]

_UNIT = "of its resource elements"


def traffic_promised(settings: RadioSettings) -> bool:
    """Whether ``[radio]`` says how many vehicles there are and what each of them takes."""
    return settings.vehicles_per_km * settings.rate_per_vehicle_mbps > 0.0


def capacity_claim(
    road: Road,
    layers: Mapping[str, Layer],
    figures: Mapping[str, Any],
    assumptions: tuple[Assumption, ...],
    settings: RadioSettings,
) -> Claim:
    """``radio.capacity``: no cell is loaded beyond ``radio.neighbour_load`` by the vehicles that it serves."""
    bins, reasons, method = layers["bins"], estimate_reasons(road), figures["capacity"]
    cells = layers["cells"]
    load = np.fmax(cells["load"], cells["down_load"]) if settings.any_site_down else cells["load"]
    counted = bins["exempt"] == ""
    without_rate = [_without_rate(road, one) for one in method["without_rate"]]
    down = ", also with any one site down" if settings.any_site_down else ""
    return Claim(
        id="radio.capacity",
        promise=f"{settings.vehicles_per_km:g} vehicles on each kilometre of each carriageway, "
        f"{settings.rate_per_vehicle_mbps:g} Mbit/s down for each, load no cell beyond "
        f"{100.0 * settings.neighbour_load:g} % of its resource elements{down}",
        scope=Scope(
            f"{len(set(cells['sends'].tolist()))} cells; {road.ref}, {road.span_text(0.0, road.length_m)}, "
            f"carriageways {' and '.join(road.carriageways)}",
            float((bins["end_m"] - bins["start_m"])[counted].sum()),
            tuple(exemptions_of(road, bins)),
        ),
        method={**figures["propagation"], **method, "estimate_because": reasons},
        assumptions=(*_reckoned(method, settings), *assumptions),
        worst=_worst(road, cells, load, settings, without_rate),
        holds=verdict(bool(without_rate or (load > settings.neighbour_load).any()), reasons),
        evidence=tuple(Evidence(name, layers[name].digest()) for name in ("cells", "sites")),
        failures=(*without_rate, *_overloaded(road, cells, load, settings)),
    )


def _reckoned(method: Mapping[str, Any], settings: RadioSettings) -> list[Assumption]:
    """What the loads take for granted, with its size."""
    mean = Assumption(
        "radio.hidden_mean", method["hidden_mean_db"], "dB", True, f"{method['hidden_source']}; off every link"
    )
    load = Assumption(
        "radio.neighbour_load", settings.neighbour_load, "", True, "all other cells are taken to be at it"
    )
    told = "the rate at the median SINR stands for the mean over shadowing; control is sent in proportion to data"
    return [mean, load, Assumption("radio.load_at_median", 0.0, "", False, told)]


def _place(road: Road, cells: Layer, row: int, settings: RadioSettings) -> str:
    """Where a sector stands, which cell it is, and which site is down where it carries most."""
    at = f"{road.text(float(cells['measure_m'][row]))} {ARROWS[cells['carriageway'][row]]}"
    worse = settings.any_site_down and cells["worst_down"][row]
    return f"{at}: cell {cells['sends'][row]}{' with ' + str(cells['worst_down'][row]) + ' down' if worse else ''}"


def _worst(
    road: Road, cells: Layer, load: npt.NDArray[np.float64], settings: RadioSettings, without_rate: list[str]
) -> Worst:
    bound = settings.neighbour_load
    if without_rate:
        return Worst(without_rate[0], None, bound, None, _UNIT)
    if not len(cells):
        return Worst("no cell", None, bound, None, _UNIT)
    row = int(np.argmax(load))
    value = float(load[row])
    return Worst(_place(road, cells, row, settings), round(value, 6), bound, round(bound - value, 6), _UNIT)


def _without_rate(road: Road, one: Mapping[str, Any]) -> str:
    span = f"{road.span_text(one['from_m'], one['to_m'])} {ARROWS[one['carriageway']]}"
    down = f" with {one['down']} down" if one["down"] else ""
    return f"{span}: vehicles get no rate at the median{down}, so no load carries them"


def _overloaded(road: Road, cells: Layer, load: npt.NDArray[np.float64], settings: RadioSettings) -> list[str]:
    """A sentence for each cell that carries too much, the fullest first, with the sizes of what would relieve it."""
    over = np.flatnonzero((load > settings.neighbour_load) & np.isfinite(load))
    told: dict[str, str] = {}
    for row in over[np.argsort(-load[over], kind="stable")].tolist():
        carried = settings.vehicles_per_km * settings.neighbour_load / float(load[row])
        wide_mhz = bandwidth_for_load_mhz(settings, float(load[row]))
        wider = f"radio.bandwidth_mhz = {wide_mhz:g}, " if math.isfinite(wide_mhz) else ""
        wider += "fewer radio.shared_cell_heads, " if settings.shared_cell_heads > 1 else ""
        sentence = (
            f"{_place(road, cells, row, settings)}: load {load[row]:.3f}, at most {settings.neighbour_load:g}. "
            f"Try: {wider}at most {_rounded_down(carried)} vehicles/km, or a smaller radio.new_mast_spacing_m"
        )
        told.setdefault(str(cells["sends"][row]), sentence)
    return list(told.values())


def _rounded_down(vehicles: float) -> str:
    return f"{math.floor(10.0 * vehicles) / 10.0:g}"
