"""The ``[optical]`` section of ``trassa.toml``: every field with its unit, default and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trassa.optical.availability_settings import AvailabilitySettings
from trassa.optical.colours import ColourCode
from trassa.optical.otdr_settings import OtdrSettings
from trassa.optical.prices import OpticalPrices, assumed_price
from trassa.optical.service_settings import RADIO_SITE, ServiceClass, shipped_services
from trassa.optical.tree_settings import TreeSettings
from trassa.pricing import Price

__all__ = ["OpticalSettings", "TransceiverClass"]


class TransceiverClass(BaseModel):
    """A pluggable transceiver as its class guarantees it: worst transmitter into worst receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Name of the class")
    fibres: Literal[1, 2] = Field(description="Fibres of one link: 1 bidirectional (BiDi), 2 duplex (grey)")
    band: Literal["1310", "1550"] = Field(description="Window whose attenuation applies, nm")
    budget_db: float = Field(
        gt=0, description="Lowest launch power minus receiver sensitivity, penalties taken off, dB"
    )
    least_loss_db: float = Field(
        ge=0, description="Highest launch power minus receiver overload: a link must lose it, dB"
    )
    reach_m: float = Field(gt=0, description="Longest fibre by dispersion, m")
    price: Price = Field(description="Price of one transceiver; a link has two")


def _shipped_transceivers() -> tuple[TransceiverClass, ...]:
    ieee = "IEEE 802.3 clause 52 (10GBASE-LR, -ER); price assumed"
    vendor = "usual data-sheet values; price assumed"
    rows: tuple[tuple[str, Literal[1, 2], Literal["1310", "1550"], float, float, float, Price], ...] = (
        ("grey 10 km", 2, "1310", 6.2, 0.0, 10_000.0, assumed_price(4_000, 1_500, 15_000, "piece", ieee)),
        ("grey 40 km", 2, "1550", 11.1, 5.0, 40_000.0, assumed_price(18_000, 9_000, 50_000, "piece", ieee)),
        ("grey 80 km", 2, "1550", 22.0, 11.0, 80_000.0, assumed_price(32_000, 18_000, 120_000, "piece", vendor)),
        ("BiDi 10 km", 1, "1310", 6.2, 0.0, 10_000.0, assumed_price(7_000, 3_000, 20_000, "piece", vendor)),
        ("BiDi 40 km", 1, "1310", 15.0, 4.0, 40_000.0, assumed_price(23_000, 12_000, 60_000, "piece", vendor)),
        ("BiDi 80 km", 1, "1550", 22.0, 11.0, 80_000.0, assumed_price(42_000, 25_000, 150_000, "piece", vendor)),
    )
    return tuple(
        TransceiverClass(name=n, fibres=f, band=b, budget_db=q, least_loss_db=o, reach_m=r, price=p)
        for n, f, b, q, o, r, p in rows
    )


