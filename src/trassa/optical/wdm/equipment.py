"""What stands in the huts: the amplifiers, the ROADM and the comb of channels, as ``equipment.json`` lists them.

The file is GNPy's own format, so its command line reads it too. Only variable-gain EDFAs are offered to the design:
no Raman pump and no dual stage is ever chosen in silence.

Noise figure. A variable-gain EDFA is two coils with an attenuator between them. Each decibel below the flat gain is
taken out twice, in the first coil's gain and in the attenuator, so in linear terms::

    F(G) = a + b · 10^((G_flat − G) / 5)       F(G_flat) = 10^(nf_min/10),   F(G_min) = 10^(nf_max/10)

Below the least gain the input is padded, decibel by decibel; above the flat gain the figure stays at its least.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["AmplifierType", "Comb", "Equipment", "Glass", "equipment_of", "line_equipment", "read_equipment"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AmplifierType:
    """A variable-gain EDFA: its gain range in which it is flat, greatest total output, and noise figures."""

    name: str
    least_gain_db: float
    flat_gain_db: float
    total_output_dbm: float
    least_noise_figure_db: float
    greatest_noise_figure_db: float

    def noise_figure_db(self, gain_db: float) -> float:
        """Noise figure at that gain."""
        padding_db = max(self.least_gain_db - gain_db, 0.0)
        below_db = max(self.flat_gain_db - gain_db - padding_db, 0.0)
        least, greatest = (10.0 ** (db / 10.0) for db in (self.least_noise_figure_db, self.greatest_noise_figure_db))
        share = (10.0 ** (below_db / 5.0) - 1.0) / (10.0 ** ((self.flat_gain_db - self.least_gain_db) / 5.0) - 1.0)
        return float(10.0 * np.log10(least + (greatest - least) * share)) + padding_db


@dataclass(frozen=True)
class Comb:
    """Equal channels side by side. ``tx_osnr_db`` is the transmitter's own, in 0.1 nm."""

    first_thz: float
    last_thz: float
    spacing_thz: float
    baud_gbd: float
    tx_osnr_db: float

    @property
    def channels(self) -> int:
        """Channels counted as GNPy counts them, one more than the spacings between both bounds."""
        return int((round(self.last_thz * 1e12) - round(self.first_thz * 1e12)) // round(self.spacing_thz * 1e12)) + 1

    @property
    def frequency_thz(self) -> FloatArray:
        """Centre of each channel, shape (channels,); the first lies at the lower bound."""
        return np.asarray(self.first_thz + self.spacing_thz * np.arange(self.channels))


@dataclass(frozen=True)
class Glass:
    """The fibre: dispersion, effective area and polarisation mode dispersion, in units of the file (SI)."""

    dispersion_s_per_m2: float
    effective_area_m2: float
    pmd_s_per_sqrt_m: float


@dataclass(frozen=True)
class Equipment:
    """A library: amplifiers in the order of the file, the glass, and the rules of the line.

    ``power_dbm`` is the reference per channel; ``delta_power_db`` is (least, greatest, step) of what the launch power
    of a span may differ from it.
    """

    amplifiers: tuple[AmplifierType, ...]
    glass: Glass
    comb: Comb
    power_dbm: float
    delta_power_db: tuple[float, float, float]
    reference_loss_db: float
    power_slope: float
    padding_db: float
    extended_gain_db: float
    roadm_output_dbm: float
    add_drop_osnr_db: float


def read_equipment(path: Path) -> Equipment:
    """A library in GNPy's format. Its variable-gain amplifiers that may be designed with are taken, no others."""
    return equipment_of(json.loads(path.read_text("utf-8")))


def equipment_of(data: Mapping[str, Any]) -> Equipment:
    """A library from GNPy's JSON."""
    span, roadm, channel, fibre = (data[name][0] for name in ("Span", "Roadm", "SI", "Fiber"))
    amplifiers = tuple(
        AmplifierType(
            row["type_variety"], row["gain_min"], row["gain_flatmax"], row["p_max"], row["nf_min"], row["nf_max"]
        )
        for row in data["Edfa"]
        if row.get("type_def") == "variable_gain" and row.get("allowed_for_design")
    )
    first_thz, last_thz, spacing_thz = (channel[name] / 1e12 for name in ("f_min", "f_max", "spacing"))
    comb = Comb(first_thz, last_thz, spacing_thz, channel["baud_rate"] / 1e9, channel["tx_osnr"])
    least_db, greatest_db, step_db = span["delta_power_range_db"]
    return Equipment(
        amplifiers,
        Glass(fibre["dispersion"], fibre["effective_area"], fibre["pmd_coef"]),
        comb,
        channel["power_dbm"],
        (least_db, greatest_db, step_db),
        span.get("span_loss_ref", 20.0),
        span.get("power_slope", 0.3),
        span["padding"],
        span["target_extended_gain"],
        roadm["target_pch_out_db"],
        roadm["add_drop_osnr"],
    )


@cache
def line_equipment() -> Equipment:
    """The library that trassa ships."""
    return equipment_of(json.loads(files(__package__).joinpath("equipment.json").read_text("utf-8")))
