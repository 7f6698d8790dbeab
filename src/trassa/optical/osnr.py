"""The noise of the amplifiers in closed form, per channel: what the design is worth before any simulation.

::

    1/OSNR = Σ 10^−((launch − gain − NF − quantum)/10) + 10^(−tx/10) + 10^(−add_drop/10)     in 0.1 nm
    quantum = 10·lg(h · f · 12.5 GHz / 1 mW)        −57.96 dBm at 193.2 THz

``launch − gain`` is the power of a channel at the amplifier's input. A ROADM levels each channel with the noise in it,
so behind it the signal is less by the noise's share. What the fibre's nonlinearity adds is GNPy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from trassa.optical.amplifiers import Amplifier
from trassa.optical.equipment import Equipment

__all__ = ["amplifier_osnr_db", "path_osnr_db"]

FloatArray = npt.NDArray[np.float64]

_PLANCK_J_PER_HZ = 6.62607015e-34
_REFERENCE_HZ = 12.5e9
"""0.1 nm at 1550 nm, as OSNR is quoted."""


def amplifier_osnr_db(amplifier: Amplifier, frequency_thz: FloatArray) -> FloatArray:
    """OSNR that one amplifier alone would leave, in 0.1 nm, shape (channels,)."""
    quantum_dbm = 10.0 * np.log10(_PLANCK_J_PER_HZ * frequency_thz * 1e12 * _REFERENCE_HZ * 1000.0)
    return amplifier.launch_dbm - amplifier.gain_db - amplifier.noise_figure_db - quantum_dbm


def path_osnr_db(sections: Iterable[Sequence[Amplifier]], library: Equipment) -> FloatArray:
    """OSNR from transmitter to receiver over these sections, in 0.1 nm, shape (channels,)."""
    frequency_thz = library.comb.frequency_thz
    noise = np.zeros(frequency_thz.shape)
    for section in sections:
        whole = 1.0 + noise * library.comb.baud_gbd * 1e9 / _REFERENCE_HZ
        for amplifier in section:
            noise += whole * 10.0 ** (-amplifier_osnr_db(amplifier, frequency_thz) / 10.0)
    ends = 10.0 ** (-library.comb.tx_osnr_db / 10.0) + 10.0 ** (-library.add_drop_osnr_db / 10.0)
    return np.asarray(-10.0 * np.log10(noise + ends))
