"""The ``[radio.tunnel]`` section of trassa.toml: what serves the vehicles in tunnels, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from trassa.pricing import Price

__all__ = ["TYPICAL_CABLES", "TunnelPrices", "TunnelSettings"]

TYPICAL_CABLES: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    "1-1/4": (
        (450.0, 2.0, 75.0), (700.0, 2.6, 74.0), (900.0, 3.1, 74.0), (1800.0, 5.0, 72.0), (2100.0, 5.7, 72.0),
        (2600.0, 7.0, 71.0), (3600.0, 11.0, 72.0),
    ),
    "7/8": (
        (450.0, 3.0, 75.0), (700.0, 3.9, 74.0), (900.0, 4.6, 74.0), (1800.0, 7.4, 72.0), (2100.0, 8.4, 72.0),
        (2600.0, 10.2, 71.0), (3800.0, 16.0, 72.0),
    ),
}  # fmt: skip
"""By size in inch: MHz, longitudinal loss in dB/100 m, coupling loss at 2 m that 95 % of the places keep in dB.

No one maker's figures: cautious values of the class. Each longitudinal loss lies above that of the plain feeder of the
same size, which no slotted cable can fall short of. The bands end below the cut-off of the cable's next mode.
"""

_SURVEY = "planner's range for European road tunnels, without an offer"


def _price(euro: int, low_euro: int, high_euro: int, unit: str) -> Price:
    return Price(
        amount_minor=euro * 100, low_minor=low_euro * 100, high_minor=high_euro * 100, unit=unit, source=_SURVEY
    )


class TunnelPrices(BaseModel):
    """What the radio of a tunnel costs: its head-ends, and the radiating cable where there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    head: Price = Field(
        default=_price(45_000, 25_000, 80_000, "piece"),
        description="Radio unit or repeater of a tunnel with cabinet, power and installation, minor units per piece",
    )
    cable: Price = Field(
        default=_price(60, 35, 110, "m"),
        description="Radiating cable, fire-rated, with clamps and hanging, minor units per m",
    )


class TunnelSettings(BaseModel):
    """Tunnels: out of the promise, or served by a radiating cable or by antennas of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    serve: Literal["exempt", "radiating-cable", "repeater"] = Field(
        default="exempt",
        description="exempt: nothing is promised in tunnels; radiating-cable, repeater: radio.tunnels speaks of them",
    )
    power_dbm: float = Field(
        default=43.0, ge=0.0, le=50.0, description="Power of the carrier at the port of a head-end, dBm"
    )
    noise_figure_db: float = Field(default=5.0, ge=0.0, le=20.0, description="Noise figure of a head-end, dB")
    feed_loss_db: float = Field(
        default=2.0, ge=0.0, le=20.0, description="Jumpers, connectors and filters behind the port, dB"
    )
    splitter_loss_db: float = Field(
        default=3.5,
        ge=3.0,
        le=10.0,
        description="Splitter of a head-end that sends both ways, its halving included, dB",
    )
    sigma_db: float = Field(
        default=5.0, ge=0.0, le=20.0, description="Shadowing by vehicles in the bore, standard deviation, dB"
    )
    sigma_source: str = Field(
        default="assumed: lorries between antenna and lane, no measurement", description="Where sigma comes from, text"
    )
    portal_overlap_m: float = Field(
        default=50.0,
        ge=10.0,
        le=1000.0,
        description="How far beyond a portal the tunnel's radio serves too; at least the way of a handover, m",
    )
    shortest_m: float = Field(
        default=0.0, ge=0.0, le=100_000.0, description="Tunnels shorter than this stay exempt, m of measure"
    )
    # the cable
    cable: Literal["1-1/4", "7/8"] = Field(default="1-1/4", description="Size of the radiating cable, inch")
    data_sheet: list[list[float]] = Field(
        default=[],
        description="The cable's own data sheet in place of typical values, rows of [MHz, longitudinal loss in "
        "dB/100 m, coupling loss to a dipole at 2 m that 95 % of the places keep in dB]",
    )
    local_sigma_db: float = Field(
        default=6.0, ge=0.0, le=15.0, description="Spread of the coupling loss along the cable, standard deviation, dB"
    )
    cable_slack: float = Field(
        default=0.03, ge=0.0, le=0.5, description="How much longer the cable is than its extent in measure, ratio"
    )
    lane_distance_m: float = Field(
        default=9.0, ge=2.0, le=50.0, description="From the cable or antenna to a vehicle on the farthest lane, m"
    )
    distance_law_db: float = Field(
        default=20.0,
        ge=10.0,
        le=20.0,
        description="Loss per decade of distance from the cable beyond 2 m: 10 of a line, 20 of a point; dB",
    )
    # repeaters
    antenna_gain_dbi: float = Field(
        default=0.0,
        ge=-10.0,
        le=20.0,
        description="Least gain of a repeater's antennas towards any place of the bore, dBi",
    )
    excess_db_per_100m: float = Field(
        default=2.0, ge=0.0, le=20.0, description="Loss in the bore beyond that of free space, dB/100 m"
    )
    prices: TunnelPrices = Field(default=TunnelPrices(), description="Prices of the radio in tunnels, minor units")

    @field_validator("data_sheet")
    @classmethod
    def _rows_are_losses(cls, rows: list[list[float]]) -> list[list[float]]:
        for row in rows:
            known = len(row) == 3 and 30.0 <= row[0] <= 6000.0 and 0.0 < row[1] <= 100.0 and 20.0 <= row[2] <= 150.0
            if not known:
                told = f"[{', '.join(f'{value:g}' for value in row)}] is no row of a radiating cable"
                raise ValueError(f"{told}: 30..6000 MHz, 0..100 dB/100 m, 20..150 dB")
        if len({row[0] for row in rows}) != len(rows) or len(rows) == 1:
            raise ValueError("at least two rows, each of another frequency, or none")
        return sorted(rows)

    @property
    def rows(self) -> Sequence[tuple[float, float, float]]:
        """The cable's table, frequency rising: that of its data sheet, or typical values."""
        given = [(mhz, loss_db, coupling_db) for mhz, loss_db, coupling_db in self.data_sheet]
        return given or TYPICAL_CABLES[self.cable]

    @property
    def served(self) -> bool:
        """Whether a claim speaks about tunnels."""
        return self.serve != "exempt"
