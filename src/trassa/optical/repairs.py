"""What repairs take from the budget: every cut that is mended leaves two splices in the fibre.

Cuts come at a constant rate along the route, so their number over the line's life is Poisson distributed. The repair
margin must bear as many as are exceeded in one life of a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import pdtr

from trassa.optical.settings import OpticalSettings

__all__ = ["Repairs", "repairs_on"]

_SPLICES = 2
_LIKELY = 0.99


@dataclass(frozen=True)
class Repairs:
    """Repairs of one span over the service life: mean, the number that 99 % of lives stay within, its splices' loss."""

    mean: float
    most: int
    loss_db: float


def repairs_on(route_m: float, rules: OpticalSettings) -> Repairs:
    """The repairs of a cable of that route."""
    rate = rules.availability.cuts_per_1000_km_year
    mean = rate * route_m / 1e6 * rules.service_life_years
    most = 0
    while pdtr(most, mean) < _LIKELY:
        most += 1
    return Repairs(mean, most, most * _SPLICES * rules.splice_loss_db)
