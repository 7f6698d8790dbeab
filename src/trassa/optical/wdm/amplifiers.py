"""The amplifiers of a section of line, from ROADM to ROADM: which type, what gain, what power into the fibre.

::

    launch power    reference + slope · (span loss − 20 dB), in whole steps, within its range; 0 dB into a ROADM
    gain            loss before + launch power − power launched before
    type            the least noisy of those whose gain range and output power suffice

About a third of a decibel per decibel of loss balances noise, which grows with the loss, against the fibre's
nonlinearity, which grows with the cube of the power (Poggiolini et al., DOI 10.1109/JLT.2013.2295208). A span that
loses less than the padding gets an attenuator at its start, so that no amplifier runs below its gain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.optical.wdm.equipment import AmplifierType, Equipment

__all__ = ["Amplifier", "designed_section"]

_BELOW_GAIN_DB = 3.0
"""How far below its least gain an amplifier may still be chosen; its input is padded."""

_ALIKE_DB = 0.3
"""Where none gives the power, those are compared that come this near to the strongest."""


@dataclass(frozen=True)
class Amplifier:
    """One amplifier as set: ``launch_dbm`` is the power of each channel behind it, before the connector."""

    type_name: str
    gain_db: float
    noise_figure_db: float
    launch_dbm: float


def designed_section(losses_db: Sequence[float], names: Sequence[str], library: Equipment) -> list[Amplifier]:
    """Booster, line amplifiers and preamplifier of one direction; one more than spans.

    ``losses_db`` are the spans' in the order of the light, end of life; ``names`` (one per amplifier) say where each
    stands. Raises :class:`InputError` where no amplifier has the gain: none is driven beyond its flat gain in silence.
    """
    padded_db = [max(loss_db, library.padding_db) for loss_db in losses_db]
    before_db = [0.0, *padded_db]
    launch = [library.power_dbm + _delta_db(loss_db, library) for loss_db in padded_db] + [library.power_dbm]
    came_dbm = library.roadm_output_dbm
    section: list[Amplifier] = []
    for loss_db, launch_dbm, name in zip(before_db, launch, names, strict=True):
        gain_db = loss_db + launch_dbm - came_dbm
        most_db = max(kind.flat_gain_db for kind in library.amplifiers) + library.extended_gain_db
        if gain_db > most_db:
            raise InputError(
                f"optical: the amplifier at {name} needs {gain_db:.1f} dB of gain, more than any in the library has "
                f"({most_db:g} dB)",
                cure="a hut in between",
            )
        chosen, short_db = _chosen(gain_db, launch_dbm, library)
        came_dbm = launch_dbm - short_db
        gain_db -= short_db
        section.append(Amplifier(chosen.name, gain_db, chosen.noise_figure_db(gain_db), came_dbm))
    return section


def _delta_db(loss_db: float, library: Equipment) -> float:
    """What the power into a span of that loss differs from the reference by."""
    least_db, greatest_db, step_db = library.delta_power_db
    wanted_db = round((loss_db - library.reference_loss_db) * library.power_slope / step_db) * step_db
    return min(max(wanted_db, least_db), greatest_db)


def _chosen(gain_db: float, launch_dbm: float, library: Equipment) -> tuple[AmplifierType, float]:
    """The least noisy amplifier that can, and by how much the power falls short where none can, dB."""
    total_dbm = launch_dbm + 10.0 * math.log10(library.comb.channels)

    def spare_db(kind: AmplifierType) -> float:
        reach_dbm = total_dbm - gain_db + kind.flat_gain_db + library.extended_gain_db
        return min(reach_dbm, kind.total_output_dbm) - total_dbm

    low_enough = [kind for kind in library.amplifiers if gain_db + _BELOW_GAIN_DB > kind.least_gain_db]
    kinds = low_enough or list(library.amplifiers)
    able = [kind for kind in kinds if spare_db(kind) > 0.0]
    if not able:
        most_db = max(spare_db(kind) for kind in kinds)
        able = [kind for kind in kinds if spare_db(kind) - most_db > -_ALIKE_DB]
    best = min(able, key=lambda kind: kind.noise_figure_db(gain_db))
    return best, max(-spare_db(best), 0.0)
