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
    carriageway_half_width_m: float = Field(
        default=15.0,
        ge=5.0,
        le=50.0,
        description="Farther than this from the carriageway's line a vehicle is parked beside the road, m",
    )
    heard_within_s: float = Field(
        default=3.0, ge=1.0, le=10.0, description="A vehicle not heard for longer is silent and proves nothing, s"
    )
    moving_speed_mps: float = Field(
        default=2.0, gt=0.5, le=10.0, description="At or above this a vehicle that stood has moved off, m/s"
    )
    moving_for_s: float = Field(
        default=1.0, ge=0.0, le=10.0, description="It must be heard moving for this long before a warning ends, s"
    )
    queue_vehicles: int = Field(default=5, ge=3, le=50, description="Vehicles that make a queue")
    queue_speed_mps: float = Field(default=3.0, gt=0.5, le=10.0, description="Below this a vehicle queues, m/s")
    queue_after_s: float = Field(
        default=5.0, ge=1.0, le=60.0, description="Each vehicle of a queue has queued this long, s"
    )
    queue_gap_m: float = Field(default=60.0, ge=10.0, le=200.0, description="Greatest gap within one queue, m")
    queue_mean_s: int = Field(
        default=15, ge=5, le=60, description="Period of the mean speed that tells a queue from stop-and-go, s"
    )
    queue_approach_mps: float = Field(
        default=11.0, ge=4.0, le=40.0, description="Traffic upstream at this speed makes a queue's end dangerous, m/s"
    )
    queue_approach_m: float = Field(
        default=1500.0, ge=100.0, le=5000.0, description="How far upstream of a queue's end that traffic is sought, m"
    )
    queue_keeps: int = Field(
        default=3, ge=1, le=50, description="A queue that was warned of lasts while this many vehicles queue in it"
    )
    plaza_spill_m: float = Field(
        default=300.0,
        ge=0.0,
        le=5000.0,
        description="A queue that begins in a plaza or service area counts only beyond this much of open road, m",
    )
    merge_m: float = Field(
        default=200.0, ge=50.0, le=1000.0, description="The same hazard nearer than this is the same event, m"
    )
    follow_m: float = Field(
        default=50.0, ge=20.0, le=500.0, description="An event follows the end of its queue in steps of this, m"
    )
    relevance_m: float = Field(
        default=2000.0, ge=200.0, le=10_000.0, description="How far upstream a hazard concerns vehicles, m"
    )
    tile_margin_m: float = Field(
        default=50.0, ge=10.0, le=500.0, description="Tiles this near to the relevant road are addressed too, m"
    )
    repetition_s: float = Field(default=5.0, ge=1.0, le=10.0, description="A warning is sent again this often, s")
    validity_s: int = Field(
        default=120,
        ge=20,
        le=120,
        description="A warning that is not updated is void after this; an update comes at half of it, s",
    )
