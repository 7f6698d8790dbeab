"""The promised service: the part of ``[radio]`` in trassa.toml that a road company and its operator agree on.

A ready profile (``radio.profile``) fills in whatever the file leaves out; :mod:`trassa.radio.profiles` has them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trassa.radio.profiles import profile_names, profile_values

__all__ = ["Service"]


class Service(BaseModel):
    """What must be received on every bin, with what, and how certainly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = Field(default="", description="Ready service that fills in what is left out here; empty: none, name")
    band: str = Field(default="", description="Band of the profile, e.g. n28 or n78; empty: the profile's first, name")
    # the carrier
    technology: Literal["lte", "nr"] = Field(default="lte", description="Radio access technology, name")
    frequency_mhz: float = Field(default=800.0, ge=30.0, le=6000.0, description="Downlink carrier frequency, MHz")
    uplink_mhz: float = Field(
        default=0.0, ge=0.0, le=6000.0, description="Uplink carrier frequency; 0: as the downlink, MHz"
    )
    bandwidth_mhz: float = Field(default=10.0, gt=0.0, le=400.0, description="Channel bandwidth, MHz")
    subcarrier_khz: Literal[15, 30, 60] = Field(default=15, description="Subcarrier spacing, kHz")
    duplex: Literal["fdd", "tdd"] = Field(default="fdd", description="Duplex mode, name")
    downlink_share: float = Field(
        default=0.75, gt=0.0, lt=1.0, description="Share of the time that tdd gives to the downlink, ratio"
    )
    eirp_per_re_dbm: float = Field(
        default=30.0,
        ge=-30.0,
        le=80.0,
        description="EIRP of a site (of a sector, on its axis) per resource element, dBm",
    )
    polarisation: Literal["vertical", "horizontal"] = Field(
        default="vertical", description="Polarisation in the diffraction over a smooth Earth, name"
    )
    # the vehicle and the site as receivers
    vehicle_antenna_m: float = Field(
        default=1.5, ge=1.0, le=5.0, description="Height of the vehicle's antenna above the carriageway, m"
    )
    vehicle_gain_dbi: float = Field(
        default=0.0, ge=-30.0, le=20.0, description="Gain of the vehicle's antenna with feeder and body loss, dBi"
    )
    penetration_loss_db: float = Field(
        default=0.0, ge=0.0, le=40.0, description="Loss into the vehicle: 0 for a roof antenna, dB"
    )
    vehicle_noise_figure_db: float = Field(
        default=9.0, ge=0.0, le=20.0, description="Noise figure of the vehicle's receiver, dB"
    )
    vehicle_branches: int = Field(
        default=1, ge=1, le=8, description="Antennas of the vehicle that its receiver combines (10 lg n dB in SINR)"
    )
    vehicle_power_dbm: float = Field(
        default=23.0, ge=0.0, le=33.0, description="Largest transmit power of the vehicle (power class 3: 23), dBm"
    )
    site_noise_figure_db: float = Field(
        default=3.0, ge=0.0, le=20.0, description="Noise figure of a site's receiver, dB"
    )
    site_branches: int = Field(
        default=1, ge=1, le=8, description="Antennas of a sector that its receiver combines beyond site_gain_dbi"
    )
    site_gain_dbi: float = Field(
        default=15.0, ge=-10.0, le=40.0, description="Gain of a site's antenna in the uplink, less its feeder, dBi"
    )
    # the promise
    need_rsrp_dbm: float = Field(default=-110.0, ge=-160.0, le=-30.0, description="RSRP the service needs, dBm")
    rate_down_mbps: float = Field(
        default=0.0, ge=0.0, le=10_000.0, description="Downlink rate at the edge; 0: not promised, Mbit/s"
    )
    rate_up_mbps: float = Field(
        default=0.0, ge=0.0, le=10_000.0, description="Uplink rate at the edge; 0: not promised, Mbit/s"
    )
    neighbour_load: float = Field(
        default=0.3, ge=0.0, le=1.0, description="Share of its resource elements that every other cell sends on, ratio"
    )
    with_interference: bool = Field(
        default=False, description="Whether the downlink rate must hold beside the load of the other cells, yes/no"
    )
    reliability: float = Field(
        default=0.95, ge=0.5, lt=1.0, description="Probability that a served bin gets what it needs, ratio per bin"
    )
    length_share: float = Field(
        default=1.0, gt=0.0, le=1.0, description="Share of the counted length that must be served, ratio"
    )
    sigma_db: float = Field(
        default=8.0, ge=0.0, le=20.0, description="Total shadowing around the computed median, standard deviation, dB"
    )
    sigma_source: str = Field(
        default="assumed: rural NLOS of the TR 38.901 family, no drive test", description="Where sigma comes from, text"
    )
    calibration_offset_db: float = Field(
        default=0.0,
        ge=-30.0,
        le=30.0,
        description="Measured less computed level by a drive test; added to every level, dB",
    )
    shadowing_distance_m: float = Field(
        default=120.0, gt=0.0, le=5000.0, description="Distance at which shadowing correlates by 1/e, m"
    )
    site_correlation: float = Field(
        default=0.5, ge=0.0, lt=1.0, description="Correlation of the shadowing towards two sites, ratio"
    )
    shared_cell_heads: int = Field(
        default=1,
        ge=1,
        le=32,
        description="Sites that may send one signal as one cell (single-frequency network); 1: every sector its own",
    )
    fronthaul_us: float = Field(
        default=100.0, gt=0.0, le=250.0, description="One-way delay budget between baseband and the heads of a cell, µs"
    )
    any_site_down: bool = Field(
        default=True, description="Whether the service must hold with any one site down, yes/no"
    )
    vehicles_per_km: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="Vehicles on one kilometre of one carriageway, 1/km"
    )
    rate_per_vehicle_mbps: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="Mean downlink rate of one vehicle, Mbit/s"
    )
    design_speed_kmh: float = Field(default=130.0, gt=0.0, le=500.0, description="Design speed, km/h")
    latency_ms: float = Field(
        default=0.0, ge=0.0, le=10_000.0, description="Latency the service may take; 0: not promised, ms"
    )
    longest_outage_s: float = Field(
        default=0.0, ge=0.0, le=3600.0, description="Longest outage of a trip; 0: nothing is promised of trips, s"
    )
    outage_probability: float = Field(
        default=0.05, gt=0.0, lt=1.0, description="Share of trips that may have a longer outage, ratio"
    )

    @model_validator(mode="before")
    @classmethod
    def _profile_fills_in(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("profile"):
            return given
        name, band = str(given["profile"]), str(given.get("band", ""))
        if name not in profile_names():
            raise ValueError(f"profile {name!r} is not known: {', '.join(profile_names())}")
        return _merged(profile_values(name, band), given)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The keys of both; where both have one, that of ``above``, section by section."""
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
