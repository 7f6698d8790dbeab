"""The candidates: complete by the rule of the offer, at the heights of trassa.toml, on the masts of the road.

A bound on the cost is worth what the offer is: leave a cheap place out, and any plan looks cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.paths import Surroundings
from trassa.plan.verify.traffic import ahead_and_right_m, keeps_right, line_of
from trassa.plan.verify.verdict import Row

__all__ = ["check_offer"]

FloatArray = npt.NDArray[np.float64]
_WGS84 = pyproj.Geod(ellps="WGS84")
_LOWEST_M = 5.0
_CHORDS = (1, 2, 4, 8)
_ABEAM_SHARE = 0.35
"""What lies less than this share of its distance to one side, as beyond the end of the road, is on neither."""


def check_offer(evidence: Evidence, ground: Surroundings | None) -> Row:
    """New masts stand every so many metres of open verge at every height on offer; usable masts are all offered."""
    wrong = [*_new_wrong(evidence, ground), *_existing_wrong(evidence, ground)]
    rows = evidence.layers["candidates"]
    new = int((rows["kind"] == "new").sum())
    said = "; ".join(wrong[:3]) or f"{new} new and {len(rows) - new} existing, none left out"
    return Row("radio.candidates", "", None, "", not wrong, None, said)


def _new_wrong(evidence: Evidence, ground: Surroundings | None) -> list[str]:
    settings = evidence.settings.radio
    rows = evidence.layers["candidates"].where(kind="new")
    sides: dict[str, _Side] = {side: _Side.of(evidence, side) for side in evidence.carriageways}
    keys = zip(rows["measure_m"], rows["carriageway"], rows["height_m"], strict=True)
    offered = {(round(float(measure), 3), str(side), float(height)) for measure, side, height in keys}
    due: set[tuple[float, str, float]] = set()
    length = float(evidence.proof.road["length_m"])
    for number, measure in enumerate(np.arange(0.0, length, settings.new_mast_spacing_m).tolist()):
        wanted = (
            ("increasing", "decreasing")[number % 2]
            if settings.new_mast_side == "alternate"
            else settings.new_mast_side
        )
        side = sides.get(wanted) or next(iter(sides.values()))
        if side.is_open(measure):
            due |= {(round(measure, 3), side.carriageway, height) for height in settings.new_mast_heights_m}
    wrong = [
        f"no new mast of {height:g} m is offered at {evidence.place(measure, name)}"
        for measure, name, height in sorted(due - offered)
        if ground is None or sides[name].knows_ground(ground, measure, settings.new_mast_offset_m)
    ]
    beyond = sorted(offered - due)
    wrong += [f"a new mast of {h:g} m at {evidence.place(m, s)} is against the rule" for m, s, h in beyond]
    if not evidence.schematic:
        for side in sides.values():
            beside = rows.where(carriageway=side.carriageway)
            wrong += side.misplaced(beside, settings.new_mast_offset_m)
            wrong += [
                f"{name} stands between the carriageways" for name in side.on_wrong_side(beside, keeps_right(evidence))
            ]
    return wrong


@dataclass(frozen=True)
class _Side:
    """One carriageway as somebody sees it who looks for a place in its verge."""

    carriageway: str
    line: Layer
    built_up: Layer

    @classmethod
    def of(cls, evidence: Evidence, carriageway: str) -> _Side:
        line = line_of(evidence.layers["alignment"], carriageway)
        return cls(carriageway, line, evidence.layers["structures"].where(carriageway=carriageway))

    def is_open(self, measure_m: float) -> bool:
        """Whether the carriageway exists there, and neither bridge nor tunnel does."""
        measures, present = self.line["measure_m"], self.line["present"]
        after = int(np.clip(np.searchsorted(measures, measure_m, side="right"), 1, len(measures) - 1))
        inside = (self.built_up["start_m"] <= measure_m) & (measure_m < self.built_up["end_m"])
        return bool(present[after - 1] and present[after] and not inside.any())

    def at(self, measure_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitude and longitude of the carriageway, shape (n,)."""
        measures, lat, lon = (self.line[name] for name in ("measure_m", "latitude_deg", "longitude_deg"))
        return np.interp(measure_m, measures, lat), np.interp(measure_m, measures, lon)

    def knows_ground(self, ground: Surroundings, measure_m: float, offset_m: float) -> bool:
        """Whether the tiles know the ground all around: a mast in a void is no candidate."""
        lat, lon = (float(value[0]) for value in self.at(np.array([measure_m])))
        around = [_WGS84.fwd(lon, lat, azimuth, offset_m) for azimuth in range(0, 360, 30)]
        heights = ground.tiles.height_m([place[1] for place in around], [place[0] for place in around])
        return bool(np.isfinite(heights).all())

    def misplaced(self, rows: Layer, offset_m: float) -> list[str]:
        """New masts that do not stand beside their carriageway at the stated distance."""
        lat, lon = self.at(rows["measure_m"])
        away = np.asarray(_WGS84.inv(lon, lat, rows["longitude_deg"], rows["latitude_deg"])[2], dtype=np.float64)
        off = np.flatnonzero(~(np.abs(away - offset_m) <= 1.0)).tolist()
        return [f"{rows['name'][row]} stands {away[row]:.0f} m from its carriageway" for row in off]

    def on_wrong_side(self, rows: Layer, outside: int) -> list[str]:
        """Masts that stand clearly on another carriageway's side than they say: ``outside`` is +1 where traffic keeps
        right. What lies beside a hole, or in a kink so sharp that short and long chords differ, is on no side."""
        measures, present = self.line["measure_m"], self.line["present"]
        row = np.clip(np.searchsorted(measures, rows["measure_m"]), 1, len(measures) - 1)
        row -= rows["measure_m"] - measures[row - 1] < measures[row] - rows["measure_m"]
        its_side, wrong = outside * np.where(rows["carriageway"] == "increasing", 1.0, -1.0), present[row]
        for over in _CHORDS:
            seen = ahead_and_right_m(self.line, row, rows["latitude_deg"], rows["longitude_deg"], over)
            wrong = wrong & (its_side * seen[1] < -_ABEAM_SHARE * np.hypot(*seen))
        return list(dict.fromkeys(str(name) for name in rows["name"][wrong]))


