"""The signal of the backbone's wavelengths computed again in closed form, from the amplifiers as they are stated.

Noise of amplifiers: a channel that enters an amplifier with power P leaves it P/(h·f·B·F) above its noise, in a band B.
Noise of the fibre: the incoherent Gaussian-noise model, every other channel a pump (P. Poggiolini et al., "The GN-Model
of Fiber Non-Linear Propagation and its Applications", J. Lightwave Technol. 32(4), 2014, DOI 10.1109/JLT.2013.2295208,
closed form of incoherent accumulation). No spectrum is propagated, no amplifier is designed here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.optical.settings import OpticalSettings

__all__ = ["AmplifierStated", "Leg", "gsnr_db", "library_comb", "noise_figure_due_db", "table"]

FloatArray = npt.NDArray[np.float64]
_PLANCK, _LIGHT = 6.62607015e-34, 299_792_458.0
_TENTH_NM_HZ = 12.5e9
_KERR_M2_PER_W = 2.6e-20


@dataclass(frozen=True)
class AmplifierStated:
    """An amplifier as the plan states it; ``launch_dbm`` is the power of a channel behind it."""

    kind: str
    gain_db: float
    noise_figure_db: float
    launch_dbm: float


@dataclass(frozen=True)
class Leg:
    """From ROADM to ROADM: amplifiers in the order of the light; fibre, loss and attenuation of each span between."""

    amplifiers: tuple[AmplifierStated, ...]
    fibre_m: tuple[float, ...]
    loss_db: tuple[float, ...]
    per_km_db: tuple[float, ...]


@cache
def table() -> dict[str, Any]:
    """The equipment library as the file has it."""
    data: dict[str, Any] = json.loads(files("trassa.optical.wdm").joinpath("equipment.json").read_text("utf-8"))
    return data


def noise_figure_due_db(kind: str, gain_db: float) -> float:
    """The least noise figure that an amplifier of the library has at a gain; infinite for a kind it does not list.

    Two coils: the second one's noise counts by what the first one and the attenuator between them leave. Both are found
    from the noise figures at both ends of the gain range, with the second coil 5 dB below the whole at full gain.
    """
    row = next((row for row in table()["Edfa"] if row["type_variety"] == kind), None)
    if row is None:
        return math.inf
    low, high = row["gain_min"], row["gain_flatmax"]
    between = [10.0 ** ((high - 5.0 - 2.0 * (high - gain)) / 10.0) for gain in (low, high)]
    figures = [10.0 ** (row[name] / 10.0) for name in ("nf_max", "nf_min")]
    second = (figures[0] - figures[1]) / (1.0 / between[0] - 1.0 / between[1])
    first = figures[1] - second / between[1]
    inside = min(max(gain_db, low), high)
    left = 10.0 ** ((high - 5.0 - 2.0 * (high - inside)) / 10.0)
    return float(10.0 * math.log10(first + second / left) + max(low - gain_db, 0.0))


def library_comb() -> tuple[float, float, float]:
    """Spacing and symbol rate of the library's channels, Hz, and the transmitter's own OSNR, dB."""
    light = table()["SI"][0]
    return light["spacing"], light["baud_rate"], light["tx_osnr"]


def gsnr_db(
    legs: Sequence[Leg],
    rules: OpticalSettings,
    comb: tuple[float, float, float] | None = None,
    *,
    fibre: bool = True,
) -> FloatArray:
    """GSNR of every channel at the end of these legs in 0.1 nm, shape (channels,), lowest frequency first.

    ``comb`` is as :func:`library_comb` has it; without ``fibre`` the amplifiers' noise alone counts, OSNR.
    """
    spacing, baud, tx_osnr_db = comb or library_comb()
    light = table()["SI"][0]
    count = int((light["f_max"] - light["f_min"]) / spacing + 1e-9) + 1
    frequency = light["f_min"] + spacing * np.arange(count)
    quantum_w = _PLANCK * frequency * baud
    noise = np.zeros(count)
    for leg in legs:
        level = 1.0 + noise  # a ROADM levels a channel together with the noise in it
        for place, amplifier in enumerate(leg.amplifiers):
            into_w = 10.0 ** ((amplifier.launch_dbm - amplifier.gain_db - 30.0) / 10.0)
            noise += level * quantum_w * 10.0 ** (amplifier.noise_figure_db / 10.0) / into_w
            if fibre and place < len(leg.fibre_m):
                noise += _nonlinear(frequency, baud, amplifier.launch_dbm, leg, place, rules)
    ends = sum(10.0 ** (-db / 10.0) for db in (tx_osnr_db, table()["Roadm"][0]["add_drop_osnr"]))
    return np.asarray(-10.0 * np.log10(noise * _TENTH_NM_HZ / baud + ends))


def _nonlinear(
    frequency: FloatArray, baud: float, launch_dbm: float, leg: Leg, place: int, rules: OpticalSettings
) -> FloatArray:
    """Nonlinear noise over signal that one span adds, in the signal's band, shape (channels,)."""
    glass = table()["Fiber"][0]
    padding_db = max(table()["Span"][0]["padding"] - leg.loss_db[place], 0.0)
    entry_db = rules.connector_loss_db + rules.splice_loss_db + padding_db
    power_w = 10.0 ** ((launch_dbm - entry_db - 30.0) / 10.0)
    alpha = leg.per_km_db[place] / 1000.0 / (10.0 * math.log10(math.e))
    effective_m = -math.expm1(-alpha * leg.fibre_m[place]) / alpha
    wavelength_m = _LIGHT / 193.5e12
    bend = glass["dispersion"] * wavelength_m**2 / (2.0 * math.pi * _LIGHT)
    gamma = 2.0 * math.pi * _KERR_M2_PER_W / (wavelength_m * glass["effective_area"])
    scale = math.pi**2 * bend / alpha * baud
    apart = frequency[None, :] - frequency[:, None]
    pumps = np.arcsinh(scale * (apart + baud / 2.0)) - np.arcsinh(scale * (apart - baud / 2.0))
    np.fill_diagonal(pumps, np.diag(pumps) / 2.0)
    share = 16.0 / 27.0 * gamma**2 * effective_m**2 * alpha / (2.0 * math.pi * bend)
    return np.asarray(share * pumps.sum(axis=1) * (power_w / baud) ** 2)
