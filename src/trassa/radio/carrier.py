"""A carrier of LTE or NR: where it lies, how many resource elements it has, and the noise in one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trassa.errors import InputError

__all__ = ["BANDS", "SUBCARRIERS_PER_BLOCK", "Band", "Carrier", "Duplex", "Technology"]

Duplex = Literal["fdd", "tdd"]
Technology = Literal["lte", "nr"]

SUBCARRIERS_PER_BLOCK = 12
"""Subcarriers of a resource block: TS 36.211 Table 6.2.3-1, TS 38.211 clause 4.4.4.1."""

_SYMBOLS_PER_MS = 14
"""OFDM symbols of 15-kHz subcarriers in a millisecond, normal cyclic prefix: TS 38.211 Table 4.3.2-1."""

_BOLTZMANN_MW_PER_HZ_K = 1.380649e-20
_REFERENCE_K = 290.0

_NR_BLOCKS: Mapping[int, Mapping[float, int]] = {
    15: {3: 15, 5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 35: 188, 40: 216, 45: 242, 50: 270},
    30: {
        5: 11, 10: 24, 15: 38, 20: 51, 25: 65, 30: 78, 35: 92, 40: 106, 45: 119, 50: 133, 60: 162, 70: 189, 80: 217,
        90: 245, 100: 273,
    },
    60: {
        10: 11, 15: 18, 20: 24, 25: 31, 30: 38, 35: 44, 40: 51, 45: 58, 50: 65, 60: 79, 70: 93, 80: 107, 90: 121,
        100: 135,
    },
}  # fmt: skip
"""Resource blocks by subcarrier spacing in kHz and bandwidth in MHz: TS 38.101-1 Table 5.3.2-1."""

_LTE_BLOCKS: Mapping[float, int] = {1.4: 6, 3: 15, 5: 25, 10: 50, 15: 75, 20: 100}
"""Resource blocks by bandwidth in MHz: TS 36.101 Table 5.6-1."""


@dataclass(frozen=True)
class Band:
    """An operating band: its edges in MHz, as sent by vehicles (uplink) and by sites (downlink)."""

    name: str
    duplex: Duplex
    uplink_mhz: tuple[float, float]
    downlink_mhz: tuple[float, float]

    @property
    def duplex_spacing_mhz(self) -> float:
        """How far the downlink lies above the uplink; negative where it lies below, 0 where both share one."""
        return self.downlink_mhz[0] - self.uplink_mhz[0]


_EDGES: Mapping[str, tuple[float, ...]] = {
    "1": (1920, 1980, 2110, 2170),
    "3": (1710, 1785, 1805, 1880),
    "7": (2500, 2570, 2620, 2690),
    "8": (880, 915, 925, 960),
    "20": (832, 862, 791, 821),
    "28": (703, 748, 758, 803),
    "31": (452.5, 457.5, 462.5, 467.5),
    "38": (2570, 2620),
    "40": (2300, 2400),
    "41": (2496, 2690),
    "77": (3300, 4200),
    "78": (3300, 3800),
}
_OFFERED = ("b1 b3 b7 b8 b20 b28 b31 b38 b40", "n1 n3 n7 n8 n20 n28 n38 n40 n41 n77 n78")


def _band(name: str) -> Band:
    edges = _EDGES[name[1:]]
    return Band(name, "fdd" if len(edges) == 4 else "tdd", (edges[0], edges[1]), (edges[-2], edges[-1]))


BANDS: Mapping[str, Band] = {name: _band(name) for names in _OFFERED for name in names.split()}
"""The bands in use along European and Russian roads: ``b…`` TS 36.101 Table 5.5-1, ``n…`` TS 38.101-1 Table 5.2-1."""


@dataclass(frozen=True)
class Carrier:
    """One carrier. ``band`` may be empty: then the frequencies are taken as they are given.

    InputError where the bandwidth has no resource blocks at this spacing, where the channel leaves its band, and where
    band and duplex mode or technology contradict each other.
    """

    technology: Technology
    frequency_mhz: float
    """Middle of the downlink channel."""
    bandwidth_mhz: float
    subcarrier_khz: int = 15
    duplex: Duplex = "fdd"
    band: str = ""
    uplink_mhz: float = 0.0
    """Middle of the uplink channel. 0: by the duplex spacing of the band; as the downlink where no band is given."""
    downlink_share: float = 0.75
    """Share of the time that tdd gives to the downlink; fdd has all of it."""
    guard_share: float = 4.0 / 70.0
    """Share of the time that tdd gives to neither; 4 symbols of every fifth slot: pattern DDDSU with S = 10 + 2 + 2."""

    def __post_init__(self) -> None:
        if self.bandwidth_mhz not in self._blocks:
            told = f"{self.technology} has no channel of {self.bandwidth_mhz:g} MHz at {self.subcarrier_khz} kHz"
            offered = ", ".join(f"{mhz:g}" for mhz in self._blocks)
            cure = f"one of {offered} MHz" if offered else f"another spacing: {self._spacings} kHz"
            raise InputError(f"carrier: {told}", cure=cure)
        if self.duplex == "tdd" and not 0.0 < self.downlink_share < 1.0 - self.guard_share:
            bound = f"0..{1.0 - self.guard_share:.3f}"
            raise InputError(f"carrier: downlink share {self.downlink_share:g} lies outside {bound}", cure="e.g. 0.75")
        if self.uplink_mhz == 0.0:
            spacing_mhz = BANDS[self.band].duplex_spacing_mhz if self.band in BANDS else 0.0
            object.__setattr__(self, "uplink_mhz", self.frequency_mhz - spacing_mhz)
        if self.band:
            self._check_band()

    def _check_band(self) -> None:
        names = [name for name in BANDS if (name[0] == "n") == (self.technology == "nr")]
        if self.band not in names:
            raise InputError(f"carrier: {self.technology} band {self.band!r} is not known", cure=", ".join(names))
        band = BANDS[self.band]
        if band.duplex != self.duplex:
            raise InputError(f"carrier: band {band.name} is {band.duplex}, not {self.duplex}", cure="change duplex")
        for way, middle_mhz, (low_mhz, high_mhz) in (
            ("downlink", self.frequency_mhz, band.downlink_mhz),
            ("uplink", self.uplink_mhz, band.uplink_mhz),
        ):
            half_mhz = 0.5 * self.bandwidth_mhz
            if not low_mhz <= middle_mhz - half_mhz <= middle_mhz + half_mhz <= high_mhz:
                told = f"{way} {middle_mhz:g} ± {half_mhz:g} MHz leaves band {band.name}, {low_mhz:g}..{high_mhz:g} MHz"
                raise InputError(f"carrier: {told}", cure="move the carrier, or leave the band empty")

    @property
    def _blocks(self) -> Mapping[float, int]:
        if self.technology == "nr":
            return _NR_BLOCKS.get(self.subcarrier_khz, {})
        return _LTE_BLOCKS if self.subcarrier_khz == 15 else {}

    @property
    def _spacings(self) -> str:
        return ", ".join(str(khz) for khz in _NR_BLOCKS) if self.technology == "nr" else "15"

    @property
    def resource_blocks(self) -> int:
        """Resource blocks of the channel."""
        return self._blocks[self.bandwidth_mhz]

    @property
    def resource_elements(self) -> int:
        """Resource elements of one OFDM symbol: the subcarriers of the channel."""
        return SUBCARRIERS_PER_BLOCK * self.resource_blocks

    @property
    def uplink_share(self) -> float:
        """Share of the time that belongs to the uplink."""
        return 1.0 if self.duplex == "fdd" else 1.0 - self.downlink_share - self.guard_share

    @property
    def downlink_elements_per_s(self) -> float:
        """Resource elements a second that the downlink has, control and reference signals among them."""
        share = 1.0 if self.duplex == "fdd" else self.downlink_share
        return self.resource_elements * self._symbols_per_s * share

    @property
    def uplink_block_elements_per_s(self) -> float:
        """Resource elements a second of one resource block in the uplink, reference signals among them."""
        return SUBCARRIERS_PER_BLOCK * self._symbols_per_s * self.uplink_share

    @property
    def _symbols_per_s(self) -> float:
        return 1000.0 * _SYMBOLS_PER_MS * self.subcarrier_khz / 15.0

    @property
    def noise_per_re_dbm(self) -> float:
        """Thermal noise k·T₀·Δf in one resource element in dBm, T₀ = 290 K, without any receiver's noise figure."""
        return 10.0 * math.log10(_BOLTZMANN_MW_PER_HZ_K * _REFERENCE_K * 1000.0 * self.subcarrier_khz)

    @property
    def uplink_excess_db(self) -> float:
        """How much more the uplink's frequency loses than the downlink's in free space, dB; mostly below 0."""
        return 20.0 * math.log10(self.uplink_mhz / self.frequency_mhz)

    def eirp_per_re_dbm(self, eirp_dbm: float) -> float:
        """EIRP per resource element where this much is spread evenly over the channel, dBm."""
        return eirp_dbm - 10.0 * math.log10(self.resource_elements)
