"""A sheet for every site: what stands there, where it looks, whom it serves, and the path to its farthest bin."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from markupsafe import Markup

from trassa.linear import ARROWS, Layer
from trassa.plan.amounts import amount_text, figure_text
from trassa.plan.report.antenna_picture import Sector, compass, vertical_cut
from trassa.plan.report.profile_picture import MastPath, profile_picture
from trassa.plan.report.radio_panels import RadioWay
from trassa.radio.antenna import AntennaPattern
from trassa.radio.diffraction import median_earth_radius_km
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["SiteSheets"]

Row = dict[str, Any]

_WGS84 = pyproj.Geod(ellps="WGS84")
_MOST_STRETCHES = 4
_AHEAD_M = 1000.0
_LIGHT_M_MHZ = 299.792458


@dataclass(frozen=True)
class SiteSheets:
    """What the sheets of a plan are made from; settings and pattern may be unknown, layers may be missing."""

    road: Road
    layers: Mapping[str, Layer]
    ways: Sequence[RadioWay]
    currency: str
    settings: RadioSettings | None = None
    pattern: AntennaPattern | None = None

    def rows(self) -> list[Row]:
        """One sheet for each site, as the page prints it."""
        if "sites" not in self.layers:
            return []
        cells, profiles = self._by("site", "cells"), self._by("site", "profiles")
        neighbours = self._by("cell", "neighbours")
        best, second = self._stretches("server"), self._stretches("second")
        sheets = []
        for site in self.layers["sites"].rows():
            name = str(site["site"])
            mine = cells.get(name, [])
            path = self._path(site, profiles.get(name, []))
            sheets.append(
                self._facts(site)
                | {
                    "cells": [self._cell(cell) for cell in mine],
                    "neighbours": [_neighbour(row) for cell in _signals(mine) for row in neighbours.get(cell, [])],
                    "serves": self._served(best.get(name, [])),
                    "second": self._served(second.get(name, [])),
                    **self._antenna(site, mine, path),
                    **self._profile(profiles.get(name, []), path),
                }
            )
        return sheets

    def _by(self, column: str, layer: str) -> dict[str, list[Row]]:
        """The rows of a layer by the text in that column; none where the plan has no such layer."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.layers[layer].rows() if layer in self.layers else ():
            found[str(row[column])].append(dict(row))
        return found

    def _facts(self, site: Mapping[str, Any]) -> Row:
        latitude, longitude = float(site["latitude_deg"]), float(site["longitude_deg"])
        return {
            "site": site["site"],
            "name": site["name"],
            "kind": "new mast" if site["kind"] == "new" else "on an existing mast",
            "place": f"{self.road.text(float(site['measure_m']))} {ARROWS[site['carriageway']]}",
            "offset": f"{figure_text(abs(float(site['offset_m'])))} m",
            "at": f"{latitude:.6f}, {longitude:.6f}" if math.isfinite(latitude) else "",
            "ground": f"{figure_text(float(site['ground_m']), 1)} m" if self.road.has_heights else "",
            "height": f"{site['height_m']:g} m",
            "height_assumed": bool(site["height_assumed"]),
            "cost": amount_text(int(site["cost_minor"]), self.currency),
            "ways": _ways(site),
            "needed_for": site["needed_for"],
        }

    def _cell(self, cell: Row) -> Row:
        azimuth, sends = float(cell["azimuth_deg"]), str(cell.get("sends", cell["cell"]))
        return {
            "cell": cell["cell"],
            "azimuth": f"{figure_text(azimuth, 1)}°" if math.isfinite(azimuth) else "all round",
            "tilt": f"{figure_text(float(cell['tilt_deg']), 1)}°" if math.isfinite(azimuth) else "–",
            "eirp": f"{figure_text(float(cell['eirp_per_re_dbm']), 1)} dBm",
            "pci": cell["pci"],
            "mod3": int(cell["pci"]) % 3,
            "shares": "" if sends == cell["cell"] else sends,
            "load": _load(float(cell["load"])),
            "down_load": _load(float(cell["down_load"]), str(cell["worst_down"])),
        }

    def _stretches(self, column: str) -> dict[str, list[tuple[float, float, str]]]:
        """``(start, end, arrow)`` of what each site serves among the bins that count, in order of measure."""
        found: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        for way in self.ways:
            bins = way.bins.take(np.asarray(way.bins["exempt"] == "", dtype=bool))
            start_m, end_m, names = bins["start_m"], bins["end_m"], bins[column]
            if not len(names):
                continue
            breaks = np.flatnonzero((names[1:] != names[:-1]) | (np.abs(start_m[1:] - end_m[:-1]) > 0.5)) + 1
            for first, last in zip([0, *breaks.tolist()], [*breaks.tolist(), len(names)], strict=True):
                if names[first]:
                    found[names[first]].append((float(start_m[first]), float(end_m[last - 1]), way.arrow))
        return found

    def _served(self, stretches: Sequence[tuple[float, float, str]]) -> str:
        if not stretches:
            return "nothing"
        whole_m = sum(end - start for start, end, _ in stretches)
        longest = sorted(stretches, key=lambda s: s[0] - s[1])[:_MOST_STRETCHES]
        text, label = self.road.calibration.text, self.road.calibration.label
        told = "; ".join(f"{text(start)}–{label(end)} {arrow}" for start, end, arrow in sorted(longest))
        more = f"; and {len(stretches) - len(longest)} shorter" if len(stretches) > len(longest) else ""
        return f"{figure_text(whole_m / 1000.0, 2)} km of carriageway: {told}{more}"

    def _path(self, site: Mapping[str, Any], rows: Sequence[Row]) -> MastPath | None:
        if self.settings is None or len(rows) < 3:
            return None
        distance_m, ground_m, clutter_m = (
            np.array([row[name] for row in rows]) for name in ("distance_m", "ground_m", "clutter_m")
        )
        wavelength_m = _LIGHT_M_MHZ / self.settings.frequency_mhz
        radius_km = median_earth_radius_km(self.settings.dn_per_km)
        heights = float(site["height_m"]), self.settings.vehicle_antenna_m
        return MastPath(distance_m, ground_m, clutter_m, *heights, wavelength_m, radius_km)

    def _profile(self, rows: Sequence[Row], path: MastPath | None) -> Row:
        if path is None:
            return {"profile": "", "profile_note": ""}
        at_m, share = path.clearance()
        state = "blocked" if share < 0.0 else "grazed" if share < 0.6 else "clear"
        where = f"{self.road.text(float(rows[0]['to_measure_m']))} {ARROWS[rows[0]['to_carriageway']]}"
        told = (
            f"To the farthest bin it serves best, {where}, {figure_text(path.length_m / 1000.0, 2)} km: {state}, "
            f"{figure_text(share, 2)} radii of the first Fresnel zone at {figure_text(at_m / 1000.0, 2)} km"
        )
        return {"profile": Markup(profile_picture(path)), "profile_note": told}

    def _antenna(self, site: Mapping[str, Any], cells: Sequence[Row], path: MastPath | None) -> Row:
        sectors = [Sector(str(c["cell"]), float(c["azimuth_deg"]), float(c["tilt_deg"])) for c in cells]
        sectors = [sector for sector in sectors if math.isfinite(sector.azimuth_deg)]
        if self.pattern is None or not sectors:
            return {"compass": "", "vertical": ""}
        tilt_deg = sectors[0].tilt_deg
        marks = [("tilt", tilt_deg), *([("farthest bin", path.below_horizon_deg)] if path is not None else [])]
        return {
            "compass": Markup(compass(self.pattern, sectors, self._directions(site))),
            "vertical": Markup(vertical_cut(self.pattern, tilt_deg, marks)),
        }

    def _directions(self, site: Mapping[str, Any]) -> list[tuple[str, float]]:
        """Azimuths from the mast to the road a kilometre on and a kilometre back, those that are on the road."""
        line_of, found = self.road.alignments[self.road.reference], []
        for arrow, step_m in (("→", _AHEAD_M), ("←", -_AHEAD_M)):
            measure_m = float(site["measure_m"]) + step_m
            if 0.0 <= measure_m <= self.road.length_m:
                latitude, longitude = (
                    float(np.interp(measure_m, line_of.measure_m, values))
                    for values in (line_of.latitude_deg, line_of.longitude_deg)
                )
                if math.isfinite(latitude):
                    here = float(site["longitude_deg"]), float(site["latitude_deg"])
                    azimuth = float(_WGS84.inv(*here, longitude, latitude)[0])
                    found.append((f"{arrow} {self.road.calibration.text(measure_m)}", azimuth))
        return found


def _load(load_ratio: float, down: str = "") -> str:
    """A load in percent, with the site that is down; nothing where no traffic is promised."""
    if math.isnan(load_ratio):
        return "–"
    told = f"{figure_text(100.0 * load_ratio, 1)} %" if math.isfinite(load_ratio) else "no rate somewhere"
    return f"{told} ({down})" if down else told


def _ways(site: Mapping[str, Any]) -> str:
    """How far it is to mains power and to the cable."""
    power_m = float(site["power_m"])
    mains = f"{figure_text(power_m)} m to mains power" if site["kind"] == "new" else "mains power is there"
    return f"{mains}, {figure_text(float(site['fibre_drop_m']))} m to the cable"


def _signals(cells: Sequence[Row]) -> list[str]:
    """The names under which the neighbours of some cells are listed: their own, or that of the cell they share."""
    return list(dict.fromkeys(str(cell.get("sends", cell["cell"])) for cell in cells))


def _neighbour(row: Row) -> Row:
    return {
        "cell": row["cell"],
        "neighbour": row["neighbour"],
        "rank": row["rank"],
        "within": f"{figure_text(10.0 * int(row['bins']))} m",
        "increasing": row["handovers_increasing"],
        "decreasing": row["handovers_decreasing"],
    }
