"""Which bit rate a path carries: the modes of a coherent transceiver, and what each needs of the line.

The thresholds are those of the OpenROADM MSA 5.0, in 0.1 nm: a mode closes where the weakest channel's GSNR is at
least the threshold, the penalty of dispersion and the system margin. The 200 Gbit/s 16QAM entry of GNPy's copy of
the table bears 100 Gbit/s by mistake; here it is what its name says.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from trassa.optical.wdm.equipment import Comb

__all__ = ["MODES", "Channels", "Mode", "ModeFit", "best_mode", "fit_of"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Channels:
    """What arrives, each of shape (channels,). GSNR and OSNR in 0.1 nm, transmitter and add/drop included."""

    frequency_thz: FloatArray
    gsnr_db: FloatArray
    osnr_db: FloatArray
    dispersion_ps_per_nm: FloatArray
    pmd_ps: FloatArray
    latency_us: FloatArray

    @property
    def least(self) -> int:
        """Index of the channel with the least GSNR."""
        return int(np.argmin(self.gsnr_db))

    def over_longer_fibre(self, ratio: float) -> Channels:
        """The same signal with what grows with the length of fibre that much more."""
        return replace(
            self,
            dispersion_ps_per_nm=self.dispersion_ps_per_nm * ratio,
            pmd_ps=self.pmd_ps * math.sqrt(ratio),
            latency_us=self.latency_us * ratio,
        )


@dataclass(frozen=True)
class Mode:
    """One mode. Both ``…_knee`` values bear no penalty, both limits bear 0.5 dB; beyond a limit nothing closes."""

    name: str
    rate_gbps: int
    baud_gbd: float
    spacing_ghz: float
    osnr_db: float
    tx_osnr_db: float
    dispersion_limit_ps_per_nm: float
    pmd_limit_ps: float
    dispersion_knee_ps_per_nm: float = 4000.0
    pmd_knee_ps: float = 10.0

    def comb(self, band: Comb) -> Comb:
        """This mode's channels side by side in a band."""
        return replace(band, spacing_thz=self.spacing_ghz / 1000.0, baud_gbd=self.baud_gbd, tx_osnr_db=self.tx_osnr_db)


def _listed() -> tuple[Mode, ...]:
    rows = csv.DictReader(files(__package__).joinpath("modes.csv").read_text("utf-8").splitlines())
    return tuple(
        Mode(row.pop("name"), int(row.pop("rate_gbps")), **{name: float(value) for name, value in row.items()})
        for row in rows
    )


MODES: tuple[Mode, ...] = _listed()
"""OpenROADM MSA 5.0, W interfaces, the older 28-GBd one first; the table is ``modes.csv``."""


@dataclass(frozen=True)
class ModeFit:
    """A mode on a path: margin of its weakest channel beyond threshold, penalties and system margin, dB."""

    mode: Mode
    margin_db: float

    @property
    def closes(self) -> bool:
        """Whether every channel closes."""
        return self.margin_db >= 0.0


def fit_of(mode: Mode, channels: Channels, system_margin_db: float) -> ModeFit:
    """How a mode fares with what arrives of its own comb; minus infinity beyond a limit of dispersion."""
    penalty_db = _penalty_db(
        np.abs(channels.dispersion_ps_per_nm), mode.dispersion_knee_ps_per_nm, mode.dispersion_limit_ps_per_nm
    ) + _penalty_db(channels.pmd_ps, mode.pmd_knee_ps, mode.pmd_limit_ps)
    margin_db = channels.gsnr_db - penalty_db - mode.osnr_db - system_margin_db
    return ModeFit(mode, float(margin_db.min()))


def _penalty_db(value: FloatArray, knee: float, limit: float) -> FloatArray:
    return np.where(value > limit, np.inf, np.clip((value - knee) / (limit - knee), 0.0, 1.0) * 0.5)


def best_mode(
    received: Callable[[Mode], Channels], system_margin_db: float, most_db: float = math.inf
) -> ModeFit | None:
    """The fastest mode that closes, among equally fast ones the one that needs least; None where none does.

    ``received`` gives what arrives of a mode's own comb; it is asked in that order, no longer than necessary, and never
    about a mode that needs more than ``most_db``, which no comb can exceed.
    """
    able = [mode for mode in MODES if mode.osnr_db + system_margin_db <= most_db]
    for mode in sorted(able, key=lambda mode: (-mode.rate_gbps, mode.osnr_db)):
        fit = fit_of(mode, received(mode), system_margin_db)
        if fit.closes:
            return fit
    return None
