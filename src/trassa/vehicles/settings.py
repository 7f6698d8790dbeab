"""What ``trassa.toml`` says about messages and hazards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["VehiclesSettings"]


class VehiclesSettings(BaseModel):
    """``[vehicles]``: the central station, and when the road warns."""

    model_config = ConfigDict(extra="forbid")

    station_id: int = Field(
        default=4_200_000_011, ge=1, le=4_294_967_295, description="originatingStationID of the road's own DENMs"
    )
    stationary_speed_mps: float = Field(
        default=0.5, gt=0.0, le=3.0, description="At or below this a vehicle stands, m/s"
    )
    stationary_after_s: float = Field(
        default=10.0, ge=2.0, le=120.0, description="A vehicle that stands this long on a carriageway is a hazard, s"
    )
