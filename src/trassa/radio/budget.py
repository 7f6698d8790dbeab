"""The link budget: from path loss to margin, and what is taken from the margin on the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trassa.decibels import fade_margin_db
from trassa.errors import InputError
from trassa.provenance import Assumption
from trassa.radio.carrier import Carrier
from trassa.radio.link_budget import LinkBudget, Needs, SiteRadio, VehicleRadio
from trassa.radio.settings import RadioSettings

__all__ = ["Budget", "Deduction", "bandwidth_needed_mhz", "combining_db", "coupling_limits", "link_budget_of"]


_BANDWIDTHS_MHZ = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0)


@dataclass(frozen=True)
class Deduction:
    """One deduction from the margin, with where its size comes from."""

    size_db: float
    source: str


def link_budget_of(settings: RadioSettings) -> LinkBudget:
    """The promised carrier between a site and a vehicle; InputError where there is no such carrier."""
    carrier = Carrier(
        settings.technology,
        settings.frequency_mhz,
        settings.bandwidth_mhz,
        settings.subcarrier_khz,
        settings.duplex,
        settings.band,
        settings.uplink_mhz,
        settings.downlink_share,
    )
    site = SiteRadio(settings.eirp_per_re_dbm, settings.site_gain_dbi, settings.site_noise_figure_db)
    vehicle = VehicleRadio(
        settings.vehicle_gain_dbi,
        settings.penetration_loss_db,
        settings.vehicle_noise_figure_db,
        settings.vehicle_power_dbm,
    )
    return LinkBudget(carrier, site, vehicle)


def coupling_limits(settings: RadioSettings) -> Mapping[str, float]:
    """The maximum coupling loss of every need by name, dB: ``rsrp``, and the rates that are promised."""
    vehicle_db = settings.vehicle_gain_dbi - settings.penetration_loss_db
    if not (settings.rate_down_mbps or settings.rate_up_mbps):
        return {"rsrp": settings.eirp_per_re_dbm + vehicle_db - settings.need_rsrp_dbm}
    needs = Needs(settings.need_rsrp_dbm, None, settings.rate_down_mbps, settings.rate_up_mbps)
    limits = dict(link_budget_of(settings).limits(needs).by_name)
    for name, branches in (("downlink rate", settings.vehicle_branches), ("uplink rate", settings.site_branches)):
        if name in limits:
            limits[name] += combining_db(branches)
    return limits


def bandwidth_needed_mhz(settings: RadioSettings) -> float:
    """The least channel bandwidth in MHz that carries the promised rates at all, in any band; ∞ where none does."""
    for bandwidth_mhz in _BANDWIDTHS_MHZ:
        wider = settings.model_copy(update={"bandwidth_mhz": bandwidth_mhz, "band": ""})
        try:
            limits = coupling_limits(wider)
        except InputError:  # no such channel at this subcarrier spacing
            continue
        if math.isfinite(min(limits.values())):
            return bandwidth_mhz
    return math.inf


def combining_db(branches: int) -> float:
    """What a receiver gains that combines so many antennas: 10 lg n, for noise and interference that differ on each.

    Maximum-ratio combining; several receive antennas are the rule: TS 38.101-1 clause 7.3.2 asks for two, for four in
    bands such as n78.
    """
    return 10.0 * math.log10(branches)


@dataclass(frozen=True)
class Budget:
    """The link budget of one service.

    ::

        RSRP    = EIRP per resource element − median coupling loss + vehicle gain
        margin  = RSRP − need − z_q·σ − Σ deductions              served where margin ≥ 0

    ``deductions`` go by the names of :class:`~trassa.radio.settings.Allowances`. ``need_rsrp_dbm`` is the RSRP at which
    everything promised is met: the RSRP asked for, or the level at which a promised rate is just carried, down or up;
    ``limiting`` names it. ``vehicle_gain_dbi`` has the penetration loss and a calibration by drive tests in it.
    """

    eirp_per_re_dbm: float
    vehicle_gain_dbi: float
    need_rsrp_dbm: float
    fade_margin_db: float
    deductions: Mapping[str, Deduction] = field(default_factory=dict)
    limiting: str = "rsrp"

    @classmethod
    def of(cls, settings: RadioSettings, deductions: Mapping[str, Deduction]) -> Budget:
        """The budget of the service in the settings, with these deductions."""
        fade_db = fade_margin_db(settings.sigma_db, settings.reliability)
        vehicle_db, limits = settings.vehicle_gain_dbi - settings.penetration_loss_db, coupling_limits(settings)
        limiting = min(limits, key=lambda name: limits[name])
        need_dbm = settings.eirp_per_re_dbm + vehicle_db - limits[limiting]
        gain_dbi = vehicle_db + settings.calibration_offset_db
        return cls(settings.eirp_per_re_dbm, gain_dbi, need_dbm, fade_db, deductions, limiting)

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
