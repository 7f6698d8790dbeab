"""The ``[radio.prices]`` section of trassa.toml: what a radio site costs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from trassa.pricing import Price

__all__ = ["RadioPrices"]

_SURVEY = "planner's range for European trunk roads, without an offer"


def _price(euro: int, low_euro: int, high_euro: int, unit: str, source: str = _SURVEY) -> Price:
    return Price(
        amount_minor=euro * 100, low_minor=low_euro * 100, high_minor=high_euro * 100, unit=unit, source=source
    )


class RadioPrices(BaseModel):
    """What a radio site costs.

    A new mast of height h with n sector antennas costs ``new_mast`` + h · ``new_mast_metre`` + ``equipment`` +
    n · ``sector``; a site without sectors (omnidirectional) has its antenna in ``equipment``. To a new mast comes its
    way to mains power, and to every site its way to the cable, each times its price per kilometre.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    new_mast: Price = Field(
        default=_price(60_000, 35_000, 110_000, "piece"),
        description="Plot, foundation, access and power connection of a new mast, no line to it, minor units per piece",
    )
    new_mast_metre: Price = Field(
        default=_price(2_000, 1_200, 3_500, "m"),
        description="Steel and erection per metre of a new mast's height, minor units per m",
    )
    existing_mast: Price = Field(
        default=_price(45_000, 25_000, 90_000, "piece", "present value of a 15-year lease, without an offer"),
        description="Lease of a place on an existing mast, minor units per piece",
    )
    equipment: Price = Field(
        default=_price(35_000, 20_000, 60_000, "piece"),
        description="Antennas, remote radio units, cabinet and installation of any site, minor units per piece",
    )
    sector: Price = Field(
        default=_price(12_000, 7_000, 20_000, "piece"),
        description="Sector antenna with its remote radio unit and feeders, minor units per piece",
    )
    power_line_km: Price = Field(
        default=_price(
            40_000,
            15_000,
            90_000,
            "km",
            "between tariffs for 1 km overhead, 0.4 to 20 kV (2.1 to 3.6 M RUB, Russian grid companies) and the medium-"
            "voltage lines of an access programme (35 000 to 55 000 USD, Rwanda 2009), without an offer",
        ),
        description="Power line to a new mast, 0.4 to 20 kV, minor units per km",
    )
    fibre_drop_km: Price = Field(
        default=_price(
            30_000,
            15_000,
            70_000,
            "km",
            "as optical.prices.drop: below US underground medians (59 USD/m in 2025), above Russian roadside microduct "
            "(1 M RUB/km in 2014)",
        ),
        description="Drop from a site to the cable as the siting weighs it; the bill has optical.prices.drop, "
        "minor units per km",
    )
