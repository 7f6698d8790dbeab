"""Radiating cables: longitudinal loss and coupling loss by frequency (the quantities of IEC 61196-4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from trassa.errors import InputError
from trassa.radio.tunnel_settings import TunnelSettings

__all__ = ["TYPICAL_SOURCE", "CableLoss", "cable_loss"]

TYPICAL_SOURCE = "assumed: cautious values of the class, no data sheet; radio.tunnel.data_sheet takes the place"


@dataclass(frozen=True)
class CableLoss:
    """A radiating cable at one frequency."""

    longitudinal_db_per_100m: float
    coupling_db: float
    """Coupling loss at 2 m to a half-wave dipole that 95 % of the places along the cable keep."""


def cable_loss(settings: TunnelSettings, frequency_mhz: float) -> CableLoss:
    """The cable at a frequency in MHz.

    Between two rows the longitudinal loss follows a power of the frequency (a straight line of lg loss over lg f: skin
    effect alone would be √f), the coupling loss a straight line in dB over lg f. InputError outside the table.
    """
    rows = settings.rows
    low, high = rows[0][0], rows[-1][0]
    if not low <= frequency_mhz <= high:
        sheet = "its data sheet" if settings.data_sheet else f"the typical {settings.cable} inch cable"
        bound = low if frequency_mhz < low else high
        told = f"tunnel: {frequency_mhz:g} MHz lies outside {sheet}, which ends at {bound:g} MHz"
        raise InputError(told, cure="a cable of another size, or radio.tunnel.data_sheet with rows around it")
    for (f0, loss0, coupling0), (f1, loss1, coupling1) in pairwise(rows):
        if frequency_mhz <= f1:
            share = math.log(frequency_mhz / f0) / math.log(f1 / f0)
            return CableLoss(loss0 * (loss1 / loss0) ** share, coupling0 + share * (coupling1 - coupling0))
    raise AssertionError("rows ascend")
