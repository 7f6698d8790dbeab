"""From planned fibre to what an OTDR measures: a prior from the plan, sharpened by closures it has seen.

The optical position of a point at planned fibre f is f plus a Gaussian field whose covariance names the causes::

    lead       patch cords at the hut                         constant
    common     index, helix and slack of the whole cable      grows with f
    reel       helix and slack of each reel                   grows within its reel
    loop       cable stored at each closure                   a step before the joint, a step behind it
    uneven     slack that does not lie evenly                 grows with the root of f

Closures read in a healthy fibre are observations of that field. Without any, it is the honest interval of a plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.otdr.events import SAME_INDEX, EventTable, FibreEvent
from trassa.optical.otdr.fibre_path import FibrePath
from trassa.optical.settings import OpticalSettings

__all__ = ["Calibration", "Prior", "Reading", "averaged", "calibrated", "matched", "uncalibrated"]

FloatArray = npt.NDArray[np.float64]
_GRID_M = 250.0
_OUTLIER = 4.0
_LONGEST_INSERT_M = 500.0
"""More cable than this is a new reel, and a new plan."""


@dataclass(frozen=True)
class Prior:
    """How far the built line may differ from its plan; standard deviations, ratios of the length they belong to.

    ``helix_tolerance`` is half the range of the cable's helix ratio (0.97 to 0.98), ``index_tolerance`` that of the
    index, ``slack_tolerance`` that of the slack ratio, all evenly spread. ``reading_sd_m`` is how far one closure
    lies differently in different fibres of one cable.
    """

    helix_tolerance_ratio: float = 0.005
    index_tolerance_ratio: float = 0.0012
    slack_tolerance_ratio: float = 0.004
    loop_sd_m: float = 5.0
    lead_sd_m: float = 5.0
    uneven_m_per_root_km: float = 4.0
    reading_sd_m: float = 14.0

    @classmethod
    def of(cls, rules: OpticalSettings) -> Prior:
        """The prior of a cable with the helix range and the tolerances of the settings."""
        helix = (rules.helix_ratio_high - rules.helix_ratio_low) / 2.0 / rules.helix_ratio
        return cls(helix_tolerance_ratio=helix, **rules.otdr.model_dump())

    @property
    def common_ratio(self) -> float:
        """Standard deviation of the scale of the whole cable."""
        parts = (self.helix_tolerance_ratio, self.index_tolerance_ratio, self.slack_tolerance_ratio)
        return float(np.sqrt(sum(part**2 for part in parts) / 3.0))

    @property
    def reel_ratio(self) -> float:
        """Standard deviation of the scale of one reel against the others."""
        return float(np.hypot(self.helix_tolerance_ratio, self.slack_tolerance_ratio) / np.sqrt(3.0))

    @property
    def pairing(self) -> Pairing:
        """How events and closures are paired under this prior."""
        step_ratio = float(np.hypot(self.common_ratio, self.reel_ratio))
        step_sd_m = float(np.hypot(np.sqrt(2.0) * self.reading_sd_m, 2.0 * self.loop_sd_m))
        return Pairing(step_sd_m, step_ratio, 6.0 * self.reading_sd_m, 3.0 * self.common_ratio)


@dataclass(frozen=True)
class Reading:
    """One place as the tables saw it: its number in ``path.seen``, mean position, tables that had it."""

    place: int
    fibre_m: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """The optical position of every point of the planned fibre, with its standard deviation.

    ``index`` is the group index of the tables it was learned from; None where there were none.
    """

    path: FibrePath
    prior: Prior
    readings: tuple[Reading, ...]
    index: float | None = None

    def check_index(self, table: EventTable) -> None:
        """Raise :class:`InputError` for a table at another index: distances would differ by more than closures do."""
        if self.index is not None and abs(table.index - self.index) > SAME_INDEX:
            raise InputError(
                f"event table at index {table.index:.5f}, calibration at {self.index:.5f}",
                cure=f"event_table(trace, index={self.index:.5f})",
            )

    @cached_property
    def grid_m(self) -> FloatArray:
        """Planned fibre at which the field is worked out: every 250 m, and on either side of every loop."""
        joints = self.path.seen_fibre_m
        even = np.arange(0.0, self.path.fibre_length_m, _GRID_M)
        return np.unique(np.concatenate((even, joints, joints + 1e-3)))

    @cached_property
    def mean_m(self) -> FloatArray:
        """Expected optical position at each point of the grid."""
        return self.grid_m + self._posterior[0]

    @cached_property
    def sd_m(self) -> FloatArray:
        """Standard deviation of the optical position at each point of the grid."""
        return self._posterior[1]

    def expected_m(self, planned_m: npt.ArrayLike) -> FloatArray:
        """Expected optical position of points of the planned fibre. Any shape."""
        return np.asarray(
            np.interp(np.asarray(planned_m, dtype=np.float64), self.grid_m, self.mean_m), dtype=np.float64
        )

    def planned_m(self, optical_m: npt.ArrayLike) -> FloatArray:
        """The point of the planned fibre that is expected at an optical position. Any shape."""
        rising = np.maximum.accumulate(self.mean_m)
        return np.asarray(np.interp(np.asarray(optical_m, dtype=np.float64), rising, self.grid_m), dtype=np.float64)

    def sd_at(self, planned_m: npt.ArrayLike) -> FloatArray:
        """Standard deviation of the optical position of points of the planned fibre. Any shape."""
        return np.asarray(np.interp(np.asarray(planned_m, dtype=np.float64), self.grid_m, self.sd_m), dtype=np.float64)

    @cached_property
    def strain(self) -> FloatArray:
        """How far each reading lies from what all others say, in standard deviations: leave-one-out in closed form."""
        _, precision, off = self._observed
        return np.asarray(np.abs(precision @ off) / np.sqrt(np.diag(precision)), dtype=np.float64)

    @cached_property
    def _posterior(self) -> tuple[FloatArray, FloatArray]:
        grid = self._causes(self.grid_m)
        variance = np.einsum("ij,ij->i", grid, grid) + self._uneven_m2 * self.grid_m
        if not self.readings:
            return np.zeros(self.grid_m.size), np.sqrt(variance)
        at, precision, off = self._observed
        across = grid @ self._causes(at).T + self._uneven_m2 * np.minimum(self.grid_m[:, None], at[None, :])
        known = np.einsum("ij,ij->i", across @ precision, across)
        return across @ (precision @ off), np.sqrt(np.maximum(variance - known, 0.0))

    @cached_property
    def _observed(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Planned fibre of the readings, the inverse of their covariance, and how far off they are."""
        at = self.path.seen_fibre_m[[reading.place for reading in self.readings]]
        seen = self._causes(at)
        noise = np.array([self.prior.reading_sd_m**2 / reading.count for reading in self.readings])
        covariance = seen @ seen.T + self._uneven_m2 * np.minimum(at[:, None], at[None, :]) + np.diag(noise)
        precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        return at, precision, np.array([reading.fibre_m for reading in self.readings]) - at

    @property
    def _uneven_m2(self) -> float:
        return self.prior.uneven_m_per_root_km**2 / 1000.0

    def _causes(self, planned_m: FloatArray) -> FloatArray:
        """What each cause of one standard deviation moves, shape (points, causes)."""
        joints = self.path.seen_fibre_m
        starts = np.concatenate(([0.0], joints[:-1]))
        f = planned_m[:, None]
        loop_m = self.prior.loop_sd_m / np.sqrt(2.0)
        return np.hstack(
            (
                np.full((planned_m.size, 1), self.prior.lead_sd_m),
                self.prior.common_ratio * f,
                self.prior.reel_ratio * np.clip(f - starts, 0.0, joints - starts),
                loop_m * (f >= joints),
                loop_m * (f > joints),
                self._unsure(f),
            )
        )

    def _unsure(self, planned_m: FloatArray) -> FloatArray:
        """Repairs whose place is not known: what lies before or behind a point between the joints on either side."""
        joints = np.concatenate(([0.0], self.path.seen_fibre_m))
        columns = [
            place.unsure_m / 2.0 * ((planned_m > joints[at]) & (planned_m < joints[at + 2]))
            for at, place in enumerate(self.path.seen)
            if place.unsure_m > 0.0
        ]
        return np.hstack(columns) if columns else np.empty((planned_m.shape[0], 0))


