"""What can be hung on a mast: every combination of height, sectors, tilt and power that the settings allow."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from trassa.radio.settings import RadioSettings

__all__ = ["Options", "options_of"]

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Options:
    """The combinations on offer at every place, arrays of shape (options,).

    ``mast`` numbers the mast heights on offer; ``ahead`` and ``back`` say which sectors the option has (neither: one
    antenna without direction); ``tilt_deg`` is downward, ``back_off_db`` below the largest power.
    """

    mast: npt.NDArray[np.int64]
    ahead: BoolArray
    back: BoolArray
    tilt_deg: npt.NDArray[np.float64]
    back_off_db: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.mast)

    @property
    def sectors(self) -> npt.NDArray[np.int64]:
        """Number of sector antennas."""
        return self.ahead.astype(np.int64) + self.back

    @property
    def directed(self) -> bool:
        """Whether there are sectors at all."""
        return bool(self.sectors.any())

    def names(self) -> list[str]:
        """``both``, ``ahead``, ``back`` or ``omni``."""
        by_kind = {(True, True): "both", (True, False): "ahead", (False, True): "back", (False, False): "omni"}
        return [by_kind[bool(ahead), bool(back)] for ahead, back in zip(self.ahead, self.back, strict=True)]


def options_of(settings: RadioSettings) -> Options:
    """Mast by mast, all combinations; without sectors neither tilt nor sector set makes a difference."""
    masts, antenna = range(max(1, len(settings.new_mast_heights_m))), settings.antenna
    if antenna.kind == "omni":
        combined = [(mast, "omni", 0.0, back_off) for mast, back_off in product(masts, antenna.back_offs_db)]
    else:
        combined = list(product(masts, antenna.sectors, antenna.tilts_deg, antenna.back_offs_db))
    return Options(
        np.array([one[0] for one in combined], dtype=np.int64),
        np.array([one[1] in ("both", "ahead") for one in combined], dtype=bool),
        np.array([one[1] in ("both", "back") for one in combined], dtype=bool),
        np.array([one[2] for one in combined], dtype=np.float64),
        np.array([one[3] for one in combined], dtype=np.float64),
    )
