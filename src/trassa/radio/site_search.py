"""The search for the cheapest sites that keep the promise on every bin, in rounds.

# RULE 1  The programme starts with a row for every sample point. A bin needs its servers at both edges, so the row of
          a sample point is necessary for the bins beside it: the programme's bound holds for the bins. Where losses
          cost nothing (a smooth Earth), or the step is that of the bins, it starts with the exact rows of all bins.
# RULE 2  Where a sample point has too few places, the bins beside it get exact rows of their own.
# RULE 3  The plan is tried on every bin. A bin that falls short gets its exact row, and so do its neighbours, since
          the next plan would fail there; then the programme is solved again. The neighbourhood grows from round to
          round, so that the rounds end even where every plan has an equal that fails elsewhere.
          Without cuts a plan is mended there first (:mod:`trassa.radio.siting_repair`): as long as it stays within the
          gap of the bound, the whole programme need not be solved again.
# RULE 4  A bin that fewer places than promised can serve is asked for what there is, and named as unserved.
# RULE 5  The rounds end when no bin falls short.
# RULE 6  A window of a handover is a bin like any other, only longer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.errors import TrassaError
from trassa.provenance import Progress, no_progress
from trassa.radio.bins import Bins, Points, sample_points
from trassa.radio.budget import Budget
from trassa.radio.candidates import Candidates
from trassa.radio.coverage import Rows, no_harder_than, rows_of, served_slots, stacked
from trassa.radio.cuts import Cut
from trassa.radio.field import LossBook
from trassa.radio.links import Links
from trassa.radio.paths import Paths
from trassa.radio.recount import short_bins
from trassa.radio.settings import RadioSettings
from trassa.radio.siting import Solution, missing_servers, solve_siting
from trassa.radio.siting_repair import mended
from trassa.road.alignment import STEP_M

__all__ = ["Found", "LossTable", "SiteSearch"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_NEIGHBOURS = 10
"""Bins on each side of a failing one that get exact rows with it: 100 m, about the length of a dip in the field."""
_PATIENT_ROUNDS = 4
"""After so many rounds the neighbourhood doubles with every further one."""
_ROUNDS = 40
_WHOLE_ROUNDS = 4
"""So often the whole programme is solved before its plan is mended."""
_MENDINGS, _MENDING_S = 30, 10.0
"""So often a plan is mended before the whole programme is solved again, and so long one mending may take."""
_LEAST_S = 1.0


@dataclass(frozen=True)
class LossTable:
    """Losses from all places to some points; ``links.receiver`` indexes ``points``, which are in rising order.

    ``bins`` are those whose exact rows the points are for; the table of the sample points has none.
    """

    points: IntArray
    links: Links
    bins: IntArray


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    ``need`` has shape (bins,): the servers each bin is asked for, 0 where it is exempt, below the promise where fewer
    places reach it. ``relaxed`` names those bins. ``seconds`` are spent in the solver over all rounds.
    """

    result: Solution
    need: IntArray
    relaxed: IntArray
    rounds: int
    seconds: float