class OpticalSettings(BaseModel):
    """How the line in the verge is built and what it must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    side: Literal["reference", "increasing", "decreasing"] = Field(
        default="reference", description="Carriageway in whose verge the first cable lies"
    )
    cables: Literal[1, 2] = Field(default=1, description="Number of cables; the second carries the backbone once more")
    second_cable: Literal["other_side", "same_trench"] = Field(
        default="other_side", description="Where the second cable lies: own trench across the road, or the same trench"
    )
    fibres: int = Field(default=96, ge=4, le=864, description="Fibres in each cable")
    tube_fibres: int = Field(default=12, ge=1, le=24, description="Fibres in each buffer tube")
    colour_code: ColourCode = Field(
        default="tia-598", description="Order of the colours of fibres and tubes: tia-598 or din-vde-0888, name"
    )
    growth_ratio: float = Field(
        default=0.2, ge=0.0, le=5.0, description="Fibres to be kept free for growth, ratio to those in use"
    )
    backbone_fibres: int = Field(default=4, ge=2, description="Fibres kept for the backbone from hut to hut")
    drop_fibres: tuple[int, ...] = Field(
        default=(4, 8, 12, 24), min_length=1, description="Fibre counts that cables of drops are made with"
    )

    attenuation_1550_db_per_km: float = Field(default=0.22, gt=0, le=1, description="Cabled fibre at 1550 nm, dB/km")
    attenuation_1310_db_per_km: float = Field(default=0.35, gt=0, le=1, description="Cabled fibre at 1310 nm, dB/km")
    splice_loss_db: float = Field(default=0.05, ge=0, le=1, description="Mean splice loss, two-way, dB")
    connector_loss_db: float = Field(default=0.5, ge=0, le=2, description="Loss of one connector, dB")
    repair_margin_db: float = Field(
        default=3.0, ge=0, description="Ageing and repairs until end of life, per span or link, dB"
    )
    service_life_years: float = Field(
        default=25.0, gt=0, le=100, description="Time in which cuts are repaired by two splices each, years"
    )
    first_day_ratio: float = Field(
        default=0.6, gt=0, le=1, description="Share of the planned loss that a new link may fall to, against overload"
    )
    latency_us_per_km: float = Field(
        default=4.897, gt=4, lt=6, description="Delay of one kilometre of fibre (group index 1.4681 at 1550 nm), µs"
    )
    hut_latency_us: float = Field(default=10.0, ge=0, description="Switching delay in each hut passed, µs")

    helix_ratio: float = Field(default=0.975, gt=0.9, le=1, description="Sheath length over fibre length")
    helix_ratio_low: float = Field(default=0.97, gt=0.9, le=1, description="Least ratio the cable may have")
    helix_ratio_high: float = Field(default=0.98, gt=0.9, le=1, description="Greatest ratio the cable may have")
    slack_ratio: float = Field(
        default=0.02, ge=0, le=0.2, description="Slack along the route: 2 % buried, 5.7 % in duct"
    )
    closure_loop_m: float = Field(
        default=10.0, ge=0, description="Cable stored at each closure, half on either side, m"
    )
    termination_loop_m: float = Field(default=4.0, ge=0, description="Cable stored at each end in a hut, m")

    reel_limit_m: float = Field(default=4000.0, ge=500, le=12_000, description="Longest piece of cable, sheath, m")
    chamber_limit_m: float = Field(default=1000.0, ge=50, description="Longest route between chambers, m")
    crossing_m: float = Field(default=40.0, ge=0, description="Route under both carriageways, m")
    verge_offset_m: float = Field(
        default=12.0, ge=0, le=60, description="Trench from the carriageway's axis, outwards into the verge, m"
    )
    hut_entry_m: float = Field(default=15.0, ge=0, le=1000, description="Route from the trench into a hut, m")
    ducts: int = Field(default=2, ge=1, le=12, description="Ducts in each trench; those without a cable are in reserve")
    microducts: int = Field(default=0, ge=0, le=24, description="Microducts in each duct; 0: cables lie in the duct")
    as_built: str = Field(
        default="", description="CSV or GeoPackage file of built plant, which replaces what is planned; empty: none"
    )

    span_loss_limit_db: float = Field(default=28.0, gt=0, description="Greatest end-of-life loss from hut to hut, dB")
    span_limit_m: float = Field(default=120_000.0, gt=0, description="Longest fibre from hut to hut, m")
    stray_limit_m: float = Field(
        default=3000.0, ge=0.0, description="Farthest beyond the line's end, in a hole, that a site is connected, m"
    )
    place_offset_m: float = Field(
        default=1000.0, ge=0, description="Farthest that a powered place may lie from the road to feed a hut, m"
    )
    new_power_step_m: float = Field(
        default=5000.0, ge=500, description="Spacing of places where a new power connection may be built, m"
    )
    shortest_part_m: float = Field(
        default=500.0, ge=20, description="Road between two holes that is shorter than this gets no cable, m"
    )
    services: tuple[ServiceClass, ...] = Field(
        default_factory=shipped_services, min_length=1, description="Service classes of what is connected"
    )
    equipment_list: str = Field(
        default="",
        description="CSV file of further equipment to connect: name, service, position, offset_m; empty: none",
    )
    toll_place_m: float = Field(
        default=1000.0,
        ge=0.0,
        le=10_000.0,
        description="Farthest from its tariff's kilometre that a toll place of the map is taken for a toll point, m",
    )
    ramp_offset_m: float = Field(
        default=400.0,
        ge=0.0,
        le=5000.0,
        description="Distance from the carriageway that a toll point on a ramp is taken to have if no map shows it, m",
    )
    ring_members: int = Field(default=16, ge=1, le=250, description="Most equipment on one access ring")
    ring_rate_mbps: float = Field(default=10_000.0, gt=0.0, description="Rate of an access ring, Mbit/s")
    ring_latency_us: float = Field(
        default=5.0, ge=0.0, description="Switching delay in each ring member passed, its own included, µs"
    )
    trees: TreeSettings = Field(default_factory=TreeSettings, description="Passive trees")
    transceivers: tuple[TransceiverClass, ...] = Field(
        default_factory=_shipped_transceivers, min_length=1, description="Transceiver classes to choose from"
    )

    hut_equipment: Literal["roadm", "amplifier"] = Field(
        default="roadm", description="What the backbone wavelengths meet in a hut"
    )
    check_transmission: bool = Field(default=True, description="Whether GNPy checks the wavelengths end to end")
    needed_gsnr_db: float = Field(
        default=12.0, description="GSNR in 0.1 nm that the mode needs (100G DP-QPSK at 31.57 GBd), dB"
    )
    channel_rate_gbps: float = Field(
        default=100.0, gt=0, le=1600, description="Rate of one wavelength in that mode, Gbit/s"
    )
    gsnr_margin_db: float = Field(default=2.0, ge=0, description="System margin on top of the needed GSNR, dB")
    latency_promise_us: float | None = Field(
        default=None, gt=0, description="One-way delay from any site to a point of presence that is promised, µs"
    )
    availability: AvailabilitySettings = Field(
        default_factory=AvailabilitySettings, description="Rates of failure and times of repair"
    )
    edge_round_trip_us: float | None = Field(
        default=None,
        gt=0,
        description="The line's part of a round trip from any radio site to a server in a hut that is promised, µs",
    )
    otdr: OtdrSettings = Field(default_factory=OtdrSettings, description="Traces")
    prices: OpticalPrices = Field(default_factory=OpticalPrices, description="Unit prices")

    @model_validator(mode="after")
    def _consistent(self) -> OpticalSettings:
        if not self.helix_ratio_low <= self.helix_ratio <= self.helix_ratio_high:
            raise ValueError(
                f"helix_ratio {self.helix_ratio} lies outside {self.helix_ratio_low}..{self.helix_ratio_high}"
            )
        if self.backbone_fibres >= self.fibres:
            raise ValueError(f"backbone_fibres {self.backbone_fibres} leave none of {self.fibres} fibres for sites")
        stored_m = self.closure_loop_m + self.termination_loop_m + self.crossing_m + self.hut_entry_m
        if self.reel_limit_m < 4.0 * stored_m:
            raise ValueError(f"reel_limit_m {self.reel_limit_m} leaves too little cable between its loops")
        together = self.cables if self.second_cable == "same_trench" else 1
        if together > self.ducts * max(self.microducts, 1):
            raise ValueError(f"ducts {self.ducts} without microducts have no room for {together} cables in one trench")
        if list(self.drop_fibres) != sorted({count for count in self.drop_fibres if count >= 2}):
            raise ValueError(f"drop_fibres {list(self.drop_fibres)} are no counts of 2 and more in rising order")
        for what, rows in (("transceivers", self.transceivers), ("services", self.services)):
            names = [row.name for row in rows]
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: a name stands twice in {names}")
        taken = {row.name for row in self.transceivers} & {row.name for row in self.trees.pons}
        if taken:
            raise ValueError(f"trees: {sorted(taken)[0]!r} names a transceiver too")
        splits = {service.split for service in self.services if service.access == "tree"}
        if not splits <= {row.split for row in self.trees.splitters}:
            raise ValueError(
                f"trees: no splitter has {min(splits - {row.split for row in self.trees.splitters})} outputs"
            )
        if RADIO_SITE not in [service.name for service in self.services]:
            raise ValueError(f"services: the class {RADIO_SITE!r} is missing")
        return self

    def service(self, name: str) -> ServiceClass:
        """The service class of that name; :class:`KeyError` for a name that no class has."""
        return self._service[name]

    @cached_property
    def _service(self) -> Mapping[str, ServiceClass]:
        return {service.name: service for service in self.services}

    def attenuation_db_per_km(self, band: Literal["1310", "1550"]) -> float:
        """Attenuation of the cabled fibre in one window."""
        return self.attenuation_1310_db_per_km if band == "1310" else self.attenuation_1550_db_per_km