def uncalibrated(path: FibrePath, prior: Prior | None = None) -> Calibration:
    """The plan as it is, with all that may be off."""
    return Calibration(path, prior or Prior(), ())


def calibrated(path: FibrePath, tables: Sequence[EventTable], prior: Prior | None = None) -> Calibration:
    """Learn from tables of healthy fibres, all counted from the hut of the OTDR (see ``EventTable.reversed``).

    Each table is paired with the plan by itself, then once more with what the others taught; a reading that lies
    off by more than four standard deviations is left out. Raises :class:`InputError` for tables at different indices.
    """
    first = Calibration(path, prior or Prior(), (), tables[0].index if tables else None)
    for table in tables:
        first.check_index(table)
    rough = _trimmed(replace(first, readings=averaged([matched(first, table) for table in tables])))
    return _trimmed(replace(first, readings=averaged([matched(rough, table) for table in tables])))


def matched(calibration: Calibration, table: EventTable, *, shift_cost: float | None = None) -> dict[int, FibreEvent]:
    """The events of a table that are places of the path: number in ``path.seen`` to event.

    With ``shift_cost`` a repair may have put in cable between two of them (see :class:`Pairing`).
    """
    path, prior = calibration.path, calibration.prior
    events = [event for event in table.passed if event.fibre_m > 0.0]
    longer_m = 0.0 if shift_cost is None else _LONGEST_INSERT_M
    whole = table.end is not None and _is_far_end(calibration, table.end.fibre_m, longer_m)
    if table.end is not None and whole:
        events.append(table.end)
    expected = calibration.expected_m(path.seen_fibre_m)
    reach_m = table.last_m + 3.0 * prior.reading_sd_m
    places = np.flatnonzero((expected >= table.first_m) & (expected <= reach_m))
    if not events or places.size == 0:
        return {}
    rules = _pairing(calibration)
    if shift_cost is not None:
        rules = replace(rules, shift_cost=shift_cost, away_m=rules.away_m + _LONGEST_INSERT_M)
    whole = whole and int(places[-1]) == len(path.seen) - 1
    pairs = paired(np.array([event.fibre_m for event in events]), expected[places], rules, ends_together=whole)
    return {int(places[place]): events[event] for event, place in pairs}


