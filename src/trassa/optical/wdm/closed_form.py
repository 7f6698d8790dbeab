"""What arrives of a comb by the closed forms alone: for a line that GNPy is not asked about, and for the cut sweep.

It answers as :class:`~trassa.optical.wdm.transmission.Propagator` does. Over random lines, both on the library's comb
and on those of the modes, its weakest channel is never above GNPy's by more than :data:`CLOSED_FORM_DB`; judged by it,
a way has so much less.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trassa.optical.wdm.equipment import Comb
from trassa.optical.wdm.modes import Channels
from trassa.optical.wdm.osnr import arriving_db, path_osnr_db
from trassa.optical.wdm.wavelengths import Lightpath, WavelengthLine

__all__ = ["CLOSED_FORM_DB", "ClosedForm", "closed_osnr_db"]

CLOSED_FORM_DB = 0.1
"""What a GSNR by closed form is lowered by before it is judged."""


class ClosedForm:
    """The closed forms of one line; each path is computed once per comb."""

    def __init__(self, line: WavelengthLine) -> None:
        self._line = line
        self._known: dict[tuple[Lightpath, Comb], Channels] = {}

    def along(self, path: Lightpath, comb: Comb) -> Channels:
        """What arrives of a full comb at the end of a path."""
        if (path, comb) not in self._known:
            self._known[path, comb] = self._arriving(path, comb)
        return self._known[path, comb]

    def _arriving(self, path: Lightpath, comb: Comb) -> Channels:
        line, rules = self._line, self._line.rules
        library = replace(line.library, comb=comb)
        gsnr_db = arriving_db([line.noise(section, comb) for section in path.sections], library)
        osnr_db = path_osnr_db([line.amplifiers[section] for section in path.sections], library)
        fibre_m = sum(section.fibre_m for section in path.sections) * rules.helix_ratio / rules.helix_ratio_low
        each = np.ones(comb.channels)
        return Channels(
            comb.frequency_thz,
            gsnr_db,
            osnr_db,
            each * library.glass.dispersion_s_per_m2 * 1e3 * fibre_m,
            each * library.glass.pmd_s_per_sqrt_m * 1e12 * np.sqrt(fibre_m),
            each * rules.latency_us_per_km * fibre_m / 1000.0,
        )


def closed_osnr_db(line: WavelengthLine, path: Lightpath) -> npt.NDArray[np.float64]:
    """OSNR on a path in closed form, of every channel of the library's comb."""
    return path_osnr_db([line.amplifiers[section] for section in path.sections], line.library)
