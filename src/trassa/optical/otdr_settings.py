"""The ``[optical.otdr]`` section: how far a laid cable and a trace may be off the plan before all learning."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["OtdrSettings"]


class OtdrSettings(BaseModel):
    """Tolerances of a trace's way to a kilometre. Without a source they are ours, from one cable of 24 fibres."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index_tolerance_ratio: float = Field(
        default=0.0012, ge=0.0, le=0.02, description="How far the fibre's group index may be off the trace's, ratio"
    )
    slack_tolerance_ratio: float = Field(
        default=0.004, ge=0.0, le=0.1, description="How far slack along the route may be off slack_ratio, ratio"
    )
    loop_sd_m: float = Field(
        default=5.0, ge=0.0, le=100.0, description="Cable at a closure beside closure_loop_m, standard deviation, m"
    )
    lead_sd_m: float = Field(
        default=5.0, ge=0.0, le=100.0, description="Fibre between instrument and hut's end, standard deviation, m"
    )
    uneven_m_per_root_km: float = Field(
        default=4.0, ge=0.0, le=100.0, description="Slack that lies unevenly along a reel, m per √km"
    )
    reading_sd_m: float = Field(
        default=14.0,
        gt=0.0,
        le=100.0,
        description="One closure in different fibres (8–14 measured), standard deviation, m",
    )
