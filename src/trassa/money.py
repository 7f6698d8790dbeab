"""Money as integers of the minor unit, and prices with a range and a source.

A price is never a float and never without its currency: sums over two currencies are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from trassa.errors import ConfigError

__all__ = ["Cost", "minor_from_quantity"]


def minor_from_quantity(unit_price_minor: int, quantity: float) -> int:
    """Unit price times quantity, rounded once, half up, to whole minor units."""
    exact = Decimal(unit_price_minor) * Decimal(repr(quantity))
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@dataclass(frozen=True)
class Cost:
    """An amount with the range its prices leave open; all in integers of the minor unit.

    >>> Cost(100, "EUR", 80, 150) + Cost(50, "EUR", 40, 60)
    Cost(amount_minor=150, currency='EUR', low_minor=120, high_minor=210)
    """

    amount_minor: int
    currency: str
    low_minor: int
    high_minor: int

    def __post_init__(self) -> None:
        if not self.low_minor <= self.amount_minor <= self.high_minor:
            raise ConfigError(
                f"cost: {self.amount_minor} {self.currency} lies outside its own range "
                f"{self.low_minor}..{self.high_minor}",
                cure="low ≤ amount ≤ high in [prices]",
            )

    def __add__(self, other: Cost) -> Cost:
        if other.currency != self.currency:
            raise ConfigError(
                f"cost: {self.currency} and {other.currency} in one sum", cure="give all prices in one currency"
            )
        return Cost(
            self.amount_minor + other.amount_minor,
            self.currency,
            self.low_minor + other.low_minor,
            self.high_minor + other.high_minor,
        )

    def times(self, quantity: float) -> Cost:
        """The cost of ``quantity`` units, each bound rounded once."""
        return Cost(
            minor_from_quantity(self.amount_minor, quantity),
            self.currency,
            minor_from_quantity(self.low_minor, quantity),
            minor_from_quantity(self.high_minor, quantity),
        )

    @staticmethod
    def total(costs: Iterable[Cost], currency: str) -> Cost:
        """The sum of ``costs``; zero of ``currency`` when there are none."""
        return sum(costs, start=Cost(0, currency, 0, 0))

    def as_dict(self) -> dict[str, int | str]:
        """The four fields as they stand in JSON outputs."""
        return {
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "low_minor": self.low_minor,
            "high_minor": self.high_minor,
        }
