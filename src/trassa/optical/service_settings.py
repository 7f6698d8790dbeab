"""What is connected, by service class: the ``[[optical.services]]`` tables of ``trassa.toml``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["RADIO_SITE", "TOLL_POINT", "ServiceClass", "shipped_services"]

RADIO_SITE = "radio site"
"""The service of the sites that the radio plan chooses."""

TOLL_POINT = "gantry"
"""The service of the toll points of the tariffs in force."""


class ServiceClass(BaseModel):
    """What one kind of equipment beside the road asks of the line. Every class reaches two huts; on a tree it is
    protected as far as its splitter only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=40, description="Name of the class, as lists of equipment give it")
    access: Literal["own fibres", "ring", "tree"] = Field(
        description="own fibres: a link to either neighbouring hut; ring: from hut to hut through other equipment; "
        "tree: a splitter shared with neighbours, fed from both huts, name"
    )
    protection: Literal["any cut", "feeder"] = Field(
        default="any cut",
        description="any cut: no cut strands it; feeder: one between splitter and place does, as on a tree, name",
    )
    split: Literal[2, 4, 8, 16, 32] = Field(default=8, description="Outputs of the splitters of a tree")
    rate_mbps: float = Field(gt=0.0, le=400_000.0, description="Rate of one of them, Mbit/s")
    latency_us: float | None = Field(
        default=None, gt=0.0, description="One-way delay to a point of presence that is promised, any cut included, µs"
    )

    @model_validator(mode="after")
    def _honest(self) -> ServiceClass:
        if self.access == "tree" and self.protection != "feeder":
            raise ValueError(
                f"{self.name}: a tree cannot keep it when the cable is cut between its splitter and its place: "
                "protection = 'feeder' accepts that, access = 'ring' or 'own fibres' avoids it"
            )
        if self.access != "tree" and self.protection != "any cut":
            raise ValueError(f"{self.name}: protection = 'feeder' is that of a tree, access is {self.access!r}")
        return self


def shipped_services() -> tuple[ServiceClass, ...]:
    """The classes that trassa knows; rates are planning figures of this project."""
    return (
        ServiceClass(name=RADIO_SITE, access="own fibres", rate_mbps=10_000.0),
        ServiceClass(name="roadside station", access="ring", rate_mbps=100.0),
        ServiceClass(name=TOLL_POINT, access="ring", rate_mbps=200.0),
        ServiceClass(name="camera", access="ring", rate_mbps=20.0),
        ServiceClass(name="sign", access="ring", rate_mbps=1.0),
        ServiceClass(name="weather station", access="ring", rate_mbps=1.0),
    )