class SiteSearch:
    """The search over one road. Losses are computed once; another budget only asks for other rows."""

    def __init__(
        self, paths: Paths, candidates: Candidates, points: Points, bins: Bins, settings: RadioSettings
    ) -> None:
        self.book = LossBook(paths, candidates, points, bins)
        self.candidates, self.points, self.bins, self.settings = candidates, points, bins, settings
        self.tables: list[LossTable] = []
        self._paths = paths
        self._options = len(candidates.options)
        self._parts: list[Rows] = []
        self._lowered: dict[tuple[int, int], int] = {}
        self._extra_db = np.zeros(len(points))

    @property
    def servers(self) -> int:
        """Distinct places that must serve: one more than may be down."""
        return 2 if self.settings.any_site_down else 1

    @property
    def exact(self) -> IntArray:
        """The bins that have exact rows so far."""
        return np.concatenate([np.empty(0, dtype=np.int64), *(table.bins for table in self.tables)])

    def sample(self, progress: Progress = no_progress) -> LossTable:
        """Losses from all places to the points the search begins with; the first call computes them."""
        if not self.tables:
            at, bins = self._first_points()
            links = self._paths.links(self.candidates, self.points.take(at), progress)
            self.tables.append(LossTable(at, links, bins))
        return self.tables[0]

    def _first_points(self) -> tuple[IntArray, IntArray]:
        """The sample points, or by RULE 1 the edges of all bins that differ, and these bins."""
        counted = self.bins.counted
        if self._paths.by_measure_only:
            measures = self.points.measure_m[np.column_stack([self.bins.start, self.bins.end])[counted]]
            _, first = np.unique(measures, axis=0, return_index=True)
            counted = counted[np.sort(first)]
        elif self.settings.siting_step_m > STEP_M:
            short = self.bins.take(np.flatnonzero(self.bins.end - self.bins.start == 1))
            return sample_points(short, self.settings.siting_step_m), np.empty(0, dtype=np.int64)
        return self.bins.take(counted).points, counted

    def find(
        self,
        budget: Budget,
        progress: Progress = no_progress,
        cuts: Sequence[Cut] = (),
        extra_db: FloatArray | None = None,
    ) -> Found:
        """The cheapest sites under one budget that keep all cuts.

        ``extra_db`` (points,) asks for more than the need on some points, as far as there are places that give it; the
        bound is then that of this harder programme. The status is ``infeasible`` where no plan keeps the cuts.
        """
        self.sample()
        self._extra_db = np.zeros(len(self.points)) if extra_db is None else extra_db
        self._parts, self._lowered = [self._part(table, budget) for table in self.tables], {}
        self._make_exact(self._beside_weak_samples(), budget)
        spent_s, cost_minor = 0.0, self.candidates.cost_minor.ravel()
        for number in range(1, _ROUNDS + 1):
            need = self._need()
            rows = self._rows(need)
            left_s = max(_LEAST_S, self.settings.siting_time_limit_s - spent_s)
            terms, gap = [(cut.lifting, cut.crowding) for cut in cuts], self.settings.siting_gap
            result = solve_siting(rows, cost_minor, self._options, gap=gap, time_limit_s=left_s, cuts=terms)
            spent_s += result.seconds
            if result.status == "infeasible":
                if not self._lower(rows):
                    return Found(result, need, self._relaxed(need), number, spent_s)
                continue
            short = self._short(result, budget, need)
            if not len(short):
                return Found(result, need, self._relaxed(need), number, spent_s)
            if number >= _WHOLE_ROUNDS and not cuts:
                plan = self._mended(result, short, budget)
                if plan is not None:
                    need = self._need()
                    return Found(plan, need, self._relaxed(need), number, spent_s + plan.seconds)
            self._make_exact(self._with_neighbours(short, number), budget)
            progress(number / (number + 1.0))
        raise TrassaError(
            f"radio: the siting still misses bins after {_ROUNDS} rounds", cure="a smaller radio.siting_step_m"
        )

    def _mended(self, plan: Solution, short: IntArray, budget: Budget) -> Solution | None:
        """The plan mended until no bin falls short; None where that takes too long, or more than the gap."""
        began, cost_minor = time.monotonic(), self.candidates.cost_minor.ravel()
        for _ in range(_MENDINGS):
            self._make_exact(self._with_neighbours(short, 1), budget)
            need = self._need()
            slots = mended(self._rows(need), plan.slots, cost_minor, self._options, time_limit_s=_MENDING_S)
            if slots is None:
                break
            cost = sum(int(cost_minor[slot]) for slot in slots)
            plan = replace(plan, slots=slots, cost_minor=cost)
            if plan.gap > self.settings.siting_gap:
                break
            short = self._short(plan, budget, need)
            if not len(short):
                return replace(plan, seconds=time.monotonic() - began)
        return None

    def heard_on(self, bins: IntArray, budget: Budget) -> list[tuple[IntArray, FloatArray]]:
        """For each of some bins the slots with a link to it, and the loss at its better edge in dB.

        Gives the bins exact rows.
        """
        self._make_exact(bins, budget)
        found: dict[int, tuple[IntArray, FloatArray]] = {}
        for table in self.tables:
            for bin_ in np.intersect1d(table.bins, bins).tolist():
                edges = (np.searchsorted(table.points, at) for at in (self.bins.start[bin_], self.bins.end[bin_]))
                losses = np.minimum(*(self._losses_at(table.links, int(edge)) for edge in edges))
                slots = np.flatnonzero(np.isfinite(losses))
                found[bin_] = (slots, losses[slots])
        return [found[bin_] for bin_ in bins.tolist()]

    def _losses_at(self, links: Links, point: int) -> FloatArray:
        """The loss from every slot to one of the points of a table; infinite where there is no link."""
        losses = np.full(self.candidates.cost_minor.size, np.inf)
        rows = np.flatnonzero(links.receiver == point)
        place = np.searchsorted(links.place_start, rows, side="right") - 1
        slots = place[:, None] * self._options + np.arange(self._options)
        losses[slots.ravel()] = links.loss_db[rows].ravel()
        return losses

    def _relaxed(self, need: IntArray) -> IntArray:
        return np.flatnonzero((need < self.servers) & (self.bins.exempt == ""))

    def _short(self, result: Solution, budget: Budget, need: IntArray) -> IntArray:
        """The bins that fall short and have no exact row yet; one that has cannot, or two computations disagree."""
        self.book.open({slot // self._options for slot in result.slots})
        short = short_bins(self.book, result.slots, budget, need, self._extra_on_bins())
        fresh = np.setdiff1d(short, self.exact)
        if len(short) and not len(fresh):
            raise TrassaError(
                f"radio: the solver's plan ({result.status}) leaves {len(short)} bins short that it has rows for",
                cure="a longer radio.siting_time_limit_s",
            )
        return fresh

    def _part(self, table: LossTable, budget: Budget) -> Rows:
        if not self._extra_db[table.points].any():
            return self._rows_over(table, budget.largest_loss_db)
        harder = self._rows_over(table, budget.largest_loss_db - self._extra_db[table.points])
        return no_harder_than(harder, self._rows_over(table, budget.largest_loss_db))

    def _extra_on_bins(self) -> FloatArray:
        """What every bin asks for over its need; nothing where it has exact rows, which already say so."""
        start, end = self.bins.start, self.bins.end
        extra_db: FloatArray = self._extra_db[start]
        for step in range(1, int((end - start).max(initial=1)) + 1):
            extra_db = np.maximum(extra_db, self._extra_db[np.minimum(start + step, end)])
        extra_db[self.exact] = 0.0
        return extra_db

    def _rows_over(self, table: LossTable, largest_loss_db: float | FloatArray) -> Rows:
        serves = served_slots(table.links, largest_loss_db, len(table.points))
        if len(table.bins):
            edges = self.bins.start[table.bins], self.bins.end[table.bins]
        else:
            edges = table.points, table.points
        start, end = (np.searchsorted(table.points, edge) for edge in edges)
        rows = rows_of(serves, start, end, self.servers, self._options)
        return Rows(edges[0], edges[1], rows.need, rows.serves)

    def _make_exact(self, bins: IntArray, budget: Budget) -> None:
        """Give these bins exact rows."""
        bins = np.setdiff1d(bins, self.exact)
        if not len(bins):
            return
        at = self.bins.take(bins).points
        self.tables.append(LossTable(at, self._paths.links(self.candidates, self.points.take(at)), bins))
        self._parts.append(self._part(self.tables[-1], budget))

    def _need(self) -> IntArray:
        """Servers asked for on every bin, by RULE 4."""
        need = np.where(self.bins.exempt == "", self.servers, 0).astype(np.int64)
        for table, part in zip(self.tables, self._parts, strict=True):
            if len(table.bins):
                need[table.bins] = part.need
        for (start, end), allowed in self._lowered.items():
            if start != end:
                need[(self.bins.start == start) & (self.bins.end == end)] = allowed
        return need

    def _rows(self, need: IntArray) -> Rows:
        """All rows of the programme: a sample point asks for no more than one of the bins beside it."""
        at_point = np.zeros(len(self.points), dtype=np.int64)
        np.maximum.at(at_point, self.bins.start, need)
        np.maximum.at(at_point, self.bins.end, need)
        parts: list[Rows] = []
        for table, part in zip(self.tables, self._parts, strict=True):
            asked = need[table.bins] if len(table.bins) else np.minimum(part.need, at_point[part.start])
            for start, end in self._lowered:
                if start == end and not len(table.bins):
                    asked[part.start == start] = 0
            parts.append(Rows(part.start, part.end, asked, part.serves))
        return stacked(parts)

    def _lower(self, rows: Rows) -> bool:
        """Ask less of rows that want different options of one place: of a sample point nothing, of a bin the rest.

        False where no row does.
        """
        cost = self.candidates.cost_minor.ravel()
        missing = missing_servers(rows, cost, self._options, time_limit_s=self.settings.siting_time_limit_s)
        for row in np.flatnonzero(missing):
            start, end = int(rows.start[row]), int(rows.end[row])
            self._lowered[start, end] = 0 if start == end else int(rows.need[row] - missing[row])
        return bool(missing.any())

    def _beside_weak_samples(self) -> IntArray:
        if len(self.tables[0].bins):
            return np.empty(0, dtype=np.int64)
        samples = self._parts[0]
        weak = np.zeros(len(self.points), dtype=bool)
        weak[samples.start[samples.need < self.servers]] = True
        beside = weak[self.bins.start] | weak[self.bins.end]
        return np.flatnonzero(beside & (self.bins.exempt == ""))

    def _with_neighbours(self, bins: IntArray, number: int) -> IntArray:
        wide = _NEIGHBOURS * 2 ** max(0, number - _PATIENT_ROUNDS)
        close = np.zeros(len(self.bins) + 1, dtype=np.int64)
        np.add.at(close, np.maximum(bins - wide, 0), 1)
        np.add.at(close, np.minimum(bins + wide + 1, len(self.bins)), -1)
        return np.intersect1d(np.flatnonzero(np.cumsum(close[:-1])), self.bins.counted)
