"""The link budget: from path loss to margin, and what is taken from the margin on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.decibels import fade_margin_db
from trassa.provenance import Assumption
from trassa.radio.settings import RadioSettings

__all__ = ["Budget", "Deduction"]


@dataclass(frozen=True)
class Deduction:
    """One deduction from the margin, with where its size comes from."""

    size_db: float
    source: str


@dataclass(frozen=True)
class Budget:
    """The link budget of one service.

    ::

        RSRP    = EIRP per resource element − median path loss + vehicle gain
        margin  = RSRP − need − z_q·σ − Σ deductions              served where margin ≥ 0

    ``deductions`` go by the names of :class:`~trassa.radio.settings.Allowances`.
    """

    eirp_per_re_dbm: float
    vehicle_gain_dbi: float
    need_rsrp_dbm: float
    fade_margin_db: float
    deductions: Mapping[str, Deduction] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: RadioSettings, deductions: Mapping[str, Deduction]) -> Budget:
        """The budget of the service in the settings, with these deductions."""
        fade_db = fade_margin_db(settings.sigma_db, settings.reliability)
        return cls(settings.eirp_per_re_dbm, settings.vehicle_gain_dbi, settings.need_rsrp_dbm, fade_db, deductions)

    @property
    def deducted_db(self) -> float:
        """Sum of the deductions."""
        return sum(deduction.size_db for deduction in self.deductions.values())

    def rsrp_dbm(self, loss_db: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Median RSRP in dBm of a path loss in dB; −inf where there is no path."""
        loss = np.asarray(loss_db, dtype=np.float64)
        return np.asarray(self.eirp_per_re_dbm + self.vehicle_gain_dbi - loss, dtype=np.float64)

    @property
    def largest_loss_db(self) -> float:
        """The path loss at which the margin is zero."""
        available = self.eirp_per_re_dbm + self.vehicle_gain_dbi - self.need_rsrp_dbm - self.fade_margin_db
        return available - self.deducted_db

    def assumptions(self, settings: RadioSettings) -> tuple[Assumption, ...]:
        """Shadowing and every deduction as the proof lists them."""
        shadowing = Assumption("radio.shadowing_sigma", settings.sigma_db, "dB", True, settings.sigma_source)
        rest = (
            Assumption(f"radio.{name.removesuffix('_db')}", deduction.size_db, "dB", True, deduction.source)
            for name, deduction in self.deductions.items()
        )
        return (shadowing, *rest)
