"""The ``[radio.handover]`` section of trassa.toml: how a vehicle goes from cell to cell."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["HandoverSettings"]


class HandoverSettings(BaseModel):
    """Measurement, decision and execution of a handover (event A3 of TS 38.331 §5.5.4.4), and link failure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap: bool = Field(
        default=False,
        description="Whether one server must hold for the whole way of a handover at the design speed, yes/no",
    )
    a3_offset_db: float = Field(default=2.0, ge=-15.0, le=15.0, description="Offset of event A3, dB")
    hysteresis_db: float = Field(default=1.0, ge=0.0, le=15.0, description="Hysteresis of event A3, dB")
    time_to_trigger_ms: float = Field(default=160.0, ge=0.0, le=5120.0, description="Time to trigger of event A3, ms")
    measurement_period_ms: float = Field(
        default=200.0, ge=10.0, le=2000.0, description="Layer-1 measurement period, ms"
    )
    filter_coefficient: int = Field(default=4, ge=0, le=19, description="Layer-3 filter coefficient k")
    preparation_ms: float = Field(default=50.0, ge=0.0, le=2000.0, description="Handover preparation, ms")
    execution_ms: float = Field(default=40.0, ge=0.0, le=2000.0, description="Handover execution: the interruption, ms")
    qout_db: float = Field(default=-8.0, ge=-30.0, le=10.0, description="SINR below which the link is out of sync, dB")
    qin_db: float = Field(default=-6.0, ge=-30.0, le=10.0, description="SINR above which it is in sync again, dB")
    n310: int = Field(default=1, ge=1, le=20, description="Out-of-sync indications that start T310")
    n311: int = Field(default=1, ge=1, le=10, description="In-sync indications that stop T310")
    t310_ms: float = Field(default=1000.0, ge=0.0, le=6000.0, description="Time to radio-link failure, ms")
    reestablishment_ms: float = Field(default=400.0, ge=0.0, le=30_000.0, description="Time to re-establish a link, ms")
    ping_pong_s: float = Field(
        default=5.0, ge=0.0, le=60.0, description="A return to the cell left within this time, s"
    )

    @property
    def decision_s(self) -> float:
        """From where the levels meet event A3 to the end of the handover, at worst.

        They may meet it just after a measurement, the filter (a = 1/2^(k/4)) follows a steady change (1 − a)/a
        measurements late, and the time to trigger ends at a measurement.
        """
        new = math.pow(0.5, self.filter_coefficient / 4.0)
        measurements = 1.0 + (1.0 - new) / new + math.ceil(self.time_to_trigger_ms / self.measurement_period_ms - 1e-9)
        return 0.001 * (measurements * self.measurement_period_ms + self.preparation_ms + self.execution_ms)

    def rules(self) -> dict[str, Any]:
        """The arguments of :class:`~trassa.radio.handover.HandoverRules`: an outage is what is below Qout."""
        return self.model_dump(exclude={"overlap"}) | {"outage_below_db": self.qout_db}
