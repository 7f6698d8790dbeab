"""What the optical line costs: shipped prices are assumptions with a wide range, meant to be replaced by offers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from trassa.pricing import Price

__all__ = ["OpticalPrices", "assumed_price"]

_OWN = "planning figure of this project, without an offer behind it"


def assumed_price(amount_minor: int, low_minor: int, high_minor: int, unit: str, source: str = _OWN) -> Price:
    """A shipped price in minor units (EUR cents), marked assumed."""
    return Price(
        amount_minor=amount_minor, low_minor=low_minor, high_minor=high_minor, unit=unit, source=source, assumed=True
    )


class OpticalPrices(BaseModel):
    """Unit prices of the line in EUR cents; a project in another currency gives its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trench: Price = Field(
        default=assumed_price(
            4_500,
            2_000,
            9_000,
            "m",
            "between US underground medians (59 USD/m in 2025) and Russian roadside duct (2014)",
        ),
        description="Trench with duct in the verge, per metre of route",
    )
    further_duct: Price = Field(
        default=assumed_price(350, 200, 800, "m"),
        description="Each further duct in the same trench, per metre of route",
    )
    microduct: Price = Field(
        default=assumed_price(100, 50, 250, "m"), description="Microduct in a duct, per metre of route"
    )
    bridge_duct: Price = Field(
        default=assumed_price(4_000, 1_500, 12_000, "m"), description="Duct on a bridge, per metre of route"
    )
    tunnel_duct: Price = Field(
        default=assumed_price(3_000, 1_000, 9_000, "m"), description="Duct in a tunnel, per metre of route"
    )
    hut_entry: Price = Field(
        default=assumed_price(6_000, 3_000, 12_000, "m"),
        description="Trench with ducts from the line into a hut, per metre of route",
    )
    cable: Price = Field(
        default=assumed_price(250, 150, 450, "m"), description="Cable of up to 96 fibres, per metre of sheath"
    )
    chamber: Price = Field(default=assumed_price(90_000, 50_000, 200_000, "piece"), description="Chamber, installed")
    closure: Price = Field(default=assumed_price(35_000, 20_000, 60_000, "piece"), description="Closure, installed")
    splice: Price = Field(default=assumed_price(1_200, 600, 2_500, "piece"), description="Fusion splice of one fibre")
    hut: Price = Field(
        default=assumed_price(6_000_000, 3_500_000, 12_000_000, "hut"),
        description="Hut with rack, batteries and cooling",
    )
    line_equipment: Price = Field(
        default=assumed_price(800_000, 400_000, 2_000_000, "hut"),
        description="Shelf of one hut's backbone equipment: power, control and supervision, adding and dropping",
    )
    roadm_degree: Price = Field(
        default=assumed_price(900_000, 500_000, 2_000_000, "piece"),
        description="One direction of a ROADM on one cable: selective switch and channel monitor",
    )
    amplifier: Price = Field(
        default=assumed_price(400_000, 200_000, 1_000_000, "piece"), description="Optical amplifier (EDFA), one sense"
    )
    transponder: Price = Field(
        default=assumed_price(600_000, 300_000, 1_500_000, "piece"),
        description="Coherent transponder or pluggable at one end of a wavelength of the backbone",
    )
    power_at_place: Price = Field(
        default=assumed_price(800_000, 300_000, 2_000_000, "hut"), description="Power connection where mains is there"
    )
    power_new: Price = Field(
        default=assumed_price(6_000_000, 2_500_000, 15_000_000, "hut"),
        description="Power connection brought to the verge",
    )
    drop: Price = Field(
        default=assumed_price(3_000, 1_500, 7_000, "m"),
        description="Drop to a site, trench and cable, per metre of route",
    )
    crossing: Price = Field(
        default=assumed_price(1_200_000, 500_000, 2_500_000, "piece"), description="Drilling under both carriageways"
    )
    attenuator: Price = Field(
        default=assumed_price(1_500, 500, 3_000, "piece"), description="Fixed attenuator at a receiver"
    )
    ring_switch: Price = Field(
        default=assumed_price(60_000, 30_000, 150_000, "piece"),
        description="Hardened switch with two uplinks beside a member of an access ring",
    )
    other_road: Price = Field(
        default=assumed_price(250_000, 80_000, 900_000, "km"),
        description="Right to use a pair of fibres along another road for the service life, per km",
    )
