"""The ``[radio.antenna]`` section of trassa.toml: what hangs on a mast, and where it looks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["AntennaSettings", "SectorSet"]

SectorSet = Literal["both", "ahead", "back"]


class AntennaSettings(BaseModel):
    """Antennas of a site: one without direction, or sectors that look along the road.

    The planner chooses one tilt, one power and one set of sectors for every site from the sets allowed here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["omni", "sector", "file"] = Field(
        default="omni",
        description="omni: the same towards all azimuths; sector: 3GPP pattern; file: an MSI or Planet pattern",
    )
    file: str = Field(default="", description="Antenna pattern (.msi, .pln) in the inputs folder; for kind = file")
    horizontal_width_deg: float = Field(
        default=65.0, gt=0.0, le=360.0, description="Horizontal half-power beam width of a sector, deg"
    )
    vertical_width_deg: float = Field(
        default=10.0, gt=0.0, le=180.0, description="Vertical half-power beam width of a sector, deg"
    )
    front_to_back_db: float = Field(default=30.0, ge=0.0, le=60.0, description="Largest attenuation of a sector, dB")
    side_lobe_db: float = Field(
        default=20.0, ge=0.0, le=60.0, description="Largest attenuation in the vertical plane, dB"
    )
    aim_m: float = Field(
        default=1000.0,
        ge=50.0,
        le=10_000.0,
        description="A sector looks at the road this far along it, and as far again as the mast stands off it, m",
    )
    sectors: list[SectorSet] = Field(
        default=["both"], description="Sets of sectors on offer: both, ahead (increasing measure), back; names"
    )
    tilts_deg: list[float] = Field(default=[2.0], description="Downward tilts on offer, deg")
    back_offs_db: list[float] = Field(default=[0.0], description="Powers on offer, as dB below radio.eirp_per_re_dbm")

    @model_validator(mode="after")
    def _a_file_is_named(self) -> AntennaSettings:
        if (self.kind == "file") != bool(self.file):
            raise ValueError("kind = 'file' and a file in the inputs folder go together")
        return self

    @field_validator("sectors", "tilts_deg", "back_offs_db")
    @classmethod
    def _something_is_offered(cls, offered: list[object]) -> list[object]:
        if not offered:
            raise ValueError("at least one is needed")
        return sorted(set(offered), key=str if isinstance(offered[0], str) else None)  # type: ignore[type-var, arg-type]

    @field_validator("tilts_deg")
    @classmethod
    def _tilts_look_down(cls, tilts_deg: list[float]) -> list[float]:
        for tilt in tilts_deg:
            if not -5.0 <= tilt <= 20.0:
                raise ValueError(f"tilt {tilt:g}° lies outside −5..20°")
        return tilts_deg

    @field_validator("back_offs_db")
    @classmethod
    def _power_is_below_the_most(cls, back_offs_db: list[float]) -> list[float]:
        for back_off in back_offs_db:
            if not 0.0 <= back_off <= 40.0:
                raise ValueError(f"back-off {back_off:g} dB lies outside 0..40 dB")
        return back_offs_db
