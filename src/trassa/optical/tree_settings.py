"""The ``[optical.trees]`` section: classes of passive optical networks, splitters, and what both cost.

Losses of splitters are usual data-sheet values of planar splitters; classes of ODN loss are those of ITU-T G.984.2
(B+, C+) and G.9807.1 (N1, N2), each with its least and its greatest loss in either direction.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trassa.optical.prices import assumed_price
from trassa.pricing import Price

__all__ = ["PonClass", "SplitterClass", "TreeSettings"]


class PonClass(BaseModel):
    """A passive optical network as its class guarantees it, from an OLT port to an ONU over one fibre."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="Name of the class, other than any transceiver's")
    budget_db: float = Field(
        gt=0, description="Greatest loss of the distribution network, optical penalty taken off, dB"
    )
    least_loss_db: float = Field(ge=0, description="Least loss of the distribution network, against overload, dB")
    rate_down_mbps: float = Field(gt=0, description="Line rate from the OLT to all ONUs, Mbit/s")
    rate_up_mbps: float = Field(gt=0, description="Line rate from all ONUs to the OLT, Mbit/s")
    reach_m: float = Field(gt=0, description="Longest fibre from OLT to ONU, m")
    olt_port: Price = Field(description="Price of one OLT port with its optics; a tree has two")
    onu: Price = Field(description="Price of one hardened ONU")


class SplitterClass(BaseModel):
    """A planar splitter with one input; loss from its input to any output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: int = Field(ge=2, description="Outputs")
    least_loss_db: float = Field(gt=0, description="Least loss: that of equal shares, dB")
    typical_loss_db: float = Field(gt=0, description="Typical loss, dB")
    greatest_loss_db: float = Field(gt=0, description="Greatest loss, dB")
    price: Price = Field(description="Price of one with two inputs, in its closure")


def _shipped_pons() -> tuple[PonClass, ...]:
    gpon, xgs = "ITU-T G.984.2; price assumed", "ITU-T G.9807.1; price assumed"
    rows = (
        ("GPON B+", 28.0, 13.0, 2488.32, 1244.16, (15_000, 8_000, 40_000), (12_000, 6_000, 30_000), gpon),
        ("GPON C+", 32.0, 17.0, 2488.32, 1244.16, (22_000, 12_000, 60_000), (13_000, 6_000, 32_000), gpon),
        ("XGS-PON N1", 29.0, 14.0, 9953.28, 9953.28, (45_000, 20_000, 120_000), (25_000, 12_000, 60_000), xgs),
        ("XGS-PON N2", 31.0, 16.0, 9953.28, 9953.28, (60_000, 30_000, 150_000), (26_000, 12_000, 62_000), xgs),
    )
    return tuple(
        PonClass(
            name=name,
            budget_db=budget_db,
            least_loss_db=least_db,
            rate_down_mbps=down,
            rate_up_mbps=up,
            reach_m=20_000.0,
            olt_port=assumed_price(*olt, "piece", source),
            onu=assumed_price(*onu, "piece", source),
        )
        for name, budget_db, least_db, down, up, olt, onu, source in rows
    )


def _shipped_splitters() -> tuple[SplitterClass, ...]:
    rows = (
        (2, 3.01, 3.5, 3.7, 3_000),
        (4, 6.02, 6.9, 7.3, 4_000),
        (8, 9.03, 10.1, 10.5, 6_000),
        (16, 12.04, 13.2, 13.7, 9_000),
        (32, 15.05, 16.5, 17.1, 15_000),
    )
    return tuple(
        SplitterClass(
            split=split,
            least_loss_db=least,
            typical_loss_db=typical,
            greatest_loss_db=greatest,
            price=assumed_price(minor, minor // 2, 3 * minor, "piece"),
        )
        for split, least, typical, greatest, minor in rows
    )


class TreeSettings(BaseModel):
    """How passive trees are built: type B protection of ITU-T G.984.1, two feeders into one splitter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pons: tuple[PonClass, ...] = Field(
        default_factory=_shipped_pons, min_length=1, description="Classes of passive optical networks to choose from"
    )
    splitters: tuple[SplitterClass, ...] = Field(
        default_factory=_shipped_splitters, min_length=1, description="Splitters to choose from"
    )
    second_input_loss_db: float = Field(
        default=0.4, ge=0, le=1, description="What a splitter loses more for its second input, dB"
    )
    payload_ratio: float = Field(
        default=0.9, gt=0, le=1, description="Share of a line rate that is left for Ethernet: framing, error correction"
    )
    latency_us: float = Field(
        default=1500.0,
        ge=0,
        description="One-way delay of OLT and ONU, grants included (G.984.1: at most 1.5 ms mean), µs",
    )

    @model_validator(mode="after")
    def _consistent(self) -> TreeSettings:
        splits, names = [row.split for row in self.splitters], [row.name for row in self.pons]
        if len(set(splits)) < len(splits) or len(set(names)) < len(names):
            raise ValueError(f"trees: a class stands twice in {names} or {splits}")
        for row in self.splitters:
            if not row.least_loss_db <= row.typical_loss_db <= row.greatest_loss_db:
                raise ValueError(f"trees: losses of the splitter 1:{row.split} are not in rising order")
        return self

    def splitter(self, split: int) -> SplitterClass:
        """The splitter with that many outputs; :class:`KeyError` where none has."""
        return {row.split: row for row in self.splitters}[split]
