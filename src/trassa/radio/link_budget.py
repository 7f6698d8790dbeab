"""The link budget of both directions: how much may be lost between a site and a vehicle until something is not met.

**Coupling loss** here is counted from the site's EIRP on its axis to an isotropic receiver: path loss, attenuation of
the antenna pattern and power back-off. (3GPP counts from connector to connector, so its coupling loss is smaller by
the gains of both antennas.) Levels are medians and rates those of noise alone: margins are taken by whoever plans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.carrier import SUBCARRIERS_PER_BLOCK, Carrier
from trassa.radio.rate import (
    CQI_64QAM,
    CQI_256QAM,
    DOWNLINK_ALPHA,
    DOWNLINK_OVERHEAD,
    UPLINK_ALPHA,
    UPLINK_OVERHEAD,
    LinkAdaptation,
    SharedChannel,
)

__all__ = ["CouplingLimits", "LinkBudget", "Needs", "SiteRadio", "VehicleRadio", "uplink_allocations"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_DOWNLINK = LinkAdaptation(CQI_256QAM, DOWNLINK_ALPHA)
_UPLINK = LinkAdaptation(CQI_64QAM, UPLINK_ALPHA)


@dataclass(frozen=True)
class SiteRadio:
    """A site: EIRP per resource element on the axis of its antenna, and the same antenna as a receiver."""

    eirp_per_re_dbm: float
    gain_dbi: float
    """Gain towards the vehicle on the axis, feeder loss taken off."""
    noise_figure_db: float = 5.0
    """5 dB is what the coverage studies TR 36.824 and TR 38.830 take; good receivers have 2 to 3 dB."""


@dataclass(frozen=True)
class VehicleRadio:
    """A vehicle: an antenna on its roof, or a handset behind its windows."""

    gain_dbi: float = 0.0
    """Gain with feeder and body loss."""
    penetration_loss_db: float = 0.0
    """Loss into the vehicle; 0 for an antenna on the roof."""
    noise_figure_db: float = 9.0
    """9 dB: TR 36.942 Table 12.2."""
    power_dbm: float = 23.0
    """Transmit power after any reduction. Power class 3: 23 dBm, class 2: 26 dBm (TS 38.101-1 Table 6.2.1-1)."""

    @property
    def net_gain_db(self) -> float:
        """Gain less penetration loss, the same in both directions."""
        return self.gain_dbi - self.penetration_loss_db


@dataclass(frozen=True)
class Needs:
    """What must be met, in medians. None or a rate of 0 is no need."""

    rsrp_dbm: float
    sinr_db: float | None = None
    downlink_mbps: float = 0.0
    uplink_mbps: float = 0.0


@dataclass(frozen=True)
class CouplingLimits:
    """The maximum coupling loss of every need by itself, dB.

    Named ``rsrp``, ``sinr``, ``downlink rate``, ``uplink rate``; −∞ for a rate above what the carrier can carry.
    """

    by_name: Mapping[str, float]

    @property
    def limiting(self) -> str:
        """The need that fails first as the loss grows."""
        return min(self.by_name, key=lambda name: self.by_name[name])

    @property
    def maximum_coupling_loss_db(self) -> float:
        """The largest coupling loss at which everything is met."""
        return self.by_name[self.limiting]


def uplink_allocations(resource_blocks: int) -> IntArray:
    """Numbers of resource blocks a vehicle may be given: 2^a·3^b·5^c, up to those of the carrier.

    TS 36.211 clause 5.3.3; TS 38.211 clause 6.3.1.4 for DFT-s-OFDM, with which NR vehicles reach their full power.
    """
    numbers = np.arange(1, resource_blocks + 1, dtype=np.int64)
    left = numbers.copy()
    for prime in (2, 3, 5):
        while np.any(divisible := left % prime == 0):
            left[divisible] //= prime
    return np.asarray(numbers[left == 1], dtype=np.int64)


@dataclass(frozen=True)
class LinkBudget:
    """One carrier between a site and a vehicle::

        RSRP        = EIRP per RE − coupling loss + vehicle gain − penetration loss
        downlink SNR = RSRP − k·T₀·Δf − noise figure of the vehicle
        uplink SNR   = power − 10 lg(12 N) + vehicle gain − penetration loss − coupling loss − excess + site gain
                       − k·T₀·Δf − noise figure of the site

    with N resource blocks in the uplink and the excess of its frequency in free space. A back-off counted in the
    coupling loss weakens the uplink too, though it need not: the budget errs to the safe side there.
    """

    carrier: Carrier
    site: SiteRadio
    vehicle: VehicleRadio
    downlink_adaptation: LinkAdaptation = _DOWNLINK
    uplink_adaptation: LinkAdaptation = _UPLINK
    downlink_overhead_share: float | None = None
    """None: :data:`~trassa.radio.rate.DOWNLINK_OVERHEAD` of the technology."""
    uplink_overhead_share: float | None = None

    @cached_property
    def downlink(self) -> SharedChannel:
        """The downlink's shared channel over the whole carrier; takes an SINR with interference just as well."""
        share = self.downlink_overhead_share
        share = DOWNLINK_OVERHEAD[self.carrier.technology] if share is None else share
        return SharedChannel(self.carrier.downlink_elements_per_s, share, self.downlink_adaptation)

    @cached_property
    def uplink_block(self) -> SharedChannel:
        """One resource block of the uplink's shared channel."""
        share = self.uplink_overhead_share
        share = UPLINK_OVERHEAD[self.carrier.technology] if share is None else share
        return SharedChannel(self.carrier.uplink_block_elements_per_s, share, self.uplink_adaptation)

    @cached_property
    def _allocations(self) -> IntArray:
        return uplink_allocations(self.carrier.resource_blocks)

    @property
    def noise_dbm(self) -> float:
        """Noise in one resource element at the vehicle, dBm."""
        return self.carrier.noise_per_re_dbm + self.vehicle.noise_figure_db

    def rsrp_dbm(self, coupling_loss_db: npt.ArrayLike) -> FloatArray:
        """RSRP in dBm at a coupling loss; any shape."""
        loss_db = np.asarray(coupling_loss_db, dtype=np.float64)
        return np.asarray(self.site.eirp_per_re_dbm + self.vehicle.net_gain_db - loss_db, dtype=np.float64)

    def downlink_snr_db(self, coupling_loss_db: npt.ArrayLike) -> FloatArray:
        """Downlink SNR in dB; any shape."""
        return self.rsrp_dbm(coupling_loss_db) - self.noise_dbm

    def downlink_rate_mbps(self, coupling_loss_db: npt.ArrayLike) -> FloatArray:
        """Downlink rate against noise alone in Mbit/s; any shape."""
        return self.downlink.rate_mbps(self.downlink_snr_db(coupling_loss_db))

    def uplink_snr_db(self, coupling_loss_db: npt.ArrayLike, blocks: npt.ArrayLike) -> FloatArray:
        """Uplink SNR in dB where the vehicle's power is spread over so many resource blocks; shapes broadcast."""
        spread_db = 10.0 * np.log10(SUBCARRIERS_PER_BLOCK * np.asarray(blocks, dtype=np.float64))
        sent_dbm = self.vehicle.power_dbm + self.vehicle.net_gain_db - spread_db
        noise_dbm = self.carrier.noise_per_re_dbm + self.site.noise_figure_db
        loss_db = np.asarray(coupling_loss_db, dtype=np.float64) + self.carrier.uplink_excess_db
        return np.asarray(sent_dbm + self.site.gain_dbi - loss_db - noise_dbm, dtype=np.float64)

    def uplink_blocks(self, coupling_loss_db: npt.ArrayLike) -> IntArray:
        """The number of resource blocks with the highest uplink rate, 0 where none carries anything; any shape.

        N·log₂(1 + S/N) grows with N, so the best number is the largest whose SNR still carries CQI 1.
        """
        spare_db = self.uplink_snr_db(coupling_loss_db, 1) - float(self.uplink_adaptation.thresholds_db[0])
        most = np.power(10.0, np.minimum(spare_db, 60.0) / 10.0)
        place = np.searchsorted(self._allocations, most, side="right")
        return np.where(place > 0, self._allocations[np.maximum(place, 1) - 1], 0)

    def uplink_rate_mbps(self, coupling_loss_db: npt.ArrayLike) -> FloatArray:
        """Uplink rate against noise alone in Mbit/s, with the best number of resource blocks; any shape."""
        blocks = self.uplink_blocks(coupling_loss_db)
        return blocks * self.uplink_block.rate_mbps(self.uplink_snr_db(coupling_loss_db, np.maximum(blocks, 1)))

    def limits(self, needs: Needs) -> CouplingLimits:
        """The maximum coupling loss of every need, by name."""
        if needs.downlink_mbps < 0.0 or needs.uplink_mbps < 0.0:
            told = f"link budget: rates {needs.downlink_mbps:g} and {needs.uplink_mbps:g} Mbit/s; none is below 0"
            raise InputError(told, cure="0 asks for nothing")
        by_name = {"rsrp": float(self.rsrp_dbm(needs.rsrp_dbm))}
        if needs.sinr_db is not None:
            by_name["sinr"] = float(self.downlink_snr_db(needs.sinr_db))
        if needs.downlink_mbps > 0.0:
            by_name["downlink rate"] = float(self.downlink_snr_db(self.downlink.sinr_db_for_rate(needs.downlink_mbps)))
        if needs.uplink_mbps > 0.0:
            by_name["uplink rate"] = self._uplink_limit_db(needs.uplink_mbps)
        return CouplingLimits(by_name)

    def _uplink_limit_db(self, rate_mbps: float) -> float:
        """The largest of what each number of resource blocks bears: fewer hear further, more carry more."""
        snr_db = self.uplink_block.sinr_db_for_rate(rate_mbps / self._allocations)
        return float(np.max(self.uplink_snr_db(snr_db, self._allocations)))
