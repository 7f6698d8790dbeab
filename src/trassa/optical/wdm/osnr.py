"""The signal of a channel in closed form: what the design is worth without any simulation.

::

    amplifier   1/OSNR = 10^−((launch − gain − NF − quantum)/10)     in 0.1 nm
    quantum     10·lg(h · f · 12.5 GHz / 1 mW)                       −57.96 dBm at 193.2 THz
    fibre       1/SNR = 8/27 · (γ·Lₑ·P/R)² / (π·β₂·L∞) · asinh(π²/2 · β₂·L∞·R² · N^(2·R/Δf))
    path        Σ over both + 10^(−tx/10) + 10^(−add_drop/10)

``launch − gain`` is the power of a channel at the amplifier's input. A ROADM levels each channel with the noise in it,
so behind it the signal is less by the noise's share. The fibre's noise is the Gaussian-noise model's of the channel in
the middle of N equal ones, spans adding without phase (P. Poggiolini et al., J. Lightwave Technol. 32(4), 2014, DOI
10.1109/JLT.2013.2295208): P is the power behind connector and attenuator, R the symbol rate, Δf the spacing, 1/L∞ the
attenuation, Lₑ the effective length. Every channel is taken for the one in the middle, which has most of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from trassa.optical.wdm.amplifiers import Amplifier
from trassa.optical.wdm.equipment import Comb, Equipment

__all__ = ["amplifier_noise", "amplifier_osnr_db", "arriving_db", "fibre_noise", "path_osnr_db"]

FloatArray = npt.NDArray[np.float64]

_PLANCK_J_PER_HZ = 6.62607015e-34
_LIGHT_M_PER_S = 299_792_458.0
_REFERENCE_HZ = 12.5e9
"""0.1 nm at 1550 nm, as OSNR is quoted."""

_KERR_M2_PER_W = 2.6e-20
"""Nonlinear index of silica."""


def amplifier_osnr_db(amplifier: Amplifier, frequency_thz: FloatArray) -> FloatArray:
    """OSNR that one amplifier alone would leave, in 0.1 nm, shape (channels,)."""
    quantum_dbm = 10.0 * np.log10(_PLANCK_J_PER_HZ * frequency_thz * 1e12 * _REFERENCE_HZ * 1000.0)
    return amplifier.launch_dbm - amplifier.gain_db - amplifier.noise_figure_db - quantum_dbm


def amplifier_noise(amplifiers: Sequence[Amplifier], comb: Comb) -> FloatArray:
    """Noise over signal of some amplifiers in a row, in 0.1 nm, shape (channels,)."""
    each = [10.0 ** (-amplifier_osnr_db(amplifier, comb.frequency_thz) / 10.0) for amplifier in amplifiers]
    return np.asarray(np.sum(each, axis=0))


def fibre_noise(power_dbm: float, fibre_m: float, attenuation_db_per_km: float, library: Equipment) -> float:
    """Nonlinear noise over signal that one span adds, in 0.1 nm.

    ``power_dbm`` is that of a channel in the fibre's first metre; ``library.comb`` says which channels are lit.
    """
    comb, glass = library.comb, library.glass
    rate_hz, spacing_hz = comb.baud_gbd * 1e9, comb.spacing_thz * 1e12
    wavelength_m = _LIGHT_M_PER_S * 2.0 / (comb.first_thz + comb.last_thz) / 1e12
    gamma = 2.0 * math.pi * _KERR_M2_PER_W / wavelength_m / glass.effective_area_m2
    bend = glass.dispersion_s_per_m2 * wavelength_m**2 / (2.0 * math.pi * _LIGHT_M_PER_S)
    endless_m = 10.0 * math.log10(math.e) * 1000.0 / attenuation_db_per_km
    effective_m = -endless_m * math.expm1(-fibre_m / endless_m)
    density = gamma * effective_m * 10.0 ** ((power_dbm - 30.0) / 10.0) / rate_hz
    width = rate_hz**2 * comb.channels ** (2.0 * rate_hz / spacing_hz)
    spread = math.asinh(math.pi**2 / 2.0 * bend * endless_m * width) / (math.pi * bend * endless_m)
    return float(8.0 / 27.0 * density**2 * spread * _REFERENCE_HZ / rate_hz)


def arriving_db(sections: Iterable[FloatArray], library: Equipment) -> FloatArray:
    """Signal over noise from transmitter to receiver in 0.1 nm, shape (channels,), by the noise of each section."""
    noise = np.zeros(library.comb.channels)
    for section in sections:
        noise += section * (1.0 + noise * library.comb.baud_gbd * 1e9 / _REFERENCE_HZ)
    ends = 10.0 ** (-library.comb.tx_osnr_db / 10.0) + 10.0 ** (-library.add_drop_osnr_db / 10.0)
    return np.asarray(-10.0 * np.log10(noise + ends))


def path_osnr_db(sections: Iterable[Sequence[Amplifier]], library: Equipment) -> FloatArray:
    """OSNR over these sections, amplifiers alone, in 0.1 nm, shape (channels,)."""
    return arriving_db([amplifier_noise(section, library.comb) for section in sections], library)
