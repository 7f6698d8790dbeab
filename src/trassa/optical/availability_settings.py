"""The ``[optical.availability]`` section: how often things fail and how long they take to mend."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["HOURS_PER_YEAR", "AvailabilitySettings"]

HOURS_PER_YEAR = 8760.0


class AvailabilitySettings(BaseModel):
    """Rates of failure and times of repair. Where no source is named the value is a planner's, with its usual range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cuts_per_1000_km_year: float = Field(
        default=2.13,
        gt=0.0,
        le=100.0,
        description="Cuts of a buried cable per 1000 km of route and year (Bellcore, in an AFL paper of 2001)",
    )
    cut_repair_h: float = Field(
        default=12.0, gt=0.0, le=1000.0, description="Mean time until a cut is repaired, h (Net2Plan's default)"
    )
    common_cause_ratio: float = Field(
        default=0.05,
        ge=0.0,
        le=1.0,
        description="Share of a cable's cuts that take the cable in the other trench too; no source, planners 0.02–0.1",
    )
    hut_mtbf_h: float = Field(
        default=50_000.0, gt=0.0, description="Mean time between losses of a hut, h; planners 20 000–100 000"
    )
    equipment_mtbf_h: float = Field(
        default=200_000.0,
        gt=0.0,
        description="Mean time between failures of the two transceivers of a link, h; planners 100 000–500 000",
    )
    equipment_repair_h: float = Field(
        default=2.0, gt=0.0, le=1000.0, description="Mean time until a hut or its equipment is mended, h"
    )
