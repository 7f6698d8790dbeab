"""From an optical distance to a place on the road's route: an estimate, an interval, the chambers on either side."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from trassa.errors import InputError
from trassa.optical.otdr.calibration import Calibration, matched
from trassa.optical.otdr.events import EventTable
from trassa.optical.otdr.fibre_path import FibrePlace

__all__ = ["Location", "located"]

_PROBABILITY = 0.99
_LEAST_SHIFT_SD_M = 5.0
_SCALE_SD = 2e-4
"""How far the zero and the clock of two instruments differ."""


@dataclass(frozen=True)
class Location:
    """Where a point of the fibre lies along the route from the hut.

    The truth lies within ``low_m`` to ``high_m`` with the stated ``probability``; ``before`` and ``behind`` are the
    nearest places outside that interval, so that the fault is between them; ``nearest`` is the place nearest to the
    estimate.
    """

    fibre_m: float
    route_m: float
    low_m: float
    high_m: float
    probability: float
    before: FibrePlace
    behind: FibrePlace
    nearest: FibrePlace
    calibrated: bool


def located(
    calibration: Calibration,
    optical_m: float,
    *,
    table: EventTable | None = None,
    count: int = 1,
    probability: float = _PROBABILITY,
) -> Location:
    """Locate one optical distance, read in ``count`` fibres and averaged, at the index of the calibration.

    With the ``table`` it was read from, closures seen on the way tell how that instrument's zero and clock differ.
    Raises :class:`InputError` for a distance off the fibre and for a table at another index.
    """
    prior, path = calibration.prior, calibration.path
    if table is not None:
        calibration.check_index(table)
    here_m, own_sd_m = _levelled(calibration, optical_m, table)
    at_m = float(calibration.planned_m(here_m))
    sd_m = float(np.sqrt(calibration.sd_at(at_m) ** 2 + prior.reading_sd_m**2 / count + own_sd_m**2))
    half_m = NormalDist().inv_cdf(0.5 + probability / 2.0) * sd_m
    if not -half_m <= here_m <= float(calibration.mean_m[-1]) + half_m:
        raise InputError(
            f"optical distance {optical_m:.0f} m: the fibre ends at {float(calibration.mean_m[-1]):.0f} m",
            cure="the hut and fibre that the trace was taken from",
        )
    low_m, high_m = (float(path.route_at(calibration.planned_m(here_m + side * half_m))) for side in (-1.0, 1.0))
    route_m = float(path.route_at(at_m))
    before = [place for place in path.places if place.route_m <= low_m]
    behind = [place for place in path.places if place.route_m >= high_m]
    nearest = min(path.places, key=lambda place: abs(place.route_m - route_m))
    return Location(
        optical_m, route_m, low_m, high_m, probability, before[-1], behind[0], nearest, bool(calibration.readings)
    )


def _levelled(calibration: Calibration, optical_m: float, table: EventTable | None) -> tuple[float, float]:
    """The distance as the calibration's instruments would have read it, and the doubt that this adds."""
    seen = matched(calibration, table) if table is not None and calibration.readings else {}
    places = [place for place, event in seen.items() if event.fibre_m < optical_m - 1.0]
    sds = np.array([_LEAST_SHIFT_SD_M, _SCALE_SD])
    if not places:
        return optical_m, float(np.hypot(sds[0], sds[1] * optical_m))
    planned = calibration.path.seen_fibre_m[places]
    at = np.array([seen[place].fibre_m for place in places])
    off = at - calibration.expected_m(planned)
    variance = calibration.sd_at(planned) ** 2 + calibration.prior.reading_sd_m**2
    design = np.column_stack((np.ones(at.size), at))
    precision = design.T @ (design / variance[:, None]) + np.diag(1.0 / sds**2)
    covariance = np.linalg.inv(precision)
    shift = covariance @ (design.T @ (off / variance))
    here = np.array([1.0, optical_m])
    return optical_m - float(here @ shift), float(np.sqrt(here @ covariance @ here))
