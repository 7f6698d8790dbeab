"""The power budget of a link: what is lost on the way, and the cheapest transceiver that bears it.

::

    typical loss      fibre · attenuation + splices + connectors          as planned
    end-of-life loss  typical + repair margin + helix allowance           the most, in its last year
    first-day loss    typical · first-day ratio                           the least, of good new fibre
    closes when       end-of-life loss + attenuator ≤ budget   and   first-day loss + attenuator ≥ least loss

A receiver near its transmitter is overloaded: a fixed attenuator of whole decibels brings the loss up. Planning
values are upper values: against overload the line must be taken as better than planned.

Where acceptance measured splices or attenuation, they stand in the typical loss in place of the planned values, and all
rules hold around it as they do around the planned one: what was measured is not taken for the least loss, since its
mean over fibres is no bound for one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from trassa.optical.plant.measured import NOTHING_BEYOND, Beyond
from trassa.optical.settings import OpticalSettings, TransceiverClass

__all__ = [
    "CONNECTORS",
    "PIGTAIL_SPLICES",
    "Closing",
    "LinkBudget",
    "closing",
    "end_of_life_loss_db",
    "typical_loss_db",
]

FloatArray = npt.NDArray[np.float64]

CONNECTORS = 2
"""Connectors of a link or span: one patch panel at each end."""

PIGTAIL_SPLICES = 2
"""Splices that join the pigtails of both patch panels."""


def typical_loss_db(
    fibre_m: npt.ArrayLike,
    splices: npt.ArrayLike,
    band: Literal["1310", "1550"],
    rules: OpticalSettings,
    beyond: Beyond = NOTHING_BEYOND,
) -> FloatArray:
    """Loss from patch panel to patch panel; ``splices`` without the two pigtails', ``beyond`` what was measured more.

    Any shape.
    """
    fibre_km = np.asarray(fibre_m, dtype=np.float64) / 1000.0
    spliced = (np.asarray(splices, dtype=np.float64) + PIGTAIL_SPLICES) * rules.splice_loss_db
    planned = fibre_km * rules.attenuation_db_per_km(band) + spliced + CONNECTORS * rules.connector_loss_db
    return np.asarray(planned + beyond.loss_db(band), dtype=np.float64)


def end_of_life_loss_db(
    fibre_m: npt.ArrayLike,
    splices: npt.ArrayLike,
    band: Literal["1310", "1550"],
    rules: OpticalSettings,
    beyond: Beyond = NOTHING_BEYOND,
) -> FloatArray:
    """Loss with repairs, and with as much fibre as the least helix ratio puts into the sheath. Any shape."""
    longest_m = np.asarray(fibre_m, dtype=np.float64) * rules.helix_ratio / rules.helix_ratio_low
    more_db = beyond.loss_db(band, rules.helix_ratio / rules.helix_ratio_low)
    return typical_loss_db(longest_m, splices, band, rules) + rules.repair_margin_db + more_db


@dataclass(frozen=True)
class LinkBudget:
    """One link under one transceiver class: least, typical and greatest loss, the attenuator in each, and margin."""

    first_day_loss_db: float
    typical_loss_db: float
    loss_db: float
    attenuator_db: float
    margin_db: float


@dataclass(frozen=True)
class Closing:
    """How one transceiver class fares on links; arrays of shape (links,). Losses include the attenuator.

    ``margin_db`` is the smaller of what is left at the end of life and what the loss exceeds overload by on the
    first day, attenuator included; below zero, or with fibre beyond its reach, the class does not close.
    """

    optics: TransceiverClass
    first_day_loss_db: FloatArray
    typical_loss_db: FloatArray
    loss_db: FloatArray
    attenuator_db: FloatArray
    margin_db: FloatArray
    closes: npt.NDArray[np.bool_]

    def budget(self, link: int) -> LinkBudget:
        """The budget of one of the links."""
        columns = (self.first_day_loss_db, self.typical_loss_db, self.loss_db, self.attenuator_db, self.margin_db)
        return LinkBudget(*(float(column[link]) for column in columns))

    def pair_price_minor(self, rules: OpticalSettings) -> FloatArray:
        """Price of each link, (links,): two transceivers, two attenuators where needed; inf where it fails."""
        attenuators = np.where(self.attenuator_db > 0.0, 2 * rules.prices.attenuator.amount_minor, 0)
        return np.where(self.closes, 2.0 * self.optics.price.amount_minor + attenuators, np.inf)


def closing(
    optics: TransceiverClass,
    fibre_m: FloatArray,
    splices: FloatArray,
    rules: OpticalSettings,
    beyond: Beyond = NOTHING_BEYOND,
) -> Closing:
    """One transceiver class on links of given fibre length, number of splices and loss beyond, each (links,)."""
    typical = typical_loss_db(fibre_m, splices, optics.band, rules, beyond)
    first_day = typical * rules.first_day_ratio
    aged = end_of_life_loss_db(fibre_m, splices, optics.band, rules, beyond)
    attenuator = np.ceil(np.maximum(optics.least_loss_db - first_day, 0.0))
    left = optics.budget_db - aged - attenuator
    above = first_day + attenuator - optics.least_loss_db
    longest_m = fibre_m * rules.helix_ratio / rules.helix_ratio_low
    margin = np.minimum(left, above) if optics.least_loss_db > 0.0 else left
    losses = (first_day + attenuator, typical + attenuator, aged + attenuator)
    return Closing(optics, *losses, attenuator, margin, (left >= 0.0) & (longest_m <= optics.reach_m))
