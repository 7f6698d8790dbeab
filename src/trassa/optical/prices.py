"""What the optical line costs: shipped prices are assumptions with a wide range, meant to be replaced by offers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from trassa.pricing import Price

__all__ = ["OpticalPrices", "assumed_price"]

_OWN = "planning figure of this project, without an offer behind it"


def assumed_price(amount: float, low: float, high: float, unit: str, source: str = _OWN) -> Price:
    """A shipped price, given in whole units of the currency (EUR), kept in minor units and marked assumed."""
    amount_minor, low_minor, high_minor = (round(value * 100) for value in (amount, low, high))
    return Price(
        amount_minor=amount_minor, low_minor=low_minor, high_minor=high_minor, unit=unit, source=source, assumed=True
    )


class OpticalPrices(BaseModel):
    """Unit prices of the line in EUR cents; a project in another currency gives its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trench: Price = Field(
        default=assumed_price(
            45.0, 20.0, 90.0, "m", "between US underground medians (59 USD/m in 2025) and Russian roadside duct (2014)"
        ),
        description="Trench with duct in the verge, per metre of route",
    )
    cable: Price = Field(
        default=assumed_price(2.5, 1.5, 4.5, "m"), description="Cable of up to 96 fibres, per metre of sheath"
    )
    chamber: Price = Field(default=assumed_price(900.0, 500.0, 2000.0, "piece"), description="Chamber, installed")
    closure: Price = Field(default=assumed_price(350.0, 200.0, 600.0, "piece"), description="Closure, installed")
    splice: Price = Field(default=assumed_price(12.0, 6.0, 25.0, "piece"), description="Fusion splice of one fibre")
    hut: Price = Field(
        default=assumed_price(60_000.0, 35_000.0, 120_000.0, "hut"), description="Hut with rack, batteries and cooling"
    )
    line_equipment: Price = Field(
        default=assumed_price(35_000.0, 20_000.0, 80_000.0, "hut"), description="Backbone equipment of one hut"
    )
    power_at_place: Price = Field(
        default=assumed_price(8_000.0, 3_000.0, 20_000.0, "hut"), description="Power connection where mains is there"
    )
    power_new: Price = Field(
        default=assumed_price(60_000.0, 25_000.0, 150_000.0, "hut"), description="Power connection brought to the verge"
    )
    drop: Price = Field(
        default=assumed_price(30.0, 15.0, 70.0, "m"), description="Drop to a site, trench and cable, per metre of route"
    )
    crossing: Price = Field(
        default=assumed_price(12_000.0, 5_000.0, 25_000.0, "piece"), description="Drilling under both carriageways"
    )
    attenuator: Price = Field(
        default=assumed_price(15.0, 5.0, 30.0, "piece"), description="Fixed attenuator at a receiver"
    )