def _pairing(calibration: Calibration) -> Pairing:
    """Once closures are known, what one reading may be off is all that is left."""
    rules, prior = calibration.prior.pairing, calibration.prior
    if not calibration.readings:
        return rules
    return Pairing(np.sqrt(2.0) * prior.reading_sd_m, prior.index_tolerance_ratio, 5.0 * prior.reading_sd_m, 2e-3)


def _is_far_end(calibration: Calibration, end_m: float, longer_m: float) -> bool:
    far_m = calibration.path.fibre_length_m
    doubt_m = np.hypot(calibration.sd_at(far_m), calibration.prior.reading_sd_m)
    return bool(abs(end_m - calibration.expected_m(far_m)) < 3.0 * doubt_m + longer_m)


def averaged(seen: Sequence[dict[int, FibreEvent]]) -> tuple[Reading, ...]:
    """One reading of each place from what :func:`matched` gives for several tables: the median."""
    places = sorted({place for events in seen for place in events})
    rows = [(place, [events[place].fibre_m for events in seen if place in events]) for place in places]
    return tuple(Reading(place, float(np.median(at)), len(at)) for place, at in rows)


def _trimmed(calibration: Calibration) -> Calibration:
    """Without the readings that contradict the rest, the worst first."""
    while len(calibration.readings) > 2:
        strain = calibration.strain
        worst = int(np.argmax(strain))
        if strain[worst] < _OUTLIER:
            break
        kept = (*calibration.readings[:worst], *calibration.readings[worst + 1 :])
        calibration = replace(calibration, readings=kept)
    return calibration
