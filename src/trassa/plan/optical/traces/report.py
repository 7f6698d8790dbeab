"""What a trace says about a planned line, in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trassa.optical.otdr import Location, Repair, Trace
from trassa.optical.services.cut_answer import CutAnswer
from trassa.road.model import Road

__all__ = ["Finding", "TraceReport"]


@dataclass(frozen=True)
class Finding:
    """One thing that a trace shows, at a place of the road with an interval."""

    what: str
    location: Location
    measure_m: float
    low_m: float
    high_m: float
    loss_db: float | None


@dataclass(frozen=True)
class TraceReport:
    """What a trace says. ``cut`` tells who notices if the whole cable is cut where the fibre breaks.

    ``index`` is the group index of the distances; ``baselines`` counts the traces that taught, ``repairs`` are known.
    """

    road: Road
    fibre: str
    use: str
    trace: Trace
    index: float
    baselines: int
    repairs: tuple[Repair, ...]
    findings: tuple[Finding, ...]
    whole: bool
    cut: CutAnswer | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        cut = self.cut
        return {
            "road": self.road.ref,
            "fibre": self.fibre,
            "use": self.use,
            "wavelength_nm": self.trace.wavelength_nm,
            "pulse_ns": self.trace.pulse_ns,
            "index": self.index,
            "calibrated_by": self.baselines,
            "epoch": len(self.repairs),
            "whole": self.whole,
            "repairs": [
                {"after": r.after, "before": r.before, "inserted_m": round(r.inserted_m, 1)} for r in self.repairs
            ],
            "findings": [self._row(one) for one in self.findings],
            "stranded": [one.connection for one in cut.stranded] if cut else [],
            "carried": [one.connection for one in cut.lessened if np.isfinite(one.after_us)] if cut else [],
            "notes": list(self.notes),
        }

    def _row(self, one: Finding) -> dict[str, Any]:
        text, where = self.road.calibration.text, one.location
        return {
            "what": one.what,
            "optical_m": round(where.fibre_m, 1),
            "measure_m": round(one.measure_m, 1),
            "label": text(one.measure_m),
            "from": text(one.low_m),
            "to": text(one.high_m),
            "low_m": round(one.low_m, 1),
            "high_m": round(one.high_m, 1),
            "probability": where.probability,
            "before": where.before.name,
            "behind": where.behind.name,
            "nearest": where.nearest.name,
            "loss_db": None if one.loss_db is None else round(one.loss_db, 3),
        }

    def sentences(self) -> list[str]:
        """What was found, in the order of distance."""
        traces = f"{self.baselines} trace{'s' if self.baselines > 1 else ''}"
        basis = f"calibrated by {traces}" if self.baselines else "not calibrated: no baseline"
        said = [
            f"fibre {self.fibre} ({self.use}), {self.trace.wavelength_nm:g} nm, {self.trace.pulse_ns:g} ns; {basis}"
        ]
        said += [
            f"a repair between {one.after} and {one.before} put in {one.inserted_m:.0f} m of fibre"
            for one in self.repairs
        ]
        said += [self._said(one) for one in self.findings]
        if self.whole:
            said.append("the fibre is whole to its end")
        if self.cut is not None:
            cut = self.cut
            carried = len(cut.lessened) - len(cut.stranded)
            longer = len(cut.noticed) - len(cut.lessened)
            said.append(
                f"if the cable is cut there: {len(cut.stranded)} connections are down, {carried} are carried by their "
                f"other way, {longer} go a longer way along the backbone, {cut.undisturbed} notice nothing"
            )
        return said + [f"note: {note}" for note in self.notes]

    def _said(self, one: Finding) -> str:
        place, where = self.road.text(one.measure_m), one.location
        size = "" if one.loss_db is None else f" of {one.loss_db:+.2f} dB"
        return (
            f"{one.what}{size} at {place}, {self.road.span_text(one.low_m, one.high_m)} with {where.probability:.0%}; "
            f"between {where.before.name} and {where.behind.name}, next to {where.nearest.name} "
            f"({where.fibre_m:.0f} m of fibre)"
        )
