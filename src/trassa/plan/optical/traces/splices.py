"""Splices judged by traces from both ends of a fibre: the two-way mean against the limit at which a joint is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import InputError
from trassa.optical.otdr import TwoWayLoss, read_sor, two_way_events, two_way_losses
from trassa.plan.optical.questions import PlannedLine, planned_line
from trassa.plan.optical.traces.csv_text import csv_text
from trassa.plan.optical.traces.fibre import TracedFibre, traced_fibre
from trassa.plan.optical.traces.learning import Scale, healthy_tables, learned, table_at
from trassa.plan.optical.traces.store import TraceStore
from trassa.plan.optical.traces.tables import naming, table_of
from trassa.road.model import Road

__all__ = ["JudgedSplice", "SpliceReport", "planned_splices", "splices"]

_COLUMNS = ("fibre", "closure", "label", "distance_m", "loss_db", "loss_sd_db", "one_way_db", "other_way_db", "verdict")
_HEADS = ("fibre", "closure", "place", "m", "dB", "± dB", "one way", "other way", "verdict")


@dataclass(frozen=True)
class JudgedSplice:
    """One joint of one fibre; ``measure_m`` is None without a plan."""

    fibre: str
    loss: TwoWayLoss
    measure_m: float | None
    limit_db: float

    @property
    def verdict(self) -> str:
        """Accepted at the limit or below, else rejected; doubtful where the noise of the traces could turn it."""
        away_db = self.loss.loss_db - self.limit_db
        if abs(away_db) < 2.0 * self.loss.loss_sd_db:
            return "doubtful"
        return "rejected" if away_db > 0.0 else "accepted"


@dataclass(frozen=True)
class SpliceReport:
    """Every joint that both traces of a fibre show, judged."""

    rows: tuple[JudgedSplice, ...]
    road: Road | None

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        counts = {word: sum(row.verdict == word for row in self.rows) for word in ("accepted", "rejected", "doubtful")}
        return {"splices": [self._cells(row) for row in self.rows], **counts}

    def as_csv(self) -> str:
        """One row per joint under the names of the JSON, in CSV (RFC 4180)."""
        return csv_text(_COLUMNS, (self._cells(row) for row in self.rows))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        rows = [["" if cell is None else str(cell) for cell in self._cells(row).values()] for row in self.rows]
        return list(_HEADS), rows

    def _cells(self, row: JudgedSplice) -> dict[str, Any]:
        loss, label = row.loss, None
        if self.road is not None and row.measure_m is not None:
            label = self.road.calibration.text(row.measure_m)
        values = (
            row.fibre,
            loss.name,
            label,
            round(loss.fibre_m, 1),
            round(loss.loss_db, 3),
            round(loss.loss_sd_db, 3),
            _rounded(loss.from_hut_db),
            _rounded(loss.from_far_db),
            row.verdict,
        )
        return dict(zip(_COLUMNS, values, strict=True))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def splices(one: Path, other: Path, *, limit_db: float) -> SpliceReport:
    """Joints of one fibre from two files, taken from either end, without a plan.

    Raises :class:`InputError` for files that are no traces or not of one whole fibre.
    """
    traces = read_sor(one), read_sor(other)
    there, back = traces
    tables = table_of(there), table_of(back, there.index)
    with naming(*traces):
        found = two_way_events(*tables)
    return SpliceReport(tuple(JudgedSplice(there.fibre, loss, None, limit_db) for loss in found), None)


def planned_splices(
    folder: Path, *, hut: str, towards: str = "", fibre: int | None = None, cable: int = 1, limit_db: float
) -> SpliceReport:
    """Joints of all fibres of a span that the project keeps traces of from both huts; or of one of them.

    Raises :class:`InputError` where there is no such fibre.
    """
    plan, store = planned_line(folder), TraceStore.of(folder)
    first = traced_fibre(plan, hut, 1 if fibre is None else fibre, towards, cable=cable)
    numbers = sorted({one.fibre for one in store.of_span(first.cable, (first.hut, first.far))})
    rows: list[JudgedSplice] = []
    for number in numbers if fibre is None else [fibre]:
        ours = traced_fibre(plan, first.hut, number, first.far, cable=cable)
        rows += _of_fibre(plan, ours, store, limit_db) if ours.is_through else []
    if not rows:
        raise InputError(
            f"splices: no fibre of {first.cable} between {first.hut} and {first.far} has stored traces of one "
            "wavelength from both huts",
            cure=f"trassa optical baseline {folder} TRACE.sor --from {first.far} --to {first.hut} --fibre N"
            + (f" --cable {cable}" if cable > 1 else ""),
        )
    return SpliceReport(tuple(rows), plan.road)


def _of_fibre(plan: PlannedLine, ours: TracedFibre, store: TraceStore, limit_db: float) -> Sequence[JudgedSplice]:
    """By the latest traces from both huts, at the wavelength of the latest from this one that has both."""
    stored = [one for one in store.of_span(ours.cable, (ours.hut, ours.far)) if one.fibre == ours.number]
    there = [one for one in stored if one.hut == ours.hut]
    for here in there[::-1]:
        back = [one for one in stored if one.hut != ours.hut and abs(one.wavelength_nm - here.wavelength_nm) < 20.0]
        if not back:
            continue
        trace = store.trace(here)
        scale = Scale.of(trace)
        known = learned(plan, ours, store, healthy_tables(plan, ours, store, scale))
        traces = trace, store.trace(back[-1])
        tables = [table_at(one, scale) for one in traces]
        with naming(*traces):
            found = two_way_losses(known.calibration, *tables)
        return [JudgedSplice(str(ours.number), loss, ours.measure_m(loss.route_m or 0.0), limit_db) for loss in found]
    return []
