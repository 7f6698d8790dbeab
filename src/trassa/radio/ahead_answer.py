"""The answer to "how will my connection be ahead": legs of a way, thresholds and the stretches that fall short."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear import ARROWS, Carriageway, Extent
from trassa.road.model import Road

__all__ = ["QUANTITIES", "Ahead", "Leg", "Shortfall", "Threshold"]

QUANTITIES: dict[str, tuple[str, str, bool]] = {
    "rate_down_mbps": ("downlink", "Mbit/s", True),
    "rate_up_mbps": ("uplink", "Mbit/s", True),
    "reliability": ("reliability", "", True),
    "interruption_risk": ("interruption risk", "", False),
}
"""Columns of the layer ``ahead`` that may have a threshold: what they are called, unit, whether more is better."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Threshold:
    """What is needed of one quantity: at least ``value``, or at most where less is better."""

    quantity: str
    value: float

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise InputError(f"ahead: no quantity {self.quantity!r}", cure=", ".join(QUANTITIES))
        if not math.isfinite(self.value):
            raise InputError(f"ahead: threshold {self.value} of {self.quantity} is not a number")

    def crossed(self, values: FloatArray) -> BoolArray:
        """Where the need is not met; what is unknown is not met."""
        return ~((values >= self.value) if QUANTITIES[self.quantity][2] else (values <= self.value))

    def worst(self, values: FloatArray) -> float:
        """The worst of some values, NaN where none is known."""
        known = values[~np.isnan(values)]
        if not len(known):
            return math.nan
        return float(known.min() if QUANTITIES[self.quantity][2] else known.max())


@dataclass(frozen=True)
class Leg:
    """A stretch driven on one carriageway, in that carriageway's sense."""

    carriageway: Carriageway
    from_m: float
    to_m: float

    def __post_init__(self) -> None:
        rises = self.to_m >= self.from_m
        if self.from_m != self.to_m and rises != (self.carriageway == "increasing"):
            raise InputError(
                f"ahead: measure {self.from_m:.0f} m to {self.to_m:.0f} m is against the traffic of the "
                f"{self.carriageway} carriageway",
                cure="the other carriageway, or the way-points in the order in which they are driven",
            )

    @property
    def length_m(self) -> float:
        """Length in metres of measure."""
        return abs(self.to_m - self.from_m)


@dataclass(frozen=True)
class Shortfall:
    """A longest stretch on which one threshold is crossed.

    ``distance_m`` and ``seconds`` are (first, last) along the way from now. ``value`` is the worst on the stretch, NaN
    where nothing is known about it; ``confidence`` the least of its rows: the probability with which the rates hold.
    """

    threshold: Threshold
    carriageway: Carriageway
    extent: Extent
    distance_m: tuple[float, float]
    seconds: tuple[float, float]
    value: float
    confidence: float


@dataclass(frozen=True)
class Ahead:
    """The answer: shortfalls in order of time, and the worst of every quantity over the whole way."""

    road: Road
    legs: tuple[Leg, ...]
    speed_mps: float
    shortfalls: tuple[Shortfall, ...]
    worst: dict[str, float]

    @property
    def length_m(self) -> float:
        """Length of the way."""
        return sum(leg.length_m for leg in self.legs)

    @property
    def first(self) -> Shortfall | None:
        """What falls short first."""
        return self.shortfalls[0] if self.shortfalls else None

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON; unknown numbers are null."""
        first = self.first
        return {
            "road": self.road.ref,
            "speed_mps": round(self.speed_mps, 3),
            "length_m": round(self.length_m, 1),
            "duration_s": round(self.length_m / self.speed_mps, 1),
            "way": [self._leg(leg) for leg in self.legs],
            "worst": {name: _json(value, 4) for name, value in self.worst.items()},
            "first_shortfall_m": None if first is None else round(first.distance_m[0], 1),
            "first_shortfall_s": None if first is None else round(first.seconds[0], 1),
            "shortfalls": [self._shortfall(one) for one in self.shortfalls],
        }

    def text(self) -> str:
        """A line about the whole way for a terminal."""
        drive = f"{self.length_m / 1000.0:.1f} km ahead, {self.length_m / self.speed_mps:.0f} s"
        worst = ", ".join(f"{QUANTITIES[name][0]} {_amount(name, value)}" for name, value in self.worst.items())
        first = self.first
        if first is None:
            return f"{drive}: nothing falls short; at worst {worst}"
        what = QUANTITIES[first.threshold.quantity][0]
        place = f"in {first.distance_m[0]:.0f} m ({first.seconds[0]:.0f} s)"
        return f"{drive}: {what} falls short {place}; at worst {worst}"

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        header = ["where", "from s", "to s", "what", "needed", "there", "confidence"]
        rows = [
            [
                f"{self.road.span_text(one.extent.start_m, one.extent.end_m)} {ARROWS[one.carriageway]}",
                f"{one.seconds[0]:.0f}",
                f"{one.seconds[1]:.0f}",
                QUANTITIES[one.threshold.quantity][0],
                _amount(one.threshold.quantity, one.threshold.value),
                _amount(one.threshold.quantity, one.value),
                "" if math.isnan(one.confidence) else f"{one.confidence:.2f}",
            ]
            for one in self.shortfalls
        ]
        return header, rows

    def _leg(self, leg: Leg) -> dict[str, Any]:
        labels = (self.road.calibration.text(measure) for measure in (leg.from_m, leg.to_m))
        return {"carriageway": leg.carriageway, **dict(zip(("from", "to"), labels, strict=True))}

    def _shortfall(self, one: Shortfall) -> dict[str, Any]:
        return {
            "carriageway": one.carriageway,
            "start_m": round(one.extent.start_m, 1),
            "end_m": round(one.extent.end_m, 1),
            "from": self.road.calibration.text(one.extent.start_m),
            "to": self.road.calibration.text(one.extent.end_m),
            "distance_m": [round(value, 1) for value in one.distance_m],
            "seconds": [round(value, 1) for value in one.seconds],
            "quantity": one.threshold.quantity,
            "threshold": one.threshold.value,
            "value": _json(one.value, 4),
            "confidence": _json(one.confidence, 4),
        }


def _amount(quantity: str, value: float) -> str:
    if math.isnan(value):
        return "unknown"
    return f"{value:.4g} {QUANTITIES[quantity][1]}".strip()


def _json(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