def _existing_wrong(evidence: Evidence, ground: Surroundings | None) -> list[str]:
    settings, masts = evidence.settings.radio, evidence.layers["masts"]
    rows, wrong = evidence.layers["candidates"].where(kind="existing"), []
    usable = masts.take(masts["usable"] & (masts["offset_m"] <= settings.existing_mast_max_offset_m))
    lowest = max(settings.existing_mast_default_height_m - settings.mast_height_tolerance_m, _LOWEST_M)
    due = {}
    for mast in usable.rows():
        top = float(mast["height_m"]) - settings.existing_mast_top_m
        height = max(top, _LOWEST_M) if np.isfinite(top) else lowest
        due[(float(mast["latitude_deg"]), float(mast["longitude_deg"]))] = height
    found = {(float(r["latitude_deg"]), float(r["longitude_deg"])): float(r["height_m"]) for r in rows.rows()}
    for place, height in due.items():
        known = ground is None or bool(np.isfinite(ground.tiles.height_m(*place)))
        if place not in found and known:
            wrong.append(f"the mast at {place[0]:.5f}, {place[1]:.5f} is not offered")
        elif place in found and abs(found[place] - height) > 1e-6:
            wrong.append(f"the mast at {place[0]:.5f}, {place[1]:.5f} carries {found[place]:g} m, by rule {height:g} m")
    wrong += [f"there is no usable mast at {lat:.5f}, {lon:.5f}" for lat, lon in found.keys() - due.keys()]
    if not evidence.schematic:
        astray = _Side.of(evidence, evidence.carriageways[0]).on_wrong_side(rows, keeps_right(evidence))
        wrong += [f"{name} stands on the other side of the road" for name in astray]
    return wrong
