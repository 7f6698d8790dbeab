"""The ``[radio]`` section of trassa.toml: the service promised, the masts on offer and what they cost."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trassa.radio.antenna_settings import AntennaSettings
from trassa.radio.handover_settings import HandoverSettings
from trassa.radio.prices import RadioPrices
from trassa.radio.service_settings import Service
from trassa.radio.tunnel_settings import TunnelSettings

__all__ = ["Allowances", "RadioSettings"]


class Allowances(BaseModel):
    """What is taken from every margin because the computation cannot know better, in dB.

    Each is a least value: it is measured on the plan's own paths, and where the measurement is larger, that is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fast_path_db: float = Field(
        default=0.05, ge=0.0, le=5.0, description="Fast propagation path against the reference path, dB"
    )
    step_effect_db: float = Field(
        default=0.0, ge=0.0, le=20.0, description="Optimism of the profile step, 95 % value of doubling it, dB"
    )
    within_bin_db: float = Field(
        default=0.0, ge=0.0, le=20.0, description="Loss in the middle of a bin beyond its worse edge, largest found, dB"
    )
    clutter_height_db: float = Field(
        default=0.0, ge=0.0, le=20.0, description="Clutter higher than assumed by the clutter tolerance, 95 % value, dB"
    )


class RadioSettings(Service):
    """The promised service and what may be built for it."""

    exempt_structures: list[Literal["tunnel", "bridge"]] = Field(
        default=["tunnel"], description="Kinds of structures the promise does not speak about, names"
    )
    # what may be built
    new_mast_heights_m: list[float] = Field(
        default=[25.0, 35.0], description="Antenna heights on offer for new masts, m above ground"
    )
    new_mast_spacing_m: float = Field(
        default=250.0, gt=0.0, le=50_000.0, description="Distance between places offered for new masts, m of measure"
    )
    new_mast_offset_m: float = Field(
        default=15.0, ge=5.0, le=200.0, description="From the carriageway's centre line to a new mast in the verge, m"
    )
    new_mast_side: Literal["increasing", "decreasing", "alternate"] = Field(
        default="increasing", description="Carriageway in whose verge new masts stand, name"
    )
    existing_mast_max_offset_m: float = Field(
        default=2000.0, ge=0.0, le=20_000.0, description="Existing masts are considered up to this far from the road, m"
    )
    existing_mast_default_height_m: float = Field(
        default=25.0, ge=5.0, le=300.0, description="Antenna height on an existing mast the map gives no height for, m"
    )
    mast_height_tolerance_m: float = Field(
        default=5.0,
        ge=0.0,
        le=50.0,
        description="How much lower a mast of unknown height may be: its losses are computed that much lower, m",
    )
    existing_mast_top_m: float = Field(
        default=0.0, ge=0.0, le=50.0, description="How far below the mapped top of a mast the antenna hangs, m"
    )
    power_assumed_m: float = Field(
        default=500.0, ge=0.0, le=20_000.0, description="Way to mains power where the map shows none at all, m"
    )
    power_limit_m: float = Field(
        default=3000.0, ge=0.0, le=3000.0, description="A new mast is taken to be no farther than this from mains, m"
    )
    clutter_height_tolerance_m: float = Field(
        default=3.0, ge=0.0, le=30.0, description="How much higher woods and houses may be than assumed, m"
    )
    # how it is computed
    propagation: Literal["p1812", "tr38901-rma", "free-space"] = Field(
        default="p1812", description="Propagation model: ITU-R P.1812, 3GPP TR 38.901 RMa, or free space, name"
    )
    interference_time_percent: float = Field(
        default=10.0, ge=1.0, le=10.0, description="Share of the time that interfering levels are exceeded in, %"
    )
    reach_m: float = Field(
        default=15_000.0, ge=500.0, le=100_000.0, description="Paths longer than this count as no link, m"
    )
    dn_per_km: float = Field(
        default=45.0, ge=0.0, le=120.0, description="Median refractivity lapse in the lowest kilometre, N-units/km"
    )
    n0: float = Field(default=325.0, ge=250.0, le=400.0, description="Sea-level surface refractivity, N-units")
    siting_step_m: float = Field(
        default=30.0, ge=10.0, le=1000.0, description="Spacing of the samples the siting looks at first, m of measure"
    )
    siting_time_limit_s: float = Field(
        default=120.0, gt=0.0, le=36_000.0, description="Time the solver may take over all rounds of one plan, s"
    )
    siting_gap: float = Field(
        default=0.0005, ge=0.0, le=0.1, description="Relative gap at which the solver may stop, ratio"
    )
    allowances: Allowances = Field(default=Allowances(), description="Deductions from every margin, dB")
    antenna: AntennaSettings = Field(default=AntennaSettings(), description="Antennas of a site")
    handover: HandoverSettings = Field(default=HandoverSettings(), description="Handover")
    prices: RadioPrices = Field(default=RadioPrices(), description="Prices of radio sites, minor units")
    tunnel: TunnelSettings = Field(default=TunnelSettings(), description="Radio in tunnels")

    @field_validator("new_mast_heights_m")
    @classmethod
    def _heights_are_usable(cls, heights: list[float]) -> list[float]:
        for height in heights:
            if not 5.0 <= height <= 300.0:
                raise ValueError(f"mast height {height:g} m lies outside 5..300 m")
        return sorted(set(heights))

    @model_validator(mode="after")
    def _something_can_be_built(self) -> RadioSettings:
        if not self.new_mast_heights_m and self.existing_mast_max_offset_m == 0.0:
            raise ValueError("neither new nor existing masts are on offer: give new_mast_heights_m")
        return self

    @model_validator(mode="after")
    def _tunnels_have_one_server(self) -> RadioSettings:
        if self.tunnel.served and "tunnel" not in self.exempt_structures:
            raise ValueError("tunnel.serve gives tunnels radio of their own: exempt_structures must name them")
        return self

    @property
    def overlap_m(self) -> float:
        """The way of a handover at the design speed, from the crossing of two levels to its end."""
        return self.design_speed_kmh / 3.6 * self.handover.decision_s
