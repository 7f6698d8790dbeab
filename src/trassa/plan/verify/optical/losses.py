"""What light loses from patch panel to patch panel, added up again splice by splice and reel by reel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trassa.optical.settings import OpticalSettings, TransceiverClass

__all__ = ["Passed", "aged_loss_db", "link_margin_db", "planned_per_km"]


def planned_per_km(rules: OpticalSettings) -> dict[str, float]:
    """Attenuation of fibre that nobody measured, dB/km by window."""
    return {"1310": rules.attenuation_1310_db_per_km, "1550": rules.attenuation_1550_db_per_km}


@dataclass(frozen=True)
class Passed:
    """Fibre, the loss of the splices in it, and its own by window, dB; pieces add up."""

    fibre_m: float
    splices_db: float
    glass_db: Mapping[str, float]

    @classmethod
    def of(cls, fibre_m: float, splices_db: float, rules: OpticalSettings) -> Passed:
        """Fibre that nobody measured."""
        return cls(fibre_m, splices_db, {band: fibre_m / 1000.0 * db for band, db in planned_per_km(rules).items()})

    def __add__(self, other: Passed) -> Passed:
        glass_db = {band: db + other.glass_db[band] for band, db in self.glass_db.items()}
        return Passed(self.fibre_m + other.fibre_m, self.splices_db + other.splices_db, glass_db)


def aged_loss_db(passed: Passed, band: str, rules: OpticalSettings, *, aged: bool = True) -> float:
    """Fibre, splices and two pigtails, two connectors; at the end of life with repairs and with the most fibre that
    the sheath may hold."""
    longer = rules.helix_ratio / rules.helix_ratio_low if aged else 1.0
    ends_db = 2 * rules.splice_loss_db + 2 * rules.connector_loss_db
    return longer * passed.glass_db[band] + passed.splices_db + ends_db + (rules.repair_margin_db if aged else 0.0)


def link_margin_db(passed: Passed, optics: TransceiverClass, rules: OpticalSettings) -> tuple[float, float]:
    """Loss at the end of life with attenuator, and margin: what is left of the budget, or above overload when lit."""
    new = rules.first_day_ratio * aged_loss_db(passed, optics.band, rules, aged=False)
    attenuator = float(np.ceil(max(optics.least_loss_db - new, 0.0)))
    loss = aged_loss_db(passed, optics.band, rules) + attenuator
    margin = optics.budget_db - loss
    if optics.least_loss_db > 0.0:
        margin = min(margin, new + attenuator - optics.least_loss_db)
    longest_m = passed.fibre_m * rules.helix_ratio / rules.helix_ratio_low
    return loss, margin if longest_m <= optics.reach_m else min(margin, -1.0)
