"""Bends told from splices by two wavelengths: a bent fibre loses far more at the longer one, a splice about as much.

A macro-bend lets light out where the mode is wide, and the mode widens with the wavelength (IEC TR 62221): what loses
0.1 dB at 1310 nm loses a decibel at 1550 and more at 1625. The index differs from one wavelength to the other too,
so places are paired within a tolerance that grows along the fibre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.otdr.events import EventTable, FibreEvent

__all__ = ["Bend", "bends"]

_SIGNIFICANCE = 4.0
_REPEAT_DB = 0.02
_LEAST_EXTRA_DB = 0.1
_LEAST_RATIO = 1.5
_UNSEEN_SD_DB = 0.03
"""What may be there where the shorter wavelength shows nothing: the least loss that is called an event."""
_REPEAT_M = 5.0
_DISPERSION_RATIO = 1e-3
"""The group index of G.652 at 1310 and at 1625 nm differs by less than this."""
_BEHIND_PULSES = 10.0


@dataclass(frozen=True)
class Bend:
    """One place where the longer wavelength loses more: its event there, and the loss at the shorter one, dB."""

    event: FibreEvent
    shorter_db: float
    extra_sd_db: float

    @property
    def extra_db(self) -> float:
        """What the longer wavelength loses more."""
        return self.event.loss_db - self.shorter_db


def bends(shorter: EventTable, longer: EventTable) -> tuple[Bend, ...]:
    """The bends of one fibre seen from one end at two wavelengths, in order of distance by the longer one's index.

    An end at the longer wavelength behind which the shorter one still sees fibre is a bend too.
    """
    old, new = shorter.passed, longer.passed
    partner = {event: old[place] for event, place in _pairs(shorter, longer)}
    found: list[Bend] = []
    for number, event in enumerate(new):
        if not _reaches(shorter, event.fibre_m, 0.0):
            continue
        beside = partner.get(number)
        less_db, less_sd_db = (beside.loss_db, beside.loss_sd_db) if beside else (0.0, _UNSEEN_SD_DB)
        sd_db = float(np.sqrt(event.loss_sd_db**2 + less_sd_db**2 + 2.0 * _REPEAT_DB**2))
        bend = Bend(event, less_db, sd_db)
        if bend.extra_db > max(_LEAST_EXTRA_DB, _SIGNIFICANCE * sd_db) and event.loss_db > _LEAST_RATIO * less_db:
            found.append(bend)
    end = longer.end
    if end is not None and _reaches(shorter, end.fibre_m, _BEHIND_PULSES * (shorter.pulse_m + longer.pulse_m)):
        near = [event for event in old if abs(event.fibre_m - end.fibre_m) <= _apart_m(shorter, longer, end.fibre_m)]
        less_db = sum(event.loss_db for event in near)
        found.append(Bend(end, less_db, float(np.hypot(end.loss_sd_db, _UNSEEN_SD_DB))))
    return tuple(found)


def _pairs(shorter: EventTable, longer: EventTable) -> list[tuple[int, int]]:
    """Pairs (event of the longer, event of the shorter wavelength)."""
    old = np.array([event.fibre_m for event in shorter.passed])
    new = np.array([event.fibre_m for event in longer.passed])
    sd_m = float(np.hypot(_REPEAT_M, max(shorter.pulse_m, longer.pulse_m) / 4.0))
    rules = Pairing(sd_m, _DISPERSION_RATIO / 2.0, 4.0 * sd_m, _DISPERSION_RATIO, missing_cost=6.0, extra_cost=6.0)
    return paired(new, old, rules) if old.size and new.size else []


def _reaches(table: EventTable, fibre_m: float, behind_m: float) -> bool:
    return table.first_m <= fibre_m and fibre_m + behind_m + fibre_m * _DISPERSION_RATIO < table.last_m


def _apart_m(one: EventTable, other: EventTable, fibre_m: float) -> float:
    return one.pulse_m + other.pulse_m + fibre_m * _DISPERSION_RATIO
