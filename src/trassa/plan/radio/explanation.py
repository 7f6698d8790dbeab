"""The answer to "who serves this place, and with what left over": cells, the budget line by line, failures and cure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from trassa.linear import ARROWS, Carriageway, Extent
from trassa.plan.amounts import amount_text
from trassa.radio.doppler import DopplerCheck
from trassa.road.model import Road

__all__ = ["BesideLoad", "CellTraffic", "Cure", "Explanation", "Need", "ServingCell", "Step", "WithoutSite"]


@dataclass(frozen=True)
class ServingCell:
    """One cell at the worse edge of the bin: the edge at which its site loses more.

    ``off_axis_deg`` is the bearing of the bin less the azimuth of the sector, NaN without direction; ``below_deg`` the
    angle below the horizon. ``margin_db`` has everything deducted.
    """

    cell: str
    site: str
    name: str
    distance_m: float
    off_axis_deg: float
    below_deg: float
    path_loss_db: float
    pattern_db: float
    back_off_db: float
    coupling_db: float
    rsrp_dbm: float
    margin_db: float


@dataclass(frozen=True)
class Step:
    """One line of the budget: what it adds to the margin in dB (or dBm where a level begins), and where it is from."""

    name: str
    size_db: float
    source: str


@dataclass(frozen=True)
class Need:
    """One of the promised needs: the median RSRP at which it is just met, and the margin of the best server over it."""

    name: str
    rsrp_dbm: float
    margin_db: float
    limits: bool


@dataclass(frozen=True)
class WithoutSite:
    """What is left when one of the serving sites is down; no server and NaN where nothing is in reach."""

    site: str
    server: str
    margin_db: float


@dataclass(frozen=True)
class BesideLoad:
    """What the plan says of the bin beside the load of the other cells; NaN where the plan says nothing."""

    neighbour_load: float
    sinr_db: float
    reliability: float
    down_reliability: float
    worst_down: str
    rate_down_mbps: float
    rate_up_mbps: float
    asked_reliability: float
    promised: bool


@dataclass(frozen=True)
class CellTraffic:
    """What the vehicles that a cell serves take of its resource elements, all sites up and with the worst one down.

    A load that is not finite is one that no cell could carry: some vehicle gets no rate. ``down_load`` is the larger.
    """

    cell: str
    load: float
    down_load: float
    worst_down: str
    bound: float

    def text(self) -> str:
        """A sentence."""
        down = f", {_share(self.down_load)} with {self.worst_down} down" if self.worst_down else ""
        return f"cell {self.cell} carries {_share(self.load)} of its resource elements{down}, at most {self.bound:.0%}"


@dataclass(frozen=True)
class Cure:
    """The cheapest single candidate that would serve the bin, or where none would, the one that comes nearest.

    Judged as a server against noise, at a place where no site of the plan stands.
    """

    name: str
    kind: str
    measure_m: float
    place: str
    height_m: float
    sectors: str
    tilt_deg: float
    back_off_db: float
    cost_minor: int
    currency: str
    margin_db: float

    def text(self) -> str:
        """A sentence."""
        hung = "" if self.sectors == "omni" else f", sectors {self.sectors}, tilt {self.tilt_deg:g}°"
        weaker = f", {self.back_off_db:g} dB below full power" if self.back_off_db else ""
        what = f"{self.name} ({self.kind}) at {self.place}, antenna at {self.height_m:g} m{hung}{weaker}"
        cost = amount_text(self.cost_minor, self.currency)
        if self.margin_db >= 0.0:
            return f"cheapest single site that serves here: {what}, {cost}: margin {self.margin_db:+.2f} dB"
        return f"no candidate serves here; nearest to it: {what}, {cost}: {-self.margin_db:.2f} dB short"


@dataclass(frozen=True)
class Explanation:
    """A bin explained. ``steps`` add up to the margin of the best server; empty where no site is in reach.

    ``traffic`` is that of the best server's cell, None where no traffic is promised. ``stored_margin_db`` is what the
    plan says. ``failures`` name what is promised and does not hold here.
    """

    road: Road
    carriageway: Carriageway
    measure_m: float
    extent: Extent
    exempt: str
    cells: tuple[ServingCell, ...]
    steps: tuple[Step, ...]
    needs: tuple[Need, ...]
    without: tuple[WithoutSite, ...]
    beside_load: BesideLoad
    traffic: CellTraffic | None
    doppler: DopplerCheck
    speed_kmh: float
    stored_margin_db: float
    failures: tuple[str, ...]
    told: tuple[str, ...]
    cure: Cure | None

    @property
    def margin_db(self) -> float:
        """Margin of the best server, NaN where there is none."""
        return self.cells[0].margin_db if self.cells else math.nan

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON; unknown numbers are null."""
        calibration = self.road.calibration
        return {
            "road": self.road.ref,
            "carriageway": self.carriageway,
            "measure_m": round(self.measure_m, 3),
            "label": calibration.text(self.measure_m),
            "bin": {"start_m": self.extent.start_m, "end_m": self.extent.end_m, "exempt": self.exempt},
            "cells": [_json(asdict(cell)) for cell in self.cells],
            "budget": [_json(asdict(step)) for step in self.steps],
            "needs": [_json(asdict(need)) for need in self.needs],
            "margin_db": _number(self.margin_db),
            "stored_margin_db": _number(self.stored_margin_db),
            "with_site_down": [_json(asdict(one)) for one in self.without],
            "beside_load": _json(asdict(self.beside_load)),
            "traffic": None if self.traffic is None else _json(asdict(self.traffic)),
            "doppler": _json(asdict(self.doppler)) | {"within_tested": self.doppler.within_tested},
            "failures": list(self.failures),
            "told": list(self.told),
            "cure": None if self.cure is None else _json(asdict(self.cure)),
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal, a cell a row, the best first."""
        header = ["cell", "distance m", "off axis °", "path dB", "pattern dB", "back-off dB", "coupling dB", "RSRP dBm"]
        rows = [
            [
                cell.cell,
                f"{cell.distance_m:.0f}",
                "–" if math.isnan(cell.off_axis_deg) else f"{cell.off_axis_deg:+.1f}",
                *(f"{value:.2f}" for value in (cell.path_loss_db, cell.pattern_db, cell.back_off_db)),
                f"{cell.coupling_db:.2f}",
                f"{cell.rsrp_dbm:.2f}",
                f"{cell.margin_db:+.2f}",
            ]
            for cell in self.cells
        ]
        return [*header, "margin dB"], rows

    def text(self) -> str:
        """What the table leaves open: the budget, what limits, what fails with which site, and the cure."""
        place = f"{self.road.span_text(self.extent.start_m, self.extent.end_m)} {ARROWS[self.carriageway]}"
        counted = f"does not count: {self.exempt}" if self.exempt else "counts"
        lines = [f"{place} ({counted})", *self._budget_lines(), *self._down_lines(), *self._load_lines()]
        lines += [self.traffic.text()] if self.traffic is not None else []
        lines.append(self._doppler_line())
        lines += [f"FAILS: {failure}" for failure in self.failures]
        lines += [f"the plan says: {sentence}" for sentence in self.told]
        return "\n".join(lines if self.cure is None else [*lines, self.cure.text()])

    def _budget_lines(self) -> list[str]:
        if not self.cells:
            return ["no site is in reach"]
        width = max(len(step.name) for step in self.steps)
        lines = [f"best server {self.cells[0].cell} ({self.cells[0].name}):"]
        lines += [f"  {step.name:<{width}}  {step.size_db:+9.2f}  {step.source}".rstrip() for step in self.steps]
        lines.append(f"  {'margin':<{width}}  {self.margin_db:+9.2f}  dB")
        limits = "; ".join(
            f"{need.name} needs {need.rsrp_dbm:.1f} dBm, margin {need.margin_db:+.2f} dB{' (limits)' * need.limits}"
            for need in self.needs
        )
        return [*lines, f"needs: {limits}"]

    def _down_lines(self) -> list[str]:
        told = [
            f"without {one.site}: "
            + (f"{one.server} serves with {one.margin_db:+.2f} dB" if one.margin_db >= 0.0 else _lost(one))
            for one in self.without
        ]
        return told or ["no site serves here"]

    def _load_lines(self) -> list[str]:
        load = self.beside_load
        if math.isnan(load.reliability):
            return []
        beside = f"beside a load of {load.neighbour_load:.0%}"
        sinr = "no cell serves" if math.isnan(load.sinr_db) else f"median SINR {load.sinr_db:.1f} dB"
        down = f", {load.down_reliability:.4f} with {load.worst_down} down" if load.worst_down else ""
        asked = f" (promised {load.asked_reliability:g})" if load.promised else " (not promised)"
        rates = f"{load.rate_down_mbps:.4g} Mbit/s down and {load.rate_up_mbps:.4g} up at {load.asked_reliability:g}"
        return [f"{beside}: {sinr}, reliability {load.reliability:.4f}{down}{asked}", f"connection: {rates}"]

    def _doppler_line(self) -> str:
        one = self.doppler
        shift = f"Doppler at {self.speed_kmh:g} km/h: {one.doppler_hz:.0f} Hz"
        ceiling = f"leaves an SINR of {one.sinr_ceiling_db:.0f} dB at most"
        if one.tested_hz is None:
            return f"{shift}, {one.source}; {ceiling}"
        verdict = "within" if one.within_tested else "BEYOND"
        return f"{shift}, {verdict} the {one.tested_hz:.0f} Hz of {one.source}; {ceiling}"


def _lost(one: WithoutSite) -> str:
    return f"not served, {one.server} lacks {-one.margin_db:.2f} dB" if one.server else "not served, nothing in reach"


def _share(load_ratio: float) -> str:
    return f"{load_ratio:.1%}" if math.isfinite(load_ratio) else "more than all"


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in row.items()}
