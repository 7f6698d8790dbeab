"""From SINR to rate and back: link adaptation and what of a carrier carries data.

A rate is what the physical layer carries in one spatial layer to one vehicle that has all of the carrier. Higher layers
take some per cent of it, other vehicles their share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError

__all__ = [
    "CQI_64QAM",
    "CQI_256QAM",
    "DOWNLINK_ALPHA",
    "DOWNLINK_OVERHEAD",
    "UPLINK_ALPHA",
    "UPLINK_OVERHEAD",
    "CqiTable",
    "LinkAdaptation",
    "SharedChannel",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CqiTable:
    """The modulations and code rates a vehicle can report, by CQI from 1 to 15."""

    name: str
    modulation_bits: tuple[int, ...]
    code_rate_1024: tuple[int, ...]

    @property
    def efficiency(self) -> FloatArray:
        """Bits per resource element by CQI, shape (15,): modulation bits times code rate."""
        bits, rate = (np.array(column, dtype=np.float64) for column in (self.modulation_bits, self.code_rate_1024))
        return np.asarray(bits * rate / 1024.0, dtype=np.float64)


CQI_64QAM = CqiTable(
    "64QAM",
    (2,) * 6 + (4,) * 3 + (6,) * 6,
    (78, 120, 193, 308, 449, 602, 378, 490, 616, 466, 567, 666, 772, 873, 948),
)
"""TS 38.214 Table 5.2.2.1-2 and, the same, TS 36.213 Table 7.2.3-1."""

CQI_256QAM = CqiTable(
    "256QAM",
    (2,) * 3 + (4,) * 3 + (6,) * 5 + (8,) * 4,
    (78, 193, 449, 378, 490, 616, 466, 567, 666, 772, 873, 711, 797, 885, 948),
)
"""TS 38.214 Table 5.2.2.1-3 and, the same, TS 36.213 Table 7.2.3-2."""

DOWNLINK_ALPHA, UPLINK_ALPHA = 0.6, 0.4
"""Attenuation of the Shannon bound by real receivers: TR 36.942 annex A; for NR, TR 38.803 clause 5.2.7."""

DOWNLINK_OVERHEAD: Mapping[str, float] = {"nr": 0.14, "lte": 48.0 / 168.0}
"""Share of the downlink's resource elements without data. NR: TS 38.306 clause 4.1.2, FR1. LTE: of 168 elements of a
pair of blocks 36 are control (three symbols) and 12 more cell-specific reference signals of two ports, TS 36.211
clauses 6.7 and 6.10.1."""

UPLINK_OVERHEAD: Mapping[str, float] = {"nr": 0.08, "lte": 2.0 / 14.0}
"""Share of the uplink's resource elements without data. NR: TS 38.306 clause 4.1.2, FR1. LTE: two of 14 symbols are
demodulation reference signals, TS 36.211 clause 5.5.2."""


@dataclass(frozen=True)
class LinkAdaptation:
    """Bits per resource element by SINR: the attenuated and truncated Shannon bound of TR 36.942 annex A.

    ::

        efficiency = min(α log₂(1 + SINR), that of CQI 15)        0 where it would be below that of CQI 1

    The report's own truncation (nothing below −10 dB, at most 4.4 bit/s/Hz) is that of the release-8 terminals it
    compared; the CQI table cuts where the terminal at hand does. It is preferred to the thresholds of some link
    simulator because a 3GPP report fixes it and its inverse is a closed form. Beside the LTE thresholds that are
    published most, α = 0.6 asks 0.5 dB less at CQI 1, the same at CQI 5 and 5.2 dB more at CQI 15. Simulations of NR
    over fading channels ask up to 4.5 dB more below 3 bit and 2 dB less above 6: the margin for fading is to hold it.
    """

    table: CqiTable
    alpha_ratio: float

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha_ratio <= 1.0:
            told = f"link adaptation: α {self.alpha_ratio:g} lies outside 0..1"
            raise InputError(told, cure=f"{DOWNLINK_ALPHA:g} down, {UPLINK_ALPHA:g} up by TR 36.942")

    @property
    def lowest_efficiency(self) -> float:
        """Bits per resource element of CQI 1."""
        return float(self.table.efficiency[0])

    @property
    def top_efficiency(self) -> float:
        """Bits per resource element of CQI 15."""
        return float(self.table.efficiency[-1])

    def efficiency(self, sinr_db: npt.ArrayLike) -> FloatArray:
        """Bits per resource element at an SINR; any shape."""
        sinr = np.power(10.0, np.asarray(sinr_db, dtype=np.float64) / 10.0)
        bits = np.minimum(self.alpha_ratio * np.log2(1.0 + sinr), self.top_efficiency)
        return np.where(bits >= self.lowest_efficiency, bits, 0.0)

    def sinr_db(self, efficiency: npt.ArrayLike) -> FloatArray:
        """The least SINR in dB with so many bits per resource element; any shape.

        −∞ for none, that of CQI 1 for fewer than it carries, ∞ for more than CQI 15 carries.
        """
        wanted = np.asarray(efficiency, dtype=np.float64)
        bits = np.clip(wanted, self.lowest_efficiency, self.top_efficiency)
        least_db = 10.0 * np.log10(np.exp2(bits / self.alpha_ratio) - 1.0)
        return np.where(wanted <= 0.0, -np.inf, np.where(wanted > self.top_efficiency, np.inf, least_db))

    @property
    def thresholds_db(self) -> FloatArray:
        """SINR in dB from which the efficiency of each CQI is reached, shape (15,)."""
        return self.sinr_db(self.table.efficiency)


@dataclass(frozen=True)
class SharedChannel:
    """The channel that carries data (PDSCH or PUSCH): its resource elements and how they are loaded."""

    elements_per_s: float
    """Resource elements a second of the whole allocation, overhead among them."""
    overhead_share: float
    adaptation: LinkAdaptation

    def __post_init__(self) -> None:
        if not 0.0 <= self.overhead_share < 1.0:
            told = f"shared channel: overhead {self.overhead_share:g} lies outside 0..1"
            raise InputError(told, cure="give the share of resource elements without data")

    @property
    def _data_elements_per_us(self) -> float:
        return self.elements_per_s * (1.0 - self.overhead_share) * 1e-6

    @property
    def top_mbps(self) -> float:
        """The most it carries, however strong the signal, in Mbit/s."""
        return self._data_elements_per_us * self.adaptation.top_efficiency

    def rate_mbps(self, sinr_db: npt.ArrayLike) -> FloatArray:
        """Rate in Mbit/s at an SINR in dB; any shape. TS 38.306 clause 4.1.2 with the efficiency at that SINR."""
        return self._data_elements_per_us * self.adaptation.efficiency(sinr_db)

    def sinr_db_for_rate(self, rate_mbps: npt.ArrayLike) -> FloatArray:
        """The least SINR in dB that carries a rate in Mbit/s; any shape. ∞ above the top rate, −∞ for no rate."""
        return self.adaptation.sinr_db(np.asarray(rate_mbps, dtype=np.float64) / self._data_elements_per_us)
