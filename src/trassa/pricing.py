"""Prices as trassa.toml gives them: an amount with a range, a unit and where it comes from."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trassa.money import Cost

__all__ = ["Price"]


class Price(BaseModel):
    """A unit price in minor units of the project's currency (cents, kopecks), with the range it leaves open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount_minor: int = Field(ge=0, description="Price of one unit, minor units of the currency")
    low_minor: int = Field(ge=0, description="Low end of the range, minor units")
    high_minor: int = Field(ge=0, description="High end of the range, minor units")
    unit: str = Field(description="What one unit is: piece, m, km, hut …")
    source: str = Field(description="Where the figure comes from")
    assumed: bool = Field(default=True, description="Whether the figure is a shipped assumption, not an offer")

    @model_validator(mode="after")
    def _range_holds(self) -> Price:
        if not self.low_minor <= self.amount_minor <= self.high_minor:
            raise ValueError(f"price {self.amount_minor} lies outside its range {self.low_minor}..{self.high_minor}")
        return self

    def cost(self, quantity: float, currency: str) -> Cost:
        """The cost of a quantity, rounded once."""
        return Cost(self.amount_minor, currency, self.low_minor, self.high_minor).times(quantity)
